"""The certificates and key pairs of a lab as the text that is kept in its folder.

By itself, so that what only removes a lab need not load the scenario language.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from orchestrator.model.credentials import CertificateRequest, Credentials, IssuedCertificate, KeyPair
from orchestrator.model.secret import Secret


def as_text(credentials: Credentials) -> str:
    """To be kept in the lab's folder; secrets are plain in it."""
    certificates = [
        {
            "request": asdict(issued.request),
            "certificate": issued.certificate,
            "key": issued.key.reveal(),
            "until": issued.until,
            "intermediate": issued.intermediate,
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
        CertificateRequest(**request),
        document["certificate"],
        Secret(document["key"]),
        float(document["until"]),
        str(document.get("intermediate", "")),
    )
