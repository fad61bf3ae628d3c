"""`why` names the issuer whose certificate a server does not send: of a check `tls`, and of a request over HTTPS."""

from __future__ import annotations

from dataclasses import replace

import pytest
from walk_harness import SimulatedLab, far, program, walked

from orchestrator.checks.probes import ProgramResult
from orchestrator.diagnosis.check_layers.http import CERTIFICATE
from orchestrator.model.credentials import CertificateRequest, Credentials, IssuedCertificate
from orchestrator.model.secret import Secret

ISSUER = "O=wirelab, CN=Intermediate authority of the lab far"
SAYS = (
    f"app-1 does not send the certificate of {ISSUER}, which has signed its own; "
    "so client cannot follow the chain to the authority that it trusts."
)


def test_a_handshake_without_the_intermediate_certificate() -> None:
    actual = (
        f"missing intermediate: the certificate of CN=app, from {ISSUER}, whose own certificate the server did not send"
    )
    walk = walked(far(), actual=f"{actual}; that is not 'ok'", from_="client", tls="app-1.shop.lab:80")
    assert walk.broken
    assert (walk.broken.name, walk.sentence) == ("tls", SAYS)
    assert "openssl s_client -connect" in walk.command


def https(issuer: str, *, has_intermediate: bool) -> SimulatedLab:
    """A lab whose app shows a certificate of this issuer, which curl does not find."""
    world = far()
    request = CertificateRequest("app-1", 80, "app", (), (), intermediate=True)
    issued = IssuedCertificate(request, "", Secret(""), 0.0, "a certificate" if has_intermediate else "")
    world.topology = replace(world.topology, credentials=Credentials("", {"app-1": (issued,)}))
    error = "curl: (60) SSL certificate problem: unable to get local issuer certificate"
    shown = ProgramResult(0, f"subject=CN=app\nissuer={issuer}\n", "")
    world.rules = [
        program("curl", ProgramResult(60, "", error)),
        program("openssl", ProgramResult(0, f"subject={ISSUER}\n", "")),
        lambda probe: shown if CERTIFICATE in getattr(probe, "argv", ()) else None,
    ]
    return world


@pytest.mark.parametrize(
    ("issuer", "has_intermediate", "says"),
    [
        (ISSUER, True, SAYS),
        ("O=wirelab, CN=Another", True, "client does not trust whoever signed the certificate of app-1"),
        (ISSUER, False, "client does not trust whoever signed the certificate of app-1"),
    ],
)
def test_a_request_over_https(issuer: str, has_intermediate: bool, says: str) -> None:
    """Only where the certificate is signed by the intermediate authority of this lab."""
    walk = walked(https(issuer, has_intermediate=has_intermediate), from_="client", http="https://app-1.shop.lab:80/")
    assert walk.broken
    assert (walk.broken.name, walk.sentence.startswith(says)) == ("tls", True), walk.sentence
