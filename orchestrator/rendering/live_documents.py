"""What the live page is told, as JSON documents: one for each kind of message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from shlex import join
from typing import Any

from orchestrator.checks.findings import Finding
from orchestrator.checks.walk import Layer
from orchestrator.events import Entry
from orchestrator.model.faults import FAULTS
from orchestrator.model.faults.fault import BaseFault
from orchestrator.planning.injected_faults import InjectedFault
from orchestrator.rendering.event_sentences import event_words, readable, start_words
from orchestrator.rendering.events import event_text
from orchestrator.rendering.fault_forms import fields_of
from orchestrator.rendering.graph import Arrow, Machine, Network, Picture
from orchestrator.rendering.graph_svg import arrow_words, description
from orchestrator.rendering.network_layout import Box, Layout, Line, Plug, lay_out
from orchestrator.traffic.exchanges.events import (
    DatagramFlow,
    DnsExchange,
    HttpExchange,
    IcmpError,
    SqlSession,
    SqlStatement,
    SshGreeting,
    TcpHandshake,
    TlsHandshake,
    UnansweredArp,
)
from orchestrator.traffic.story import LiveExchange

PROTOCOLS = {
    "opening": "TCP", "dns": "DNS", "http": "HTTP", "sql": "SQL", "sql-start": "SQL", "tls": "TLS", "ssh": "SSH",
    "udp": "UDP", "icmp": "ICMP", "arp": "ARP", "ndp": "NDP",
}  # fmt: skip
# The longest that stands in a box; it keeps its room while a node changes.
ROOM_FOR_ROLE = "client and server"
PHONE_ROW = 300  # pixels: two boxes
STATES = {"ready": "running", "starting": "running"}
LAYER_STATES = {"pass": "ok", "fail": "broken", "unknown": "unknown"}


def picture_document(picture: Picture) -> dict[str, Any]:
    """The picture of a lab with its layout: the same as `wirelab graph` draws, its boxes with room for a role.

    `narrow` is another layout of it for a phone; None where none is narrower.
    """
    roomy = replace(picture, machines=tuple(replace(machine, note=ROOM_FOR_ROLE) for machine in picture.machines))
    wide, narrow = lay_out(roomy), lay_out(roomy, PHONE_ROW)
    return {
        "type": "picture",
        "title": picture.title,
        "words": description(picture),
        **_placed(picture, wide),
        "narrow": _placed(picture, narrow) if narrow.width < wide.width else None,
    }


def _placed(picture: Picture, layout: Layout) -> dict[str, Any]:
    return {
        "width": layout.width,
        "height": layout.height,
        "networks": [_network(network, layout.segments[network.name]) for network in picture.networks],
        "nodes": [_node(machine, layout.boxes[machine.name]) for machine in picture.machines],
        "plugs": [_plug(plug) for plug in layout.plugs],
        "edges": [_edge(arrow, lines) for arrow, lines in zip(picture.arrows, layout.lines, strict=True)],
    }


def _network(network: Network, box: Box) -> dict[str, Any]:
    subnet = " ".join(network.ranges)
    return {"name": network.name, "subnet": subnet, "titles": list(network.titles)} | _rectangle(box)


def _node(machine: Machine, box: Box) -> dict[str, Any]:
    addresses = [
        {"network": network, "address": address} for network, addresses in machine.attachments for address in addresses
    ]
    return {"name": machine.name, "role": machine.role, "addresses": addresses} | _rectangle(box)


def _plug(plug: Plug) -> dict[str, Any]:
    head = {"node": plug.node_name, "network": plug.network, "addresses": list(plug.addresses), "above": plug.above}
    return head | _rectangle(plug.box)


def _edge(arrow: Arrow, lines: Sequence[Line]) -> dict[str, Any]:
    return {
        "from": arrow.client,
        "to": arrow.server,
        "kind": arrow.kind,
        "label": arrow.label,
        "sentence": arrow_words(arrow),
        "hops": [_points(line) for line in lines],
    }


def _rectangle(box: Box) -> dict[str, float]:
    return {"x": box.left, "y": box.top, "width": box.width, "height": box.height}


def _points(line: Line) -> list[list[float]]:
    """From the plug to the lane, along it, and to the other plug."""
    (x1, y1), (x2, y2) = line.start, line.end
    return [[x1, y1], [x1, line.lane], [x2, line.lane], [x2, y2]]


def nodes_message(
    states: Mapping[str, str], roles: Mapping[str, str], faults: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """The nodes: their states, what they were seen to be, and the ids of the faults that are in them.

    A state that is not shown is empty.
    """
    nodes = [
        {
            "name": node,
            "state": STATES.get(state, state),
            "acts_as": roles.get(node, "none"),
            "faults": list(faults.get(node, ())),
        }
        for node, state in states.items()
    ]
    return {"type": "nodes", "nodes": nodes}


def exchanges_message(exchanges: Sequence[LiveExchange]) -> dict[str, Any]:
    """Exchanges that are new or have changed. One message for all: a busy lab has a thousand in a second."""
    return {"type": "exchanges", "exchanges": [exchange_document(exchange) for exchange in exchanges]}


def exchange_document(exchange: LiveExchange) -> dict[str, Any]:
    """An exchange as a sentence, with what came of it where that is known."""
    return {
        "number": exchange.number,
        "parent": exchange.parent,
        "at": exchange.at,
        "ended": exchange.ended,
        "client": exchange.client,
        "server": exchange.server,
        "protocol": PROTOCOLS.get(exchange.kind, exchange.kind.upper()),
        "sentence": _sentence(exchange),
        "outcome": _outcome(exchange),
        "probe": exchange.is_probe,
    }


def _sentence(exchange: LiveExchange) -> str:
    if exchange.event is None:
        return readable(start_words(exchange.kind, exchange.client, exchange.server, exchange.subject))
    request, result = event_words(exchange.event)
    return " → ".join(filter(None, (readable(request), readable(result))))


def _outcome(exchange: LiveExchange) -> str:
    if exchange.event is None:
        return "open"
    return "ok" if succeeded(exchange) else "failed"


def succeeded(exchange: LiveExchange) -> bool:
    """Whether the client got what it asked for; a refusal is none."""
    match exchange.event:
        case TcpHandshake(outcome=outcome):
            return outcome == "accepted"
        case DnsExchange() as dns:
            return dns.rcode == "NOERROR"
        case HttpExchange(status=status):
            return status is not None and status < 400
        case SqlSession(outcome=outcome):
            return outcome == "ready"
        case SqlStatement(error=error, outcome=outcome):
            return not error and outcome not in ("failed", "skipped", "closed", "reset", "pending")
        case TlsHandshake(outcome=outcome, alert=alert):
            return outcome == "agreed" and not alert
        case SshGreeting(server_says=says):
            return bool(says)
        case DatagramFlow(received=received):
            return received > 0
        case IcmpError() | UnansweredArp():
            return False
    return True


def journal_message(entry: Entry) -> dict[str, Any]:
    """An event of the journal, with the sentence that `wirelab events` prints."""
    return {"type": "journal", "event": entry.document(), "sentence": event_text(entry.event)}


def faults_message(faults: Sequence[InjectedFault]) -> dict[str, Any]:
    """The faults that are in, and the kinds that can be put in."""
    return {"type": "faults", "faults": [_fault(fault) for fault in faults], "kinds": fault_kinds()}


def _fault(injected: InjectedFault) -> dict[str, Any]:
    words = join(injected.fault.words)
    return {
        "id": injected.id,
        "kind": injected.fault.words[0],
        "words": words,
        "sentence": _fault_sentence(injected.fault),
        "since": injected.since,
        "by": injected.by,
    }


def _fault_sentence(fault: BaseFault) -> str:
    """What it does, and what healing it costs."""
    loss = f" Once it is healed, {fault.loss}." if fault.loss else ""
    return f"{_summary(type(fault))}{loss}"


def fault_kinds() -> list[dict[str, Any]]:
    """The kinds of faults, each with the form of its words on the command line."""
    return [
        {
            "kind": kind,
            "summary": _summary(fault),
            "form": [
                {"name": field.name, "type": field.type, "label": field.label, "optional": field.optional}
                | ({"choices": list(field.choices)} if field.choices else {})
                for field in fields_of(fault)
            ],
        }
        for kind, fault in FAULTS.items()
    ]


def _summary(fault: type[BaseFault]) -> str:
    return (fault.__doc__ or "").split("\n")[0]


def checks_message(names: Sequence[str], findings: Mapping[str, Finding], running: frozenset[str]) -> dict[str, Any]:
    """The checks in the order of the file, each with its last finding."""
    checks = [
        {"number": number, "label": name, "running": name in running} | _finding(findings.get(name))
        for number, name in enumerate(names, 1)
    ]
    return {"type": "checks", "checks": checks}


def _finding(finding: Finding | None) -> dict[str, Any]:
    if finding is None:
        return {"verdict": None, "expected": "", "actual": "", "evidence": [], "why": None}
    judgement = finding.judgement
    why = finding.why and {
        "sentence": finding.why.sentence,
        "layers": [_layer(layer) for layer in finding.why.layers],
        "try": finding.why.command,
        "also": list(finding.why.also),
    }
    return {
        "verdict": judgement.verdict,
        "expected": judgement.expected,
        "actual": judgement.actual,
        "evidence": list(judgement.evidence),
        "why": why,
    }


def _layer(layer: Layer) -> dict[str, Any]:
    cause = layer.causes[0] if layer.causes else None
    ends = (
        f" ({layer.asker} to {layer.target})" if layer.target and layer.target != layer.asker else f" ({layer.asker})"
    )
    return {
        "layer": f"{layer.title}{ends}",
        "state": LAYER_STATES[layer.verdict],
        "text": cause.sentence if cause else layer.summary,
        "try": cause.command if cause else "",
        "evidence": list(layer.evidence),
    }
