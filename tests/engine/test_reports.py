"""The report and JUnit output of a lab that really stands and is really broken."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from lab_bench import Bench

pytestmark = pytest.mark.sampled(3)

SVG = "{http://www.w3.org/2000/svg}"


def test_a_broken_lab_is_reported_with_the_layer_that_broke(repaired: Bench, tmp_path: Path) -> None:
    """`check --report --junit`: red where it is red, with the walk, the story of the checks and no recorder left."""
    repaired.container("dns").stop(timeout=0)
    page, xml = tmp_path / "out.html", tmp_path / "out.xml"
    ran = repaired.cli("check", "--report", str(page), "--junit", str(xml), "--only", "asks the lab's DNS server")
    assert ran.code == 1, ran.err
    text = page.read_text()
    for words in (
        "A check failed.",
        "Why:",
        "no DNS server answered",
        "stopped",
        "image dns",
        "Docker Engine",
        "scenario.yaml:",
    ):
        assert words in text, words
    (suite,) = ElementTree.parse(xml).getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("1", "1")
    failure = suite.findtext("testcase/failure") or ""
    assert re.match(r"scenarios/basic/scenario\.yaml:\d+:\d+\n", failure)
    assert "node runs" in failure
    nodes = {container.labels.get("wirelab.node") for container in repaired.containers()} - {None}
    assert nodes == {"dns", "db", "app", "client"}
    assert [container for container in repaired.containers() if "wirelab.capture" in container.labels] == []


def test_a_capture_that_runs_goes_on_after_the_report(standing: Bench, tmp_path: Path) -> None:
    """Its traffic is in the report and in the pictures, with the states of the nodes."""
    argv = (sys.executable, "-m", "orchestrator", "capture", "start", "basic", "--lab", standing.lab)
    subprocess.run(argv, env=standing.engine.environ, check=True, timeout=240)
    page = tmp_path / "out.html"
    assert standing.cli("check", "--report", str(page), "--only", "answers the client over HTTP").code == 0
    assert "GET /items" in page.read_text()
    assert [container.status for container in standing.containers() if "wirelab.capture" in container.labels] == [
        "running"
    ]
    told = standing.cli("trace", "--format", "html", "--", "curl", "-s", "http://app.shop.lab/items")
    assert (told.code, told.out.startswith("<!doctype html>")) == (0, True)
    assert "client to app:</b> GET /items" in told.out
    standing.container("db").pause()
    drawn = standing.cli("graph", "--format", "svg")
    assert drawn.code == 0, drawn.err
    root = ElementTree.fromstring(drawn.out)
    states = {
        element.get("data-node"): element.get("class") for element in root.iter(f"{SVG}g") if element.get("data-node")
    }
    ready = dict.fromkeys(("dns", "app", "client"), "machine ready")
    assert states == {**ready, "db": "machine paused"}
    assert re.search(r"client uses app \(port 80: \d+ connections?\)", drawn.out)
    assert "app uses db (port 5432: " in drawn.out


def test_where_nothing_stands_there_is_no_report_and_junit_has_an_error(bench: Bench, tmp_path: Path) -> None:
    """A report of a lab that is not up would be one of nothing; but CI must not take silence for success."""
    xml = tmp_path / "out.xml"
    ran = bench.cli("check", "--report", str(tmp_path / "out.html"), "--junit", str(xml))
    assert (ran.code, list(tmp_path.iterdir())) == (3, [xml])
    (suite,) = ElementTree.parse(xml).getroot()
    assert (suite.get("tests"), suite.get("errors")) == ("1", "1")
    assert "is not up" in (suite.findtext("testcase/error") or "")


def messages_of(text: str) -> list[str]:
    """The messages of a story's picture, but for what is new each time: the first numbers of addresses."""
    titles = [one.text or "" for one in ElementTree.fromstring(text).iter(f"{SVG}title")]
    return sorted(re.sub(r"192\.168\.\d+\.", "", title) for title in titles)


def test_the_picture_that_the_readme_opens_with_can_be_made_anew(standing: Bench) -> None:
    """The command beside it tells the same messages today, of a lab that has just come up."""
    ran = standing.cli("trace", "--format", "svg", "--", "curl", "-s", "http://app.shop.lab/items")
    assert ran.code == 0, ran.err
    picture = Path(__file__).parents[2] / "docs" / "pictures" / "basic-story.svg"
    assert messages_of(ran.out) == messages_of(picture.read_text())
