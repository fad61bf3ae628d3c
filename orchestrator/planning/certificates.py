"""Which certificates a lab needs, and whether those that it has will do. Pure: `lab/credentials.py` makes them."""

from __future__ import annotations

from orchestrator.model.credentials import CertificateRequest, Credentials, IssuedCertificate
from orchestrator.model.node import Certificate, Listener
from orchestrator.model.roles import ROLES
from orchestrator.model.topology import Topology

CA_FILE = "ca.pem"
# The certificate of the intermediate authority, then that of the authority: for a client that has both.
INTERMEDIATE_FILE = "intermediate.pem"
# Before its last week a certificate is made anew, so that no lab of a course ends in its middle.
SPARE_SECONDS = 7 * 86400.0


def requests(topology: Topology) -> tuple[CertificateRequest, ...]:
    """One certificate for each listener that speaks TLS, in the order of the file; then those of the clients."""
    servers = [
        _request(topology, node, listener)
        for node, declared in topology.scenario.nodes.items()
        for listener in ROLES[declared.role].listeners_of(declared)
        if listener.tls
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
    declared = listener.tls if isinstance(listener.tls, Certificate) else Certificate()
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


def sent_chain(topology: Topology, issued: IssuedCertificate) -> str:
    """What the server sends: its certificate, then that of the intermediate authority, if the file does not keep it
    back (RFC 8446, section 4.4.2)."""
    listeners = topology.listeners_of(issued.request.node)
    declared = next((listener.tls for listener in listeners if listener.port == issued.request.port), None)
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
    return f"tls-{request.port}.{kind}"
