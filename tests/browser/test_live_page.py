"""The live page in a real browser, with real clicks and keys: a stand-in for the server plays a lab to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from browser_pages import PHONE, open_terminal, terminal_text
from fake_live_server import ORIGIN, FakeLiveServer, Message
from live_messages import (
    HOSTILE,
    JOURNAL,
    PACKETS,
    STEPS,
    STOP_APP,
    TOLD,
    check,
    checks_message,
    exchange,
    faults_message,
    hello,
    journal,
    lab_messages,
    lesson_message,
    nodes_message,
    picture_message,
    request_story,
    task,
)
from picture_labs import SMALL, THIRTY

pytestmark = pytest.mark.sampled(3)

WIDE = {"width": 1600, "height": 950}
TABLET = {"width": 800, "height": 1000}
SIZES = {"phone": PHONE, "tablet": TABLET, "wide": WIDE}
PICTURE = picture_message(SMALL)
ACTED = {
    "client": {"acts_as": "client"},
    "app": {"acts_as": "both"},
    "dns": {"acts_as": "server"},
    "db": {"acts_as": "server"},
}
Open = Callable[..., tuple[Any, FakeLiveServer]]


def item(page: Any, number: int) -> Any:
    """An exchange in the story, with what it caused."""
    return page.locator(f'[role=treeitem][data-number="{number}"]')


def line(page: Any, number: int) -> Any:
    """The line of an exchange in the story."""
    return item(page, number).locator("> .line")


def asked(page: Any, server: FakeLiveServer, what: str) -> Message:
    """The last request of this kind, without its number; waits for it."""
    while not (found := [request for request in server.requests if request["do"] == what]):
        page.evaluate("new Promise(requestAnimationFrame)")
    return {name: value for name, value in found[-1].items() if name not in ("id", "do")}


def focused(page: Any) -> str:
    """The name of what has the focus."""
    text: str = page.evaluate(
        "document.activeElement.getAttribute('aria-label') || document.activeElement.textContent.trim()"
    )
    return text


def test_the_lab_is_drawn_and_follows_its_nodes(live: Open) -> None:
    """Each node with its role and addresses; a stop, a fault and what a node was show at once, also in words."""
    page, server = live(lab_messages(SMALL))
    assert page.locator(".machine").evaluate_all("all => all.map(one => one.dataset.node)") == [
        node["name"] for node in PICTURE["nodes"]
    ]
    assert page.get_by_text("4 nodes running").is_visible()
    server.send(
        nodes_message(PICTURE, {**ACTED, "app": {"state": "stopped", "faults": ["stop-app"], "acts_as": "both"}})
    )
    app = page.locator('.machine[data-node="app"].stopped')
    app.wait_for()
    assert app.get_attribute("aria-label") == (
        "app, app, stopped, 192.168.7.12, acted as client and server, faults: stop-app"
    )
    assert app.locator(".fault-mark").is_visible()
    assert page.get_by_text("3 of 4 nodes running").is_visible()
    assert page.locator('.machine[data-node="client"] .acts').text_content() == "client"


def test_a_node_is_chosen_by_keys_and_says_what_it_is(live: Open) -> None:
    """One tab stop, arrows, Enter; Escape closes and gives the focus back; a node with a shell has a terminal."""
    page, server = live(lab_messages(SMALL))
    page.locator('.machine[tabindex="0"]').focus()
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    card = page.get_by_role("region", name="Selected node")
    assert "192.168.7.13 (lab)" in card.inner_text()
    card.get_by_role("button", name="Open a terminal").focus()
    page.keyboard.press("Escape")
    assert card.is_hidden()
    assert page.evaluate("document.activeElement.dataset.node") == "client"
    page.keyboard.press("Space")
    card.get_by_role("button", name="Open a terminal").click()
    assert asked(page, server, "open_terminal") == {"node": "client"}


def test_no_state_is_shown_while_a_learner_is_to_find_what_is_broken(live: Open) -> None:
    """A stopped node would say at once which one it is; a terminal in each of them can be opened."""
    small = picture_message(SMALL)
    page, server = live(lab_messages(SMALL))
    lamps = page.locator(".topology .lamp:visible")
    page.get_by_text("4 nodes running").wait_for()
    assert lamps.count() == 4
    server.send(nodes_message(small, {node["name"]: {"state": ""} for node in small["nodes"]}))
    page.get_by_text("4 nodes, states not shown").wait_for()
    assert lamps.count() == 0
    page.locator('.machine[data-node="client"]').click()
    card = page.get_by_role("region", name="Selected node")
    assert "not shown" in card.inner_text()
    card.get_by_role("button", name="Open a terminal").click()
    assert asked(page, server, "open_terminal") == {"node": "client"}


def test_a_request_unfolds_to_its_tree(live: Open) -> None:
    """What a server asked while it served a request stands below that request, also if it was heard of earlier."""
    story = request_story(1)
    page, _ = live(lab_messages(SMALL, *reversed(story[2:]), *story[:2]))
    page.wait_for_function("() => document.querySelectorAll('[role=treeitem]').length === 6")
    path = item(page, 6).evaluate(
        """item => { const path = []; for (let at = item; at; at = at.parentElement.closest("[role=treeitem]"))
        path.push(at.dataset.number); return path; }"""
    )
    assert path == ["6", "5", "3", "2"]
    assert page.get_by_text("2 requests").is_visible()
    line(page, 2).locator(".twist").click()
    assert line(page, 6).is_hidden()
    page.get_by_role("button", name="Fold all").click()
    page.get_by_role("button", name="Unfold all").click()
    assert line(page, 6).is_visible()


def test_the_story_keeps_as_much_as_the_server(live: Open) -> None:
    """What is older goes; what it caused stays."""
    messages = lab_messages(SMALL, *request_story(1))
    page, _ = live([{**messages[0], "keeps": 4}, *messages[1:]])
    page.wait_for_function("() => document.querySelectorAll('[role=treeitem]').length === 4")
    assert line(page, 6).is_visible()
    assert page.locator('[role=treeitem][tabindex="0"]').count() == 1


def test_tab_reaches_a_line_that_is_in_sight(live: Open) -> None:
    """Though the first exchange is one of a check, which is hidden."""
    probe = exchange(1, "client asked dns for app.shop.lab A", "DNS", "client dns", probe=True)
    page, _ = live(lab_messages(SMALL, probe, *request_story(2)))
    line(page, 7).wait_for()
    assert page.locator('[role=treeitem][tabindex="0"]').get_attribute("data-number") == "2"


def test_the_story_is_walked_by_keys(live: Open) -> None:
    """Arrows move, fold and unfold; Enter shows the packets; Escape leads back to the line."""
    page, server = live(lab_messages(SMALL, *request_story(1)), {"packets": PACKETS})
    line(page, 6).wait_for()
    page.locator('[role=treeitem][tabindex="0"]').focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowRight", "ArrowUp", "ArrowLeft"):
        page.keyboard.press(key)
    assert [item(page, number).get_attribute("aria-expanded") for number in (2, 3)] == ["true", "false"]
    page.keyboard.press("ArrowRight")
    page.keyboard.press("End")
    assert page.evaluate("document.activeElement.dataset.number") == "6"
    page.keyboard.press("Enter")
    page.get_by_text("app saw the request from 192.168.7.13").wait_for()
    assert asked(page, server, "packets") == {"exchange": 6}
    page.get_by_role("button", name="Close the packets").focus()
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.dataset.number") == "6"


def test_traffic_of_checks_shows_where_it_is_wanted(live: Open) -> None:
    probe = exchange(30, "client asked dns for app.shop.lab A", "DNS", "client dns", probe=True)
    page, _ = live(lab_messages(SMALL, *request_story(1), probe))
    page.get_by_text("2 requests, 1 of checks hidden").wait_for()
    assert line(page, 30).is_hidden()
    page.get_by_label("Traffic of checks").check()
    assert line(page, 30).is_visible()


def test_an_exchange_that_goes_on_says_so_until_it_ends(live: Open) -> None:
    begun = exchange(1, "client connects to app port 80", "TCP", "client app", outcome="open", ended=None)
    page, server = live(lab_messages(SMALL, begun))
    line(page, 1).get_by_text("not answered yet").wait_for()
    server.send(exchange(1, "client connected to app port 80: refused", "TCP", "client app", outcome="failed"))
    line(page, 1).get_by_text("refused").wait_for()
    assert item(page, 1).get_attribute("aria-label").endswith("refused (failed)")


def test_messages_move_along_the_arrows(live: Open) -> None:
    """There and back, in the colour of the protocol; what was before the page opened does not move."""
    page, server = live(lab_messages(SMALL, *request_story(1)), motion="no-preference")
    line(page, 6).wait_for()
    assert page.locator(".message").count() == 0
    server.send(*request_story(11))
    page.locator(".message.dns").first.wait_for(state="attached")
    assert "path(" in page.locator(".message").first.evaluate("one => one.style.offsetPath")
    page.locator(".edge.http.lit").first.wait_for(state="attached")
    page.wait_for_function("() => !document.querySelector('.message') && !document.querySelector('.lit')")


def test_nothing_moves_for_who_wants_no_motion(live: Open) -> None:
    page, server = live(lab_messages(SMALL))
    server.send(*request_story(1))
    page.locator(".edge.http.lit").first.wait_for(state="attached")
    assert page.locator(".message").count() == 0


def test_checks_run_and_say_why(live: Open) -> None:
    """One, or all; a failing check opens to its evidence and to the walk through the layers."""
    page, server = live(lab_messages(SMALL))
    page.get_by_role("tab", name="Checks").click()
    page.get_by_role("button", name="Run: The app answers the client over HTTP").click()
    assert asked(page, server, "check") == {"number": 2}
    server.send({"type": "checks", "checks": [check(2, "The app answers", None, running=True)]})
    page.get_by_role("button", name="Run all", disabled=True).wait_for()
    server.send(checks_message(broken=True))
    page.get_by_text("2 pass, 1 fail, 1 unknown").wait_for()
    assert page.get_by_text("The node app is stopped, so nobody listens").is_visible()
    broken = page.locator(".check.fail")
    broken.locator("summary").focus()
    page.keyboard.press("Enter")
    assert broken.get_by_text("no answer to the SYN within 2 s").is_visible()
    assert broken.get_by_text("wirelab heal basic stop-app").is_visible()
    server.send(checks_message(broken=True))
    assert broken.get_by_text("no answer to the SYN within 2 s").is_visible()
    page.get_by_role("button", name="Run all").click()
    page.wait_for_function("() => document.querySelector('.check .run:not(:disabled)')")
    assert asked(page, server, "check") == {"number": None}


def test_faults_go_in_by_a_form_and_out_again(live: Open) -> None:
    """The form is the server's own; what it refuses is said in its words."""
    refused: Message = {"ok": False, "error": "The lab is busy.", "why": "wirelab check basic", "try": "wirelab ps"}
    page, server = live(lab_messages(SMALL), {"heal": refused})
    page.get_by_role("tab", name="Faults").click()
    page.get_by_label("Fault", exact=True).select_option("record")
    page.get_by_label("DNS node").select_option("dns")
    page.get_by_role("textbox", name="name").fill("app.shop.lab")
    page.get_by_role("textbox", name="values").fill("192.0.2.1 192.0.2.2")
    page.get_by_role("button", name="Put the fault in").click()
    assert asked(page, server, "inject") == {"words": ["record", "dns", "app.shop.lab", "A", "192.0.2.1", "192.0.2.2"]}
    page.get_by_label("Fault", exact=True).select_option("cut")
    page.get_by_role("group", name="nodes", exact=True).get_by_label("client").check()
    for name in ("db", "app"):
        page.get_by_role("group", name="the other nodes").get_by_label(name).check()
    server.requests.clear()
    page.get_by_role("button", name="Put the fault in").click()
    assert asked(page, server, "inject") == {"words": ["cut", "client", "db,app"]}
    server.send(faults_message(STOP_APP))
    page.get_by_role("button", name="Heal stop-app").click()
    assert asked(page, server, "heal") == {"fault": "stop-app"}
    page.get_by_text("The lab is busy.").wait_for()
    server.requests.clear()
    page.get_by_role("button", name="Heal all").click()
    assert asked(page, server, "heal") == {"fault": None}


def test_packets_are_recorded_and_downloaded(live: Open) -> None:
    page, server = live(lab_messages(SMALL))
    page.get_by_role("button", name="Record packets").click()
    assert asked(page, server, "capture") == {"on": True}
    server.send({"type": "capture", "on": True, "bytes": 4200})
    page.get_by_role("button", name="Stop recording", pressed=True).wait_for()
    assert page.get_by_text("4.2 kB").is_visible()
    assert page.get_by_role("link", name="Download").get_attribute("href") == "/capture.pcapng"


def test_events_come_as_sentences(live: Open) -> None:
    page, server = live(lab_messages(SMALL))
    page.get_by_role("tab", name="Events").click()
    server.send(journal("node", "app is stopped", 9.0))
    page.get_by_text("app is stopped").wait_for()
    assert page.locator(".journal li").count() == len(JOURNAL) + 1


def sent(page: Any, server: FakeLiveServer, session: str, text: str) -> None:
    """Wait until a terminal has sent this text."""
    while text.encode() not in b"".join(part for part in server.typed[session] if isinstance(part, bytes)):
        page.evaluate("new Promise(requestAnimationFrame)")


def test_terminals_open_in_tabs_and_come_back_after_a_reload(live: Open) -> None:
    """What is typed goes to the node of the tab in sight; a reload and a lost connection lose nothing."""
    page, server = live(lab_messages(SMALL))
    open_terminal(page, "client")
    terminal_text(page, "client$")
    page.keyboard.type("dig app.shop.lab")
    sent(page, server, "s1", "dig app.shop.lab")
    assert any(isinstance(part, str) and part.startswith('{"resize":[') for part in server.typed["s1"])
    open_terminal(page, "app")
    page.get_by_role("tab", name="client", exact=True).click()
    server.write("s1", b"192.168.7.12\r\n")
    terminal_text(page, "192.168.7.12")
    page.reload()
    page.get_by_role("tab", name="client", exact=True).click()
    terminal_text(page, "192.168.7.12")
    server.end_terminal("s1", {"exit": 0})
    page.get_by_text("The shell has ended with exit code 0.").wait_for()
    page.get_by_role("button", name="Close the terminal client").click()
    assert asked(page, server, "close_terminal") == {"session": "s1"}
    assert page.get_by_role("tablist", name="Open terminals").get_by_role("tab").count() == 1


def test_a_terminal_that_alone_lost_its_connection_comes_back(live: Open) -> None:
    """It waits for no other loss: the socket of the page is open all the time."""
    page, server = live(lab_messages(SMALL))
    open_terminal(page, "client")
    terminal_text(page, "client$")
    server.output["s1"] += b"written meanwhile"
    server.close_terminal_socket("s1")
    terminal_text(page, "written meanwhile")
    assert page.get_by_text("Not connected.").is_hidden()


def test_a_terminal_says_that_the_engine_does_not_answer(live: Open) -> None:
    """And no longer when it does again; the terminal stays open."""
    page, server = live(lab_messages(SMALL, {"type": "engine_answers", "answers": True}))
    open_terminal(page, "client")
    silent = page.get_by_text("The container engine does not answer.")
    assert silent.count() == 0
    server.play({"type": "engine_answers", "answers": False})
    silent.wait_for()
    server.play({"type": "engine_answers", "answers": True})
    silent.wait_for(state="detached")
    terminal_text(page, "client$")


def test_keys_go_into_a_terminal_and_out_again(live: Open) -> None:
    """Tab belongs to the shell, Shift+Tab leaves it; Ctrl+C copies what is selected, and is a signal otherwise."""
    page, server = live(lab_messages(SMALL))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=ORIGIN)
    open_terminal(page, "client")
    terminal_text(page, "client$")
    page.keyboard.press("Tab")
    sent(page, server, "s1", "\t")
    page.keyboard.press("Control+c")
    sent(page, server, "s1", "\x03")
    page.locator(".xterm-screen").dblclick(position={"x": 10, "y": 8})
    page.keyboard.press("Control+c")
    page.get_by_text("Copied.").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == "client$"
    page.evaluate("navigator.clipboard.writeText('curl app')")
    page.get_by_role("button", name="Paste into client").click()
    sent(page, server, "s1", "curl app")
    page.keyboard.press("Shift+Tab")
    assert focused(page) == "client"


def test_a_question_is_answered(live: Open) -> None:
    """By keys; what was chosen stays while messages come, and what the lesson says is added below."""
    page, server = live(lab_messages(SMALL, lesson_message(task(), TOLD[:1]), lesson=True), viewport=WIDE)
    page.get_by_role("radio", name="app").focus()
    page.keyboard.press("ArrowDown")
    server.send(lesson_message(task(), TOLD))
    page.get_by_text("NXDOMAIN").wait_for()
    assert page.get_by_role("radio", name="dns").is_checked()
    page.keyboard.press("Enter")
    assert asked(page, server, "lesson") == {"line": "2"}
    server.requests.clear()
    page.get_by_role("button", name="Hint").click()
    assert asked(page, server, "lesson") == {"line": "hint"}
    assert page.get_by_text("1 of 5 tasks done").is_visible()
    server.send(lesson_message(None, [*TOLD, {"kind": "over", "html": "<p>5 of 5 tasks done.</p>"}]))
    page.get_by_text("5 of 5 tasks done.").wait_for()
    assert page.get_by_role("button", name="Hint").is_hidden()


def test_what_was_said_of_earlier_tasks_is_put_away(live: Open) -> None:
    """Below a task stands what was said of it, and by what the last one was done; the rest is a click away."""
    begun = [{"kind": "begun", "html": f"<p>Task {number} of 5: do it</p>"} for number in (1, 2)]
    tried, done, hint = TOLD[1], TOLD[0], TOLD[2]
    page, server = live(
        lab_messages(SMALL, lesson_message(task(), [begun[0], tried, done]), lesson=True), viewport=WIDE
    )
    log = page.get_by_role("log")
    assert log.locator("li:visible").evaluate_all("all => all.map(item => item.className)") == ["not_done", "done"]
    server.send(lesson_message(task(), [begun[0], tried, done, begun[1], hint]))
    log.locator(".hint").wait_for()
    assert log.locator("li:visible").evaluate_all("all => all.map(item => item.className)") == ["done", "hint"]
    assert page.get_by_text("NXDOMAIN").is_hidden()
    page.get_by_text("Earlier tasks").click()
    assert page.get_by_text("NXDOMAIN").is_visible()


def test_who_asks_twice_for_the_solution_reads_it_once(live: Open) -> None:
    """At the end, after what was said meanwhile; an attempt that fails twice is said twice."""
    tried, hint, solution = TOLD[1], TOLD[2], {"kind": "solution", "html": "<pre><code>dns</code></pre>"}
    page, server = live(lab_messages(SMALL, lesson_message(task(), [hint, solution]), lesson=True), viewport=WIDE)
    server.send(lesson_message(task(), [hint, solution, tried, tried, hint, solution]))
    log = page.get_by_role("log")
    log.locator(".not_done").nth(1).wait_for()
    kinds = log.locator("li").evaluate_all("all => all.map(item => item.className)")
    assert kinds == ["not_done", "not_done", "hint", "solution"]


def test_an_answer_is_typed(live: Open) -> None:
    page, server = live(lab_messages(SMALL, lesson_message(task(choices=[])), lesson=True), viewport=WIDE)
    page.get_by_label("Your answer").fill("192.168.7.12")
    page.keyboard.press("Enter")
    assert asked(page, server, "lesson") == {"line": "192.168.7.12"}


def test_a_lesson_says_what_is_allowed_and_which_layer_is_broken(live: Open) -> None:
    """And which tasks were left out; what the lesson broke can be healed though no fault is shown."""
    lesson = lesson_message(
        task("repair", allowed=["Take back what was broken: wirelab heal basic"]),
        [{"kind": "not_done", "layer": "dns", "html": "<p>dns is stopped.</p>"}],
    )
    lesson["tasks"][0]["state"] = "skipped"
    page, server = live(lab_messages(SMALL, lesson, lesson=True), viewport=WIDE)
    page.get_by_text("Take back what was broken: wirelab heal basic").wait_for()
    assert page.get_by_role("log").locator(".not_done").text_content() == "Why (dns)dns is stopped."
    assert page.get_by_role("list", name="Tasks").get_by_text("The task start: skipped").count() == 1
    page.get_by_role("tab", name="Faults").click()
    page.get_by_role("button", name="Heal all").click()
    assert asked(page, server, "heal") == {"fault": None}
    page.get_by_text("Begin again").click()
    page.get_by_role("button", name="The lab as this task began").click()
    assert asked(page, server, "lesson") == {"line": "restore"}


def test_steps_are_put_in_order_by_keys(live: Open) -> None:
    messages = lab_messages(SMALL, lesson_message(task("predict", choices=STEPS)), lesson=True)
    page, server = live(messages, viewport=WIDE)
    page.get_by_role("button", name=f"Earlier: {STEPS[2]}").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    assert focused(page) == f"Earlier: {STEPS[2]}"
    page.get_by_role("button", name="Answer").click()
    assert asked(page, server, "lesson") == {"line": "3 1 2"}


def test_a_lost_connection_is_said_and_comes_back(live: Open) -> None:
    """What happened meanwhile is there afterwards, once; the open terminal goes on."""
    page, server = live(lab_messages(SMALL, *request_story(1)))
    open_terminal(page, "client")
    server.go_down()
    page.get_by_text("Connection lost.").wait_for()
    page.get_by_role("tab", name="Checks").click()
    page.get_by_role("button", name="Run all").click()
    page.get_by_text("The connection was lost before the answer came.").wait_for()
    server.messages += request_story(11)
    server.is_up = True
    # The page may have connected by itself before; then the button is hidden, and does nothing.
    page.get_by_role("button", name="Try now", include_hidden=True).dispatch_event("click")
    page.get_by_text("Connection lost.").wait_for(state="hidden")
    page.get_by_role("tab", name="Story").click()
    line(page, 16).wait_for()
    assert page.locator("[role=treeitem]").count() == 12
    terminal_text(page, "client$")


def test_hostile_text_is_only_text(live: Open) -> None:
    """HTML and escape sequences in every place that a node or an author can write to."""
    picture = picture_message(SMALL)
    picture["nodes"][0]["role"] = picture["edges"][0]["sentence"] = HOSTILE
    told = {**STOP_APP, "words": HOSTILE, "sentence": HOSTILE, "by": HOSTILE}
    why = {"sentence": HOSTILE, "layers": [{"layer": HOSTILE, "state": "broken", "text": HOSTILE, "try": HOSTILE}]}
    bad = check(1, HOSTILE, "fail", expected=HOSTILE, actual=HOSTILE, evidence=[HOSTILE], why=why)
    lesson = lesson_message(task(title=HOSTILE, choices=[HOSTILE], html=""))
    messages = [
        hello(title=HOSTILE, lesson=True), picture, nodes_message(picture), faults_message(told), lesson,
        {"type": "checks", "checks": [bad]}, journal("node", HOSTILE), exchange(1, HOSTILE, "HTTP", "client app"),
    ]  # fmt: skip
    packets: Message = {"ok": True, "data": {"lines": [HOSTILE], "evidence": [HOSTILE]}}
    page, server = live(messages, {"packets": packets}, viewport=WIDE)
    line(page, 1).click()
    page.locator(".packet-lines").wait_for()
    for tab in ("Checks", "Faults", "Events"):
        page.get_by_role("tab", name=tab).click()
    open_terminal(page, "client")
    server.write("s1", HOSTILE.encode() + b"\x1b]0;owned\x07\x1b]52;c;b3duZWQ=\x07 end")
    terminal_text(page, "end")
    assert page.locator("main img, main script").count() == 0
    assert page.title() == "basic · wirelab"


def test_the_keyboard_reaches_everything(live: Open) -> None:
    """Tab alone walks from the skip link to the last control, and each stop is visible and has a visible focus."""
    messages = lab_messages(SMALL, *request_story(1), lesson_message(task(), TOLD), lesson=True)
    page, _ = live(messages, viewport=WIDE)
    line(page, 6).wait_for()
    seen: list[str] = []
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            break
        seen.append(focused(page))
        assert page.evaluate("document.activeElement.matches(':focus-visible')")
    assert seen[0] == "Skip to the story"
    for name in ("Record packets", "Hint", "Answer", "Picture of the lab", "Open", "Story", "Fold all"):
        assert name in seen, seen
    page.keyboard.press("Shift+Tab")


OVERLAPS = """() => {
    const wrong = [];
    const before = (a, b) => a.right <= b.left + 1 || a.bottom <= b.top + 1;
    const apart = (a, b) => before(a, b) || before(b, a);
    const boxes = [...document.querySelectorAll(".topology text")]
        .filter(text => text.textContent && text.getClientRects().length)
        .map(text => [text.textContent, text.getBoundingClientRect()]);
    boxes.forEach(([name, box], at) => boxes.slice(at + 1).forEach(([other, place]) => {
        if (!apart(box, place)) wrong.push(`${name} / ${other}`);
    }));
    return wrong;
}"""


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scenario", [SMALL, THIRTY], ids=["4 nodes", "30 nodes"])
def test_no_text_overlaps_and_nothing_is_wider_than_the_window(live: Open, scenario: str, size: str) -> None:
    picture = picture_message(scenario)
    acts = {node["name"]: {"acts_as": "both"} for node in picture["nodes"]}
    messages = lab_messages(scenario, nodes_message(picture, acts), lesson_message(task(), TOLD), lesson=True)
    page, _ = live(messages, viewport=SIZES[size])
    assert page.evaluate(OVERLAPS) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    height = page.locator(".topology .range").first.evaluate("text => text.getBoundingClientRect().height")
    assert height >= 8  # legible: what is too large scrolls


def show_packets(page: Any, _server: FakeLiveServer) -> None:
    line(page, 3).click()
    page.locator(".packet-lines").wait_for()


def show_checks(page: Any, server: FakeLiveServer) -> None:
    server.send(checks_message(broken=True))
    page.get_by_role("tab", name="Checks").click()
    page.locator(".check.fail summary").click()


def show_faults(page: Any, server: FakeLiveServer) -> None:
    server.send(faults_message(STOP_APP), nodes_message(PICTURE, {"app": {"state": "stopped", "faults": ["stop-app"]}}))
    page.get_by_role("tab", name="Faults").click()
    page.get_by_label("Fault", exact=True).select_option("cut")
    page.locator('.machine[data-node="app"]').click()


def show_terminal(page: Any, _server: FakeLiveServer) -> None:
    open_terminal(page, "client")
    terminal_text(page, "client$")


def show_events(page: Any, _server: FakeLiveServer) -> None:
    page.get_by_role("tab", name="Events").click()


def lose_connection(page: Any, server: FakeLiveServer) -> None:
    server.go_down()
    page.get_by_text("Connection lost.").wait_for()


def show_steps(page: Any, server: FakeLiveServer) -> None:
    server.send(lesson_message(task("predict", choices=STEPS), TOLD))
    page.locator(".order").wait_for()


def show_task_to_do(page: Any, server: FakeLiveServer) -> None:
    server.send(lesson_message(task("observe"), TOLD))
    page.locator(".waiting").wait_for()


# Shown together, since axe takes a second for each look at the page.
STATES = (
    (show_packets,),
    (show_checks, show_steps, show_terminal),
    (show_faults, show_task_to_do),
    (show_events, lose_connection),
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_any_state(live: Open, scheme: str) -> None:
    """axe-core finds no violation of WCAG, one state after the other; in the dark, only contrast can differ."""
    from axe_playwright_python.sync_playwright import Axe

    failed = exchange(20, "client connected to app port 81: refused", "TCP", "client app", outcome="failed")
    lesson = lesson_message(task(), TOLD)
    messages = lab_messages(SMALL, nodes_message(PICTURE, ACTED), *request_story(1), failed, lesson, lesson=True)
    page, server = live(messages, {"packets": PACKETS}, viewport=WIDE, scheme=scheme)
    line(page, 20).wait_for()
    rules = {"runOnly": ["color-contrast"]} if scheme == "dark" else {}
    found: dict[str, list[str]] = {}
    for shown in STATES:
        for show in shown:
            show(page, server)
        found[shown[0].__name__] = violations(Axe().run(page, options=rules))
    assert {state: broken for state, broken in found.items() if broken} == {}


def violations(results: Any) -> list[str]:
    return [
        f"{violation['id']}: {', '.join(' '.join(node['target']) for node in violation['nodes'])}"
        for violation in results.response["violations"]
    ]
