"""The report, the story's page and the lab's page: whole, well-formed, escaped, and without anything from outside."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from html.parser import HTMLParser

import pytest
from picture_labs import SMALL, lab
from recorded import NAMES, recorded

from orchestrator.checks.findings import Finding, Judgement
from orchestrator.checks.verdict import Verdict
from orchestrator.checks.walk import Cause, Layer, make_walk
from orchestrator.reading.reading import Position
from orchestrator.rendering.check_report import CheckReport, LocatedFinding
from orchestrator.rendering.graph import make_picture
from orchestrator.rendering.lab_page import lab_page
from orchestrator.rendering.report import Report, report_page
from orchestrator.rendering.sequence import messages
from orchestrator.rendering.story import story_text
from orchestrator.rendering.story_page import MOST, story_page
from orchestrator.traffic.story import Story, build_story

EVIL = "<script>alert(1)</script>\"'&<b>\x00"
SAME_CAUSE: tuple[tuple[Verdict, str], ...] = (("fail", "Two"), ("unknown", "Three"), ("fail", "Four"))
VOID = {"meta", "br", "link", "img", "input", "hr"}


class Parsed(HTMLParser):
    """The elements of a page, with a complaint for each that is not closed where it must be."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.complaints: list[str] = []
        self.words = ""
        self._open: list[str] = []
        self.feed(text)
        self.complaints += [f"{name} is never closed" for name in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.complaints.append(f"{tag} is closed where it is not open")

    def handle_data(self, data: str) -> None:
        if not self._open or self._open[-1] not in ("script", "style"):
            self.words += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def finding(verdict: Verdict, name: str, text: str = "that", why: bool = False) -> Finding:
    layers = (
        Layer("node", "client", "app", "pass", "both run"),
        Layer(
            "listen", "client", "app", "fail", f"nobody {text}", ("ss: nothing",), (Cause(f"B {text}", f"T {text}"),)
        ),
    )
    walk = make_walk(layers, Cause("all holds", "")) if why else None
    return Finding(name, "http", "client", Judgement(verdict, f"E {text}", f"A {text}", (f"V {text}",)), 0.2, walk)


def report(*findings: Finding, told: Story | None = None) -> str:
    found = tuple(LocatedFinding(one, Position(10 + number, 5)) for number, one in enumerate(findings))
    check_report = CheckReport(
        "small", "A title", "small-2", "s/scenario.yaml", found, "2026-01-31T12:00:00", 1.0, {"wirelab": "9"}
    )
    picture = make_picture(lab(SMALL), {"db": "paused"})
    return report_page(Report(check_report, picture, told, "nobody listened"))


@cache
def pages() -> dict[str, str]:
    picture = make_picture(lab(SMALL), {})
    return {
        "report": report(finding("pass", "One"), finding("fail", "Two", why=True), told=recorded("first")),
        "bare report": report(finding("unknown", "Two")),
        "story": story_page(recorded("overlap"), "A story", "wirelab trace x -- <curl>"),
        "empty story": story_page(build_story(()), "Nothing"),
        "lab": lab_page(picture),
    }


NAMES_OF_PAGES = ("report", "bare report", "story", "empty story", "lab")


@pytest.mark.parametrize("name", NAMES_OF_PAGES)
def test_a_page_is_well_formed(name: str) -> None:
    """Each element is closed, and no identity is given twice."""
    parsed = Parsed(pages()[name])
    assert parsed.complaints == []
    twice = Counter(one["id"] for _, one in parsed.found if "id" in one)
    assert [identity for identity, count in twice.items() if count > 1] == []


@pytest.mark.parametrize("name", NAMES_OF_PAGES)
def test_whoever_cannot_see_finds_the_way(name: str) -> None:
    """A language, one main heading, landmarks, a name for every region, and labels that are there."""
    parsed = Parsed(pages()[name])
    (root,) = parsed.all("html")
    assert root["lang"] == "en"
    assert [len(parsed.all(tag)) for tag in ("h1", "main", "header", "footer")] == [1] * 4
    sections = len(parsed.all("section"))
    assert len(parsed.all("nav")) == (1 if sections > 1 else 0), "a list of one link leads nowhere"
    identities = {one["id"] for _, one in parsed.found if "id" in one}
    for tag, one in parsed.found:
        for identity in (one.get("aria-labelledby") or "").split():
            assert identity in identities
        if one.get("role") == "region":
            assert one.get("aria-label")
            assert one.get("tabindex") == "0"
        if tag == "a":
            assert (one.get("href") or "").removeprefix("#") in identities


@pytest.mark.parametrize("name", NAMES_OF_PAGES)
def test_a_page_fetches_nothing(name: str) -> None:
    """No element names anything outside the page, and the browser is told to refuse it."""
    parsed = Parsed(pages()[name])
    assert not parsed.all("link") + parsed.all("img") + parsed.all("iframe")
    assert all("src" not in one for _, one in parsed.found)
    assert all(not (one.get("href") or "#").strip("#").startswith(("http", "//", "data")) for _, one in parsed.found)
    assert "url(" not in pages()[name]
    assert "@import" not in pages()[name]
    assert any("default-src 'none'" in (one.get("content") or "") for one in parsed.all("meta"))


def test_whatever_is_told_stays_text() -> None:
    """A check's name, what was seen, evidence and walk cannot become elements or scripts."""
    text = report(finding("fail", EVIL, EVIL, why=True), told=recorded("first"))
    parsed = Parsed(text)
    assert len(parsed.all("script")) == 1
    assert parsed.complaints == []
    assert not parsed.all("b") or all("alert" not in str(one) for one in parsed.all("b"))
    assert parsed.words.count("alert(1)") == text.count("alert(1)") >= 7


def test_a_check_shows_its_evidence_and_place_and_a_cause_its_walk() -> None:
    """What no cause explains stands open and comes before what holds; the command to try is named."""
    parsed = Parsed(report(finding("pass", "One"), finding("fail", "Two", why=True), finding("unknown", "Three")))
    checks = [element for element in parsed.all("details") if element.get("class") == "check"]
    assert ["open" in check for check in checks] == [False, True, False]
    assert parsed.words.index("Two") < parsed.words.index("Three") < parsed.words.index("One")
    for words in ("E that", "A that", "V that", "s/scenario.yaml:11:5", "Why: B that", "T that", "ss: nothing"):
        assert words in parsed.words
    assert "BROKEN" in parsed.words
    assert "A check failed." in parsed.words
    assert "1 passed, 1 failed, 1 unknown" in parsed.words


def test_causes_come_first_with_one_walk_each_and_a_line_for_each_check() -> None:
    """Three checks with one cause have one walk; another cause has its own."""
    same = [finding(verdict, name, why=True) for verdict, name in SAME_CAUSE]
    parsed = Parsed(report(finding("pass", "One"), *same, finding("fail", "Five", "else", why=True)))
    assert len([element for element in parsed.all("article") if element.get("class") == "cause"]) == 2
    assert len([element for element in parsed.all("div") if element.get("class") == "walk"]) == 2
    assert parsed.words.count("BROKEN") == 2
    assert "This explains 3 checks:" in parsed.words
    assert "This explains 1 check:" in parsed.words
    order = [parsed.words.index(words) for words in ("What is broken", "Two", "Three", "Four", "Five", "One")]
    assert order == sorted(order)


@pytest.mark.slow
def test_a_report_without_causes_has_no_section_for_them() -> None:
    held, unexplained = Parsed(report(finding("pass", "One"))), Parsed(report(finding("fail", "One")))
    assert "What is broken" not in held.words + unexplained.words
    explained = Parsed(report(finding("fail", "One", why=True)))
    assert "Every check is explained above." in explained.words


def test_every_message_has_a_line_and_a_group() -> None:
    """What can be stepped through is in the diagram and in the list, with the same names."""
    told = recorded("overlap")
    parsed = Parsed(story_page(told, "A story"))
    groups = [one["id"] for one in parsed.all("g")]
    entries = [one for one in parsed.all("a") if "data-source" in one]
    assert [f"m{number}" for number in range(1, len(messages(told)) + 1)] == groups
    assert [(entry["href"], entry["data-source"], entry["data-target"]) for entry in entries] == [
        (f"#m{number}", message.source, message.target) for number, message in enumerate(messages(told), 1)
    ]


@pytest.mark.slow
def test_a_long_story_is_cut_and_says_so() -> None:
    told = recorded("overlap")
    times = MOST // len(messages(told)) + 1
    many = Story(told.spans * times, told.began, told.counts)
    parsed = Parsed(story_page(many, "Long"))
    assert len([one for one in parsed.all("a") if "data-source" in one]) == MOST
    assert f"The first {MOST} of {len(messages(many))} messages" in parsed.words


def test_a_story_names_its_command_and_says_its_summary_once() -> None:
    """Whoever opens the file later knows what was traced, and when."""
    words = Parsed(pages()["story"]).words
    assert "wirelab trace x -- <curl>" in words
    assert re.search(r"Captured \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", words)
    tree = story_text(recorded("overlap"))
    assert words.replace(tree, "").count("DNS questions (") == 1


def test_no_part_of_a_page_hides_its_end_in_a_scroller_of_its_own() -> None:
    """Only what is wider than the page scrolls by itself, sideways."""
    assert "max-height" not in pages()["story"]
    assert "overflow-y" not in pages()["story"]


def test_without_a_story_the_page_says_why() -> None:
    """The picture and the tables are there all the same."""
    parsed = Parsed(pages()["bare report"])
    assert "nobody listened" in parsed.words
    assert "192.168.7.11" in parsed.words


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_recorded_story_makes_a_page(name: str) -> None:
    assert Parsed(story_page(recorded(name), name)).complaints == []
