"""The files of the live page: those of others are unchanged, and none asks for anything from outside."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode

from doc_pages import ROOT

from orchestrator.web.index_page import content_security_policy, index_page

STATIC = ROOT / "orchestrator" / "web" / "static"
XTERM = STATIC / "vendor" / "xterm"
OWN = sorted(file for file in STATIC.iterdir() if file.is_file())
ROW = re.compile(r"^\| (\S+) \|.*\| MIT \| ([0-9a-f]{64}) \|$", re.MULTILINE)


def test_the_files_of_xterm_are_unchanged() -> None:
    """Each has the hash that stands beside it, and a licence."""
    rows = dict(ROW.findall((XTERM / "README.md").read_text("utf-8")))
    files = [file for file in XTERM.iterdir() if file.suffix in (".js", ".css")]
    assert rows == {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
    assert {file.stem for file in XTERM.glob("*.LICENSE")} == {file.stem for file in files}
    assert all("Permission is hereby granted" in file.read_text("utf-8") for file in XTERM.glob("*.LICENSE"))


def test_nothing_is_asked_for_from_outside() -> None:
    """Every address is one of the page's own server; only the namespace of SVG has another form."""
    for file in OWN:
        text = file.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert re.findall(r"https?://", text) == [], file.name


def test_the_page_has_no_script_or_style_in_its_text() -> None:
    """But the one whose hash the policy names: what else is inline would not run."""
    text = index_page("token")
    (script,) = re.findall(r"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", text, re.DOTALL)
    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'self' 'sha256-{digest}';" in content_security_policy()
    assert "unsafe" not in content_security_policy()
    text = text.replace(script, "")
    assert re.findall(r"<style|\son\w+=|\sstyle=", text) == []


def test_text_becomes_markup_only_where_the_server_has_rendered_it() -> None:
    """Two places set HTML: the text of a task, and a message of a lesson."""
    setters = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|setHTML|\beval\(")
    places = {file.name: setters.findall(file.read_text("utf-8")) for file in OWN if file.suffix == ".js"}
    assert {name: found for name, found in places.items() if found} == {"lesson.js": ["innerHTML", "innerHTML"]}


def test_a_file_of_the_page_is_short() -> None:
    assert {file.name for file in OWN if len(file.read_text("utf-8").splitlines()) >= 400} == set()
