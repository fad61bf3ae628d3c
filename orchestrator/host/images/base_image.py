"""What the base image is built from: the distribution's slim image where a registry answers promptly, otherwise a root
file system that mmdebstrap makes from the package archive that this host uses."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.engine.images import LABEL, RELEASE_LABEL, BaseSource, ImageStore
from orchestrator.errors import ImageMissing
from orchestrator.host.images.files import REPOSITORY
from orchestrator.host.images.package_archive import DEBIAN_13, Archive, archive_of
from orchestrator.host.install import run_program
from orchestrator.host.private_engine.sudo import may_become_root
from orchestrator.host.state_folder import StateFolder

Notify = Callable[[str], None]
FROM_REGISTRY = f"debian:{DEBIAN_13[0]}-slim"
TOOL = "mmdebstrap"
NEEDS = (
    "needs a container registry in reach, or Debian or Ubuntu with the package mmdebstrap, "
    "which root (or password-less sudo) can install"
)
NOT_WANTED = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*")
# settings of the host's apt without which it could not use its own mirror
KEPT_SETTINGS = ("Acquire::Check-Valid-Until", "Acquire::Check-Date")


@dataclass(frozen=True)
class Host:
    """What is asked of this machine."""

    state: StateFolder
    environ: Mapping[str, str]
    notify: Notify
    root: Path = Path("/")

    def original(self, store: ImageStore) -> BaseSource:
        """What the base is built from; made if need be. Raises ImageMissing."""
        if store.has(FROM_REGISTRY):
            return BaseSource(FROM_REGISTRY, DEBIAN_13[1])
        archive = self.archive()
        if archive and store.has(_tag(archive)):
            return BaseSource(_tag(archive), archive.release)
        self.notify(f"images: asking a registry for {FROM_REGISTRY}")
        if store.pull(FROM_REGISTRY):
            return BaseSource(FROM_REGISTRY, DEBIAN_13[1])
        self.notify("images: no registry answers; the base comes from the package archive")
        if archive is None:
            raise ImageMissing(
                "the base image cannot be made here",
                why="no registry answers, and this is not Debian or Ubuntu with an archive that apt can reach",
                hint=f"building the images {NEEDS}",
            )
        self._bootstrap(archive, store)
        return BaseSource(_tag(archive), archive.release)

    def archive(self) -> Archive | None:
        """The package archive that this machine uses."""
        etc = self.root / "etc"
        more = [path for path in (etc / "apt/sources.list.d").glob("*") if path.suffix in (".list", ".sources")]
        files = [etc / "apt/sources.list", *sorted(more)]
        texts = [(path.name, text) for path in files if (text := _text(path))]
        return archive_of(_text(etc / "os-release"), texts)

    def build_args(self) -> dict[str, str]:
        """The proxy that package downloads need, for the time of a build only: Docker keeps these out of the image."""
        own = {name: self.environ[name] for name in ("http_proxy", "https_proxy", "no_proxy") if name in self.environ}
        settings = {f"{kind}_proxy": apt_setting(f"Acquire::{kind}::Proxy") for kind in ("http", "https")}
        proxies = {name: value for name, value in settings.items() if value and value != "DIRECT"}
        return {**own, **proxies}

    def _bootstrap(self, archive: Archive, store: ImageStore) -> None:
        prefix = self._tool()
        environ = {**self.environ, **self.build_args(), "LC_ALL": "C.UTF-8"}
        folder = self.state.private(self.state.root)
        with tempfile.TemporaryFile(dir=folder) as tar:
            self.notify(f"images: bootstrapping {archive.release}")
            argv = (*prefix, *bootstrap_argv(archive, _settings()))
            with subprocess.Popen(
                argv, stdin=subprocess.PIPE, stdout=tar, stderr=subprocess.PIPE, env=environ, text=True
            ) as running:
                last = self._follow(running, archive)
            if running.returncode != 0:
                raise _failed(last)
            tar.seek(0)
            labels = {LABEL: "bootstrap", RELEASE_LABEL: archive.release}
            store.take_tar(tar, _tag(archive), labels)

    def _follow(self, running: subprocess.Popen[str], archive: Archive) -> Sequence[str]:
        """Hand over the sources, pass on the progress; the last lines. The child does not outlive an interrupt."""
        last: deque[str] = deque(maxlen=40)
        try:
            if running.stdin:
                running.stdin.write("\n".join(archive.lines()) + "\n")
                running.stdin.close()
            for line in running.stderr or ():
                last.append(line.strip())
                if line.startswith("I: ") and line.rstrip().endswith("..."):
                    self.notify(f"images: bootstrap: {line[3:].strip().rstrip('.')}")
        except BaseException:
            running.terminate()
            raise
        return last

    def _tool(self) -> tuple[str, ...]:
        """Install mmdebstrap where it is missing; the words to put before it."""
        root = os.geteuid() == 0
        prefix = () if root or not may_become_root() else ("sudo", "-n", "--preserve-env=http_proxy,https_proxy")
        if shutil.which(TOOL, path=self.environ.get("PATH")):
            return prefix
        if not (root or prefix):
            raise ImageMissing(
                f"{TOOL} is not installed", why=f"building the images {NEEDS}", hint=f"apt install {TOOL}"
            )
        self.notify(f"images: installing {TOOL}, which makes the base")
        install = (*prefix, "apt-get", "install", "--quiet", "--yes", "--no-install-recommends", TOOL)
        quiet = {"DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_SUSPEND": "1"}
        if run_program(install, quiet, _silently).exit_code != 0:
            run_program((*prefix, "apt-get", "update", "--quiet"), quiet, _silently)
            ran = run_program(install, quiet, _silently)
            if ran.exit_code != 0:
                why = "; ".join(ran.lines[-3:])
                raise ImageMissing(f"{TOOL} could not be installed", why=why, hint=f"apt-get install {TOOL}")
        return prefix


def bootstrap_argv(archive: Archive, settings: Sequence[str] = ()) -> tuple[str, ...]:
    """The command that writes a root file system as a tar file to standard output; sources come on standard input.

    Documentation, manual pages and translations are left out, now and for what is installed later.
    """
    include = ("--include=ca-certificates",) if archive.encrypted else ()
    left_out = tuple(f"--dpkgopt=path-exclude={pattern}" for pattern in NOT_WANTED)
    return (
        TOOL, "--variant=minbase", "--format=tar", *include, *left_out,
        "--dpkgopt=path-include=/usr/share/doc/*/copyright", '--aptopt=Acquire::Languages "none"',
        *(f"--aptopt={setting}" for setting in settings),
        archive.suite, "-", "-",
    )  # fmt: skip


def apt_setting(name: str) -> str:
    """One setting of the host's apt; empty if it is not set, or there is no apt."""
    try:
        done = subprocess.run(
            ("apt-config", "shell", "value", name), capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip().removeprefix("value=").strip("'")


def _settings() -> tuple[str, ...]:
    return tuple(f'{name} "{value}"' for name in KEPT_SETTINGS if (value := apt_setting(name)))


def _tag(archive: Archive) -> str:
    return f"{REPOSITORY}/bootstrap:{archive.suite}"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _silently(_line: str) -> None:
    """Nobody needs to see this."""


def _failed(last: Sequence[str]) -> ImageMissing:
    errors = [line for line in last if line.startswith("E: ") or "NO_PUBKEY" in line]
    unknown_key = any("NO_PUBKEY" in line or "not signed" in line for line in last)
    keys = "bring this host's keys up to date: apt-get install --only-upgrade debian-archive-keyring"
    reach = "see whether this machine reaches its package archive (apt-get update), then: wirelab images build"
    return ImageMissing(
        "the base image could not be bootstrapped",
        why="; ".join((errors or list(last))[-3:]),
        hint=keys if unknown_key else reach,
    )
