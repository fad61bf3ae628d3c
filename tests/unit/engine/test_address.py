"""The addresses of engines."""

from __future__ import annotations

import pytest

from orchestrator.engine.address import connect, host_and_port


@pytest.mark.parametrize(
    ("rest", "place"),
    [("far:2375", ("far", 2375)), ("far", ("far", 2375)), ("[::1]:99/", ("::1", 99)), ("[::1]", ("::1", 2375)),
     (":2375", ("127.0.0.1", 2375))],
)  # fmt: skip
def test_host_and_port_of_a_url(rest: str, place: tuple[str, int]) -> None:
    """The port defaults to the engine's own."""
    assert host_and_port(rest) == place


@pytest.mark.parametrize("url", ["ssh://me@far", "npipe:////./pipe/docker_engine", "nonsense"])
def test_what_wirelab_does_not_speak_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="does not speak"):
        connect(url, 1)
