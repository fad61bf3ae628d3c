"""An engine says nothing, or null, of what just begins or just goes: that is an answer, and no mistake of ours."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

import pytest
from small_engine import Answers, served

from orchestrator.engine.docker import DockerEngine
from orchestrator.engine.docker.config import (
    container_seen,
    endpoints_of,
    memory_use_seen,
    network_seen,
    process_count_seen,
)
from orchestrator.engine.podman.engine import PodmanEngine
from orchestrator.errors import EngineMissing
from orchestrator.lab.node_exhaustion import no_process_left
from orchestrator.planning.snapshot import ProcessCount

GOING = {
    "Id": "c1",
    "Name": "/wirelab-shop_app",
    "Image": None,
    "State": {"Status": "removing", "StartedAt": None, "FinishedAt": None, "ExitCode": None, "OOMKilled": None},
    "Config": None,
    "NetworkSettings": None,
}
# An end of a network that the engine has not made yet, or no more.
NO_ENDS: tuple[Any, ...] = (None, {}, {"Networks": None}, {"Networks": {}}, {"Networks": {"lab": None}})


@pytest.mark.parametrize("settings", NO_ENDS, ids=str)
def test_a_container_without_ends_is_seen(settings: Any) -> None:
    document = {**GOING, "NetworkSettings": settings}
    seen = container_seen(document)
    assert (seen.name, seen.state, seen.addresses, seen.claims) == ("wirelab-shop_app", "removing", {}, {})
    assert (seen.started, seen.ended, seen.exit_code, seen.labels, seen.image) == ("", "", 0, {}, "")
    assert endpoints_of(document) == {}


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"pids_stats": None, "memory_stats": None},
        {"pids_stats": {}, "memory_stats": {}},
        {"pids_stats": {"current": None, "limit": None}, "memory_stats": {"usage": None, "stats": None}},
        {
            "memory_stats": {"usage": 5, "stats": {"total_inactive_file": None, "inactive_file": None}},
            "pids_stats": None,
        },
    ],
    ids=str,
)
def test_a_look_at_what_a_stopped_container_uses_counts_nothing(document: dict[str, Any]) -> None:
    assert process_count_seen(document) == ProcessCount(0, 0)
    assert memory_use_seen(document) in (0, 5)


@pytest.mark.parametrize("ranges", [None, {}, {"Config": None}, {"Config": [{"Subnet": None}, {}]}], ids=str)
def test_a_network_without_a_range_is_seen(ranges: Any) -> None:
    document = {"Id": "0123456789abcdef", "Name": "host", "IPAM": ranges, "Options": None, "Labels": None}
    assert network_seen(document).subnets == ()


class Going(Answers):
    """An engine of which a container ends while it is asked: each answer about that one is `body`."""

    body: ClassVar[bytes] = b""

    def do_GET(self) -> None:
        if not self.pinged():
            self._send(self.body)

    def do_POST(self) -> None:
        self.asked()
        self.whole({"message": "Container c1 is not running"}, 409)

    def do_DELETE(self) -> None:
        self._send(b"")

    def _send(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture(params=["", "null", "[]"])
def engine(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(Going, "body", request.param.encode())
    with served(tmp_path / "engine.sock", Going) as url, closing(DockerEngine(url)) as opened:
        yield opened


def test_of_a_container_that_goes_meanwhile_no_process_is_counted(engine: DockerEngine) -> None:
    """Removed while it looks, Docker Engine 20.10 answers 200 with nothing; a walk then says what it knows."""
    assert engine.process_count("c1") == ProcessCount(0, 0)
    assert engine.memory_use("c1") == 0
    assert no_process_left(engine, "c1") is None


LISTS: dict[str, Callable[[DockerEngine], object]] = {
    "containers": lambda engine: engine.containers("wirelab.lab"),
    "networks": lambda engine: engine.networks(),
}


@pytest.mark.parametrize("listed", LISTS)
def test_an_empty_list_is_a_list(engine: DockerEngine, listed: str) -> None:
    assert LISTS[listed](engine) == ()


def test_where_a_document_must_come_an_empty_answer_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Going, "body", b"")
    for kind in (DockerEngine, PodmanEngine):
        with served(tmp_path / f"{kind.__name__}.sock", Going) as url, closing(kind(url)) as engine:
            with pytest.raises(EngineMissing) as caught:
                engine.container("c1")
            assert caught.value.why == "the container c1: its answer was empty"
