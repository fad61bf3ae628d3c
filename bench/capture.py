"""What the capture costs, and how soon a story is told: python bench/capture.py [--rounds N]

Measures on the engine in use, in a lab of its own,
- `up basic` and `up basic --capture`, one after the other in each round: what the capture adds (wanted: 0.5 s at most),
- the median time of an HTTP request, measured in the client, without and with a running capture (wanted: 10 % at most),
- the time from the end of a traced command to the end of its story (wanted: 1.5 s at most): with a recorder of the
  trace's own, and with a capture that runs.
The first and the second are compared within a round, so that a busy machine slows both sides.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from statistics import median

from own_state import ROOT, WIRELAB, own_state

LAB = f"bench-capture-{os.getpid()}"
REQUESTS = 400
ASK = f"""
import http.client, statistics, time
took = []
for _ in range({REQUESTS}):
    begun = time.perf_counter()
    connection = http.client.HTTPConnection("app.shop.lab.", timeout=10)
    connection.request("GET", "/items")
    connection.getresponse().read()
    connection.close()
    took.append(time.perf_counter() - begun)
print(statistics.median(took))
"""


def wirelab(*arguments: str) -> tuple[float, str]:
    """Seconds of a whole command, and what it printed; it must succeed."""
    argv = (*WIRELAB, *arguments, "--lab", LAB)
    begun = time.perf_counter()
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=ROOT)
    seconds = time.perf_counter() - begun
    assert done.returncode == 0, done.stderr
    return seconds, done.stdout


def added_to_up(rounds: int) -> tuple[float, float]:
    """Medians: seconds of `up` without a capture, and what the capture adds in the same round."""
    plain, added = [], []
    for turn in range(rounds):
        order = ((), ("--capture",)) if turn % 2 else (("--capture",), ())
        took = {}
        for more in order:
            took[more] = wirelab("up", "basic", *more)[0]
            wirelab("down", "basic")
        plain.append(took[()])
        added.append(took["--capture",] - took[()])
    return median(plain), median(added)


def of_a_request(rounds: int) -> tuple[float, float]:
    """Median seconds of a request without a capture, and the median ratio with one."""
    plain, ratios = [], []
    for turn in range(rounds):
        took = {}
        for captured in (True, False) if turn % 2 else (False, True):
            if captured:
                wirelab("capture", "start", "basic")
            argv = (
                sys.executable,
                "-m",
                "orchestrator",
                "exec",
                "basic",
                "client",
                "--lab",
                LAB,
                "--",
                "python3",
                "-c",
            )
            done = subprocess.run((*argv, ASK), capture_output=True, text=True, check=True, cwd=ROOT)
            took[captured] = float(done.stdout)
            if captured:
                wirelab("capture", "stop", "basic")
        plain.append(took[False])
        ratios.append(took[True] / took[False])
    return median(plain), median(ratios)


def until_the_story(rounds: int) -> float:
    """Median seconds from the line that says that the command ended to the story."""
    took = []
    argv = (sys.executable, "-m", "orchestrator", "trace", "basic", "--lab", LAB, "--", "curl", "-s")
    for _ in range(rounds):
        with subprocess.Popen(
            (*argv, "http://app.shop.lab/items"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
        ) as trace:
            assert trace.stdout
            assert trace.stderr
            for line in trace.stderr:
                if "(exit code " in line:
                    break
            ended = time.perf_counter()
            # the story comes at once; the recorder is removed after it
            assert any("GET /items -> 200" in line for line in trace.stdout)
            took.append(time.perf_counter() - ended)
            trace.communicate()
    return median(took)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    load = os.getloadavg()[0]
    with own_state(LAB):
        up, added = added_to_up(rounds)
        wirelab("up", "basic")
        request, ratio = of_a_request(rounds)
        own = until_the_story(rounds)
        wirelab("capture", "start", "basic")
        standing = until_the_story(rounds)
    print("| what | without | measured | wanted | holds |\n|---|---|---|---|---|")
    for what, without, measured, wanted, holds in (
        ("`up basic --capture`", f"{up:.2f} s", f"{added:+.2f} s", "at most 0.5 s more", added <= 0.5),
        (
            "an HTTP request, recorded",
            f"{request * 1000:.1f} ms",
            f"{ratio - 1:+.0%}",
            "at most 10 % more",
            ratio <= 1.1,
        ),
        ("`trace` of one curl: its story", "", f"{own:.2f} s", "at most 1.5 s after the command", own <= 1.5),
        ("the same, with a capture that runs", "", f"{standing:.2f} s", "at most 1.5 s", standing <= 1.5),
    ):
        print(f"| {what} | {without} | {measured} | {wanted} | {'yes' if holds else 'no'} |")
    print(f"\nMedians of {rounds} rounds; load average {load:.1f} before, {os.getloadavg()[0]:.1f} after.")


if __name__ == "__main__":
    main()
