"""Endpoints are removed one at a time, before their containers, and no networks are read meanwhile.

Engine 20.10 loses count of the endpoints of a network otherwise, and then refuses to remove the network.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from small_engine import Answers, served

from orchestrator.engine.docker import DockerEngine

CONTAINERS = tuple(f"c{number}" for number in range(4))
# How long a request that counts endpoints waits for another one to come at the same time.
OVERLAP_SECONDS = 0.05


class Count:
    """The endpoints of two networks, and what went wrong with their count."""

    def __init__(self) -> None:
        self.endpoints = {(container, network) for container in CONTAINERS for network in ("front", "back")}
        self.lost: list[str] = []
        self._changed = threading.Condition()
        self._inside: list[str] = []

    def touch(self, what: str) -> None:
        """Read or change the count; it is lost where two requests do so at the same time."""
        with self._changed:
            self._inside.append(what)
            self._changed.notify_all()
            if self._changed.wait_for(lambda: len(self._inside) > 1, OVERLAP_SECONDS):
                self.lost.append(" and ".join(self._inside))
            self._inside.remove(what)


class Counting(Answers):
    """An engine that loses count as Engine 20.10 does."""

    count: Count

    def do_GET(self) -> None:
        parts = self.path.split("/")
        if self.pinged():
            return
        if "containers" in parts:
            ends = {
                name: {"EndpointID": f"{name} end", "NetworkID": name}
                for container, name in sorted(self.count.endpoints)
                if container == parts[3]
            }
            host = {"host": {"EndpointID": "end", "NetworkID": "host"}}
            self.whole({"Id": parts[3], "NetworkSettings": {"Networks": ends | host}})
        else:
            self.count.touch("list")
            self.whole([])

    def do_POST(self) -> None:
        container, network = self.asked_for("Container"), self.path.split("/")[3]
        assert self.path.endswith("/disconnect")
        self.count.touch(f"disconnect {container}")
        self.count.endpoints.discard((container, network))
        self.whole({})

    def do_DELETE(self) -> None:
        container = self.path.split("/")[3].partition("?")[0]
        if any(owner == container for owner, _ in self.count.endpoints):
            self.count.lost.append(f"{container} was removed with its endpoints")
        self.send_response(204)
        self.end_headers()


@pytest.fixture
def count(tmp_path: Path) -> Iterator[tuple[Count, str]]:
    count = Count()
    with served(tmp_path / "e", type("OfThisTest", (Counting,), {"count": count})) as url:
        yield count, url


@pytest.mark.slow
def test_containers_removed_in_parallel_leave_their_networks_one_after_another(count: tuple[Count, str]) -> None:
    seen, url = count
    with closing(DockerEngine(url)) as engine, ThreadPoolExecutor(8) as pool:
        removals = [pool.submit(engine.remove_container, container) for container in CONTAINERS]
        listings = [pool.submit(engine.networks) for _ in range(3)]
        for removal in removals:
            removal.result()
        for listing in listings:
            listing.result()
    assert (seen.lost, seen.endpoints) == ([], set())


def test_an_engine_that_counts_without_order_loses_count(count: tuple[Count, str]) -> None:
    """The test above can fail: two clients that know nothing of each other do what it forbids."""
    seen, url = count
    with ExitStack() as stack, ThreadPoolExecutor(4) as pool:
        engines = [stack.enter_context(closing(DockerEngine(url))) for _ in CONTAINERS]
        for call in [pool.submit(e.remove_container, name) for e, name in zip(engines, CONTAINERS, strict=True)]:
            call.result()
    assert seen.lost
