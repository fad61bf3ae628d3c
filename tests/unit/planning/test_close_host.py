"""Networks that are closed to the engine's host, as `up --close-host` asks for it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from observed_labs import BASIC, listed, made_by, nothing, planned, standing

from orchestrator.engine.docker.config import BRIDGE_NAME, network_config, network_seen
from orchestrator.planning.lab_ref import LabRef
from orchestrator.planning.networks import open_to_host, opened_to_host
from orchestrator.planning.plan import MakeNetwork, Plan
from orchestrator.planning.planner import up
from orchestrator.planning.snapshot import Snapshot
from orchestrator.rendering.host_access import host_open_text

NETWORKS = BASIC.replace("nodes:", "networks:\n  lab:\n  open: {internal: false}\nnodes:", 1)
NO_ADDRESS = "com.docker.network.bridge.inhibit_ipv4"


def plan(text: str, observed: Snapshot, *, close_host: bool) -> Plan:
    topology, _ = planned(text, observed)
    return up(topology, observed, close_host=close_host)


@pytest.mark.parametrize("close_host", [True, False])
def test_the_bridge_of_a_closed_network_has_no_address(close_host: bool) -> None:
    """The network stays internal to the engine. One that the file opens has a way out, and is not closed."""
    steps = plan(NETWORKS, nothing(), close_host=close_host).steps
    specs = {step.action.network: step.action.spec for step in steps if isinstance(step.action, MakeNetwork)}
    lab, opened = network_config(specs["lab"]), network_config(specs["open"])
    options = {NO_ADDRESS: "true"} if close_host else {}
    assert (lab["Internal"], lab["Options"]) == (True, {**options, BRIDGE_NAME: specs["lab"].bridge})
    assert (opened["Internal"], opened["Options"]) == (False, {BRIDGE_NAME: specs["open"].bridge})
    seen = network_seen(listed(lab))
    assert (seen.internal, seen.host_closed, seen.gateway_unanswered) == (True, close_host, False)
    assert seen.bridge == specs["lab"].bridge


def test_each_network_has_a_bridge_of_its_own_by_which_the_host_knows_it() -> None:
    """Also where the same lab is made anew by another command: the engine refuses two bridges of one name."""
    names = [
        step.action.spec.bridge
        for observed in (nothing(), replace(nothing(), run="another"))
        for step in plan(NETWORKS, observed, close_host=False).steps
        if isinstance(step.action, MakeNetwork)
    ]
    assert len(set(names)) == len(names) == 4
    assert all(re.fullmatch(r"wl-[0-9a-f]{12}", name) for name in names)
    assert network_seen({"Id": "0123456789abcdef", "Name": "n"}).bridge == "br-0123456789ab"


@pytest.mark.parametrize(
    ("text", "close_host", "opened"),
    [
        (BASIC, False, {"lab": True}),
        (BASIC, True, {}),
        (NETWORKS, False, {"lab": True, "open": False}),
        (NETWORKS, True, {"open": False}),
        (BASIC.replace("nodes:", "networks: {lab: {ipv6: true}}\nnodes:", 1), True, {"lab": False}),
    ],
)
def test_up_names_the_networks_that_it_opens_to_the_host(text: str, close_host: bool, opened: dict[str, bool]) -> None:
    """Only while it makes them, and with the option where that closes one of them."""
    made = plan(text, nothing(), close_host=close_host)
    assert opened_to_host(made) == opened
    assert opened_to_host(plan(text, made_by(made, nothing()), close_host=close_host)) == {}
    if opened:
        note, way_out = host_open_text(made, "the engine is not wirelab's own", LabRef("basic", "mine")).splitlines()
        names = ", ".join(opened)
        assert note == (
            f"note: nodes may reach services of the engine's machine, over {names}: the engine is not wirelab's own"
        )
        can_be_closed = "lab" in opened and opened["lab"]
        assert ("wirelab up basic --close-host --lab mine" in way_out) == can_be_closed
        assert ("no option closes" in way_out) != can_be_closed


@pytest.mark.slow
def test_a_closed_lab_stays_closed() -> None:
    """A later `up` without the option has nothing to do, and makes a network that is lost closed again."""
    closed = made_by(plan(BASIC, nothing(), close_host=True), nothing())
    assert str(plan(BASIC, closed, close_host=False)) == ""
    changed = BASIC.replace("nodes:", "networks: {lab: , more: }\nnodes:", 1)
    steps = plan(changed, closed, close_host=False).steps
    assert [step.action.spec.host_closed for step in steps if isinstance(step.action, MakeNetwork)] == [True]


@pytest.mark.slow
def test_a_lab_that_stands_open_is_closed() -> None:
    """Its network is made anew."""
    steps = [step.id for step in plan(BASIC, standing(BASIC), close_host=True).steps]
    assert {"remove:network:lab", "network:lab", "connect:app:lab"} <= set(steps)
    assert str(plan(BASIC, standing(BASIC), close_host=False)) == ""


@pytest.mark.parametrize(
    ("networks", "names"), [("lab: ", ()), ("{lab: , out: {internal: false}, six: {ipv6: true}}", ("out", "six"))]
)
def test_networks_that_stay_open_are_known(networks: str, names: tuple[str, ...]) -> None:
    text = BASIC if not names else BASIC.replace("nodes:", f"networks: {networks}\nnodes:", 1)
    assert open_to_host(planned(text, nothing())[0].scenario) == names
