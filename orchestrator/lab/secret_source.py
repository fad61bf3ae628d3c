"""Where new passwords, certificates and key pairs come from: drawn by `up`, or placeholders for commands that look."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping

from orchestrator.model.credentials import CertificateRequest, IssuedCertificate, KeyPair
from orchestrator.model.secret import Secret
from orchestrator.quick_dataclass import dataclass

# Stands in a text for a secret that nobody has drawn. A text that holds it is never written.
NOT_GENERATED = "(this secret is not drawn yet)"

# The certificate of an authority, and by node what that authority signed.
Issued = tuple[str, Mapping[str, tuple[IssuedCertificate, ...]]]


@dataclass(frozen=True)
class SecretSource:
    """Makes new secrets.

    `issue` takes the lab's name, the requests and the time in seconds since 1970; `new_pair` takes a comment.
    """

    new_password: Callable[[], str]
    issue: Callable[[str, tuple[CertificateRequest, ...], float], Issued]
    new_pair: Callable[[str], KeyPair]


def _issue(lab: str, wanted: tuple[CertificateRequest, ...], now: float) -> Issued:
    if not wanted:
        return "", {}
    # Here, for most labs need no certificate, and this import takes its time.
    from orchestrator.lab.authority import issue_all

    authority, issued = issue_all(lab, wanted, now)
    return authority, _by_node(issued)


def _new_pair(comment: str) -> KeyPair:
    from orchestrator.lab.authority import key_pair

    return key_pair(comment)


def _pretend_to_issue(_lab: str, wanted: tuple[CertificateRequest, ...], now: float) -> Issued:
    secret = Secret(NOT_GENERATED)
    return (NOT_GENERATED if wanted else ""), _by_node(
        [
            IssuedCertificate(request, NOT_GENERATED, secret, now, NOT_GENERATED if request.intermediate else "")
            for request in wanted
        ]
    )


def _by_node(issued: list[IssuedCertificate]) -> dict[str, tuple[IssuedCertificate, ...]]:
    nodes = dict.fromkeys(certificate.request.node for certificate in issued)
    return {node: tuple(certificate for certificate in issued if certificate.request.node == node) for node in nodes}


RANDOM_SECRETS = SecretSource(lambda: secrets.token_urlsafe(18), _issue, _new_pair)
PLACEHOLDER_SECRETS = SecretSource(
    lambda: NOT_GENERATED, _pretend_to_issue, lambda _comment: KeyPair(Secret(NOT_GENERATED), NOT_GENERATED)
)
