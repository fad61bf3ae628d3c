"""`tls`: a handshake by openssl(1), which verifies the certificate as the asker would, and shows the chain."""

from __future__ import annotations

import re

from orchestrator.checks.answering_machine import impostor
from orchestrator.checks.findings import Judgement
from orchestrator.checks.kinds.connections import endpoint, wrong_machine
from orchestrator.checks.probes import (
    TIMED_OUT,
    CheckContext,
    ProgramResult,
    ResultUnavailable,
    RunProgram,
    require_output,
    require_time,
)
from orchestrator.checks.steps import CheckSteps
from orchestrator.model.checks import Tls
from orchestrator.quick_dataclass import dataclass

# $0 is the host, $1 the port, $2 the name, $3 the authorities, where those are not the lab's alone. Nodes of ours
# trust the lab's authority; an address has no server name (RFC 6066, section 3). The line `intermediate=` names the
# intermediate authority of the lab, whether or not the server sends its certificate.
SHAKE = """\
own=(); [[ -r /wirelab/ca.pem ]] && own=(-CAfile "${3-/wirelab/ca.pem}")
[[ -r /wirelab/intermediate.pem ]] && openssl x509 -noout -subject -in /wirelab/intermediate.pem 2>&1 |
  sed s/^subject=/intermediate=/
if [[ $2 == *:* || $2 != *[!0-9.]* ]]; then name=(-noservername -verify_ip "$2")
else name=(-servername "$2" -verify_hostname "$2"); fi
h=$0; [[ $h == *:* ]] && h="[$h]"
exec openssl s_client -connect "$h:$1" "${name[@]}" "${own[@]}" 2>&1
"""
SHAKE_SECONDS = 4.0
NOT_SENT = "the server did not send"
# X509_V_ERR_* of openssl (x509_vfy.h): 18 to 21 say in four ways that no trusted authority stands behind it.
RESULTS = {0: "ok", 10: "expired", 18: "unknown authority", 19: "unknown authority", 20: "unknown authority"}
INCOMPLETE = "missing intermediate"
RESULTS |= {21: "unknown authority", 62: "hostname mismatch", 64: "hostname mismatch"}


@dataclass(frozen=True)
class Handshake:
    """What openssl found: the certificate's two names, its own words on the verification, the chain line by line.

    `result` is one of the words of the language, or the empty text for what has none: openssl's last word. `errors` are
    all that it found, of which a certificate may have several. `missing` is the lab's intermediate authority where its
    certificate is the one that did not come.
    """

    address: str
    subject: str
    issuer: str
    result: str
    message: str
    chain: tuple[str, ...]
    errors: frozenset[str] = frozenset()
    missing: str = ""


def read_handshake(out: str) -> Handshake | None:
    """From what `openssl s_client` prints; None where no certificate came."""
    verified = re.search(r"Verify return code: (\d+) \((.*)\)", out)
    subject, issuer = re.search(r"^subject=(.*)$", out, re.M), re.search(r"^issuer=(.*)$", out, re.M)
    if not (verified and subject and issuer):
        return None
    address = re.search(r"^Connecting to (\S+)$", out, re.M)
    chain = re.search(r"^Certificate chain\n(.*?)^---", out, re.M | re.S)
    lines = tuple(line.strip() for line in chain[1].splitlines() if re.match(r"\s*(\d+ s|i|v):", line)) if chain else ()
    result = RESULTS.get(int(verified[1]), "")
    errors = frozenset(RESULTS.get(int(number), "") for number in re.findall(r"^verify error:num=(\d+):", out, re.M))
    at = address[1] if address else ""
    missing = _missing_issuer(out, lines) if "unknown authority" in {result, *errors} else ""
    if missing:
        result = INCOMPLETE if result == "unknown authority" else result
        errors = errors - {"unknown authority"} | {INCOMPLETE}
    return Handshake(at, subject[1], issuer[1], result, verified[2], lines, errors, missing)


def _missing_issuer(out: str, chain: tuple[str, ...]) -> str:
    """The intermediate authority of the lab, if the last certificate that came is signed by it; otherwise empty.

    An authority that nobody knows looks alike for the client; the lab knows its own.
    """
    known = re.search(r"^intermediate=(.*)$", out, re.M)
    issuers = [line.partition(":")[2] for line in chain if line.startswith("i:")]
    return known[1] if known and issuers and issuers[-1] == known[1] else ""


def tls(check: Tls, context: CheckContext) -> CheckSteps:
    """Shake hands, then compare who answered, the verification and the certificate."""
    host, port = endpoint(context.fill(check.tls, check.asker))
    check = context.fill_fields(check, "server_name", "subject", "issuer")
    name = (check.server_name or host).rstrip(".")
    expected = _expected(check, host, port, name)
    known = ("/wirelab/intermediate.pem",) if check.knows_intermediate else ()
    argv = ("bash", "-c", SHAKE, host, str(port), name, *known)
    (ended,) = yield (RunProgram(check.asker, argv, frozenset({"bash", "openssl"}), seconds=SHAKE_SECONDS),)
    result = require_output(ended, may_time_out=True)
    shaken = read_handshake(result.out)
    if shaken is None:
        return Judgement("fail", expected, _without_certificate(result), (f"openssl ended with {result.exit_code}",))
    evidence = (f"{shaken.address}:{port} shows its certificate; verified for {name}: {shaken.message}", *shaken.chain)
    verified = ", ".join(sorted(shaken.errors - {""})) or shaken.result or shaken.message
    actual = f"{verified}: the certificate of {shaken.subject}, from {shaken.issuer}"
    actual += f", whose own certificate {NOT_SENT}" if shaken.missing else ""
    wrong = _wrong(check, shaken) or wrong_machine(context, check.asker, host, shaken.address)
    wrong = wrong or (yield from impostor(context, check.asker, shaken.address))
    return Judgement("fail" if wrong else "pass", expected, f"{actual}; {wrong}" if wrong else actual, evidence)


def _expected(check: Tls, host: str, port: int, name: str) -> str:
    other = f" as {name}" if name != host else ""
    parts = [f"{check.asker} verifies the certificate of {host}:{port}{other}: {check.verify}"]
    parts += [f"its subject holds {check.subject!r}"] if check.subject is not None else []
    parts += [f"its issuer holds {check.issuer!r}"] if check.issuer is not None else []
    return ", ".join(parts)


def _wrong(check: Tls, shaken: Handshake) -> str:
    if shaken.result != check.verify and check.verify not in shaken.errors:
        return f"that is not {check.verify!r}"
    if check.subject is not None and check.subject not in shaken.subject:
        return f"the subject does not hold {check.subject!r}"
    if check.issuer is not None and check.issuer not in shaken.issuer:
        return f"the issuer does not hold {check.issuer!r}"
    return ""


def _without_certificate(result: ProgramResult) -> str:
    """Why there was nothing to verify."""
    require_time(result)
    if result.exit_code == TIMED_OUT:
        return f"no certificate in {SHAKE_SECONDS:g} s: nothing answers the handshake"
    if "openssl: command not found" in result.out:
        raise ResultUnavailable("there is no openssl")
    if "Connection refused" in result.out:
        return "refused: Connection refused"
    if "BIO_lookup" in result.out:
        return "no address: the name is not known"
    errors = [line.split(":") for line in result.out.splitlines() if ":error:" in line]
    reason = errors[0][5] if errors and len(errors[0]) > 5 else f"openssl ended with {result.exit_code}"
    return f"no certificate: {reason}"
