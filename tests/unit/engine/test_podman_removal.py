"""A container on Podman goes with the helpers in its network, also with one that is made while it goes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import ClassVar

import pytest
from small_engine import Answers, served

from orchestrator.engine.docker import retry
from orchestrator.engine.opening import open_engine
from orchestrator.engine.podman.engine import PodmanEngine
from orchestrator.errors import ContainerBusy, EngineRefused

# What Podman 4.3.1 said of a node beside which a helper was being made.
DEPENDENT = "container c1 has dependent containers which must be removed before it: c2: container already exists"
# And of a helper that ended by itself at that moment.
ENDING = (
    "cannot remove container c1 as it could not be stopped: sending SIGKILL to container c1: container state improper"
)
GONE = 404
REMOVED = (200, [{"Err": None, "Id": "c1"}])
# Podman 4 and 5 answer so too if the first in the list went, and another one did not: an error has no text here.
ONE_OF_TWO = (200, [{"Err": None, "Id": "c2"}, {"Err": {}, "Id": "c1"}])


class Removing(Answers):
    """A Podman that answers removals of `c1` in this order; with the last of them, `c1` is gone, if `goes`."""

    answers: ClassVar[list[tuple[int, str | list[object]]]]
    asked_to_remove: ClassVar[list[str]]
    goes: ClassVar[bool] = True

    def send_response(self, code: int, message: str | None = None) -> None:
        super().send_response(code, message)
        self.send_header("Libpod-Api-Version", "4.3.1")

    def do_GET(self) -> None:
        if self.pinged():
            return
        assert self.path.endswith("/libpod/containers/c1/exists")
        if self.goes and len(self.asked_to_remove) >= len(self.answers):
            self.whole({"message": "no such container"}, GONE)
        else:
            self.whole({})

    def do_DELETE(self) -> None:
        code, said = self.answers[min(len(self.asked_to_remove), len(self.answers) - 1)]
        self.asked_to_remove.append(self.path)
        self.whole({"message": said} if isinstance(said, str) else said, code)


@pytest.fixture
def podman(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[PodmanEngine, list[str]]]:
    monkeypatch.setattr(retry, "FIRST_PAUSE_SECONDS", 0.0)
    asked: list[str] = []
    answers = type("OfThisTest", (Removing,), {"asked_to_remove": asked, **request.param})
    with served(tmp_path / "e", answers) as url, closing(open_engine(url)) as engine:
        assert isinstance(engine, PodmanEngine)
        yield engine, asked


@pytest.mark.parametrize(
    "podman",
    [
        pytest.param({"answers": [(500, DEPENDENT), REMOVED]}, id="a helper is made meanwhile"),
        pytest.param({"answers": [(500, ENDING), REMOVED]}, id="it is just ending"),
        pytest.param({"answers": [ONE_OF_TWO, REMOVED]}, id="the helper goes and the node stays"),
        pytest.param({"answers": [(GONE, "no container with ID c2 found"), REMOVED]}, id="the helper went by itself"),
    ],
    indirect=True,
)
def test_a_container_that_is_still_there_is_removed_again(podman: tuple[PodmanEngine, list[str]]) -> None:
    engine, asked = podman
    engine.remove_container("c1")
    assert len(asked) == 2
    assert all("depend=true" in path and "volumes=true" in path for path in asked)


@pytest.mark.parametrize(
    "podman",
    [
        pytest.param({"answers": [REMOVED]}, id="it was removed"),
        pytest.param({"answers": [(GONE, "no such container")]}, id="it was gone before"),
        pytest.param({"answers": [(500, "container c1 has already been removed")]}, id="somebody else removed it"),
    ],
    indirect=True,
)
def test_one_call_is_enough_where_it_is_gone(podman: tuple[PodmanEngine, list[str]]) -> None:
    engine, asked = podman
    engine.remove_container("c1")
    assert len(asked) == 1


@pytest.mark.parametrize("podman", [{"answers": [(500, DEPENDENT)], "goes": False}], indirect=True)
def test_a_container_whose_helper_never_goes_is_named_with_what_podman_said(
    podman: tuple[PodmanEngine, list[str]],
) -> None:
    engine, asked = podman
    with pytest.raises(ContainerBusy) as caught:
        engine.remove_container("c1")
    assert (caught.value.why, len(asked)) == (DEPENDENT, 9)


@pytest.mark.parametrize("podman", [{"answers": [(500, "its storage is in use")], "goes": False}], indirect=True)
def test_another_refusal_is_raised_after_as_many_tries(podman: tuple[PodmanEngine, list[str]]) -> None:
    engine, asked = podman
    with pytest.raises(EngineRefused) as caught:
        engine.remove_container("c1")
    assert (caught.value.why, len(asked)) == ("its storage is in use", 9)


class HalfGone(Answers):
    """A Podman 5 on which the removal of `c1` was done half: its list of Docker's kind is refused."""

    def send_response(self, code: int, message: str | None = None) -> None:
        super().send_response(code, message)
        self.send_header("Libpod-Api-Version", "5.4.2")

    def do_GET(self) -> None:
        if self.pinged():
            return
        if "/libpod/containers/json" in self.path:
            self.whole([{"Id": "c1", "State": "configured", "Labels": None}])
        else:
            self.whole({"message": 'getting container from store "c1": container not known'}, 500)


def test_a_container_that_was_removed_half_is_listed_and_has_no_settings(tmp_path: Path) -> None:
    """So that a clean-up removes it; to everybody else it has gone, whatever the status code is."""
    with served(tmp_path / "e", HalfGone) as url, closing(open_engine(url)) as engine:
        assert [(one.id, one.state) for one in engine.listed_containers("a=b")] == [("c1", "created")]
        assert engine.containers("a=b") == ()
