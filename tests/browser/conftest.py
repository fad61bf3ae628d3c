"""A real browser, and the pages that it opens: made from a recorded story and from a lab of which nothing stands."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from browser_pages import DESK, Made, go_to, note_complaints
from fake_live_server import ORIGIN, FakeLiveServer, Message, Reply
from picture_labs import SMALL, THIRTY, lab
from recorded import events, recorded

from orchestrator.checks.findings import Finding, Judgement
from orchestrator.checks.verdict import Verdict
from orchestrator.checks.walk import Cause, Layer, Walk, make_walk
from orchestrator.model.topology import Topology
from orchestrator.reading.reading import Position
from orchestrator.rendering.check_report import CheckReport, LocatedFinding
from orchestrator.rendering.graph import Picture, SeenTraffic, make_picture
from orchestrator.rendering.lab_page import lab_page
from orchestrator.rendering.report import Report, report_page
from orchestrator.rendering.story_page import story_page
from orchestrator.traffic.roles import traffic_roles

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


def findings() -> tuple[LocatedFinding, ...]:
    layers = (
        Layer("node", "client", "app", "pass", "both run"),
        Layer("tcp", "client", "app", "fail", "refused", ("an RST",), (Cause("nobody listens", "wirelab logs x app"),)),
        Layer("answer", "client", "app", "unknown", "not asked"),
    )
    walk = make_walk(layers, Cause("all holds", ""))
    verdicts: dict[Verdict, Walk | None] = {"pass": None, "fail": walk, "unknown": None}
    return tuple(
        LocatedFinding(
            Finding(
                f"A check that is {verdict}", "http", "client", Judgement(verdict, "200", "404 " * 30, ("x",)), 0.1, why
            ),
            Position(9, 5),
        )
        for verdict, why in verdicts.items()
    )


def stopped_dns() -> tuple[LocatedFinding, ...]:
    """What `check basic` finds while the DNS server is stopped: fourteen checks with one cause."""
    cause = Cause(
        "The DNS server dns is stopped, so client gets no answer.", "wirelab heal basic", what="dns is stopped"
    )
    layers = (
        Layer("node", "client", "app.shop.lab", "fail", "dns is stopped", (), (cause,)),
        Layer("listen", "client", "app.shop.lab", "unknown", "not asked: the node dns is stopped"),
        Layer("route", "client", "app.shop.lab", "unknown", "client to dns by eth0", ("client has 192.168.7.13",)),
        Layer("resolver", "client", "app.shop.lab", "pass", "nameserver 192.168.7.10 (dns)", ("search shop.lab",)),
        Layer("dns", "client", "app.shop.lab", "fail", "no answer from 192.168.7.10 (dns): timed out"),
    )
    walk = make_walk(layers, cause)
    judgement = Judgement("fail", "app.shop.lab A is 192.168.7.12", "no servers could be reached")
    return tuple(
        LocatedFinding(
            Finding(
                f"The app answers the client with rows of the database {n}",
                "http",
                "client",
                judgement,
                8.7,
                walk,
            ),
            Position(9 + n, 5),
        )
        for n in range(14)
    )


def report(topology: Topology, located: tuple[LocatedFinding, ...]) -> tuple[str, Picture]:
    picture = make_picture(
        topology, dict.fromkeys(topology.scenario.nodes, "ready"), SeenTraffic(traffic_roles(events("first")))
    )
    check_report = CheckReport(
        "small", "Small", "small", "s/scenario.yaml", located, "2026-01-31T12:00:00", 1.0, {"wirelab": "9"}
    )
    return report_page(Report(check_report, picture, recorded("first"), "")), picture


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Made]:
    """All kinds of pages, as files."""
    folder = tmp_path_factory.mktemp("pages")
    told, shown = report(lab(SMALL), findings())
    thirty = make_picture(lab(THIRTY), {})
    texts = {
        "one cause": (report(lab(SMALL), stopped_dns())[0], None, None),
        "report": (told, shown, recorded("first")),
        "story": (story_page(recorded("overlap"), "Overlap", "wirelab trace overlap"), None, recorded("overlap")),
        "lab": (lab_page(thirty), thirty, None),
    }
    made = {}
    for name, (text, one, story) in texts.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
        made[name] = Made(folder / f"{name}.html", one, story)
    return made


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium of this machine. It goes with the module: while playwright is open, no other test has an event loop."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip("no Chromium is installed; setup/programs installs Debian's")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


@dataclass
class Watched:
    """What a page asked for and complained of while it was open."""

    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@pytest.fixture
def opened(browser: Any) -> Iterator[Callable[..., Any]]:
    """Open a page. At the end nothing was asked for but the page itself, and nothing stands in the console."""
    watched, contexts, files = Watched(), [], set()

    def open_page(file: Path, *, viewport: dict[str, int] = DESK, scheme: str = "light", script: bool = True) -> Any:
        context = browser.new_context(
            viewport=viewport, color_scheme=scheme, java_script_enabled=script, reduced_motion="reduce"
        )
        contexts.append(context)
        files.add(file.as_uri())
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("request", lambda request: watched.requests.append(request.url.partition("#")[0]))
        note_complaints(page, watched.complaints)
        page.route(re.compile("^(?!file:)"), lambda route: route.abort())
        go_to(page, file.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert set(watched.requests) == files
    assert watched.complaints == []


@pytest.fixture
def live(browser: Any) -> Iterator[Callable[..., tuple[Any, FakeLiveServer]]]:
    """Open the page on a stand-in for its server. At the end nothing stands in the console."""
    complaints: list[str] = []
    contexts: list[Any] = []

    def open_page(
        messages: list[Message],
        replies: dict[str, Reply] | None = None,
        *,
        viewport: dict[str, int] = DESK,
        scheme: str = "light",
        motion: str = "reduce",
    ) -> tuple[Any, FakeLiveServer]:
        context = browser.new_context(viewport=viewport, color_scheme=scheme, reduced_motion=motion)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        note_complaints(page, complaints)
        server = FakeLiveServer(messages, replies)
        server.attach(page)
        go_to(page, f"{ORIGIN}/")
        page.locator("body.ready").wait_for()
        return page, server

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
