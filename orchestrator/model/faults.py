"""Faults: what can be broken in a lab, as values. Healing brings the lab back to what its file declares."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from orchestrator.model.values import Called, Declared, Machines, NetworkName

Group = Annotated[tuple[Machines, ...], Field(strict=False, min_length=1), Called("a list of nodes")]


class Stop(Declared):
    """The node is stopped: its programs end, its address answers no more."""

    stop: Machines = Field(description="The node to stop; a group for all of its replicas.", examples=["dns"])


class Pause(Declared):
    """The node is frozen: its kernel still accepts connections, its programs answer nothing."""

    pause: Machines = Field(description="The node to freeze; a group for all of its replicas.", examples=["app"])


class Cut(Declared):
    """The two groups do not hear each other any more, on whatever network or way: silence, also on open connections."""

    cut: Annotated[tuple[Group, ...], Field(strict=False, min_length=2, max_length=2)] = Field(
        description="The two groups of nodes; inside a group nothing changes.",
        examples=[[["client"], ["app", "db"]]],
    )
    only: str | None = Field(
        None,
        pattern="^(ipv4|ipv6)$",
        description="Cut only what goes over this version of IP; both when absent.",
        examples=["ipv6"],
    )


class Disconnect(Declared):
    """The node is taken from a network: its cable is pulled."""

    disconnect: Machines = Field(description="The node to take from a network.", examples=["client"])
    network: NetworkName | None = Field(
        None, description="The network; may be left out where the node stands on just one.", examples=["front"]
    )


FAULTS: dict[str, type[Declared]] = {"stop": Stop, "pause": Pause, "disconnect": Disconnect, "cut": Cut}


def fault_kind(fault: Any) -> str | None:
    """The kind of a fault, from the key that names it; None where there is none or more than one."""
    if isinstance(fault, Declared):
        return next((kind for kind, model in FAULTS.items() if type(fault) is model), None)
    kinds = [kind for kind in FAULTS if isinstance(fault, dict) and kind in fault]
    return kinds[0] if len(kinds) == 1 else None


Fault = Annotated[
    Annotated[Stop, Tag("stop")]
    | Annotated[Pause, Tag("pause")]
    | Annotated[Disconnect, Tag("disconnect")]
    | Annotated[Cut, Tag("cut")],
    Discriminator(fault_kind),
]
