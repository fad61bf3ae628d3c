"""The lab's authority: what it signs can be verified by others, it is kept while it will do, and its key by nobody."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key, load_ssh_public_key
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from orchestrator.lab.credentials import credentials_of
from orchestrator.lab.credentials_file import as_text
from orchestrator.lab.secret_source import RANDOM_SECRETS
from orchestrator.model.credentials import Credentials
from orchestrator.model.topology import Topology
from orchestrator.planning.addressing import assign_addresses
from orchestrator.planning.snapshot import Snapshot
from orchestrator.reading.scenario import read_scenario

pytestmark = pytest.mark.slow

NOW = 1_800_000_000.0
DAY = 86400.0
TEXT = """\
name: safe
title: A server with certificates
domain: shop.lab
networks: {lab: {subnet: 192.168.7.0/24}}
nodes:
  web:
    role: proxy
    listens:
      - {port: 443, tls: {names: [www.shop.lab]}}
      - {port: 8443, tls: {name: wrong.lab}}
      - {port: 9443, tls: {expired: true}}
      - {port: 10443, tls: {authority: unknown}}
  shell: {role: ssh}
  client: {role: client, uses: [web, shell]}
"""


def places(text: str = TEXT) -> Topology:
    scenario = read_scenario(text, file="scenario.yaml", read_companion=dict[str, str]().get).scenario
    return assign_addresses("safe", scenario, Snapshot("/s", "r", {}), {})


def made(kept: str = "", now: float = NOW, text: str = TEXT) -> Credentials:
    return credentials_of(places(text), kept, now, RANDOM_SECRETS)[0]


def verify(credentials: Credentials, port: int, name: str = "web.shop.lab") -> None:
    """As a strict client would: by the lab's authority alone, at that time. Raises VerificationError."""
    issued = next(certificate for certificate in credentials.certificates["web"] if certificate.request.port == port)
    store = Store([x509.load_pem_x509_certificate(credentials.authority.encode())])
    verifier = (
        PolicyBuilder().store(store).time(datetime.fromtimestamp(NOW, UTC)).build_server_verifier(x509.DNSName(name))
    )
    verifier.verify(x509.load_pem_x509_certificate(issued.certificate.encode()), [])


@pytest.mark.parametrize("name", ["web.shop.lab", "www.shop.lab", "web"])
def test_a_certificate_is_good_for_each_name_of_its_node(name: str) -> None:
    verify(made(), 443, name)


def test_it_is_good_for_the_address_and_for_its_own_key() -> None:
    issued = made().certificates["web"][0]
    certificate = x509.load_pem_x509_certificate(issued.certificate.encode())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name) for name in names.get_values_for_type(x509.IPAddress)] == ["192.168.7.10"]
    key = load_pem_private_key(issued.key.reveal().encode(), None)
    assert key.public_key() == certificate.public_key()
    assert "***" in repr(issued)


@pytest.mark.parametrize(
    ("port", "why"),
    [
        (8443, "no matching subjectAltName"),
        (9443, "not valid at validation time"),
        (10443, "candidates exhausted"),
    ],
)
def test_each_bad_certificate_is_bad_for_its_own_reason(port: int, why: str) -> None:
    with pytest.raises(VerificationError, match=why):
        verify(made(), port)
    if port == 8443:
        verify(made(), port, "wrong.lab")


CHAIN = TEXT.replace("{names: [www.shop.lab]}", "{intermediate: sent}").replace(
    "unknown}", "unknown, intermediate: sent}"
)


@pytest.mark.parametrize(("port", "trusted"), [(443, True), (10443, False)])
def test_an_intermediate_authority_stands_between(port: int, trusted: bool) -> None:
    """A strict client accepts the certificate with that of the intermediate authority, and not without; below an
    authority that nobody trusts it accepts neither."""
    credentials = made(text=CHAIN)
    with pytest.raises(VerificationError, match="candidates exhausted"):
        verify(credentials, port)
    issued = next(issued for issued in credentials.certificates["web"] if issued.request.port == port)
    between = [x509.load_pem_x509_certificate(issued.intermediate.encode())]
    store = Store([x509.load_pem_x509_certificate(credentials.authority.encode())])
    builder = PolicyBuilder().store(store).time(datetime.fromtimestamp(NOW, UTC))
    verifier = builder.build_server_verifier(x509.DNSName("web.shop.lab"))
    certificate = x509.load_pem_x509_certificate(issued.certificate.encode())
    if trusted:
        assert len(verifier.verify(certificate, between)) == 3
        return
    with pytest.raises(VerificationError):
        verifier.verify(certificate, between)


def test_those_with_an_intermediate_authority_are_kept_too() -> None:
    first = made(text=CHAIN)
    assert as_text(made(as_text(first), NOW + DAY, CHAIN)) == as_text(first)


@pytest.mark.parametrize(("signer", "trusted"), [("lab", True), ("unknown", False)])
def test_a_client_has_a_certificate_as_a_client(signer: str, trusted: bool) -> None:
    """Whoever trusts the lab's authority accepts it of a client, and of no server."""
    text = TEXT.replace("{role: client,", f"{{role: client, client_certificate: {signer},")
    credentials = made(text=text)
    (issued,) = credentials.certificates["client"]
    certificate = x509.load_pem_x509_certificate(issued.certificate.encode())
    store = Store([x509.load_pem_x509_certificate(credentials.authority.encode())])
    builder = PolicyBuilder().store(store).time(datetime.fromtimestamp(NOW, UTC))
    if trusted:
        assert builder.build_client_verifier().verify(certificate, []).subjects
    else:
        with pytest.raises(VerificationError):
            builder.build_client_verifier().verify(certificate, [])
    with pytest.raises(VerificationError):
        builder.build_server_verifier(x509.DNSName("client.shop.lab")).verify(certificate, [])


def test_they_are_kept_from_command_to_command() -> None:
    first = made()
    later = made(as_text(first), NOW + 30 * DAY)
    assert as_text(later) == as_text(first)


@pytest.mark.parametrize(
    ("now", "text"),
    [
        (NOW + 84 * DAY, TEXT),
        (NOW, TEXT.replace("www.shop.lab", "shop.shop.lab")),
        (NOW, TEXT.replace("  web:", "  other: {role: client}\n  web:")),
    ],
)
def test_near_their_end_or_for_other_names_or_addresses_all_are_made_anew(now: float, text: str) -> None:
    """The key of the authority is not kept, so it can sign nothing more. The key pairs stay."""
    first = made()
    later = made(as_text(first), now, text)
    assert later.authority != first.authority
    assert {certificate.certificate for certificate in later.certificates["web"]}.isdisjoint(
        certificate.certificate for certificate in first.certificates["web"]
    )
    assert later.keys == first.keys


@pytest.mark.parametrize("kept", ["\0unreadable", "{", "[]", '{"certificates": [{}]}', '{"keys": {"shell": []}}'])
def test_what_cannot_be_read_is_made_anew(kept: str) -> None:
    assert made(kept).authority


def test_without_tls_there_is_no_authority() -> None:
    """And what was kept of an earlier file is gone."""
    text = "name: safe\ntitle: T\nnodes:\n  web: {role: proxy}\n"
    assert made("", NOW, text) == Credentials()
    assert made(as_text(made()), NOW, text).authority == ""
    assert made(as_text(made()), NOW, text).certificates == {}


def test_key_pairs_are_what_openssh_reads() -> None:
    pairs = made().keys["shell"]
    assert set(pairs) == {"host", "user"}
    for pair in pairs.values():
        private = load_ssh_private_key(pair.private.reveal().encode(), None)
        assert private.public_key() == load_ssh_public_key(pair.public.encode())
