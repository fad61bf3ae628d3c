"""A command line that is wrong is answered in one voice: exit code 2, and what, why and what to try."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping

import pytest
from doc_pages import ROOT
from terminal import at_a_terminal

from orchestrator.cli.interrupt_notice import STOPPING, interrupt_notice
from orchestrator.cli.main import COMMANDS
from orchestrator.errors import INTERRUPTED, INVALID, WORLD, UsageInvalid
from orchestrator.operations.checks import select_checks
from orchestrator.operations.scenario_library import load_scenario

WRONG = {
    "nope": "error: there is no command 'nope'\nwhy:   usage: wirelab [OPTIONS] COMMAND [ARGS]...\n"
    "try:   wirelab --help\n",
    "validat": "error: there is no command 'validat'\nwhy:   usage: wirelab [OPTIONS] COMMAND [ARGS]...\n"
    "try:   did you mean 'validate'?  wirelab --help\n",
    "validate --jsn basic": "error: no such option '--jsn'\nwhy:   usage: wirelab validate [OPTIONS] [NAME]\n"
    "try:   did you mean '--json'?  wirelab validate --help\n",
    "new": "error: missing argument 'NAME'\nwhy:   usage: wirelab new [OPTIONS] NAME\ntry:   wirelab new --help\n",
    "logs basic app --since soon": "error: --since 'soon' is no duration\n"
    "why:   a duration is numbers with units: s seconds, m minutes, h hours, d days\n"
    "try:   --since 90m, or --since 1h30m\n",
    "logs basic app --tail few": "error: invalid value for '-n' / '--tail': 'few' is neither a number of lines nor "
    "'all'\n"
    "why:   usage: wirelab logs [OPTIONS] NAME [NODE]\ntry:   wirelab logs --help\n",
    "help shel": "error: 'shel' is neither a command nor a word of the scenario language or of lessons\n"
    "try:   did you mean 'shell'?  wirelab help shell\n",
    "up basic --timeout nan": "error: invalid value for '--timeout': nan is not between 0 and 86400 seconds\n"
    "why:   usage: wirelab up [OPTIONS] [NAME]\ntry:   wirelab up --help\n",
    "up basic --for 2": "error: --for '2' has no unit\n"
    "why:   a duration is a number and a unit\ntry:   --for 2m for minutes, --for 2h for hours\n",
    "run basic --rm --for 2h": "error: --rm removes the lab at once, and --for later\ntry:   give one of them\n",
    "up basic --timeout soon": "error: invalid value for '--timeout': 'soon' is not a number\n"
    "why:   usage: wirelab up [OPTIONS] [NAME]\ntry:   wirelab up --help\n",
    "learn basic --seed few": "error: invalid value for '--seed': 'few' is not a whole number\n"
    "why:   usage: wirelab learn [OPTIONS] [NAME]\ntry:   wirelab learn --help\n",
    "web basic --port 99999": "error: invalid value for '--port': 99999 is not between 0 and 65535\n"
    "why:   usage: wirelab web [OPTIONS] [NAME]\ntry:   wirelab web --help\n",
    "ps basic dns": "error: got unexpected extra argument (dns)\n"
    "why:   usage: wirelab ps [OPTIONS] [NAME]\ntry:   wirelab ps --help\n",
    "ps --lab": "error: option '--lab' requires an argument\ntry:   wirelab ps --help\n",
    "export dot basic --read README.md": "error: --read is for pcapng alone\n"
    "try:   wirelab export pcapng --read README.md\n",
    "completion": "error: missing argument '{bash|zsh|fish}'. Choose from: bash, zsh, fish\n"
    "why:   usage: wirelab completion [OPTIONS] {bash|zsh|fish}\ntry:   wirelab completion --help\n",
    "inject basic stopp dns": "error: there is no fault 'stopp'\n"
    "why:   the faults are cut, disconnect, pause, promote, record, stop\n"
    "try:   did you mean 'stop'?  wirelab inject --help\n",
    "inject basic stop dns app": "error: 'stop' does not take 2 words\n"
    "why:   usage: stop NODE\ntry:   wirelab inject --help\n",
    "inject basic cut client app onway": "error: after the two groups, a cut takes tcp, udp, ipv4, ipv6, one-way or a "
    "port; 'onway' is none of them\n"
    "why:   usage: cut NODE,... NODE,... [ipv4|ipv6] [PORT] [tcp|udp] [one-way]\n"
    "try:   did you mean 'one-way'?  wirelab inject --help\n",
    "inject basic stop": "error: 'stop' needs words after it\nwhy:   usage: stop NODE\ntry:   wirelab inject --help\n",
    "inject basic record dns app.shop.lab B 192.0.2.1": "error: expected one of A, AAAA, CNAME, MX, TXT, SRV, PTR, NS; "
    "found the text 'B'\n"
    "why:   usage: record DNS-NODE NAME TYPE [VALUE...]\ntry:   wirelab inject --help\n",
    "images build nothing": "error: there is no image 'nothing'\n"
    "why:   the images are base, app, capture, client, database, dns, proxy, ssh\n"
    "try:   wirelab images build --help\n",
    "check basic --report /nowhere/out.html": "error: /nowhere/out.html cannot be written\n"
    "why:   there is no folder /nowhere\ntry:   mkdir -p /nowhere\n",
    "down basic --lab ''": "error: '' is no name for a lab\n"
    "why:   it is 1 to 40 of the letters a-z, the digits and '-', and neither begins nor ends with '-'\n"
    "try:   --lab basic-2\n",
}

# Each command that takes a lab or its scenario, with a name that neither has.
NO_LAB = (
    "up basik", "check basik", "run basik", "plan basik", "ps basik", "inspect basik", "graph basik", "roles basik",
    "exec basik app -- true", "shell basik", "logs basik", "why basik", "inject basik stop app", "heal basik",
    "trace basik", "trace basik -f", "capture start basik", "capture stop basik", "capture status basik",
    "capture save basik /dev/null", "down basik", "events basik", "reset basik",
)  # fmt: skip
WRONG |= dict.fromkeys(NO_LAB, "error: there is no lab and no scenario 'basik'\ntry:   did you mean 'basic'?\n")
WRONG["validate basik"] = "error: there is no scenario 'basik'\ntry:   did you mean 'basic'?\n"
# Each command that takes a node, with a name that no node has.
NO_NODE = (
    "inspect basic ap", "exec basic ap -- true", "shell basic ap", "logs basic ap", "inject basic stop ap",
    "trace basic --from ap", "trace basic --node ap", "capture start basic --node ap",
)  # fmt: skip
WRONG |= dict.fromkeys(NO_NODE, "error: there is no node 'ap' in basic\ntry:   did you mean 'app'?\n")


# Runs each line that it is given as a command of its own, and prints [exit code, standard output, standard error].
RUN_EACH = """
import contextlib, io, json, shlex, sys
from orchestrator.cli.main import main
for line in sys.argv[1:]:
    code, streams = 0, (io.StringIO(), io.StringIO())
    with contextlib.redirect_stdout(streams[0]), contextlib.redirect_stderr(streams[1]):
        try:
            main(shlex.split(line))
        except SystemExit as ended:
            code = ended.code
    print(json.dumps([code, *(stream.getvalue() for stream in streams)]))
"""


@pytest.fixture(scope="module")
def ran_wrong(no_engine: Mapping[str, str]) -> dict[str, list[object]]:
    """What came of each wrong command line. One process runs them all: most of a command's time is its start."""
    argv = (sys.executable, "-c", RUN_EACH, *WRONG)
    done = subprocess.run(argv, capture_output=True, text=True, check=True, env={**os.environ, **no_engine})
    return dict(zip(WRONG, map(json.loads, done.stdout.splitlines()), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("words", WRONG)
def test_a_wrong_command_line_is_told_in_three_lines(words: str, ran_wrong: dict[str, list[object]]) -> None:
    """What click finds, and what we find, is told alike, also where no engine answers."""
    assert ran_wrong[words] == [INVALID, "", WRONG[words]]


@pytest.mark.slow
@pytest.mark.parametrize("group", ["", "capture", "images", "engine"])
def test_no_command_is_summed_up_in_half_a_sentence(group: str) -> None:
    """The lists of commands are whole on a narrow terminal, too."""
    told = wirelab(*group.split(), "--help").stdout
    assert "Commands:" in told
    assert [line for line in told.splitlines() if line.startswith("  ") and line.endswith("...")] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("check", "meant"),
    [
        ("The app asnwers the client over HTTP", "did you mean 'The app answers"),
        ("nothing like it", "wirelab why basic"),
    ],
)
def test_why_of_no_check_names_the_checks(check: str, meant: str) -> None:
    """The evidence is the list of checks; the nearest one is offered, if one is near."""
    ran = wirelab("why", "basic", check)
    assert ran.returncode == INVALID
    assert f"no check has {check!r} in its name" in ran.stderr
    assert "\n         A name that nobody has" in ran.stderr
    assert f"try:   {meant}" in ran.stderr


def test_check_of_no_check_names_the_checks() -> None:
    """Just as `why` does."""
    scenario = load_scenario("basic", ROOT).reading.scenario
    with pytest.raises(UsageInvalid, match="no check has 'The app asnwers the client over HTTP' in its name") as caught:
        select_checks(scenario, ["The app asnwers the client over HTTP"])
    assert "\n         A name that nobody has" in caught.value.why
    assert caught.value.hint.startswith("did you mean 'The app answers")


@pytest.mark.slow
def test_full_output_is_told_as_what_it_is() -> None:
    """The disk of the output is full, and not the state folder's."""
    argv = (sys.executable, "-m", "orchestrator", "schema")
    with open("/dev/full", "w") as full:
        ran = subprocess.run(argv, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (
        WORLD,
        "error: standard output cannot be written to\nwhy:   No space left on device\n"
        "try:   make room there, or send the output elsewhere\n",
    )


def wirelab(*words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "orchestrator", *words]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_a_reader_that_goes_away_is_an_interrupt_and_no_verdict() -> None:
    """`wirelab … | head -1` ends quietly, neither with 0 nor with the code of a check that failed."""
    argv = (sys.executable, "-m", "orchestrator", "schema")
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.read(1)
        process.stdout.close()
        assert (process.wait(), process.stderr.read()) == (INTERRUPTED, b"")


@pytest.mark.slow
def test_a_stream_that_the_caller_has_closed_is_nothing_to_read_or_write() -> None:
    """`wirelab exec ... <&-`, as cron may call it: no traceback."""
    asks = "import atexit, sys; from orchestrator.cli.main import main\n"
    asks += "atexit.register(lambda: sys.stderr.write(str(sys.stdin.isatty())))\n"
    asks += "main(['--version'])"
    done = subprocess.run(
        ("sh", "-c", '"$0" -c "$1" <&-', sys.executable, asks), capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stderr) == (0, "False")


@pytest.mark.slow
def test_an_interrupt_while_the_command_is_being_loaded_is_one_as_any_other() -> None:
    """No traceback of imports, and the exit code of an interrupt."""
    asks = "import sys\nclass Interrupted:\n"
    asks += "    def find_spec(self, name, *more):\n        if name == 'click':\n            raise KeyboardInterrupt\n"
    asks += "sys.meta_path.insert(0, Interrupted())\nfrom orchestrator.__main__ import main\nmain()"
    done = subprocess.run((sys.executable, "-c", asks), capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (INTERRUPTED, "")


@pytest.mark.slow
def test_one_more_interrupt_while_a_command_is_ending_is_one_as_any_other() -> None:
    """Python would end the process by the signal, with a traceback."""
    asks = "import gc, sys; from orchestrator import __main__ as entry\n"
    asks += "def interrupted(): raise KeyboardInterrupt\n"
    asks += "gc.freeze = interrupted; sys.argv[1:] = ['--version']; entry.main()"
    done = subprocess.run((sys.executable, "-c", asks), capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (INTERRUPTED, "")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("shell", "Usage: wirelab shell [OPTIONS]"),
        ("capture start", "Usage: wirelab capture start [OPTIONS]"),
        ("capture", "what crosses the networks is recorded"),
        ("uses", "nodes.uses"),
        ("restore", "restore TASK: go to a task"),
        ("why", "why: say what is wrong now"),
    ],
)
def test_help_explains_commands_and_keys_of_the_language(words: str, shown: str) -> None:
    """A word that is both is explained as both."""
    ran = wirelab("help", *words.split())
    assert (ran.returncode, shown in ran.stdout) == (0, True), ran.stdout


@pytest.mark.slow
@pytest.mark.parametrize("columns", [80, 40])
@pytest.mark.parametrize(
    "words", ["validate nowhere", "why basic nothing", "validate basic", "logs basic app --since soon"]
)
def test_what_a_terminal_shows_is_wrapped_at_words_to_its_width(words: str, columns: int) -> None:
    """No line is longer than the terminal, and no word is cut; a pipe gets the same words."""
    argv = (sys.executable, "-m", "orchestrator", *words.split())
    code, shown = at_a_terminal(argv, env=os.environ, cwd=ROOT, columns=columns, seconds=30)
    piped = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert code == piped.returncode
    assert shown.split() == (piped.stdout + piped.stderr).split()
    assert max(map(len, shown.splitlines())) <= columns


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("up", "stopping: removing what this command has made; pressing it again does not stop that"),
        ("down", "stopping: what is being removed is still removed; down again removes the rest"),
        ("ps", "stopping"),
        ("events", ""),
    ],
)
def test_ctrl_c_is_answered_with_what_the_command_does_now(
    command: str, message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """A command that goes on until Ctrl-C, as `events -f` does, ends without a word."""
    interrupt_notice(command).stops()
    assert capfd.readouterr().err.strip() == message


def test_a_notice_is_given_for_commands_that_are_there() -> None:
    assert set(STOPPING) <= set(COMMANDS)
