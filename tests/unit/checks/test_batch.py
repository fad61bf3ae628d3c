"""Many programs in one call: the script is run by the real bash, and its output is read back."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from orchestrator.checks import program_batch as batch
from orchestrator.checks.probes import PROBE_PORTS, ProgramResult, RunProgram

pytestmark = pytest.mark.slow


def answered(*runs: RunProgram) -> tuple[ProgramResult, ...]:
    done = subprocess.run(("bash", "-c", batch.script(runs)), capture_output=True, text=True, timeout=60, check=False)
    return outcomes(done.stdout, len(runs))


def outcomes(out: str, count: int) -> tuple[ProgramResult, ...]:
    """In the order of the questions."""
    return tuple(result for _, result in sorted(batch.read([out.encode()], count), key=lambda pair: pair[0]))


def test_each_program_keeps_its_own_output_and_code() -> None:
    """In the order of the questions, whatever order they end in; bytes that are no text do no harm."""
    one, two, three = answered(
        RunProgram("n", ("bash", "-c", "sleep 0.1; echo one; exit 3")),
        RunProgram("n", ("printf", "%s\\n\\n", 'two words\' and "quotes" $HOME')),
        RunProgram("n", ("bash", "-c", "printf '\\377'; echo wrong >&2")),
    )
    assert (one.exit_code, one.out, one.err) == (3, "one\n", "")
    assert (two.exit_code, two.out) == (0, 'two words\' and "quotes" $HOME\n\n')
    assert (three.out, three.err) == ("�", "wrong\n")
    assert 1_600_000_000 < one.started < one.started + one.seconds


def test_a_program_that_takes_too_long_is_ended_and_the_others_answer() -> None:
    slow, quick = answered(RunProgram("n", ("sleep", "9"), seconds=0.1), RunProgram("n", ("echo", "quick")))
    assert slow.exit_code == 124
    assert quick.out == "quick\n"


def test_what_our_programs_send_bears_a_mark_and_what_the_authors_send_does_not() -> None:
    """An author may ask which ports the kernel picks: a mark would answer in its place."""
    show = ("bash", "-c", 'echo "${RES_OPTIONS-}"; cat "${CURL_HOME-/nowhere}/.curlrc"')
    ours, authors = answered(RunProgram("n", show), RunProgram("n", show, inside=True))
    option, _, curlrc = ours.out.partition("\n")
    assert option.split()[-1] == "trust-ad"
    first, last = map(int, curlrc.splitlines()[-1].removeprefix("local-port = ").split("-"))
    assert PROBE_PORTS[0] <= first < last < PROBE_PORTS[1]
    assert authors.out.strip() == os.environ.get("RES_OPTIONS", "")


def test_many_programs_do_not_run_all_at_once(tmp_path: Path) -> None:
    """A node may have few processes: each program notes how many there are while it runs."""
    note = f"touch {tmp_path}/$0; ls {tmp_path} | wc -l; sleep 0.05; rm {tmp_path}/$0"
    runs = [RunProgram("n", ("bash", "-c", note, str(number))) for number in range(3 * batch.MOST_AT_ONCE)]
    assert max(int(result.out) for result in answered(*runs)) <= batch.MOST_AT_ONCE
    assert batch.seconds(runs) >= 3 * runs[0].seconds


def test_an_output_that_is_too_long_is_cut_off_and_says_so() -> None:
    long, short = answered(RunProgram("n", ("head", "-c", "1000001", "/dev/zero")), RunProgram("n", ("echo", "short")))
    assert (len(long.out), long.cut, short.cut) == (batch.MOST_BYTES, True, False)


def test_a_long_program_that_many_run_stands_in_the_script_once() -> None:
    """A script is one argument of exec, and has at most 128 KiB (execve(2))."""
    program = "echo 'it' \"$0\"  # " + '$HOME `"x"` \'' * 500
    runs = [RunProgram("n", ("bash", "-c", program, str(number))) for number in range(8)]
    assert len(batch.script(runs)) < 2 * len(program)
    assert [result.out for result in answered(*runs)] == [f"it {number}\n" for number in range(8)]


def test_a_missing_program_says_so() -> None:
    (one,) = answered(RunProgram("n", ("no-such-program-here",)))
    assert one.exit_code == 127
    assert "no-such-program-here" in one.err


def test_nothing_is_read_from_a_script_that_came_to_grief() -> None:
    with pytest.raises(ValueError, match="float"):
        outcomes("bash: mktemp: not found\n", 1)


def test_a_script_cut_short_is_not_read_as_fewer_answers() -> None:
    """Half an output must not pass for the answers of other questions."""
    whole = "1.5\n1 0 1.5 1.6 0\n\n\n0 0 1.5 1.6 7\n\n\n"
    assert len(outcomes(whole, 2)) == 2
    for length in range(len(whole) - 1):
        with pytest.raises((ValueError, IndexError)):
            outcomes(whole[:length], 2)


def test_the_call_may_take_as_long_as_its_slowest_question() -> None:
    assert batch.seconds([RunProgram("n", ("a",), seconds=2), RunProgram("n", ("b",), seconds=7)]) > 7


def test_each_program_is_timed_by_itself() -> None:
    """The time of a quick one is not that of the slow one beside it."""
    slow, quick = answered(RunProgram("n", ("sleep", "0.4")), RunProgram("n", ("true",)))
    assert slow.seconds >= 0.4
    assert 0 < quick.seconds < slow.seconds


def test_what_has_ended_is_told_before_a_slow_one_ends() -> None:
    """The slow program waits for a file that the reader makes once it has the outcome of the quick one."""
    folder = tempfile.mkdtemp()
    waits = ("bash", "-c", f"until [[ -e {folder}/told ]]; do sleep 0.02; done; rm -r {folder}")
    runs = (RunProgram("n", waits), RunProgram("n", ("echo", "quick")))
    with subprocess.Popen(("bash", "-c", batch.script(runs)), stdout=subprocess.PIPE) as process:
        assert process.stdout
        results = batch.read(iter(lambda: os.read(process.stdout.fileno(), 65536), b""), 2)
        assert next(results)[1].out == "quick\n"
        Path(folder, "told").touch()
        assert next(results)[0] == 0


def test_pieces_may_end_anywhere() -> None:
    whole = b"1.5\n1 0 1.5 1.6 0\nYQ==\n\n0 3 1.5 1.6 250000\n\nYg==\n"
    for at in range(len(whole)):
        results = dict(batch.read([whole[:at], whole[at:]], 2))
        assert (results[1].out, results[0].exit_code, results[0].err) == ("a", 3, "b")


# The shell's clock stands, but for three seconds which pass whenever it sleeps.
SLOW_CLOCK = """\
unset EPOCHREALTIME; EPOCHREALTIME=1700000000.000000; c=1700000000
read() { c=$((c + 3)); EPOCHREALTIME=$c.000000; builtin read "$@"; }
"""


def test_it_is_measured_for_how_long_nothing_could_run() -> None:
    """A shell that wakes up late, or reads late what a program left, was kept from running, as the programs were."""
    runs = (RunProgram("n", ("true",)), RunProgram("n", ("true",)))
    argv = ("bash", "-c", SLOW_CLOCK + batch.script(runs))
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)
    assert max(result.starved for result in outcomes(done.stdout, 2)) > 2.5


def test_outcomes_lie_where_something_can_be_written() -> None:
    """A node with a full /tmp answers all the same; one where nothing can be written says so, and at once."""
    script = batch.script([RunProgram("n", ("echo", "there"))])
    elsewhere = script.replace("for f in /tmp /dev/shm", "for f in /proc/self /tmp")
    done = subprocess.run(("bash", "-c", elsewhere), capture_output=True, text=True, timeout=60, check=False)
    assert outcomes(done.stdout, 1)[0].out == "there\n"
    nowhere = script.replace("for f in /tmp /dev/shm", "for f in /proc/self")
    done = subprocess.run(("bash", "-c", nowhere), capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (70, "")
    assert done.stderr.splitlines()[-1] == "/tmp and /dev/shm of the node are full"


def test_a_node_without_room_for_a_process_says_so_at_once(tmp_path: Path) -> None:
    """The shell would try for 15 seconds; the kernel's counts are read before."""
    script = batch.script([RunProgram("n", ("echo", "there"))]).replace("/sys/fs/cgroup/pids", str(tmp_path))
    for limit, code in (("14", 0), ("13", 70), ("max", 0)):
        (tmp_path / "pids.max").write_text(f"{limit}\n")
        (tmp_path / "pids.current").write_text("10\n")
        done = subprocess.run(("bash", "-c", script), capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == code, done.stderr
    (tmp_path / "pids.max").write_text("10\n")
    done = subprocess.run(("bash", "-c", script), capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == "no further process can start in the node: 10 of 10 run (limits: pids)\n"
