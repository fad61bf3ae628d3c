"""The certificates and key pairs of a lab: those that are kept where they will do, new ones where not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from orchestrator.model.credentials import CertificateRequest, Credentials, IssuedCertificate, KeyPair
from orchestrator.model.roles import ROLES
from orchestrator.model.secret import Secret
from orchestrator.model.topology import Topology
from orchestrator.planning.certificates import requests, will_do


def credentials_of(topology: Topology, kept: str, now: float) -> Credentials:
    """What the lab needs; `kept` is the text of an earlier `as_text`, `now` the time in seconds since 1970."""
    before = from_text(kept)
    wanted = requests(topology)
    keys = _keys(topology, before)
    if will_do(before, wanted, now):
        return Credentials(before.authority if wanted else "", before.certificates, keys)
    return Credentials(*_issued(topology.lab, wanted, now), keys)


def _issued(
    lab: str, wanted: tuple[CertificateRequest, ...], now: float
) -> tuple[str, Mapping[str, tuple[IssuedCertificate, ...]]]:
    """A new authority's certificate, and all that it signed."""
    # Here, for most labs need no certificate, and this import takes its time.
    from orchestrator.lab.authority import UNKNOWN, authority, issue

    if not wanted:
        return "", {}
    ours, theirs = authority(f"Authority of the lab {lab}", now), authority(UNKNOWN, now)
    issued = [issue(request, ours if request.trusted else theirs, now) for request in wanted]
    nodes = dict.fromkeys(request.node for request in wanted)
    return ours.text, {
        node: tuple(certificate for certificate in issued if certificate.request.node == node) for node in nodes
    }


def _keys(topology: Topology, before: Credentials) -> dict[str, dict[str, KeyPair]]:
    """A pair for each name that a node's role asks for."""
    pairs: dict[str, dict[str, KeyPair]] = {}
    for node, declared in topology.scenario.nodes.items():
        for name in ROLES[declared.role].keys:
            pair = before.keys.get(node, {}).get(name) or _new_pair(f"{name}-of-{node}")
            pairs.setdefault(node, {})[name] = pair
    return pairs


def _new_pair(comment: str) -> KeyPair:
    from orchestrator.lab.authority import key_pair

    return key_pair(comment)


def as_text(credentials: Credentials) -> str:
    """To be kept in the lab's folder; secrets are plain in it."""
    certificates = [
        {
            "request": asdict(issued.request),
            "certificate": issued.certificate,
            "key": issued.key.reveal(),
            "until": issued.until,
        }
        for several in credentials.certificates.values()
        for issued in several
    ]
    keys = {
        node: {name: {"private": pair.private.reveal(), "public": pair.public} for name, pair in pairs.items()}
        for node, pairs in credentials.keys.items()
    }
    return json.dumps({"authority": credentials.authority, "certificates": certificates, "keys": keys})


def from_text(text: str) -> Credentials:
    """What was kept; nothing where the text is not readable, for then all is made anew."""
    try:
        document = json.loads(text) if text else {}
        issued = [_read_issued(certificate) for certificate in document.get("certificates", ())]
        keys = {
            node: {name: KeyPair(Secret(pair["private"]), pair["public"]) for name, pair in pairs.items()}
            for node, pairs in document.get("keys", {}).items()
        }
        nodes = dict.fromkeys(certificate.request.node for certificate in issued)
        by_node = {
            node: tuple(certificate for certificate in issued if certificate.request.node == node) for node in nodes
        }
        return Credentials(str(document.get("authority", "")), by_node, keys)
    except (ValueError, LookupError, TypeError, AttributeError):
        return Credentials()


def _read_issued(document: Mapping[str, Any]) -> IssuedCertificate:
    request: dict[str, Any] = dict(document["request"])
    request |= {"names": tuple(request["names"]), "addresses": tuple(request["addresses"])}
    return IssuedCertificate(
        CertificateRequest(**request), document["certificate"], Secret(document["key"]), float(document["until"])
    )
