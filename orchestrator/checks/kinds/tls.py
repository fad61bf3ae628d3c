"""`tls`: a handshake by openssl(1), which verifies the certificate as the asker would, and shows the chain."""

from __future__ import annotations

import re

from orchestrator.checks.answering_machine import impostor
from orchestrator.checks.findings import Judgement
from orchestrator.checks.kinds.connections import endpoint, target_of, wrong_machine
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
from orchestrator.checks.target_time import require_target_time
from orchestrator.model.checks import Tls
from orchestrator.quick_dataclass import dataclass

# $0 is the host, $1 the port, $2 the name, $3 the authorities, where those are not the lab's alone; $4 is `present` to
# show a client certificate, `look` to see only whether the server accepts the client. Nodes of ours trust the lab's
# authority; an address has no server name (RFC 6066, section 3). The line `intermediate=` names the intermediate
# authority of the lab, whether or not the server sends its certificate. With TLS 1.3 a server judges the client after
# the client's handshake has ended (RFC 8446, section 4.4.2.4): then it sends an alert, or closes, or goes on.
SHAKE = """\
own=(); [[ -r /wirelab/ca.pem ]] && own=(-CAfile "${3:-/wirelab/ca.pem}")
[[ ${4-} == present ]] && own+=(-cert /wirelab/client.pem -key /wirelab/client.key)
[[ -r /wirelab/intermediate.pem ]] && openssl x509 -noout -subject -in /wirelab/intermediate.pem 2>&1 |
  sed s/^subject=/intermediate=/
if [[ $2 == *:* || $2 != *[!0-9.]* ]]; then name=(-noservername -verify_ip "$2")
else name=(-servername "$2" -verify_hostname "$2"); fi
h=$0; [[ $h == *:* ]] && h="[$h]"
[[ ${4-} ]] || exec openssl s_client -connect "$h:$1" "${name[@]}" "${own[@]}" 2>&1
exec 3< <(exec openssl s_client -ign_eof -connect "$h:$1" "${name[@]}" "${own[@]}" 2>&1 </dev/null)
done=
while :; do
  if IFS= read -r -t 1 line <&3; then
    echo "$line"
    [[ $line == *"Verify return code"* ]] && done=1
    [[ $line == *"New Session Ticket arrived"* || $line == *alert* ]] && break
  elif (( $? <= 128 )); then break
  elif [[ $done ]]; then echo "still open"; break; fi
done
kill $! 2>/dev/null
exit 0
"""
SHAKE_SECONDS = 4.0
# How a server refuses a client: TLS alerts about the client's certificate (RFC 8446, section 6.2).
ALERT = re.compile(
    r"alert ((?:handshake failure|(?:no|bad|unsupported) certificate|certificate (?:revoked|expired|unknown|required)"
    r"|unknown ca|access denied))"
)
CLOSED = re.compile(r"unexpected eof|^closed$", re.M)
# That it goes on: a session ticket, or nothing in a second after the handshake.
TICKET, OPEN = "New Session Ticket arrived", re.compile(r"^still open$", re.M)
CLOSES = "closing the connection after the handshake"
GOES_ON = "the server goes on after the handshake"
BROKEN_OFF = "no certificate: the connection is broken off with an RST"
REFUSES = "the server refuses the client"
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


def handshake_probe(node: str, host: str, port: int, name: str, authorities: str = "", mode: str = "") -> RunProgram:
    """A handshake with the name that is sent (SNI), and that must be in the certificate; see SHAKE."""
    more = (authorities, mode) if mode else (authorities,) if authorities else ()
    argv = ("bash", "-c", SHAKE, host, str(port), name, *more)
    return RunProgram(node, argv, frozenset({"bash", "openssl"}), seconds=SHAKE_SECONDS)


def read_acceptance(out: str) -> tuple[bool | None, str]:
    """Whether the server goes on after the handshake, or None if the handshake did not end; and how it refused."""
    if alert := ALERT.search(out):
        return False, f"the alert {alert[1]!r}"
    if TICKET in out or OPEN.search(out):
        return True, ""
    closed = CLOSED.search(out) and read_handshake(out)
    return (False, CLOSES) if closed else (None, "")


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
    authorities = "/wirelab/intermediate.pem" if check.knows_intermediate else ""
    wanted = True if check.accepted is None and check.client_certificate else check.accepted
    mode = "present" if check.client_certificate else "look" if wanted is not None else ""
    (ended,) = yield (handshake_probe(check.asker, host, port, name, authorities, mode),)
    result = require_output(ended, may_time_out=True)
    shaken = read_handshake(result.out)
    if wanted is not None:
        goes_on, how = read_acceptance(result.out)
        if goes_on and TICKET not in result.out and (target := target_of(context, check.asker, host)):
            # Its silence means that it goes on, but only if it had the processor time to send something.
            yield from require_target_time((target,))
        if goes_on is None and shaken:
            require_time(result)
            raise ResultUnavailable("whether the server accepts the client was not seen in time")
        if judgement := _acceptance(expected, goes_on, how, wanted=wanted):
            return judgement
    if shaken is None:
        return Judgement("fail", expected, _without_certificate(result), (f"openssl ended with {result.exit_code}",))
    evidence = (f"{shaken.address}:{port} shows its certificate; verified for {name}: {shaken.message}", *shaken.chain)
    verified = ", ".join(sorted(shaken.errors - {""})) or shaken.result or shaken.message
    actual = f"{verified}: the certificate of {shaken.subject}, from {shaken.issuer}"
    actual += f", whose own certificate {NOT_SENT}" if shaken.missing else ""
    wrong = _wrong(check, shaken) or wrong_machine(context, check.asker, host, shaken.address)
    wrong = wrong or (yield from impostor(context, check.asker, shaken.address, port))
    return Judgement("fail" if wrong else "pass", expected, f"{actual}; {wrong}" if wrong else actual, evidence)


def _expected(check: Tls, host: str, port: int, name: str) -> str:
    other = f" as {name}" if name != host else ""
    parts = [f"{check.asker} verifies the certificate of {host}:{port}{other}: {check.verify}"]
    parts += ["it presents a client certificate"] if check.client_certificate else []
    parts += ["the server refuses it"] if check.accepted is False else []
    parts += [f"its subject holds {check.subject!r}"] if check.subject is not None else []
    parts += [f"its issuer holds {check.issuer!r}"] if check.issuer is not None else []
    return ", ".join(parts)


def _acceptance(expected: str, goes_on: bool | None, how: str, *, wanted: bool) -> Judgement | None:
    """The judgement if the acceptance of the client decides alone; None if the server's certificate decides, too."""
    if goes_on is False:
        return Judgement("fail" if wanted else "pass", expected, f"{REFUSES}, by {how}")
    if goes_on and not wanted:
        return Judgement("fail", expected, f"{GOES_ON}: it sends no alert, and stays open")
    return None


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
    if "errno=104" in result.out:  # ECONNRESET
        return BROKEN_OFF
    errors = [line.split(":") for line in result.out.splitlines() if ":error:" in line]
    reason = errors[0][5] if errors and len(errors[0]) > 5 else f"openssl ended with {result.exit_code}"
    return f"no certificate: {reason}"
