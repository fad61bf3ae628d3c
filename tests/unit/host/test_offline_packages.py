"""The engine's packages as files: got for a machine that has nothing, installed without a network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from orchestrator.errors import EngineMissing, WorldError
from orchestrator.host.install import Apt, Ran
from orchestrator.host.offline_packages import distribution, download_packages, install_packages, missing_packages


class Recorded:
    """A program that prints these lines and ends with this code; `calls` has what was asked of it."""

    def __init__(self, *lines: str, code: int = 0) -> None:
        self.lines, self.code = lines, code
        self.calls: list[tuple[str, ...]] = []

    def __call__(self, argv: Sequence[str], _environ: Mapping[str, str], on_line: Callable[[str], None]) -> Ran:
        self.calls.append(tuple(argv))
        for line in self.lines:
            on_line(line)
        return Ran(self.code, self.lines)


def test_packages_are_got_as_for_a_machine_that_has_nothing(tmp_path: Path) -> None:
    apt, said = Recorded("Reading package lists...", "Get:1 http://deb.test docker.io"), list[str]()
    download_packages(tmp_path, said.append, apt)
    assert said == ["  Get:1 http://deb.test docker.io"]
    assert f"--option=Dir::State::status={tmp_path}/partial/status" in apt.calls[0]
    assert {"--download-only", "docker.io", "iptables", "ca-certificates"} < set(apt.calls[0])


def test_what_apt_cannot_get_is_told(tmp_path: Path) -> None:
    with pytest.raises(WorldError) as caught:
        download_packages(tmp_path, print, Recorded("Err:1 http://deb.test", "E: Unable to fetch", code=100))
    assert caught.value.why == "Err:1 http://deb.test; E: Unable to fetch"


def test_a_package_that_is_installed_is_not_missing() -> None:
    """One that was removed and left its configuration (`rc`) is."""
    dpkg = Recorded("ii |libc6", "rc |docker.io")
    names = ("packages/libc6_2.36_amd64.deb", "packages/docker.io_20.10_amd64.deb", "packages/runc_1.1_amd64.deb")
    assert missing_packages(names, dpkg) == names[1:]


def test_files_are_installed_without_a_network(tmp_path: Path) -> None:
    (tmp_path / "usr/sbin").mkdir(parents=True)
    program = Recorded()
    install_packages([tmp_path / "a.deb"], print, Apt(program, tmp_path), is_root=True)
    assert "--option=Dir::Etc::sourcelist=/dev/null" in program.calls[0]
    assert "--option=Dir::Etc::sourceparts=/dev/null" in program.calls[0]
    assert program.calls[0][-1] == str(tmp_path / "a.deb")
    assert "update" not in program.calls[0]
    assert not (tmp_path / "usr/sbin/policy-rc.d").exists()


def test_files_that_apt_refuses_are_an_error_with_its_lines(tmp_path: Path) -> None:
    (tmp_path / "usr/sbin").mkdir(parents=True)
    refusing = Recorded("E: Unmet dependencies", code=100)
    with pytest.raises(EngineMissing) as caught:
        install_packages([tmp_path / "a.deb"], print, Apt(refusing, tmp_path), is_root=True)
    assert caught.value.why == "E: Unmet dependencies"


def test_a_distribution_is_its_name_and_version(tmp_path: Path) -> None:
    (tmp_path / "os-release").write_text('PRETTY_NAME="Debian"\nID=debian\nVERSION_ID="12"\n')
    assert distribution(tmp_path / "os-release") == "debian 12"
    assert distribution(tmp_path / "none") == ""
