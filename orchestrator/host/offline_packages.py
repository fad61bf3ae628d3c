"""The distribution's packages of Docker Engine as files: downloaded with a network, installed without one."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

from orchestrator.errors import EngineMissing, WorldError
from orchestrator.host.install import PACKAGES, Apt, Notify, Run, is_debian, run_program

OS_RELEASE = Path("/etc/os-release")


def machine() -> str:
    """The processor, as uname(1) names it."""
    return platform.machine()


def python_version() -> str:
    """Such as `3.11`: wheels with compiled code are for one of these."""
    return "{}.{}".format(*sys.version_info[:2])


def distribution(os_release: Path = OS_RELEASE) -> str:
    """Such as `debian 12`, from os-release(5); empty where it tells nothing."""
    if not os_release.is_file():
        return ""
    lines = os_release.read_text("utf-8", errors="replace").splitlines()
    values = dict(line.split("=", 1) for line in lines if "=" in line)
    return f"{values.get('ID', '')} {values.get('VERSION_ID', '')}".replace('"', "").strip()


def has_packages(os_release: Path = OS_RELEASE) -> bool:
    """Whether this distribution has packages that wirelab can install."""
    return os_release.is_file() and is_debian(os_release.read_text("utf-8", errors="replace"))


def download_packages(folder: Path, notify: Notify, run: Run = run_program) -> None:
    """Get the engine's packages and all that they need, as for a machine that has nothing installed.

    Raises WorldError with apt's last lines.
    """
    (folder / "partial").mkdir()
    nothing_installed = folder / "partial" / "status"
    nothing_installed.touch()
    argv = (
        "apt-get", "--quiet", "--yes", "--no-install-recommends", "--download-only",
        f"--option=Dir::State::status={nothing_installed}", f"--option=Dir::Cache::archives={folder}",
        "--option=Debug::NoLocking=1", "--option=APT::Sandbox::User=", "install", *PACKAGES,
    )  # fmt: skip
    ran = run(argv, {"LC_ALL": "C.UTF-8"}, lambda line: notify(f"  {line}") if line.startswith("Get:") else None)
    if ran.exit_code != 0:
        telling = [line for line in ran.lines if line.startswith(("E:", "Err:"))][-3:]
        why = "; ".join(telling or ran.lines[-3:]) or f"apt-get ended with exit code {ran.exit_code}"
        hint = "apt-get update, as root; or leave them out: wirelab offline make --no-engine"
        raise WorldError("the packages of the engine could not be got", why=why, hint=hint)


def missing_packages(names: Sequence[str], run: Run = run_program) -> tuple[str, ...]:
    """Those of these files (`docker.io_20.10.24_amd64.deb`) whose package is not installed here."""
    lines: list[str] = []
    run(("dpkg-query", "--show", "--showformat=${db:Status-Abbrev}|${Package}\\n"), {"LC_ALL": "C"}, lines.append)
    there = {line.partition("|")[2] for line in lines if line.startswith("ii")}
    return tuple(name for name in names if name.rpartition("/")[2].partition("_")[0] not in there)


def install_packages(
    files: Sequence[Path], notify: Notify, apt: Apt | None = None, *, is_root: bool | None = None
) -> None:
    """Install these files, and let no service start. Raises EngineMissing where this needs root or apt refuses."""
    if not (os.geteuid() == 0 if is_root is None else is_root):
        raise EngineMissing(
            "Docker Engine is not installed",
            why="the file has its packages, and to install packages needs root",
            hint="sudo wirelab offline use FILE --packages, then again as this user",
        )
    (apt or Apt()).install_files(files, notify)
