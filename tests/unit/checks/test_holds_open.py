"""`holds_open`: what became of a connection meanwhile, from what its holder and the server's socket table say."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from check_harness import BEGAN, PORT, WORD, check, conversation, own_interfaces, ran, shop
from walk_harness import far, walked

from orchestrator.checks.findings import Judgement
from orchestrator.checks.kinds import check_steps
from orchestrator.checks.kinds.holds_open import open_connection
from orchestrator.checks.probes import (
    CheckContext,
    HeldConnection,
    Probe,
    ProbeResult,
    ProgramResult,
    RunProgram,
    Unavailable,
)
from orchestrator.checks.steps import run_steps
from orchestrator.checks.target_time import processor_probe
from orchestrator.model.checks import BaseCheck, HoldsOpen

OPENED = ran("192.168.7.12\naccepted\nESTAB 0 0 192.168.7.13:41234 192.168.7.12:80\n")
CLOSED = ran("{}\n")
TABLE = ran("ESTAB 0 0 192.168.7.12:80 192.168.7.13:41234\n")
GONE = ran("")


def use(state: str, **more: Any) -> ProgramResult:
    return ran(json.dumps({"state": state, **more}) + "\n")


USABLE = use("usable", reply=f"got {WORD}", sent=True)


def holds(**more: Any) -> HoldsOpen:
    keys = {"holds_open": "app.shop.lab:80", "send": "${random}", **more}
    made = check(from_="client", **keys)
    assert isinstance(made, HoldsOpen)
    return made


def order(probe: Probe) -> dict[str, Any]:
    assert isinstance(probe, RunProgram)
    found: dict[str, Any] = json.loads(probe.argv[5])
    return found


def test_a_connection_that_is_answered_twice_is_usable_and_closed_afterwards() -> None:
    """It is used when it is opened and again after the idle time; the text is filled in."""
    found, probes = conversation(holds(idle=3, contains="got ${random}"), OPENED, USABLE, USABLE, CLOSED)
    assert (found.verdict, found.actual) == (
        "pass",
        f"usable: the text was acknowledged and answered: 'got {WORD}'",
    )
    assert found.expected == "the connection of client to app.shop.lab:80, after 3 s without a byte, is usable"
    assert [order(probe).get("idle") for probe in probes[1:]] == [0.0, 3.0, None]
    assert order(probes[1])["text"] == WORD


@pytest.mark.parametrize(
    ("state", "seen", "table", "actual"),
    [
        ("closed", {"after": 2.04}, [], "closed: app ended the connection 2.0 s after it was last used"),
        (
            "reset",
            {"after": 5.0, "sent": True},
            [GONE],
            "reset: an RST came 5.0 s after the connection was last used, after the text was sent; "
            "app does not have the connection any more",
        ),
        (
            "silent",
            {"again": 3, "unacknowledged": 1},
            [TABLE],
            "silent: the text was sent 4 times, and nothing acknowledged it; app still has the connection (ESTAB)",
        ),
        (
            "silent",
            {"again": 3},
            [Unavailable("the node app is stopped")],
            "silent: the text was sent 4 times, and nothing acknowledged it",
        ),
        ("unanswered", {}, [], "unanswered: the kernel of app acknowledged the text, and no reply came in 4 s"),
    ],
)
def test_each_other_state_is_told_and_holds_where_the_check_says_it(
    state: str, seen: dict[str, Any], table: list[ProbeResult], actual: str
) -> None:
    second = use(state, **seen)
    found, _ = conversation(holds(state=state, idle=3), OPENED, USABLE, second, *table, CLOSED)
    assert (found.verdict, found.actual) == ("pass", actual)
    found, _ = conversation(holds(idle=3), OPENED, USABLE, second, *table, CLOSED)
    assert (found.verdict, found.actual) == ("fail", f"{actual}; that is not 'usable'")
    found, _ = conversation(holds(state=state, idle=3), OPENED, USABLE, USABLE, CLOSED)
    assert (found.verdict, found.actual.endswith(f"; that is not {state!r}")) == ("fail", True)


def test_a_reply_of_other_bytes_fails() -> None:
    found, _ = conversation(holds(contains="200 OK"), OPENED, use("usable", reply="200 OK"), USABLE, CLOSED)
    assert (found.verdict, found.actual.endswith(f"the reply does not hold '200 OK': 'got {WORD}'")) == ("fail", True)


@pytest.mark.parametrize("state", ["usable", "silent", "closed"])
@pytest.mark.parametrize(
    ("answers", "verdict", "says"),
    [
        ((ran("192.168.7.12\nConnection refused\n", "", 1),), "fail", "not opened: refused: Connection refused"),
        ((ran("192.168.7.12\nsilent 3\n", "", 1),), "fail", "not opened: silent: no answer to 3 SYN packets"),
        ((ran("192.168.7.12\n", "", 124),), "unknown", "not opened: the attempt had not ended"),
        ((Unavailable("the node client is stopped"), CLOSED), "unknown", "not opened: the node client is stopped"),
        ((OPENED, use("unanswered"), CLOSED), "fail", "not usable from the beginning: unanswered"),
        ((OPENED, use("not measured"), CLOSED), "unknown", "not opened: the kernel had not sent"),
        ((ran(OPENED.out.replace("7.12", "7.11")), CLOSED), "fail", "which is db and not app"),
    ],
)
def test_a_connection_that_never_worked_proves_no_state(
    answers: tuple[ProbeResult, ...], verdict: str, says: str, state: str
) -> None:
    found, _ = conversation(holds(state=state), *answers)
    assert (found.verdict, says in found.actual) == (verdict, True), found.actual


@pytest.mark.parametrize(
    "second",
    [
        use("not measured"),
        ran("", "ConnectionRefusedError: [Errno 111] Connection refused", 1),
        Unavailable("the engine did not answer"),
        replace(use("unanswered"), seconds=4.0, starved=3.5),
    ],
)
def test_what_was_not_measured_is_unknown(second: ProbeResult) -> None:
    """Also where the holder is gone, and where the asker got no processor time to hear the reply."""
    found, _ = conversation(holds(state="unanswered"), OPENED, USABLE, second, CLOSED)
    assert found.verdict == "unknown"


def test_a_connection_that_was_opened_before_the_fault_is_used_and_left_open() -> None:
    """A check with a fault does not open another one, and each try finds it again."""
    context = CheckContext(shop(), WORD, PORT, BEGAN, held=HeldConnection("held-1", "192.168.7.12", "a:1 -> b:80"))
    asked: list[Probe] = []

    def run_probes(probes: Any) -> list[ProbeResult]:
        asked.extend(probes)
        return [use("closed", after=1.0)]

    found = run_steps(check_steps(holds(state="closed"), context), run_probes)
    assert (found.verdict, len(asked)) == ("pass", 1)
    assert isinstance(asked[0], RunProgram)
    assert asked[0].argv[4] == "held-1"


@pytest.mark.parametrize("halted", ["app", "dns"])
def test_that_a_node_does_not_run_proves_nothing_of_a_connection_that_is_held(halted: str) -> None:
    """Nobody looks its name up again, and its end has to be seen."""
    held = HeldConnection("held-1", "192.168.7.12", "a:1 -> b:80")
    context = CheckContext(shop(), WORD, PORT, BEGAN, halted=frozenset({halted}), held=held)
    asked: list[Probe] = []

    def run_probes(probes: Any) -> list[ProbeResult]:
        asked.extend(probe for probe in probes if probe != processor_probe(probe.node))
        return [use("silent", again=3) if "held-1" in getattr(probe, "argv", ()) else GONE for probe in probes]

    found = run_steps(check_steps(holds(state="silent"), context), run_probes)
    assert (found.verdict, [probe.node for probe in asked]) == ("pass", ["client", "app"])


def test_opening_gives_the_connection_or_says_why_there_is_none() -> None:
    topology = shop()

    def opened(*answers: ProbeResult) -> HeldConnection | Judgement:
        left = list(answers)
        context = CheckContext(topology, WORD, PORT, BEGAN)
        return run_steps(
            open_connection(holds(), context),
            lambda probes: [
                own_interfaces(topology, probe) if "-j" in getattr(probe, "argv", ()) else left.pop(0)
                for probe in probes
            ],
        )

    ends = "192.168.7.13:41234 -> 192.168.7.12:80"
    assert opened(OPENED, USABLE) == HeldConnection(f"{WORD}-{PORT}", "192.168.7.12", ends)
    refused = opened(ran("192.168.7.12\nConnection refused\n", "", 1))
    assert isinstance(refused, Judgement)
    assert refused.verdict == "fail"


SILENT = "silent: the text was sent 4 times, and nothing acknowledged it"


@pytest.mark.parametrize(
    ("actual", "says", "command"),
    [
        ("closed: app-1 ended the connection 2.0 s after it was last used", "app-1 has closed a connection", "logs"),
        ("reset: an RST came", "does not know the connection of client and answers with an RST.", "logs"),
        (f"{SILENT}; app-1 still has the connection (ESTAB)", "is lost on the way, although a new one", "ss -tno"),
        (f"{SILENT}; app-1 does not have the connection any more", "The connection is half-open: app-1", "ss -tno"),
        ("unanswered: the kernel of app-1 acknowledged", "the program there does not answer.", "logs"),
        ("usable: answered; that is not 'closed'", "is not as the check says: usable", "logs"),
    ],
)
def test_why_names_the_held_connection_where_a_new_one_is_accepted(actual: str, says: str, command: str) -> None:
    walk = walked(far(), actual=actual, from_="client", holds_open="${app-1}:80", send="x")
    assert walk.broken
    assert (walk.broken.title, says in walk.sentence, command in walk.command) == ("held connection", True, True), walk


def test_the_default_is_that_it_is_usable_at_once() -> None:
    made: BaseCheck = holds()
    assert isinstance(made, HoldsOpen)
    assert (made.state, made.idle, made.contains) == ("usable", 0.0, None)


@pytest.mark.parametrize("wanted", ["usable", "closed"])
@pytest.mark.parametrize(
    ("idle", "after", "measured"), [(0, 4.0, False), (3, 3.2, True), (5, 2.0, True), (1, 5.0, False)]
)
def test_an_end_that_came_later_than_the_text_should_have_been_sent_proves_nothing(
    wanted: str, idle: float, after: float, measured: bool
) -> None:
    """On a busy machine the text is sent late, and the server has ended an idle connection meanwhile."""
    found, _ = conversation(holds(idle=idle, state=wanted), OPENED, USABLE, use("closed", after=after), CLOSED)
    if measured:
        assert found.verdict == ("pass" if wanted == "closed" else "fail")
    else:
        assert found.verdict == "unknown"
        assert found.actual.startswith(f"not measured: the text could not be sent after {idle:g} s")


def test_a_connection_that_ended_once_the_text_was_sent_was_measured() -> None:
    answers = (OPENED, USABLE, use("closed", after=4.0, sent=True), CLOSED)
    assert conversation(holds(state="closed"), *answers)[0].verdict == "pass"
