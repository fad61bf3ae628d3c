"""The wheels of wirelab, of what it needs, and of pip, for this Python and this processor."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections import deque
from importlib.metadata import distributions
from pathlib import Path

from orchestrator.errors import UsageInvalid, WorldError
from orchestrator.host.bundled_files import bundled_files

SOURCES = ("pyproject.toml", "README.md", "orchestrator", "images", "scenarios", "setup")


def save_wheels(folder: Path) -> None:
    """Build wirelab's wheel from this checkout, and get the others in the versions that run here, by pip.

    Raises UsageInvalid where wirelab was not installed from a checkout, WorldError with pip's last lines.
    """
    checkout = bundled_files("images").parent
    if not (checkout / "pyproject.toml").is_file():
        why, hint = "only a checkout can build its wheel", "run wirelab from a checkout: make scenario NAME=basic"
        raise UsageInvalid("this wirelab cannot be put into a file", why=why, hint=hint)
    source = folder / "source"
    copy_sources(checkout, source)
    versions = folder / "versions.txt"
    versions.write_text("".join(_installed_versions()), "utf-8")
    argv = (
        sys.executable, "-m", "pip", "wheel", "--disable-pip-version-check", "--no-input", "--progress-bar", "off",
        "--quiet", "--only-binary", ":all:", "--wheel-dir", folder, "--constraint", versions, source, "pip",
    )  # fmt: skip
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False)
    versions.unlink()
    shutil.rmtree(source)
    if done.returncode != 0:
        last = deque((line.strip() for line in done.stderr.splitlines() if line.strip()), maxlen=3)
        why = "; ".join(last) or f"pip ended with exit code {done.returncode}"
        raise WorldError("pip could not get the wheels", why=why, hint="see whether a package index is in reach")


def copy_sources(checkout: Path, folder: Path) -> None:
    """Copy what the wheel is built from. In the checkout itself, `build/` may hold modules that are no longer there."""
    folder.mkdir()
    for name in SOURCES:
        if (checkout / name).is_dir():
            shutil.copytree(checkout / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(checkout / name, folder / name)


def _installed_versions() -> list[str]:
    """A constraint for each package that is installed here, but wirelab and what builds and installs packages."""
    apart = ("wirelab", "pip", "setuptools", "wheel")
    names = {package.metadata["Name"]: package.version for package in distributions()}
    return sorted(f"{name}=={version}\n" for name, version in names.items() if name and name.lower() not in apart)
