"""Many labs at the same time, by several processes: no lab sees or changes another one."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier, BrokenBarrierError

import pytest
from lab_bench import Bench, Engine
from small_scenario import SMALL_NODES

pytestmark = [pytest.mark.endurance, pytest.mark.waits]
# A deadline that is no promise: it only ends what hangs.
MINUTES_15 = 900.0
SMALL = (
    SMALL_NODES
    + """\
  - {name: The client finds itself, from: client, resolves: client.shop.lab, to: client}
"""
)
# On a machine so busy that nothing is certain a verdict may be unknown, never wrong.
WHOLE, BROKEN = ("pass", "unknown"), ("fail", "unknown")


def verdict(lab: Bench) -> str:
    _, findings = lab.verdicts()
    return str(findings["The client finds itself"]["verdict"])


def reaches(asker: Bench, target: Bench) -> bool:
    """Whether the client of one lab connects to the DNS server of another."""
    argv = ("nc", "-z", "-w", "3", target.address("dns"), "53")
    return bool(asker.container("client").exec_run(argv).exit_code == 0)


@dataclass(frozen=True)
class Worker:
    """Has some labs, uses processes of its own, and waits between two steps for the other workers."""

    labs: tuple[Bench, ...]
    stranger: Bench
    step: Barrier

    def work(self) -> None:
        try:
            self._work()
        except BaseException:
            self.step.abort()  # the others wait in vain
            raise

    def _work(self) -> None:
        for lab in self.labs:
            lab.up()
        self.step.wait(MINUTES_15)
        before = [lab.ids() for lab in self.labs]
        self._break_the_first()
        self.step.wait(MINUTES_15)
        # Half of all labs go beside the others.
        for lab in self.labs[::2]:
            take_down(lab)
        for lab, ids in list(zip(self.labs, before, strict=True))[1::2]:
            assert verdict(lab) in WHOLE
            assert lab.ids() == ids
            take_down(lab)

    def _break_the_first(self) -> None:
        """Each worker breaks one lab while all stand, and heals it: no other lab's check sees that."""
        first, *others = self.labs
        assert [lab.lab for lab in self.labs if verdict(lab) not in WHOLE] == []
        assert (reaches(first, first), reaches(first, self.stranger)) == (True, False)
        self.step.wait(MINUTES_15)
        assert first.cli("inject", "stop", "dns").code == 0
        self.step.wait(MINUTES_15)
        assert verdict(first) in BROKEN
        assert [lab.lab for lab in others if verdict(lab) not in WHOLE] == []
        assert set(first.healed()) == {"start:dns", "ready:dns"}
        assert verdict(first) in WHOLE


def take_down(lab: Bench) -> None:
    down = lab.cli("down")
    assert (down.code, lab.left()) == (0, []), down.err


@pytest.fixture
def labs(engine: Engine, tmp_path: Path, pytestconfig: pytest.Config) -> Iterator[tuple[Bench, ...]]:
    """The labs, not up: 32, or 4 in a sample. Afterwards nothing of them is left."""
    (tmp_path / "scenario.yaml").write_text(SMALL)
    count = 32 if pytestconfig.getoption("full") else 4
    made = tuple(Bench(engine, f"m{secrets.token_hex(4)}", str(tmp_path), seconds=MINUTES_15) for _ in range(count))
    yield made
    for lab in made:
        if lab.left():
            lab.cli("down")
    assert [lab.left() for lab in made if lab.left()] == []


def test_no_lab_sees_or_changes_another(labs: tuple[Bench, ...], pytestconfig: pytest.Config) -> None:
    """32 labs by eight processes, up, checked, broken, healed, down: no lab sees or changes another one."""
    workers = 8 if pytestconfig.getoption("full") else 2
    shares = [labs[number::workers] for number in range(workers)]
    step = Barrier(workers)
    work = [Worker(share, shares[number - 1][0], step).work for number, share in enumerate(shares)]
    with ThreadPoolExecutor(workers) as pool:
        errors = [ended.exception() for ended in [pool.submit(function) for function in work]]
    # Who waits for one that failed has no more to say.
    assert [error for error in errors if error and not isinstance(error, BrokenBarrierError)] == []
