"""A node's network interfaces, as `ip -j addr` prints them (ip-address(8))."""

from __future__ import annotations

import json
from typing import Any

from orchestrator.judging.questions import Ran, Run
from orchestrator.judging.why.leg import Answers

# ip(8) and ss(8) come in one package: where one is, the other is.
NEEDS = frozenset({"ss"})


def addresses_of(node: str) -> Run:
    """The question for a node's interfaces."""
    return Run(node, ("ip", "-j", "addr"), NEEDS)


def read_json(text: str) -> Any:
    """What ip(8) printed; None where it is no JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def lacks(node: str, address: str, answers: Answers) -> bool:
    """Whether a node is known not to have an address."""
    found = answers.get(addresses_of(node))
    if not isinstance(found, Ran) or not isinstance(read_json(found.out), list):
        return False
    return interface_of(read_json(found.out), address) is None


def interface_of(interfaces: Any, address: str) -> dict[str, Any] | None:
    """The interface that bears an address; None if none does."""
    for one in interfaces if isinstance(interfaces, list) else ():
        if any(entry.get("local") == address for entry in one.get("addr_info", ())):
            found: dict[str, Any] = one
            return found
    return None
