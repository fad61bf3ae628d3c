"""An observation of https:// that no log can tell of is refused; one that a log can tell of is not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from orchestrator.lessons.secure_request_rules import ENCRYPTED, secure_request_violations
from orchestrator.model.scenario import Scenario

OWN = "has an image, a command or a configuration of its own"
HANDSHAKE = "write tls: %s to observe the handshake"


IMAGE = {"image": "nginx:1.27"}


def messages(
    url: str, *, web: Mapping[str, Any] | None = None, own: Mapping[str, Any] = IMAGE, key: str = "observe"
) -> list[str]:
    listens = {"listens": [{"port": 443, "tls": True}]}
    nodes = {
        "dns": {"role": "dns"},
        "web": {"role": "app", "uses": [], **listens, **(web or {})},
        "own": {"role": "service", **listens, **own},
        "client": {"role": "client"},
    }
    scenario = Scenario.model_validate({"name": "t", "title": "A test", "domain": "t.lab", "nodes": nodes})
    values = {"tasks": {"page": {key: {"from": "client", "http": url}}}}
    return [violation.message for violation in secure_request_violations(values, scenario)]


@pytest.mark.parametrize(
    "url", ["https://web.t.lab/", "https://web.t.lab:443/x", "https://www.t.lab/", "http://own.t.lab/"]
)
def test_a_request_that_a_log_or_a_packet_tells_of_is_right(url: str) -> None:
    assert messages(url) == []


@pytest.mark.parametrize("key", ["observe", "after"])
@pytest.mark.parametrize("url", ["https://own.t.lab/", "https://own/", "https://OWN.t.lab:443/"])
def test_a_node_with_an_image_of_its_own_has_no_such_log(url: str, key: str) -> None:
    (message,) = messages(url, key=key)
    assert message.startswith(f"{ENCRYPTED} own {OWN}; write tls: own")


def test_a_node_with_a_command_of_its_own_has_no_such_log() -> None:
    expected = f"{ENCRYPTED} own {OWN}; {HANDSHAKE % 'own.t.lab:443'}"
    assert messages("https://own.t.lab/", own={"command": ["sleep", "9"]}) == [expected]


def test_without_any_server_that_has_such_a_log_no_name_is_right() -> None:
    expected = f"{ENCRYPTED} no node has such a log; {HANDSHAKE % 'www.t.lab:8443'}"
    assert messages("https://www.t.lab:8443/", web=IMAGE) == [expected]


@pytest.mark.parametrize("url", ["https://[::1/", "https://", "https://own.t.lab:no/"])
def test_a_url_of_a_wrong_form_is_left_to_the_form(url: str) -> None:
    assert messages(url) == []
