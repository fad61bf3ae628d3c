"""Recorded outputs of `openssl s_client` (OpenSSL 3.5) -> verdict."""

from __future__ import annotations

from pathlib import Path

import pytest
from check_harness import check, conversation, judged, ran

from orchestrator.checks.probes import ProbeResult, ProgramResult, RunProgram, Unavailable
from orchestrator.model.checks import BaseCheck

RECORDED = {file.stem: file.read_text("utf-8") for file in Path(__file__).with_name("handshakes").glob("*.txt")}
RESULTS = {
    "good": "ok",
    "wrong_name": "hostname mismatch",
    "expired": "expired",
    "unknown_authority": "unknown authority",
}


def tls(target: str = "app.shop.lab:443", **keys: str | bool) -> BaseCheck:
    return check(from_="client", tls=target, **keys)


@pytest.mark.parametrize(("recorded", "result"), RESULTS.items())
def test_each_result_of_the_verification_passes_where_it_is_meant_and_only_there(recorded: str, result: str) -> None:
    for meant in RESULTS.values():
        judgement = judged(tls(verify=meant), ran(RECORDED[recorded]))
        assert judgement.verdict == ("pass" if meant == result else "fail")
        assert judgement.actual.startswith(f"{result}: the certificate of CN=")
    assert judgement.expected == f"client verifies the certificate of app.shop.lab:443: {meant}"


@pytest.mark.parametrize("verify", ["unknown authority", "hostname mismatch"])
def test_each_error_of_a_certificate_counts_and_not_only_the_last(verify: str) -> None:
    """Self-signed and for another name: openssl's return code tells one of both."""
    both = f"verify error:num=18:self-signed certificate\n{RECORDED['wrong_name']}"
    assert judged(tls(verify=verify), ran(both)).verdict == "pass"
    assert judged(tls(), ran(both)).verdict == "fail"


UNKNOWN = RECORDED["unknown_authority"]
ISSUER = "O=nobody, CN=another authority"


def test_an_intermediate_certificate_that_did_not_come_is_told_from_an_unknown_authority() -> None:
    """For the client both look alike; the lab knows the name of its own intermediate authority."""
    lacking = ran(f"intermediate={ISSUER}\n{UNKNOWN}")
    found = judged(tls(verify="missing intermediate"), lacking)
    assert (found.verdict, found.actual) == (
        "pass",
        f"missing intermediate: the certificate of CN=app.shop.lab, from {ISSUER}, "
        "whose own certificate the server did not send",
    )
    assert judged(tls(verify="unknown authority"), lacking).verdict == "fail"
    assert judged(tls(), lacking).verdict == "fail"
    other = ran(f"intermediate=O=wirelab, CN=Intermediate\n{UNKNOWN}")
    assert judged(tls(verify="unknown authority"), other).verdict == "pass"
    assert judged(tls(verify="missing intermediate"), other).verdict == "fail"
    good = ran(f"intermediate=O=wirelab, CN=lab authority\n{RECORDED['good']}")
    assert judged(tls(), good).verdict == "pass"
    assert judged(tls(verify="missing intermediate"), good).verdict == "fail"


def test_an_asker_may_know_the_intermediate_authority() -> None:
    _, probes = conversation(tls(knows_intermediate=True), ran(RECORDED["good"]))
    assert isinstance(probes[0], RunProgram)
    assert probes[0].argv[6:] == ("/wirelab/intermediate.pem",)


def test_who_answered_and_the_chain_are_evidence() -> None:
    judgement = judged(tls(), ran(RECORDED["good"]))
    assert judgement.evidence == (
        "192.168.7.12:443 shows its certificate; verified for app.shop.lab: ok",
        "0 s:CN=app.shop.lab",
        "i:O=wirelab, CN=lab authority",
        "v:NotBefore: Nov 23 23:11:53 2026 GMT; NotAfter: Nov 24 23:11:53 2026 GMT",
    )


def test_subject_and_issuer_are_compared() -> None:
    assert judged(tls(subject="CN=app.shop.lab", issuer="wirelab"), ran(RECORDED["good"])).verdict == "pass"
    judgement = judged(tls(subject="CN=shop.lab"), ran(RECORDED["good"]))
    assert (judgement.verdict, judgement.actual.split("; ")[1]) == ("fail", "the subject does not hold 'CN=shop.lab'")
    judgement = judged(tls(verify="unknown authority", issuer="wirelab"), ran(RECORDED["unknown_authority"]))
    assert (judgement.verdict, judgement.actual.split("; ")[1]) == ("fail", "the issuer does not hold 'wirelab'")


def test_the_texts_that_a_certificate_must_hold_are_filled_in() -> None:
    judgement = judged(tls(subject="CN=${app.name}", issuer="${random}"), ran(RECORDED["good"]))
    assert "its subject holds 'CN=app.shop.lab', its issuer holds 'w0123456789'" in judgement.expected
    assert judgement.actual.endswith("the issuer does not hold 'w0123456789'")


def test_a_good_certificate_of_another_machine_than_meant_fails() -> None:
    """The name led elsewhere: what stands there proves nothing about the app."""
    judgement = judged(tls(), ran(RECORDED["good"].replace("192.168.7.12", "192.168.7.14")))
    assert judgement.actual.endswith("app.shop.lab led to 192.168.7.14, which is web and not app")
    assert judgement.verdict == "fail"


@pytest.mark.parametrize(
    ("answer", "actual"),
    [
        (ran(RECORDED["refused"], "", 1), "refused: Connection refused"),
        (ran(RECORDED["no_name"], "", 1), "no address: the name is not known"),
        (ran(RECORDED["no_tls"], "", 1), "no certificate: wrong version number"),
        (ran("Connecting to 192.168.7.12\n", "", 124), "no certificate in 4 s: nothing answers the handshake"),
    ],
)
def test_without_a_certificate_nothing_holds(answer: ProbeResult, actual: str) -> None:
    """Also not that its verification fails: an absent certificate is no wrong one."""
    for meant in RESULTS.values():
        judgement = judged(tls(verify=meant), answer)
        assert (judgement.verdict, judgement.actual) == ("fail", actual)


def test_what_could_not_be_asked_is_unknown() -> None:
    assert judged(tls(), Unavailable("the node client is stopped")).verdict == "unknown"
    assert judged(tls(), ran("bash: exec: openssl: not found\n", "", 127)).verdict == "unknown"


def test_another_server_name_is_sent_and_verified() -> None:
    """The connection goes to the host, the name is another one; the last dot of a name belongs to the DNS only."""
    judgement, probes = conversation(tls("${app}:443", server_name="${app.name}"), ran(RECORDED["good"]))
    assert isinstance(probes[0], RunProgram)
    assert probes[0].argv[3:] == ("192.168.7.12", "443", "app.shop.lab")
    assert judgement.expected == "client verifies the certificate of 192.168.7.12:443 as app.shop.lab: ok"


CLOSED = f"{RECORDED['good']}\n40:error:0A000126:SSL routines::unexpected eof while reading:rec_layer_s3.c:698:\n"
ALERT = f"{RECORDED['good']}\n40:error:0A00045C:SSL routines::tlsv13 alert certificate required:SSL alert number 116\n"
OPEN = f"{RECORDED['good']}\nstill open\n"
TICKET = f"{RECORDED['good']}\nPost-Handshake New Session Ticket arrived:\n"


@pytest.mark.parametrize(
    ("printed", "taken", "refused"),
    [
        (CLOSED, "fail", "pass"),
        (ALERT, "fail", "pass"),
        (TICKET, "pass", "fail"),
        (OPEN, "pass", "fail"),
        (RECORDED["good"], "unknown", "unknown"),
        (RECORDED["no_tls"], "fail", "fail"),
    ],
)
def test_what_a_server_makes_of_a_client_is_known_only_after_the_handshake(
    printed: str, taken: str, refused: str
) -> None:
    """TLS 1.3: the client is done before the server has judged it. Who cannot tell which it was knows nothing."""
    for accepted, verdict in ((True, taken), (False, refused)):
        assert judged(tls(accepted=accepted), ran(printed)).verdict == verdict
    assert judged(tls(client_certificate=True), ran(printed)).verdict == taken


@pytest.mark.parametrize("accepted", [True, False])
def test_silence_after_the_handshake_is_no_consent_of_a_server_without_processor_time(accepted: bool) -> None:
    starved = ProgramResult(124, "", "", seconds=4.0, starved=3.9)
    found = judged(tls(accepted=accepted), ran(OPEN), processor={"app": starved})
    assert (found.verdict, "app: not measured" in found.actual) == ("unknown", True)


@pytest.mark.parametrize("presents", [True, False])
def test_the_client_certificate_is_presented_only_where_the_check_says_so(presents: bool) -> None:
    _, probes = conversation(tls(client_certificate=presents), ran(TICKET))
    assert isinstance(probes[0], RunProgram)
    assert ("present" in probes[0].argv) == presents


def test_a_connection_that_is_reset_has_shown_no_certificate() -> None:
    found = judged(tls(), ran("CONNECTED(00000003)\nwrite:errno=104\n---\nno peer certificate available\n", code=1))
    assert (found.verdict, found.actual) == ("fail", "no certificate: the connection is broken off with an RST")
