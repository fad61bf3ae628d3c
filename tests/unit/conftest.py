"""Every unit test runs as on a machine without a container engine and with an empty state folder.

A test that reaches for an engine then fails on every machine, not only on those that have none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from lab_in_memory import LabHost
    from live_view import Room


@pytest.fixture(scope="session")
def no_engine(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """The variables of such an environment. A named engine is the only one that is looked for."""
    folder = tmp_path_factory.mktemp("no-engine")
    return {
        "DOCKER_HOST": f"unix://{folder}/nobody.sock",
        "DOCKER_CONFIG": str(folder / "docker"),
        "DOCKER_CONTEXT": "default",
        "WIRELAB_STATE": str(folder / "state"),
    }


# Once for each module: for each of thousands of small tests it would cost as much as many of them take.
@pytest.fixture(scope="module", autouse=True)
def _without_engine(no_engine: Mapping[str, str]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment:
        for name, value in no_engine.items():
            environment.setenv(name, value)
        yield


# Its imports stand in it, for most tests need none of them.
@pytest.fixture
def lab_host(tmp_path: Path) -> LabHost:
    """An engine in memory and a state folder, for labs."""
    from lab_in_memory import IMAGES, LabHost, bash

    from orchestrator.engine.fake import FakeEngine
    from orchestrator.host.state_folder import StateFolder

    return LabHost(FakeEngine(list(IMAGES.values()), answer=bash), StateFolder(tmp_path / "state"))


@pytest.fixture(scope="module")
def room() -> Iterator[Room]:
    """A server of live pages on loopback, with two labs and a browser for each."""
    from live_view import ONE, TWO, FakeView, Room, Visitor, visit

    from orchestrator.web.server import WebServer

    views = {"one": FakeView("one"), "two": FakeView("two")}
    with WebServer(views) as server:
        yield Room(server, views, Visitor(server.port), visit(server, ONE), visit(server, TWO))
