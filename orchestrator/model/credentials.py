"""What a lab makes for itself so that its machines can prove who they are: certificates and key pairs, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from orchestrator.model.secret import Secret
from orchestrator.quick_dataclass import dataclass


@dataclass(frozen=True)
class KeyPair:
    """A private key, and the public one that belongs to it, both as OpenSSH writes them."""

    private: Secret
    public: str


@dataclass(frozen=True)
class CertificateRequest:
    """What a certificate must say: whom it names, and whether it is deliberately bad (RFC 5280).

    `trusted`: the lab's own authority signs it, otherwise one that nobody knows. `intermediate`: an intermediate
    authority signs it in its place. `client`: the node proves with it who it is as a client, and `port` is 0.
    `server_name`: the listener shows it to a client that sends this name (RFC 6066, section 3); empty for its own.
    """

    node: str
    port: int
    subject: str
    names: tuple[str, ...]
    addresses: tuple[str, ...]
    expired: bool = False
    trusted: bool = True
    intermediate: bool = False
    client: bool = False
    server_name: str = ""


@dataclass(frozen=True)
class IssuedCertificate:
    """A certificate and its key (PEM), the request that it answers, and its end in seconds since 1970.

    `intermediate` is the certificate of the intermediate authority that signed it; empty where there is none.
    """

    request: CertificateRequest
    certificate: str
    key: Secret
    until: float
    intermediate: str = ""


@dataclass(frozen=True)
class Credentials:
    """The certificate of the lab's authority, empty where no listener speaks TLS; certificates and key pairs by node.

    The authority's own key is nowhere: it signs once, and whoever needs another certificate makes all of them anew.
    """

    authority: str = ""
    certificates: Mapping[str, tuple[IssuedCertificate, ...]] = field(default_factory=dict)
    keys: Mapping[str, Mapping[str, KeyPair]] = field(default_factory=dict)
