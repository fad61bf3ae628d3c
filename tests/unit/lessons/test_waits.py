"""Whether a node waited for a server in vain before it asked another one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator.lessons.observations import ConnectsObservation, UnansweredObservation
from orchestrator.lessons.open_exchanges import is_wanted
from orchestrator.lessons.waits import Waits
from orchestrator.traffic.exchanges.events import (
    DnsExchange,
    Endpoint,
    ExchangeStart,
    Flow,
    TcpHandshake,
    UnansweredArp,
)

START = ExchangeStart(1, "dns", 10.0, "client", "dns-1", 1, "app.shop.lab A", 53)
FLOW = Flow(1, "udp", Endpoint("client", "192.168.7.2", 40000), Endpoint("dns-1", "192.168.7.3", 53), None)
QUESTION = DnsExchange(1, FLOW, 10.0, None, "app.shop.lab", "A", "", (), False, False, False, 1, 10.0)
SEARCH = UnansweredArp(1, "client", "dns-1", "192.168.7.3", 10.0, None, 12.0, 3)
OPENING = TcpHandshake(1, FLOW, 10.0, None, "silent", 1, 10.0)


@pytest.mark.parametrize("kind", ["dns", "arp", "ndp", "opening"])
@pytest.mark.parametrize(("moment", "began"), [(10.5, None), (15.0, 10.0), (60.0, None)])
def test_a_server_that_is_waited_for_counts_while_a_program_may_wait(
    kind: str, moment: float, began: float | None
) -> None:
    """Too soon, nobody has waited; much later, somebody has asked by hand."""
    waits = Waits()
    waits.begin(replace(START, kind=kind))
    assert waits.before("client", "dns-1", moment) == began
    assert waits.before("client", "dns-2", moment) is None
    assert waits.before("other", "dns-1", moment) is None
    waits.clear()
    assert waits.before("client", "dns-1", moment) is None


def test_another_kind_of_exchange_does_not_count() -> None:
    waits = Waits()
    waits.begin(replace(START, kind="udp"))
    assert waits.before("client", "dns-1", 15.0) is None


@pytest.mark.parametrize(
    ("event", "began"),
    [
        (QUESTION, 10.0),
        (replace(QUESTION, rcode="NOERROR", ended=10.1), None),
        (SEARCH, 10.0),
        (replace(SEARCH, ended=12.0), None),
        (OPENING, 10.0),
        (replace(OPENING, outcome="refused"), None),
    ],
)
def test_what_was_answered_was_not_waited_for_in_vain(
    event: DnsExchange | UnansweredArp | TcpHandshake, began: float | None
) -> None:
    waits = Waits()
    waits.begin(START)
    waits.end(event)
    assert waits.before("client", "dns-1", 15.0) == began


def test_only_the_silence_that_a_task_wants_first_is_wanted() -> None:
    wanted = UnansweredObservation.model_validate({"from": "client", "unanswered": "dns-1"})
    assert is_wanted(wanted, START)
    assert not is_wanted(wanted, replace(START, server="dns-2"))
    assert not is_wanted(wanted, replace(START, client="app"))
    assert not is_wanted(ConnectsObservation.model_validate({"from": "client", "connects": "dns-1:53"}), START)
    assert not is_wanted(None, START)
