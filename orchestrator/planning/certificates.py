"""Which certificates a lab needs, and whether those that it has will do. Pure: `lab/credentials.py` makes them."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.model.credentials import CertificateRequest, Credentials, IssuedCertificate
from orchestrator.model.node import Listener
from orchestrator.model.roles import ROLES
from orchestrator.model.tls import Certificate, ServerTls
from orchestrator.model.topology import Topology

CA_FILE = "ca.pem"
# The certificate of the intermediate authority, then that of the authority: for a client that has both.
INTERMEDIATE_FILE = "intermediate.pem"
# Before its last week a certificate is made anew, so that no lab of a course ends in its middle.
SPARE_SECONDS = 7 * 86400.0


def requests(topology: Topology) -> tuple[CertificateRequest, ...]:
    """Those of each listener that speaks TLS, its own and one for each name, in the order of the file; then those of
    the clients."""
    servers = [
        request
        for node, declared in topology.scenario.nodes.items()
        for listener in ROLES[declared.role].listeners_of(declared)
        if listener.tls
        for request in (
            _request(topology, node, listener),
            *(_named(node, listener, name, content) for name, content in _server_names(listener).items()),
        )
    ]
    clients = [
        CertificateRequest(
            node, 0, topology.name_of(node), (topology.name_of(node),), (), client=True, trusted=signer == "lab"
        )
        for node, declared in topology.scenario.nodes.items()
        if (signer := declared.client_certificate)
    ]
    return (*servers, *clients)


def _request(topology: Topology, node: str, listener: Listener) -> CertificateRequest:
    """For the names and addresses by which a client may call the node, unless the file asks for other ones."""
    declared = listener.tls if isinstance(listener.tls, ServerTls) else ServerTls()
    groups = [group for group, machines in topology.scenario.groups.items() if node in machines]
    own = [topology.name_of(node), node, *map(topology.name_of, groups), *declared.names]
    return CertificateRequest(
        node=node,
        port=listener.port,
        subject=declared.name or topology.name_of(node),
        names=(declared.name,) if declared.name else tuple(dict.fromkeys(own)),
        addresses=() if declared.name else tuple(map(str, topology.addresses_of(node))),
        expired=declared.expired,
        trusted=declared.authority == "lab",
        intermediate=declared.intermediate is not None,
    )


def _named(node: str, listener: Listener, server_name: str, declared: Certificate) -> CertificateRequest:
    """For the name that a client sends, and for no address: a client sends no address (RFC 6066, section 3)."""
    names = (declared.name,) if declared.name else tuple(dict.fromkeys((server_name, *declared.names)))
    return CertificateRequest(
        node=node,
        port=listener.port,
        subject=declared.name or server_name,
        names=names,
        addresses=(),
        expired=declared.expired,
        trusted=declared.authority == "lab",
        intermediate=declared.intermediate is not None,
        server_name=server_name,
    )


def _server_names(listener: Listener) -> Mapping[str, Certificate]:
    return (listener.tls.server_names or {}) if isinstance(listener.tls, ServerTls) else {}


def sent_chain(topology: Topology, issued: IssuedCertificate) -> str:
    """What the server sends: its certificate, then that of the intermediate authority, if the file does not keep it
    back (RFC 8446, section 4.4.2)."""
    listeners = topology.listeners_of(issued.request.node)
    listener = next((listener for listener in listeners if listener.port == issued.request.port), None)
    declared: object = listener.tls if listener else None
    if listener and issued.request.server_name:
        declared = _server_names(listener).get(issued.request.server_name)
    kept_back = isinstance(declared, Certificate) and declared.intermediate == "not_sent"
    return issued.certificate + ("" if kept_back else issued.intermediate)


def intermediate_of_lab(credentials: Credentials) -> str:
    """The certificate of the intermediate authority below the lab's own; empty where there is none."""
    issued = (certificate for several in credentials.certificates.values() for certificate in several)
    texts = (certificate.intermediate for certificate in issued if certificate.request.trusted)
    return next(filter(None, texts), "")


def reason_to_issue(credentials: Credentials, wanted: tuple[CertificateRequest, ...], now: float) -> str:
    """Why the certificates must be issued; empty where they are those that are wanted, and none ends soon.

    One that must have ended is no reason.
    """
    issued = [certificate for several in credentials.certificates.values() for certificate in several]
    if {certificate.request for certificate in issued} != set(wanted):
        return "the names or addresses changed" if issued else "missing"
    lasts = all(certificate.request.expired or certificate.until - now > SPARE_SECONDS for certificate in issued)
    return "" if lasts else "a certificate expires soon"


def file_of(request: CertificateRequest, kind: str) -> str:
    """The name below /wirelab: `pem` for the certificate, `key` for its private key."""
    if request.client:
        return f"client.{kind}"
    by_name = f"-{request.server_name}" if request.server_name else ""
    return f"tls-{request.port}{by_name}.{kind}"
