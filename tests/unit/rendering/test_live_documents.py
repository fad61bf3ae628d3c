"""What the live page is told: the same shapes as its own tests play to it, and nothing hostile in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from html import escape
from typing import Any

import live_messages
import pytest
from live_messages import HOSTILE
from picture_labs import SMALL, THIRTY
from recorded import events

from orchestrator.checks.findings import Finding, Judgement
from orchestrator.checks.walk import Cause, Layer, make_walk
from orchestrator.events import Entry, NodeEvent
from orchestrator.lessons.lesson import Lesson
from orchestrator.lessons.messages import (
    HintShown,
    LessonDone,
    Message,
    NotDone,
    Note,
    SolutionShown,
    TaskBegun,
    TaskDone,
)
from orchestrator.lessons.progress import Progress, TaskProgress
from orchestrator.model.faults import FAULTS
from orchestrator.model.faults.promote import Promote
from orchestrator.model.faults.stop import Stop
from orchestrator.planning.injected_faults import InjectedFault
from orchestrator.rendering.exchange_facts import exchange_facts, packet_line
from orchestrator.rendering.lesson_documents import lesson_message, markdown_html, message_html
from orchestrator.rendering.live_documents import (
    checks_message,
    exchange_document,
    exchanges_message,
    fault_kinds,
    faults_message,
    journal_message,
    nodes_message,
)
from orchestrator.traffic.exchanges.events import DnsExchange
from orchestrator.traffic.packets import read_packets
from orchestrator.traffic.story import LiveExchange, LiveExchanges

LAYER = Layer(
    "node", "client", "app", "fail", "app is stopped", ("docker says so",), (Cause("app is stopped.", "heal"),)
)
WALK = make_walk((LAYER,), Cause("nothing", ""))
FINDING = Finding("It works", "http", "client", Judgement("fail", "200", "nothing", ("a packet",)), 1.0, WALK)
LESSON = Lesson.model_validate(
    {
        "title": "Two tasks",
        "minutes": 1,
        "shell": ["client"],
        "tasks": {
            "ask": {
                "title": f"Which port? {HOSTILE}",
                "ask": "port",
                "truth": {"value": "80", "source": "RFC 9110"},
                "because": "80",
            },
            "look": {
                "title": "Look",
                "observe": {"from": "client", "resolves": "app.shop.lab"},
                "solve": {"from": "client", "run": ["dig"]},
            },
        },
    }
)
BEGUN = TaskBegun("ask", 1, 2, HOSTILE, f"Which port? {HOSTILE}", True)
SAID: tuple[Message, ...] = (
    BEGUN,
    NotDone(HOSTILE),
    Note(HOSTILE),
    HintShown(1, 2, HOSTILE),
    SolutionShown(HOSTILE),
    TaskDone("ask", HOSTILE),
    LessonDone(1, 2, 3, 4, 5, HOSTILE),
)


def exchanges() -> LiveExchanges:
    live = LiveExchanges()
    for event in events("first"):
        live.on_event(event)
    return live


def keys(value: Any) -> Any:
    """The shape of a document: its keys, and those of what is in its lists."""
    if isinstance(value, Mapping):
        return {name: keys(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [keys(item) for item in value[:1]]
    return None


def is_part(played: Any, told: Any) -> bool:
    """Whether the server tells at least what the page's own tests play."""
    if isinstance(played, dict) and isinstance(told, dict):
        return all(name in told and is_part(item, told[name]) for name, item in played.items())
    if isinstance(played, list) and isinstance(told, list):
        return not played or not told or is_part(played[0], told[0])
    return True


def server_messages() -> Iterable[tuple[str, dict[str, Any], dict[str, Any]]]:
    """A name, what the page's tests play, and what the server tells."""
    stopped = InjectedFault("stop-app", Stop(stop="app"), 1.0, "web")
    entry = Entry(1.0, "basic", NodeEvent("app", "ready"), "run", "web")
    progress = Progress("basic", 1, tasks={"ask": TaskProgress(attempts=2)})
    picture = {"nodes": [{"name": "app"}]}
    yield "exchanges", live_messages.request_story(1)[0], exchanges_message(exchanges().kept)
    yield "nodes", live_messages.nodes_message(picture), nodes_message({"app": "ready"}, {}, {})
    yield "faults", live_messages.faults_message(live_messages.STOP_APP), faults_message((stopped,))
    yield (
        "checks",
        live_messages.checks_message(broken=True),
        checks_message(["It works"], {"It works": FINDING}, frozenset()),
    )
    yield "why", live_messages.WHY, checks_message(["It works"], {"It works": FINDING}, frozenset())["checks"][0]["why"]
    yield "journal", live_messages.JOURNAL[0], journal_message(entry)
    lesson = live_messages.lesson_message(live_messages.task(), live_messages.TOLD)
    yield "lesson", lesson, lesson_message(LESSON, progress, BEGUN, SAID)


@pytest.mark.parametrize(
    ("name", "played", "told"), tuple(server_messages()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_the_server_tells_what_the_tests_of_the_page_play(name: str, played: Any, told: Any) -> None:
    """The page is tested with a stand-in for the server, which must not know more than the server."""
    assert is_part(keys(played), keys(told)), name
    assert played.get("type") == told.get("type")


def test_what_healing_a_fault_costs_is_told_beside_it() -> None:
    promoted = InjectedFault("promote-db-2", Promote(promote="db-2"), 1.0)
    [told] = faults_message([promoted])["faults"]
    assert told["sentence"].endswith(
        "Once it is healed, db-2 is copied anew from its primary, and what was written to db-2 is lost."
    )


def test_a_request_is_told_open_and_then_with_what_came_of_it() -> None:
    [request] = [exchange for exchange in exchanges().kept if exchange.kind == "http"]
    told = exchange_document(request)
    assert (told["protocol"], told["outcome"], told["sentence"]) == ("HTTP", "ok", "GET /items → 200 OK, 63 bytes")
    started = exchange_document(replace(request, event=None))
    assert (started["outcome"], started["sentence"], started["ended"]) == ("open", "GET /items", None)


@pytest.mark.parametrize(("recording", "outcome"), [("dns_down", "failed"), ("dns_closed", "failed"), ("first", "ok")])
def test_a_question_without_an_answer_has_failed(recording: str, outcome: str) -> None:
    live = LiveExchanges()
    for event in events(recording):
        live.on_event(event)
    asked = [exchange for exchange in live.kept if isinstance(exchange.event, DnsExchange)]
    assert {exchange_document(exchange)["outcome"] for exchange in asked} == {outcome}


def test_what_crossed_the_wire_is_one_line_without_control_characters() -> None:
    """A name that somebody asks for may hold anything; the page shows it as text."""
    hostile = LiveExchange(1, None, "dns", 1.0, "client", "dns", 0, f"{HOSTILE}\r\n\x1b]0;owned\x07 A")
    told = exchange_document(hostile)
    assert "\n" not in told["sentence"]
    assert len(told["sentence"]) < 500


@pytest.mark.parametrize("message", SAID, ids=lambda message: type(message).__name__)
def test_no_tag_in_what_a_lesson_tells_is_html(message: Message) -> None:
    """Neither in what comes from the lab nor in what an author wrote."""
    html = message_html(message)
    assert "<script" not in html
    assert "<img" not in html


@pytest.mark.parametrize(
    "link", ["[x](javascript:alert(1))", "[x](data:text/html,x)", "![x](javascript:x)", "<javascript:x>"]
)
def test_markdown_leads_to_no_script(link: str) -> None:
    assert "href" not in markdown_html(link)
    assert "src=" not in markdown_html(link)
    assert 'href="https://www.rfc-editor.org/"' in markdown_html("[x](https://www.rfc-editor.org/)")


def test_a_lesson_is_told_with_its_tasks_and_how_to_answer() -> None:
    progress = Progress("basic", 1, tasks={"ask": TaskProgress(attempts=2, hints=1)})
    told = lesson_message(LESSON, progress, BEGUN, SAID)
    assert [(task["name"], task["state"], task["attempts"]) for task in told["tasks"]] == [
        ("ask", "open", 2),
        ("look", "later", 0),
    ]
    assert told["task"]["placeholder"] == "a number, such as 8080"
    assert [message["kind"] for message in told["messages"]] == [
        "begun", "not_done", "note", "hint", "solution", "done", "over",
    ]  # fmt: skip
    assert [message["task"] for message in told["messages"] if message["kind"] == "done"] == [1]
    assert lesson_message(LESSON, progress, None, SAID)["task"] is None


def test_a_picture_has_a_layout_for_a_phone_where_one_is_narrower() -> None:
    """Of four nodes two stand beside each other; the thirty stand in two lines as it is."""
    told = live_messages.picture_message(SMALL)
    narrow = told["narrow"]
    assert narrow.keys() <= told.keys()
    assert narrow["width"] < told["width"]
    assert {node["name"] for node in narrow["nodes"]} == {node["name"] for node in told["nodes"]}
    assert all(node["x"] + node["width"] <= narrow["width"] for node in narrow["nodes"])
    assert live_messages.picture_message(THIRTY)["narrow"] is None


def test_the_solution_of_an_order_is_told_in_words_on_the_page() -> None:
    """The numbers of the terminal mean the places at the beginning, which the learner has changed."""
    predict = {"title": "Order?", "predict": {"from": "client", "run": ["curl"]}, "because": "so"}
    document = {"title": "One", "minutes": 1, "shell": ["client"], "tasks": {"order": predict}}
    begun = TaskBegun("order", 1, 1, "", "Order?", True, ("opens", f"asks {HOSTILE}", "requests"))
    told = lesson_message(
        Lesson.model_validate(document), Progress("basic", 1), begun, (begun, SolutionShown("2 1 3"))
    )["messages"]
    assert [message["html"].replace(escape(HOSTILE), "X") for message in told][1:] == [
        "<ol><li>asks X</li><li>opens</li><li>requests</li></ol>"
    ]


def test_each_kind_of_fault_has_a_form_of_its_words() -> None:
    forms = {kind["kind"]: [(field["type"], field["optional"]) for field in kind["form"]] for kind in fault_kinds()}
    assert set(forms) == set(FAULTS)
    assert forms["stop"] == [("node", False)]
    own = [("choice", True), ("number", True), ("choice", True), ("choice", True)]
    assert forms["cut"] == [("nodes", False), ("nodes", False), *own]
    assert forms["disconnect"] == [("node", False), ("network", True)]
    assert forms["record"] == [("node", False), ("text", False), ("choice", False), ("texts", True)]


def test_the_facts_of_an_exchange_name_its_ends() -> None:
    [request] = [exchange for exchange in exchanges().kept if exchange.kind == "http"]
    facts = exchange_facts(replace(request, is_probe=True))
    assert "server: app, 192.168.231.12, tcp port 80" in facts
    assert "a check of wirelab caused it" in facts
    assert len(exchange_facts(replace(request, event=None))) == 1


def test_a_packet_is_a_line() -> None:
    from recorded import lines

    packets = [packet_line(packet) for packet in read_packets(lines("first"))]
    assert any(line.endswith("> 192.168.231.12:80  TCP SYN") for line in packets)
    assert any("UDP" in line and "bytes" in line for line in packets)
