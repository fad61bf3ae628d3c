"""The pages in a real browser: all is there, it can be stepped through, by keyboard too, on a phone and at night."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from browser_pages import DESK, PHONE, Made, go_to, note_complaints

from orchestrator.rendering.graph_svg import arrow_words
from orchestrator.rendering.sequence import messages, participants

pytestmark = pytest.mark.sampled(3)

NAMES = ("report", "story", "lab")
STORIES = ("report", "story")
Open = Callable[..., Any]


def shown_now(page: Any) -> list[str]:
    """The messages that are marked in the diagram."""
    found: list[str] = page.eval_on_selector_all(".sequence g.now", "all => all.map(one => one.id)")
    return found


@pytest.mark.parametrize("name", ["report", "lab"])
def test_every_node_and_arrow_is_in_the_picture(opened: Open, pages: dict[str, Made], name: str) -> None:
    """By its name, inside the picture's frame, and as a sentence for a screen reader."""
    page, picture = opened(pages[name].file), pages[name].picture
    assert picture is not None
    frame = page.locator("svg.topology").bounding_box()
    for machine in picture.machines:
        box = page.locator(f'.topology .machine[data-node="{machine.name}"]')
        assert machine.name in box.inner_html()
        place = box.bounding_box()
        assert frame["x"] <= place["x"] <= place["x"] + place["width"] <= frame["x"] + frame["width"]
        assert frame["y"] <= place["y"] <= place["y"] + place["height"] <= frame["y"] + frame["height"]
    titles = page.eval_on_selector_all(".topology .arrow > title", "all => all.map(one => one.textContent)")
    assert titles == [arrow_words(arrow) for arrow in picture.arrows]
    assert page.get_by_role("img", name=picture.title).count() == 1


@pytest.mark.parametrize("name", ["report", "lab"])
def test_a_box_holds_its_words(opened: Open, pages: dict[str, Made], name: str) -> None:
    """The layout knows no fonts; the sizes that it estimates are large enough for a real one."""
    page = opened(pages[name].file)
    wrong = page.eval_on_selector_all(
        ".topology .machine",
        """all => all.filter(one => {
            const box = one.querySelector("rect").getBoundingClientRect();
            return [...one.querySelectorAll("text")].some(text => {
                const inner = text.getBoundingClientRect();
                return inner.left < box.left || inner.right > box.right || inner.bottom > box.bottom;
            });
        }).map(one => one.dataset.node)""",
    )
    assert wrong == []


@pytest.mark.parametrize("name", STORIES)
def test_every_message_is_there(opened: Open, pages: dict[str, Made], name: str) -> None:
    """In the diagram and in the list, with the names of both nodes."""
    page, story = opened(pages[name].file), pages[name].story
    assert story is not None
    found = messages(story)
    titles = page.eval_on_selector_all(".sequence g > title", "all => all.map(one => one.textContent)")
    assert titles == [f"{finding.source} to {finding.target}: {finding.text}" for finding in found]
    entries = page.locator("ol.messages li").all_inner_texts()
    assert all(words in entry for words, entry in zip(titles, entries, strict=True))
    heads = page.eval_on_selector_all(".scroll .sequence text.node", "all => all.map(one => one.textContent)")
    assert heads == list(participants(found))


@pytest.mark.parametrize("name", STORIES)
def test_stepping_moves_the_marked_message(opened: Open, pages: dict[str, Made], name: str) -> None:
    """Next, Back, First and Last; the list, the diagram and what is said aloud go together, and the ends hold.

    Buttons at an end stay reachable (only `aria-disabled`), so that the focus is not lost; hence `force`.
    """
    page, story = opened(pages[name].file), pages[name].story
    assert story is not None
    found = messages(story)
    seen = []
    for button in ("Next", "Next", "Next", "Back", "Last", "Next", "First", "Back"):
        page.get_by_role("button", name=button).click(force=True)
        (now,) = shown_now(page)
        seen.append(int(now.removeprefix("m")))
        assert page.locator("ol.messages a[aria-current=step]").get_attribute("href") == f"#{now}"
        said = page.locator(".steps output").inner_text()
        message = found[seen[-1] - 1]
        assert said.startswith(f"{seen[-1]} of {len(found)}:")
        assert f"{message.source} to {message.target}: {message.text}" in said
    assert seen == [1, 2, 3, 2, len(found), len(found), 1, 1]


def test_the_marked_message_is_in_sight_and_its_nodes_too(opened: Open, pages: dict[str, Made]) -> None:
    """The page scrolls to it, below the heads of the diagram; in the picture both of its nodes are marked."""
    page, story = opened(pages["report"].file, viewport=PHONE), pages["report"].story
    assert story is not None
    page.get_by_role("button", name="Last").click()
    last = messages(story)[-1]
    heads = page.locator("#story .heads").bounding_box()
    line = page.locator(f"#m{len(messages(story))} line").bounding_box()
    assert heads["y"] + heads["height"] <= line["y"] <= PHONE["height"]
    marked = page.eval_on_selector_all(".topology .machine.now", "all => all.map(one => one.dataset.node)")
    assert set(marked) == {last.source, last.target}


def test_the_diagram_scrolls_smoothly_too(opened: Open, pages: dict[str, Made]) -> None:
    """As it does for everybody who has not asked for less motion: downwards and sideways at once."""
    page = opened(pages["report"].file, viewport=PHONE)
    page.emulate_media(reduced_motion="no-preference")
    page.get_by_role("button", name="Last").click()
    page.wait_for_function(
        """() => {
            const heads = document.querySelector("#story .heads").getBoundingClientRect();
            const box = document.querySelector("#story .scroll").getBoundingClientRect();
            const now = document.querySelector(".sequence g.now line").getBoundingClientRect();
            const middle = (now.left + now.right) / 2;
            return heads.bottom <= now.top && now.bottom <= innerHeight && box.left < middle && middle < box.right;
        }"""
    )


def test_a_message_of_the_list_can_be_chosen(opened: Open, pages: dict[str, Made]) -> None:
    page = opened(pages["story"].file)
    page.locator("ol.messages a").nth(4).click()
    assert shown_now(page) == ["m5"]


def test_the_keyboard_is_enough(opened: Open, pages: dict[str, Made]) -> None:
    """The first stop is the link to the content; Enter, the arrows, Home and End step; each stop can be seen."""
    page, story = opened(pages["report"].file), pages["report"].story
    assert story is not None
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.value") == "next":
            break
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    steps = []
    for key in ("Enter", "ArrowRight", "ArrowRight", "ArrowLeft", "End", "Home"):
        page.keyboard.press(key)
        steps += shown_now(page)
    assert steps == ["m1", "m2", "m3", "m2", f"m{len(messages(story))}", "m1"]


@pytest.mark.parametrize("name", STORIES)
def test_the_arrow_keys_work_at_once(opened: Open, pages: dict[str, Made], name: str) -> None:
    """Without a click before them."""
    page = opened(pages[name].file)
    steps = []
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft"):
        page.keyboard.press(key)
        steps += shown_now(page)
    assert steps == ["m1", "m2", "m1"]


def test_the_arrow_keys_scroll_the_part_that_has_the_focus(opened: Open, pages: dict[str, Made]) -> None:
    """The negative control: whoever looks around in a wide diagram does not step."""
    page = opened(pages["story"].file, viewport=PHONE)
    page.locator("#story .scroll").focus()
    page.keyboard.press("ArrowRight")
    assert shown_now(page) == []


@pytest.mark.parametrize("viewport", [PHONE, DESK])
def test_the_names_of_the_nodes_stay_in_sight(opened: Open, pages: dict[str, Made], viewport: dict[str, int]) -> None:
    """Down to the last message, each above its line."""
    page = opened(pages["story"].file, viewport=viewport)
    page.get_by_role("button", name="Last").click()
    names, lines = (
        page.eval_on_selector_all(selector, "all => all.map(one => one.getBoundingClientRect().x.toFixed())")
        for selector in (".heads rect.box", ".scroll .sequence rect.box")
    )
    assert names == lines
    place = page.locator(".heads").bounding_box()
    assert 0 <= place["y"] <= viewport["height"] / 2


def test_the_last_message_of_the_list_is_reached_by_scrolling_the_page(opened: Open, pages: dict[str, Made]) -> None:
    """No part of the page scrolls downwards by itself."""
    page = opened(pages["story"].file)
    own = page.evaluate(
        """[...document.querySelectorAll("main *")].filter(one => one.scrollHeight > one.clientHeight + 2 &&
            ["auto", "scroll"].includes(getComputedStyle(one).overflowY)).map(one => one.className)"""
    )
    assert own == []


@pytest.mark.parametrize("name", NAMES)
def test_what_is_wider_than_a_phone_says_so(opened: Open, pages: dict[str, Made], name: str) -> None:
    """And on a desk, where all of it can be seen, it does not."""
    selector = ".figure"
    for viewport, wide in ((PHONE, True), ({"width": 1600, "height": 900}, False)):
        page = opened(pages[name].file, viewport=viewport)
        for figure in page.locator(selector).all():
            hint = figure.locator("xpath=..").locator(".sideways")
            assert hint.is_visible() == wide == figure.evaluate("one => one.scrollWidth > one.clientWidth + 2")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_stands_in_the_way_of_a_screen_reader(
    opened: Open, pages: dict[str, Made], name: str, scheme: str
) -> None:
    """axe-core finds no violation of WCAG: names, roles, order of headings, contrast, in both colour schemes."""
    from axe_playwright_python.sync_playwright import Axe

    page = opened(pages[name].file, scheme=scheme)
    page.eval_on_selector_all("details", "all => all.forEach(one => { one.open = true; })")
    if name != "lab":
        page.get_by_role("button", name="Next").click()
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [320, 360, 768])
def test_a_phone_scrolls_only_downwards(opened: Open, pages: dict[str, Made], name: str, width: int) -> None:
    """What is wide scrolls by itself; what can be touched is large enough (WCAG 2.5.5)."""
    page = opened(pages[name].file, viewport={"width": width, "height": 740})
    page.eval_on_selector_all("details", "all => all.forEach(one => { one.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for box in page.get_by_role("button").all():
        size = box.bounding_box()
        assert min(size["width"], size["height"]) >= 44


@pytest.mark.parametrize("name", NAMES)
def test_light_and_dark(opened: Open, pages: dict[str, Made], name: str) -> None:
    """Paper and ink change places as the machine prefers."""
    colours = [
        opened(pages[name].file, scheme=scheme).evaluate("getComputedStyle(document.body).backgroundColor")
        for scheme in ("light", "dark")
    ]
    assert colours == ["rgb(255, 255, 255)", "rgb(20, 23, 28)"]


@pytest.mark.parametrize("name", STORIES)
def test_without_scripts_everything_can_be_read(opened: Open, pages: dict[str, Made], name: str) -> None:
    """Only the buttons are missing."""
    page = opened(pages[name].file, script=False)
    assert page.locator(".steps").is_hidden()
    assert page.locator("ol.messages li").first.is_visible()
    assert page.locator(".scroll .sequence").is_visible()


def test_what_comes_from_outside_is_refused(opened: Open, pages: dict[str, Made], tmp_path: Any) -> None:
    """The page's own policy stops a picture and a script that somebody put in, before any request."""
    text = pages["lab"].file.read_text()
    outside = '<img src="http://192.0.2.1/x.png" alt=""><script src="http://192.0.2.1/x.js"></script></main>'
    (tmp_path / "evil.html").write_text(text.replace("</main>", outside))
    page = opened(pages["lab"].file)
    messages: list[str] = []
    evil = page.context.new_page()
    note_complaints(evil, messages)
    go_to(evil, (tmp_path / "evil.html").as_uri())
    assert len([line for line in messages if "Content Security Policy" in line]) == 2


def test_the_report_of_a_real_lab(opened: Open, shared: Any, tmp_path: Any) -> None:
    """What `check --report` writes of a lab that stands: its nodes, its traffic, and a story to walk through."""
    ran = shared.cli("check", "--report", str(tmp_path / "out.html"), "--only", "answers the client over HTTP")
    assert ran.code == 0, ran.err
    page = opened(tmp_path / "out.html", viewport=PHONE)
    nodes = page.eval_on_selector_all(".topology .machine.ready", "all => all.map(one => one.dataset.node)")
    assert set(nodes) == {"dns", "db", "app", "client"}
    arrows = page.eval_on_selector_all(".topology .arrow > title", "all => all.map(one => one.textContent)")
    assert any(words.startswith("client uses app (port 80: ") for words in arrows), arrows
    messages_shown = page.locator("ol.messages li").all_inner_texts()
    assert any("client to app: GET /items" in words for words in messages_shown)
    page.locator("ol.messages a").first.focus()
    marked = []
    for _ in messages_shown:
        page.keyboard.press("ArrowRight")
        marked += shown_now(page)
    assert marked == [f"m{number}" for number in range(1, len(messages_shown) + 1)]


@pytest.mark.parametrize("window", [DESK, PHONE], ids=["desk", "phone"])
def test_a_cause_of_fourteen_checks_takes_two_screens_at_most(
    opened: Open, pages: dict[str, Made], window: dict[str, int]
) -> None:
    """One stopped DNS server is read without scrolling through a walk for each check."""
    page = opened(pages["one cause"].file, viewport=window)
    cause = page.locator(".cause").bounding_box()
    assert cause["height"] <= 2 * window["height"]
    assert page.locator("#causes .check").count() == 14
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_check_of_a_cause_opens_to_what_was_seen(opened: Open, pages: dict[str, Made]) -> None:
    page = opened(pages["one cause"].file)
    check = page.locator("#causes .check").first
    assert not check.get_by_text("no servers could be reached").is_visible()
    check.locator("summary").click()
    assert check.get_by_text("no servers could be reached").is_visible()
