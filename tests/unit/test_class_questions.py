"""What `class start` asks before it goes on: whether seats may reach the machine of the class."""

from __future__ import annotations

import pytest

from orchestrator.cli.class_lan import ask_about_host
from orchestrator.errors import UsageInvalid
from orchestrator.model.scenario import Scenario
from orchestrator.reading.scenario import read_scenario


def scenario(network: str) -> Scenario:
    head = "name: small\ntitle: t\ndomain: x.lab\nnodes: {dns: {role: dns}, client: {role: client}}\n"
    text = f"{head}networks: {{lan: {network}}}\n"
    return read_scenario(text, file="f", read_companion=dict[str, str]().get).scenario


def questions(network: str, answer: bool) -> list[str]:
    asked: list[str] = []

    def confirm(question: str) -> bool:
        asked.append(question)
        return answer

    ask_about_host(scenario(network), confirm)
    return asked


def test_nothing_is_asked_of_seats_that_are_closed(capsys: pytest.CaptureFixture[str]) -> None:
    assert questions("{}", answer=False) == []
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("network", ["{internal: false}", "{ipv6: true}"])
def test_a_network_that_stays_open_is_named_and_asked_about(network: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert questions(network, answer=True) == ["Start the class all the same?"]
    assert "over the networks lan" in capsys.readouterr().err
    with pytest.raises(UsageInvalid, match="not started"):
        questions(network, answer=False)
