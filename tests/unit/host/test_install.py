"""Installing the engine's package, with a runner that records what would be run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from orchestrator.errors import EngineMissing
from orchestrator.host.install import Apt, Ran, is_debian, run_program
from orchestrator.host.private_engine.start import missing_capabilities

POLICY = "usr/sbin/policy-rc.d"


class Recorder:
    """Answers calls in order and notes what was asked, and what the policy said at that moment."""

    def __init__(self, root: Path, *answers: Ran) -> None:
        self.root = root
        self.answers = list(answers)
        self.calls: list[tuple[str, ...]] = []
        self.environs: list[Mapping[str, str]] = []
        self.policies: list[str] = []

    def __call__(self, argv: Sequence[str], environ: Mapping[str, str], on_line: Callable[[str], None]) -> Ran:
        self.calls.append(tuple(argv))
        self.environs.append(environ)
        policy = self.root / POLICY
        self.policies.append(policy.read_text() if policy.exists() else "")
        ran = self.answers.pop(0) if self.answers else Ran(0, ())
        for line in ran.lines:
            on_line(line)
        return ran


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "usr/sbin").mkdir(parents=True)
    return tmp_path


def ignore(_text: str) -> None:
    return None


def test_lists_are_updated_then_the_package_is_installed_and_nobody_is_asked(root: Path) -> None:
    """Two calls of apt-get, without recommended packages, without upgrades, without questions."""
    recorder = Recorder(root)
    Apt(recorder, root).install(ignore)
    update, install = recorder.calls
    assert update[0] == install[0] == "apt-get"
    assert update[-1] == "update"
    assert {"install", "--yes", "--no-upgrade", "--no-install-recommends", "docker.io"} <= set(install)
    assert all(environ["DEBIAN_FRONTEND"] == "noninteractive" for environ in recorder.environs)


def test_no_service_may_start_meanwhile(root: Path) -> None:
    """policy-rc.d says 101 during both calls, and is gone afterwards."""
    recorder = Recorder(root)
    Apt(recorder, root).install(ignore)
    assert all("exit 101" in policy for policy in recorder.policies)
    assert list((root / "usr/sbin").iterdir()) == []


def test_a_policy_that_was_there_is_put_back_exactly(root: Path) -> None:
    """Content and mode, also after a failure."""
    policy = root / POLICY
    policy.write_text("#!/bin/sh\nexit 0\n")
    policy.chmod(0o750)
    with pytest.raises(EngineMissing):
        Apt(Recorder(root, Ran(0, ()), Ran(100, ("E: no",))), root).install(ignore)
    assert policy.read_text() == "#!/bin/sh\nexit 0\n"
    assert policy.stat().st_mode & 0o777 == 0o750
    assert [path.name for path in (root / "usr/sbin").iterdir()] == ["policy-rc.d"]


def test_a_policy_left_by_a_killed_run_is_not_taken_for_the_persons_own(root: Path) -> None:
    """The second run restores what was there before the first."""

    policy = root / POLICY
    policy.write_text("mine")
    kept = policy.with_name("policy-rc.d.before-wirelab")
    policy.rename(kept)
    policy.write_text(
        "#!/bin/sh\n# written by wirelab while it installs a package; nothing may start meanwhile\nexit 101\n"
    )
    Apt(Recorder(root), root).install(ignore)
    assert policy.read_text() == "mine"
    assert not kept.exists()


def test_a_failure_carries_apts_last_lines(root: Path) -> None:
    """No network: exit 3, with what apt said."""
    failed = Ran(
        100, ("Reading package lists...", "Err:1 http://archive trixie", "E: Unable to locate package docker.io")
    )
    with pytest.raises(EngineMissing) as caught:
        Apt(Recorder(root, Ran(0, ()), failed), root).install(ignore)
    assert caught.value.exit_code == 3
    assert caught.value.why == "Err:1 http://archive trixie; E: Unable to locate package docker.io"


def test_lists_that_cannot_be_updated_do_not_matter_when_the_package_can_be_had(root: Path) -> None:
    """One broken source among several must not stop us."""
    Apt(Recorder(root, Ran(100, ("E: some source is broken",)), Ran(0, ())), root).install(ignore)


def test_it_waits_while_another_program_installs_and_says_so_once(root: Path) -> None:
    """The lock of the package lists is not covered by apt's own waiting."""
    locked = Ran(100, ("E: Could not get lock /var/lib/apt/lists/lock. It is held by process 7 (apt-get)",))
    messages: list[str] = []
    recorder = Recorder(root, locked, locked)
    times = iter(range(100))
    Apt(recorder, root, clock=lambda: float(next(times)), sleep=lambda _seconds: None).install(messages.append)
    assert [call[-1] for call in recorder.calls[:3]] == ["update"] * 3
    assert messages.count("another program is installing packages; waiting for it") == 1


def test_a_lock_that_is_never_freed_ends_at_the_deadline(root: Path) -> None:
    """Five minutes by the clock that was passed in."""
    locked = Ran(100, ("E: Could not get lock /var/lib/dpkg/lock-frontend",))
    times = iter(range(0, 100_000, 200))
    with pytest.raises(EngineMissing, match="could not be installed"):
        Apt(
            Recorder(root, *[locked] * 50), root, clock=lambda: float(next(times)), sleep=lambda _seconds: None
        ).install(ignore)


def test_where_there_is_systemd_the_services_stay_off_at_the_next_boot_too(root: Path) -> None:
    """The package switches its services on; we do not need them."""
    (root / "usr/bin").mkdir()
    (root / "usr/bin/systemctl").touch()
    recorder = Recorder(root)
    Apt(recorder, root).install(ignore)
    assert recorder.calls[-1] == (
        "systemctl", "--no-reload", "disable", "docker.service", "docker.socket", "containerd.service",
    )  # fmt: skip


def test_progress_is_told_in_apts_own_words(root: Path) -> None:
    """What is fetched and set up, not the rest."""
    messages: list[str] = []
    lines = ("Reading package lists...", "Get:1 http://archive trixie/main docker.io", "Setting up docker.io (1) ...")
    Apt(Recorder(root, Ran(0, ()), Ran(0, lines)), root).install(messages.append)
    assert messages == ["  Get:1 http://archive trixie/main docker.io", "  Setting up docker.io (1) ..."]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ('ID=debian\nVERSION_ID="13"\n', True),
        ("ID=ubuntu\nID_LIKE=debian\n", True),
        ('ID=linuxmint\nID_LIKE="ubuntu debian"\n', True),
        ('ID=fedora\nID_LIKE="rhel"\n', False),
        ("", False),
    ],
)
def test_debian_and_what_is_built_on_it(text: str, answer: bool) -> None:
    """By ID and ID_LIKE of os-release."""
    assert is_debian(text) is answer


def test_a_program_gets_no_input_and_its_last_lines_are_kept() -> None:
    """Both streams in order, and the exit code."""
    seen: list[str] = []
    ran = run_program(("sh", "-c", "cat; echo $A; echo err >&2; exit 4"), {"A": "out"}, seen.append)
    assert ran == Ran(4, ("out", "err"))
    assert seen == ["out", "err"]


def test_capabilities_that_an_engine_needs() -> None:
    """From CapEff of a full root, of a default container, and of one with CAP_NET_ADMIN only."""
    assert missing_capabilities("CapEff:\t000001ffffffffff\n") == ()
    assert missing_capabilities("CapEff:\t00000000a80425fb\n") == ("CAP_NET_ADMIN", "CAP_SYS_ADMIN")
    assert missing_capabilities("CapEff:\t0000000000001000\n") == ("CAP_SYS_ADMIN",)
