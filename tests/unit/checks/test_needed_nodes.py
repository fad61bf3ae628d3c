"""The nodes that a check needs: those it speaks of, what they use, and whom they ask for names."""

from __future__ import annotations

import pytest
from check_harness import check, shop

from orchestrator.checks.needed_nodes import cannot_be_reached, needed_nodes


@pytest.mark.parametrize(
    ("keys", "needed"),
    [
        ({"from_": "client", "http": "http://app.shop.lab/items"}, {"client", "app", "db", "dns"}),
        ({"from_": "shell", "connects": "${db}:5432"}, {"shell", "db", "dns"}),
        ({"from_": "shell", "connects": "192.168.7.11:5432"}, {"shell", "db", "dns"}),
        ({"from_": "shell", "resolves": "nobody.shop.lab"}, {"shell", "dns"}),
        ({"node": "web", "sees": "shell"}, {"web", "shell", "dns"}),
    ],
)
def test_a_check_needs_those_of_whom_it_speaks_and_all_that_they_need(keys: dict[str, str], needed: set[str]) -> None:
    assert needed_nodes(check(**keys), shop()) == needed | ({"app", "db"} if "client" in needed else set())


@pytest.mark.parametrize(
    ("halted", "expected"),
    [({"app"}, True), ({"dns"}, True), ({"db"}, False), ({"proxy"}, False), (set(), False)],
)
def test_what_does_not_run_cannot_be_reached(halted: set[str], expected: bool) -> None:
    """The node that is asked, and the only DNS server; what a server uses in turn may not matter to its answer."""
    assert cannot_be_reached(check(from_="client", http="http://app.shop.lab/health"), shop(), halted) is expected
