"""What a scenario file that nobody has read may ask for: `--untrusted`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from orchestrator.errors import UsageInvalid

if TYPE_CHECKING:
    from orchestrator.model.scenario import Scenario


def require_bounded(scenario: Scenario, hint: str = "read the file; if you trust it, leave out --untrusted") -> None:
    """Raise UsageInvalid where the file asks for what the containers of wirelab's own images do not have."""
    reasons = list(_unbounded(scenario))
    if reasons:
        what = f"the scenario {scenario.name!r} asks for more than an untrusted file may"
        raise UsageInvalid(what, why="; ".join(reasons), hint=hint)


def _unbounded(scenario: Scenario) -> Iterator[str]:
    for name, node in scenario.nodes.items():
        if node.image:
            yield f"the node {name!r} runs the image {node.image!r} on a writable root file system"
    for name, network in scenario.all_networks.items():
        if not network.internal:
            yield f"the network {name!r} lets nodes out (internal: false)"
