"""The labels that everything made by wirelab carries from its creation, and by which alone it is found again."""

from __future__ import annotations

LAB = "wirelab.lab"
SCENARIO = "wirelab.scenario"
NODE = "wirelab.node"
NETWORK = "wirelab.network"
RUN = "wirelab.run"
# What the container was made from: a hash; another hash means that it has to be made anew.
SPEC = "wirelab.spec"
# The addresses that wirelab gave the node: "front=192.168.7.10/24 back=192.168.8.10/24".
PLACES = "wirelab.places"
# A container that looks into a node's network and is no node itself.
SIDECAR = "wirelab.onlooker"

# A volume with copies of a lab's files, on an engine that does not see those of this machine.
FILES = "wirelab.files"

# How the names of the bridges of all labs begin. The private engine's host takes no new connection from such a bridge.
BRIDGES = "wl-"

# A container that records the wire; it stands on the host's network and is no node.
CAPTURE = "wirelab.capture"
# Its value for the one that keeps what it records.
RECORDER = "on"
# The expression (pcap-filter(7)) by which that one was narrowed, if it was.
NARROWED = "wirelab.narrowed"
# The value for one that hands on what it hears, and keeps nothing.
LISTENER = "live"


def name_of(lab: str, node: str) -> str:
    """What the engine calls a node, network or volume of a lab: for people, and another one for each.

    No name of a file holds `_`: the node `eu-db` of the lab `shop` and `db` of `shop-eu` would else bear the same.
    """
    return f"wirelab-{lab}_{node}"


def of_lab(lab: str, scenario: str, run: str, **more: str) -> dict[str, str]:
    """The labels of one thing of a lab; `more` has the last part of a label's name as key."""
    return {
        LAB: lab,
        SCENARIO: scenario,
        RUN: run,
        **{f"wirelab.{key}": value for key, value in more.items()},
    }
