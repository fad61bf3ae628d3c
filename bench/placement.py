"""Prints how long it takes to place 10,000 labs on 1,000 members, and the memory that this needs.

Simulated: no engine is asked. The labs have 2 to 60 nodes, every tenth stands already, and every twentieth member could
not be measured. The median of five rounds in CPU seconds, its ratio to `python -c pass`, and the peak of the process.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import time

from orchestrator.planning.placement import LabWeight, MemberRoom, lab_weight, place_labs

ROUNDS = 5
MEMBERS, LABS = 1000, 10_000


def simulated() -> tuple[list[LabWeight], list[MemberRoom]]:
    """The same values each time."""
    chance = random.Random(12)
    rooms = [MemberRoom(f"m{n}", None if n % 20 == 0 else chance.randrange(16_000, 64_000)) for n in range(MEMBERS)]
    labs = [
        lab_weight(f"lab{n}", chance.randrange(2, 61), pinned=rooms[n % MEMBERS].member if n % 10 == 0 else "")
        for n in range(LABS)
    ]
    return labs, rooms


def bare_start() -> float:
    """The CPU seconds of `python -c pass`, the median of the rounds."""
    took = []
    for _ in range(ROUNDS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run((sys.executable, "-c", "pass"), check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return sorted(took)[ROUNDS // 2]


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    labs, rooms = simulated()
    took = []
    for _ in range(ROUNDS):
        began = time.process_time()
        places = place_labs(labs, rooms)
        took.append(time.process_time() - began)
        assert len(places) == LABS
    seconds, bare = sorted(took)[ROUNDS // 2], bare_start()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps({"seconds": seconds, "of_python_start": seconds / bare, "peak_mib": peak}))


if __name__ == "__main__":
    main()
