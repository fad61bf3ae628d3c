"""The documentation site opens from the disk with the network closed: every page, its diagrams, and the search."""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from browser_pages import DESK, PHONE, go_to, note_complaints
from doc_pages import ROOT

pytestmark = pytest.mark.sampled(3)

VENDOR = ROOT / "setup" / "docs" / "theme" / "assets" / "vendor"
# As an expression the browser itself compares it; a function would be asked for each file of each page.
ELSEWHERE = re.compile("^(?!(file|data|blob):)")
SIZES = {"desk": DESK, "phone": PHONE}
PARTS = 3


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built in a folder of its own. A broken link or a page that no menu shows fails the build."""
    folder = tmp_path_factory.mktemp("site")
    build = subprocess.run((ROOT / "setup" / "docs" / "build", folder), capture_output=True, text=True, check=False)
    assert build.returncode == 0, build.stderr
    return folder


@dataclass
class Watched:
    """The requests of a page to other machines, which are refused, and its complaints."""

    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, page: Any) -> Watched:
        watched = cls()

        def refuse(route: Any) -> None:
            watched.requests.append(route.request.url)
            route.abort()

        note_complaints(page, watched.complaints)
        page.route(ELSEWHERE, refuse)
        return watched


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """Open a page of the site as a file. At the end no request has left, and no script has complained."""
    contexts, all_watched = [], []

    def opener(file: Path, *, viewport: dict[str, int] = DESK, scheme: str = "light") -> Any:
        context = browser.new_context(viewport=viewport, color_scheme=scheme, reduced_motion="reduce")
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        all_watched.append(Watched.of(page))
        go_to(page, file.as_uri())
        return page

    yield opener
    for context in contexts:
        context.close()
    assert [request for watched in all_watched for request in watched.requests] == []
    assert [complaint for watched in all_watched for complaint in watched.complaints] == []


def pages_of(site: Path) -> list[Path]:
    return sorted(file for file in site.rglob("*.html") if file.name != "404.html")


def diagrams_of(file: Path) -> int:
    return file.read_text("utf-8").count('class="mermaid"')


def test_each_scenario_has_a_diagram(site: Path) -> None:
    assert sum(map(diagrams_of, pages_of(site))) >= len(list(ROOT.glob("scenarios/*/README.md")))


@pytest.mark.sampled(PARTS)
@pytest.mark.parametrize("part", range(PARTS))
def test_every_page_opens_and_its_diagrams_are_drawn(site: Path, open_page: Callable[..., Any], part: int) -> None:
    """Each page has its heading and no diagram left as text; each diagram has a size."""
    page = open_page(site / "index.html")
    for file in pages_of(site)[part::PARTS]:
        page.goto(file.as_uri())
        assert page.locator("h1").count() == 1, file
        page.wait_for_function("() => !document.querySelector('pre.mermaid')")
        boxes = page.locator("div.mermaid")
        assert boxes.count() == diagrams_of(file), file
        assert all(boxes.nth(place).bounding_box()["height"] > 100 for place in range(boxes.count())), file


def test_a_request_that_leaves_and_a_complaint_are_noticed(browser: Any, site: Path) -> None:
    """The watch of the other tests works: it tells a request to another machine, and what a script complains of."""
    with browser.new_context() as context:
        page = context.new_page()
        watched = Watched.of(page)
        go_to(page, (site / "index.html").as_uri())
        page.evaluate("""new Promise((done) => {
            const picture = new Image();
            picture.onerror = done;
            picture.src = "https://outside.example/x.png";
        })""")
        page.evaluate("console.error('wrong')")
        assert watched.requests == ["https://outside.example/x.png"]
        assert any("wrong" in complaint for complaint in watched.complaints)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_no_page_is_wider_than_its_window(site: Path, open_page: Callable[..., Any], size: str, scheme: str) -> None:
    """What is wide, a table or a block, scrolls by itself; the page takes the colours that the reader prefers."""
    page = open_page(site / "index.html", viewport=SIZES[size], scheme=scheme)
    for name in ("index.html", "start.html", "scenario-reference.html", "capture.html", "scenarios/proxy.html"):
        page.goto((site / name).as_uri())
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name
        assert page.evaluate("document.body.getAttribute('data-md-color-scheme')") == {"light": "default"}.get(
            scheme, "slate"
        )


def test_the_search_works_without_a_server(site: Path, open_page: Callable[..., Any]) -> None:
    """A word is found in the page that explains it."""
    page = open_page(site / "index.html")
    page.locator("input.md-search__input").click()
    page.keyboard.type("cannot_connect")
    page.locator(".md-search-result__link").first.wait_for()
    found = page.locator(".md-search-result__link").evaluate_all("links => links.map(link => link.href)")
    assert any("checks.html" in link or "scenario-reference.html" in link for link in found)


def test_scripts_of_others_are_unchanged() -> None:
    """Each has the hash that stands beside it, and a licence."""
    rows = re.findall(
        r"^\| (\S+\.js) \|.*\| ([0-9a-f]{64}) \|$", (VENDOR / "README.md").read_text("utf-8"), re.MULTILINE
    )
    hashes = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in VENDOR.glob("*.js")}
    assert dict(rows) == hashes
    assert {file.name.partition(".")[0] for file in VENDOR.glob("*.LICENSE")} == {
        name.partition(".")[0] for name in hashes
    }
