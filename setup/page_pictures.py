"""Make the pictures of the live page in docs/pictures from a real lab, in Chromium.

    setup/with-engine .venv/bin/python setup/page_pictures.py

The lab stays; `wirelab down page-pictures` removes it.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "pictures"
LINK = re.compile(r"http://127\.0\.0\.1:\d+/\?launch=\S+")
LAB = "page-pictures"


@contextmanager
def served(*command: str) -> Iterator[str]:
    """The link of a live page that this command of wirelab serves."""
    wirelab = Path(sys.executable).with_name("wirelab")
    process = subprocess.Popen((wirelab, *command, "--lab", LAB), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output = process.stdout
    assert output is not None
    try:
        said = ""
        for line in output:
            said += line.decode()
            if link := LINK.search(said):
                yield link[0]
                return
        raise SystemExit(f"no link came: {said}")
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()
        output.close()


def draw(page: Any, link: str, name: str) -> None:
    """Run a program in a terminal of the client, and take a picture when all of its story is there."""
    page.goto(link)
    page.get_by_label("Node of the new terminal").select_option("client")
    page.get_by_role("button", name="Open", exact=True).click()
    page.wait_for_function("() => document.querySelector('.xterm-rows')?.textContent.includes('$')")
    page.keyboard.type("clear; curl http://app.shop.lab/items\n")
    page.get_by_role("treeitem", name=re.compile("SELECT")).last.wait_for()
    page.wait_for_function("() => !document.querySelector('.message')")
    page.screenshot(path=PICTURES / name)


def main() -> None:
    """Draw the page of a lab, and that of a lesson."""
    program = shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        for command, name in ((("web", "--no-browser"), "live-page.png"), (("learn", "--web"), "lesson.png")):
            kind, option = command
            with (
                served(kind, "basic", option) as link,
                browser.new_context(viewport={"width": 1440, "height": 860}) as context,
            ):
                draw(context.new_page(), link, name)
        browser.close()


if __name__ == "__main__":
    main()
