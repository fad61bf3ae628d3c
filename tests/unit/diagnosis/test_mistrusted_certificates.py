"""`why` of a check `tls` says what is wrong with a certificate that should be good, as a person would."""

from __future__ import annotations

import pytest
from walk_harness import far, walked

OWN, AUTHORITY = "O=wirelab, CN=app-1.shop.lab", "O=wirelab, CN=Authority of the lab far"


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (
            f"expired: the certificate of {OWN}, from {AUTHORITY}; that is not 'ok'",
            "The certificate of app-1, port 80, is not valid today: it has expired.",
        ),
        (
            f"unknown authority: the certificate of {OWN}, from CN=Somebody; that is not 'ok'",
            "The certificate of app-1, port 80, is signed by 'Somebody', an authority that client does not trust.",
        ),
        (
            f"hostname mismatch: the certificate of CN=wrong.lab, from {AUTHORITY}; that is not 'ok'",
            "The certificate of app-1, port 80, is not for app-1.shop.lab, but for wrong.lab.",
        ),
        (
            f"hostname mismatch: the certificate of O=nameless, from {AUTHORITY}; that is not 'ok'",
            "The certificate of app-1, port 80, is not for app-1.shop.lab, but for O=nameless.",
        ),
        (
            "expired, hostname mismatch, unknown authority: the certificate of O=a, from CN=Somebody; that is not 'ok'",
            "The certificate of app-1, port 80, is signed by 'Somebody', an authority that client does not trust.",
        ),
        (
            f"ok: the certificate of {OWN}, from {AUTHORITY}; that is not 'expired'",
            "client finds another certificate at app-1 than the check says: "
            f"ok: the certificate of {OWN}, from {AUTHORITY}; that is not 'expired'.",
        ),
        (
            f"certificate revoked: the certificate of {OWN}, from {AUTHORITY}; that is not 'ok'",
            "client finds another certificate at app-1 than the check says: "
            f"certificate revoked: the certificate of {OWN}, from {AUTHORITY}; that is not 'ok'.",
        ),
    ],
)
def test_the_sentence_says_what_the_client_found(found: str, sentence: str) -> None:
    walk = walked(far(), actual=found, from_="client", tls="app-1.shop.lab:80")
    assert walk.broken
    assert (walk.broken.name, walk.sentence) == ("tls", sentence)
