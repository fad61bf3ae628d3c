"""What the live page costs, and how soon it shows what happens: python bench/live_page.py [--rounds N] [--sample]

Measures in Chromium, and on the engine in use in a lab of its own,
- from the call of the page to its first picture, at 4 and at 30 nodes, from a server that plays the messages,
- from a packet that begins an exchange to its line on the page: of one request on a quiet lab, and at 200 requests a
  second,
- the memory and the processor time of the server, of the recorder (dumpcap and tshark) and of the browser's tab, at
  rest and at 200 requests a second.
The times of packets are the kernel's, those of lines the browser's: both from the clock of this machine.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Any

from own_state import ROOT, WIRELAB, own_state
from table import HEADER, Row, print_rows

sys.path.insert(0, str(ROOT / "tests" / "support"))
LAB = f"bench-page-{os.getpid()}"
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
RATE = 200
QUIET_MILLISECONDS = 2500
DESK = {"width": 1440, "height": 860}
ASK = """
import http.client, sys, time
rate, seconds = float(sys.argv[1]), float(sys.argv[2])
begun, count = time.perf_counter(), 0
while (now := time.perf_counter() - begun) < seconds:
    connection = http.client.HTTPConnection("app.shop.lab.", timeout=10)
    connection.request("GET", "/items")
    connection.getresponse().read()
    connection.close()
    count += 1
    time.sleep(max(0, count / rate - (time.perf_counter() - begun)))
print(count / now)
"""
# Notes when the first picture is whole, when the socket told of an exchange, and when its line was there.
WATCH = """
window.told = {};
window.lines = {};
window.WebSocket = class extends WebSocket {
  constructor(...words) {
    super(...words);
    this.addEventListener("message", ({ data }) => {
      if (typeof data !== "string" || !data.startsWith('{"type":"exchanges"')) return;
      const now = Date.now() / 1000;
      for (const { number, at } of JSON.parse(data).exchanges) window.told[number] ??= [at, now];
    });
  }
};
new MutationObserver((records) => {
  const now = Date.now() / 1000;
  window.pictured ??= document.querySelector(".topology .machine") ? performance.now() / 1000 : undefined;
  for (const { addedNodes } of records)
    for (const node of addedNodes)
      if (node.dataset?.number && node.matches("[role=treeitem]")) window.lines[node.dataset.number] ??= now;
}).observe(document, { childList: true, subtree: true });
"""


@dataclass
class PlayedView:
    """A lab that only tells what it is at the beginning."""

    messages: list[dict[str, Any]]

    def subscribe(self, _tell: Any) -> Any:
        return lambda: None

    def documents(self) -> list[dict[str, Any]]:
        return [*self.messages, {"type": "ready"}]


@dataclass
class Used:
    """Processes, and the processor time and memory that they take while a `with` block runs."""

    processes: list[Any]
    percent: float = 0.0
    megabytes: float = 0.0
    _begun: tuple[float, float] = field(default=(0.0, 0.0))

    def begin(self) -> None:
        self._begun = (time.perf_counter(), self._seconds())

    def end(self) -> None:
        began, before = self._begun
        self.percent = 100 * (self._seconds() - before) / (time.perf_counter() - began)
        self.megabytes = self._sum(lambda process: process.memory_info().rss) / 1e6

    def _seconds(self) -> float:
        return self._sum(lambda process: sum(process.cpu_times()[:2]))

    def _sum(self, read: Callable[[Any], float]) -> float:
        """Of the processes that still run; one may end at any moment."""
        import psutil

        total = 0.0
        for process in self.processes:
            with suppress(psutil.NoSuchProcess):  # a zombie too
                total += read(process)
        return total


def wirelab(*words: str) -> tuple[str, ...]:
    return (*WIRELAB, *words, "--lab", LAB)


def new_page(browser: Any) -> Any:
    page = browser.new_context(viewport=DESK).new_page()
    page.set_default_timeout(60_000)
    page.add_init_script(WATCH)
    return page


def first_picture(browser: Any, scenario: str) -> float:
    """Seconds from the call of the page until its picture is drawn."""
    from browser_pages import go_to
    from live_messages import lab_messages

    from orchestrator.web.server import WebServer
    from orchestrator.web.sessions import Seat

    with WebServer({"played": PlayedView(lab_messages(scenario))}) as server:  # type: ignore[dict-item]
        page = new_page(browser)
        go_to(page, server.launch_url(Seat("", "played")))
        page.locator("body.ready").wait_for()
        seconds = page.evaluate("window.pictured")
        page.context.close()
    return float(seconds)


@contextmanager
def served() -> Iterator[tuple[Any, str]]:
    """The process of `wirelab web`, and its link."""
    import psutil

    argv = wirelab("web", "basic", "--no-browser")
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT) as process:
        assert process.stdout
        try:
            yield psutil.Process(process.pid), process.stdout.readline().strip()
        finally:
            process.terminate()  # SIGINT is ignored where the bench runs in the background of a shell


def recorder() -> list[Any]:
    """The programs that read the packets of the page: dumpcap on our lab's bridge, and tshark beside it."""
    import docker

    from orchestrator.host.processes import name_of, process

    client = docker.from_env()
    (container,) = client.containers.list(filters={"label": [f"wirelab.lab={LAB}", "wirelab.capture=live"]})
    pids = [int(row[1]) for row in container.top()["Processes"]]
    running = [found for found in map(process, pids) if found]
    return [program for program in running if name_of(program) in ("dumpcap", "tshark")]


def tab() -> list[Any]:
    """The processes of the browser that draw: it keeps an empty one beside that of the only tab."""
    import psutil

    from orchestrator.host.processes import arguments

    children = psutil.Process().children(recursive=True)
    return [child for child in children if "--type=renderer" in arguments(child)]


def request(rate: float, seconds: float) -> float:
    """Send requests from the client; how many a second it were."""
    argv = wirelab("exec", "basic", "client")
    done = subprocess.run(
        (*argv, "--", "python3", "-c", ASK, str(rate), str(seconds)),
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return float(done.stdout)


@dataclass
class Lags:
    """Seconds from the packet that began an exchange until the page was told, and until its line was there."""

    told: list[float] = field(default_factory=list)
    shown: list[float] = field(default_factory=list)

    def read(self, page: Any) -> None:
        """Add those since the last call, when nothing more arrives."""
        count = -1
        while count != (count := page.evaluate("Object.keys(window.lines).length")):
            page.wait_for_timeout(QUIET_MILLISECONDS)
        told, lines = page.evaluate("[window.told, window.lines]")
        page.evaluate("window.told = {}; window.lines = {}")
        for number, (at, arrived) in told.items():
            if number in lines:  # of a burst, the page draws the newest only
                self.told.append(arrived - at)
                self.shown.append(lines[number] - at)


def with_lab(browser: Any, rounds: int, seconds: float) -> Iterator[Row]:
    """The rows of a real lab."""
    from browser_pages import go_to

    subprocess.run(wirelab("up", "basic"), check=True, capture_output=True, cwd=ROOT)
    with served() as (server, link):
        page = new_page(browser)
        go_to(page, link)
        page.locator("body.ready").wait_for()
        used = {"server": Used([server]), "recorder": Used(recorder()), "tab": Used(tab())}
        quiet, busy = Lags(), Lags()
        for _ in range(rounds):
            request(1, 0.1)
            quiet.read(page)
        yield from lag_rows("a packet to its line, one request", quiet)
        for part in used.values():
            part.begin()
        page.wait_for_timeout(1000 * seconds)
        for name, part in used.items():
            part.end()
            yield used_row(f"{name}, at rest", part)
        for part in used.values():
            part.begin()
        rate = request(RATE, seconds)
        for part in used.values():
            part.end()
        busy.read(page)
        yield from lag_rows(f"a packet to its line, at {rate:.0f} requests a second", busy)
        for name, part in used.items():
            yield used_row(f"{name}, at {rate:.0f} requests a second", part)


def seconds_row(what: str, seconds: float, most: float) -> Row:
    return Row(what, "", "", f"{seconds:.2f} s", f"at most {most:g} s", seconds <= most)


def lag_rows(what: str, lags: Lags) -> Iterator[Row]:
    """The median, and what 95 of 100 lines keep; the second column says when the page was told."""
    if len(lags.shown) < 2:
        yield Row(what, "", "", "nothing came", "at most 1 s", False)
        return
    for name, of in (("median", median), ("95 of 100", lambda values: quantiles(values, n=20)[-1])):
        shown = of(lags.shown)
        told = f"the page was told after {of(lags.told):.2f} s"
        yield Row(f"{what}: {name}", told, "", f"{shown:.2f} s", "at most 1 s", shown <= 1.0)


def used_row(what: str, used: Used) -> Row:
    return Row(what, "", "", f"{used.percent:.0f} % of a processor, {used.megabytes:.0f} MB", "", None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sample", action="store_true", help="one short round, to see that the bench works")
    options = parser.parse_args()
    rounds, seconds = (1, 2.0) if options.sample else (options.rounds, 10.0)
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        sys.exit("bench: no Chromium is installed")
    from picture_labs import SMALL, THIRTY
    from playwright.sync_api import sync_playwright

    load = os.getloadavg()[0]
    with own_state(LAB), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        print(HEADER)
        try:
            for nodes, scenario, most in ((4, SMALL, 1.0), (30, THIRTY, 1.5)):
                loads = [first_picture(browser, scenario) for _ in range(rounds)]
                print_rows([seconds_row(f"the page of {nodes} nodes, to its first picture", median(loads), most)])
            print_rows(with_lab(browser, rounds, seconds))
        finally:
            browser.close()
    print(f"\nMedians of {rounds} rounds; load average {load:.1f} before, {os.getloadavg()[0]:.1f} after.")


if __name__ == "__main__":
    main()
