"""Install wirelab from an offline file on a machine without a network. Needs Python alone.

    tar -xf FILE install.py
    python3 install.py FILE [FOLDER]

FOLDER is a virtual environment that is made (`wirelab` where none is named). This file is in each offline file.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

MANIFEST, CHECKSUM, WHEELS = "manifest.json", "manifest.sha256", "wheels/"


class Refused(Exception):
    """What is wrong, why, and what to try."""


def require_target(manifest: dict[str, Any]) -> None:
    """Raise Refused where the wheels are for another machine or another Python."""
    target = manifest["target"]
    here = {"machine": platform.machine(), "python": "{}.{}".format(*sys.version_info[:2])}
    for key, value in here.items():
        if target[key] != value:
            word = "Python" if key == "python" else "processor"
            raise Refused(
                f"the file is for another {word}",
                f"it was made for {target[key]}, and this is {value}",
                f"python{target[key]} install.py FILE" if key == "python" else "make the file on a machine like this",
            )


def read(tar: tarfile.TarFile, name: str) -> bytes:
    """The content of a regular member."""
    entry = tar.getmember(name)
    stream = tar.extractfile(entry) if entry.isreg() else None
    if stream is None:
        raise ValueError(f"{name} is no regular file")
    return stream.read()


def write_wheels(tar: tarfile.TarFile, manifest: dict[str, Any], folder: str) -> None:
    """Write the wheels that the manifest names into a folder, if each is as the manifest says."""
    for member in manifest["members"]:
        name = member["name"]
        if not name.startswith(WHEELS):
            continue
        content = read(tar, name)
        if hashlib.sha256(content).hexdigest() != member["sha256"]:
            raise ValueError(f"{name} has changed since the file was made")
        (Path(folder) / Path(name).name).write_bytes(content)


def install(file: Path, environment: Path) -> None:
    """Make the virtual environment and install the wheels in it; a second run goes on where the first one ended."""
    with tarfile.open(file, "r:") as tar, tempfile.TemporaryDirectory() as folder:
        text = read(tar, MANIFEST)
        if hashlib.sha256(text).hexdigest().encode() != read(tar, CHECKSUM):
            raise ValueError(f"{MANIFEST} has changed since the file was made")
        manifest = json.loads(text)
        require_target(manifest)
        write_wheels(tar, manifest, folder)
        # Debian keeps ensurepip in a package of its own; pip is among the wheels instead.
        subprocess.run((sys.executable, "-m", "venv", "--without-pip", environment), check=True)
        pip = next(Path(folder).glob("pip-*.whl"))
        argv = (
            Path(environment, "bin", "python"), pip / "pip", "install", "--quiet", "--no-index", "--no-cache-dir",
            "--disable-pip-version-check", "--find-links", folder, "wirelab=={}".format(manifest["wirelab"]),
        )  # fmt: skip
        own = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
        subprocess.run(argv, check=True, env={**own, "PIP_CONFIG_FILE": os.devnull})


def main(arguments: list[str]) -> int:
    """Install, and say what to type next; the exit code."""
    if len(arguments) not in (1, 2):
        print("usage: python3 install.py FILE [FOLDER]", file=sys.stderr)
        return 2
    file, environment = Path(arguments[0]), Path(arguments[1] if len(arguments) == 2 else "wirelab")
    lines: tuple[str, ...] = ()
    try:
        install(file, environment)
    except Refused as error:
        lines = error.args
    except (OSError, ValueError, KeyError, tarfile.TarError, StopIteration) as error:
        lines = (f"{file} cannot be used", str(error), "copy the file again")
    except subprocess.CalledProcessError as error:
        command = Path(str(error.cmd[0])).name
        why = f"{command} ended with exit code {error.returncode}; its message is above"
        lines = (f"wirelab could not be installed in {environment}", why, "name another FOLDER")
    if lines:
        for word, line in zip(("error: ", "why:   ", "try:   "), lines, strict=False):
            print(word + line, file=sys.stderr)
        return 2
    print(f"wirelab is installed in {environment}; next: {environment}/bin/wirelab offline use {file}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
