"""`connects` and `cannot_connect`: a TCP connection by the asker's own kernel (connect(2), ss(8))."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Literal

from orchestrator.checks.answering_machine import impostor
from orchestrator.checks.findings import Judgement
from orchestrator.checks.held_connection import close_connection, open_probe
from orchestrator.checks.probes import (
    TIMED_OUT,
    CheckContext,
    ProgramResult,
    ResultUnavailable,
    RunProgram,
    require_output,
    require_time,
)
from orchestrator.checks.steps import CheckSteps, ProbeSteps, Value
from orchestrator.model.checks import CannotConnect, ConnectionCheck, Connects
from orchestrator.quick_dataclass import dataclass

# $0 is the host, $1 the port, $2 the database of getent(1) where one version of IP is meant; that of IPv6 maps what is
# of IPv4 (::ffff:192.0.2.1). An address is not looked up: getent finds none, not even 127.0.0.1, on a machine without
# a network. A name leads to all its addresses, in the order in which programs try them (getaddrinfo(3), RFC 6724); and
# as they do, the next one is tried where one does not accept. Each address comes first, then how it ended.
# Others may connect to the same port just now: of the kernel's table only the row of this very socket is shown.
# The kernel says "refused" of an RST and of an ICMP message alike; it counts the latter (proc(5), RFC 1122, 4.2.3.9).
# `read` gives up in the middle of a line, too, and what it has read by then is gone from the pipe: so it is kept.
# Silence is what the kernel counts, not what a clock of ours says: three SYNs without any answer (ss(8), the third part
# of `timer`), seen twice. A busy machine sends them later, and then silence takes longer to prove.
CONNECT = """\
set -o pipefail
all=$0
[[ $0 == *:* || $0 != *[!0-9.]* ]] || all=$(getent "${2-ahosts}" "$0" | grep -v ^::ffff:) || {
  echo "no address for $0" >&2; exit 68; }
icmp() { grep -hs -e '^Icmp: [0-9]' -e '^Icmp6InDestUnreachs' /proc/net/snmp{,6} | while read -r k n _ _ u _; do
  echo $k ${u:-$n}; done; }
attempt() {
  before=$(icmp)
  exec 3<>"/dev/tcp/$1/$2" || { [[ $(icmp) == "$before" ]] || echo ICMP; exit; }
  echo accepted; own=$(readlink /proc/self/fd/3)
  ss -Htne "dport = :$2" | while read -r row; do [[ $row != *" ino:${own//[!0-9]/} "* ]] || echo "$row"; done
}
tried=' '
while read -r a _; do
  [[ $tried != *" $a "* ]] || continue
  tried+="$a "; echo "$a"; exec 4< <(attempt "$a" "$1" 2>&1); pid=$!; looks=0; code=1; part=
  while read -r -t 0.5 -u 4 line; ended=$?; part+=$line; (( ended == 0 || ended > 128 )); do
    if (( ended == 0 )); then echo "$part"; [[ $part != accepted ]] || code=0; part=; continue; fi
    row=$(ss -Htnop state syn-sent "dport = :$1" 2>/dev/null | grep -F "pid=$pid,")
    [[ $row =~ timer:\\(on,[^,]*,([0-9]+)\\) ]] && (( BASH_REMATCH[1] >= 2 )) || continue
    (( ++looks < 2 )) || { kill "$pid"; echo "silent $((BASH_REMATCH[1] + 1))"; break; }
  done
  (( code )) || exit 0
done <<<"$all"
exit 1
"""
NO_ADDRESS = 68
# Of the whole, looking up the name included. What has not ended then was not measured.
CONNECT_SECONDS = 12.0

Outcome = Literal["accepted", "refused", "silent", "unreachable", "no address", "broken", "not measured"]


@dataclass(frozen=True)
class ConnectResult:
    """How one connection attempt ended, with which address, and the kernel's own words."""

    outcome: Outcome
    address: str
    message: str


def read_connect_result(result: ProgramResult) -> ConnectResult:
    """How it ended for a program that tries one address after the other: by the one that accepted, or by the last."""
    return read_connect_results(result)[-1]


def read_connect_results(result: ProgramResult) -> tuple[ConnectResult, ...]:
    """How the attempt at each address ended, in their order, from what the CONNECT script left."""
    error = result.err.strip().splitlines()
    message = error[0].split(": ", 1)[-1] if error else ""
    if result.exit_code == NO_ADDRESS:
        return (ConnectResult("no address", "", message or "no address"),)
    groups: list[list[str]] = []
    for line in result.out.splitlines():
        if is_any_address(line):
            groups.append([line])
        elif groups:
            groups[-1].append(line)
    if groups:
        return tuple(_read_attempt(address, lines, result.exit_code) for address, *lines in groups)
    if result.exit_code == TIMED_OUT:
        return (ConnectResult("not measured", "", f"the name had not been looked up after {CONNECT_SECONDS:g} s"),)
    return (ConnectResult("broken", "", message or f"exit code {result.exit_code}"),)


def _read_attempt(address: str, lines: list[str], exit_code: int) -> ConnectResult:
    if "accepted" in lines:
        rows = [line.split() for line in lines if len(line.split()) > 4 and line.split()[1].isdigit()]
        return ConnectResult("accepted", address, f"{rows[0][3]} -> {rows[0][4]}" if rows else "accepted")
    for line in lines:
        if line.startswith("silent "):
            return ConnectResult("silent", address, f"no answer to {line.split()[1]} SYN packets")
    text = " ".join(lines)
    for error, outcome in _ERRORS.items():
        if error in text and outcome == "refused" and "ICMP" in lines:
            return ConnectResult("unreachable", address, BY_ICMP)
        if error in text:
            return ConnectResult(outcome, address, error)
    if exit_code == TIMED_OUT:
        return ConnectResult("not measured", address, f"the attempt had not ended after {CONNECT_SECONDS:g} s")
    return ConnectResult("broken", address, text.split(": ", 1)[-1] or f"exit code {exit_code}")


NO_SUCH_ADDRESS = "Cannot assign requested address"
_ERRORS: dict[str, Outcome] = {
    "Connection refused": "refused",
    "Connection timed out": "silent",
    "No route to host": "unreachable",
    "Network is unreachable": "unreachable",
    "Invalid argument": "unreachable",  # by a blackhole in the routing table, or a prohibition (ip-route(8))
    "Permission denied": "unreachable",
    # ICMP messages that no server sends: prot-unreachable, host-unknown, host-isolated (icmp(7), RFC 1122, 3.2.2.1).
    "Protocol not available": "unreachable",
    "Host is down": "unreachable",
    "Machine is not on the network": "unreachable",
    NO_SUCH_ADDRESS: "unreachable",  # ::1 on a machine without IPv6, or a source that the node does not have
}
NO_ROUTE = "Network is unreachable"
# The words that say why silence proves something, or nothing.
ALTHOUGH, LISTENS, NOT_LISTENING = ", although ", " listens on ", " does not listen there: this proves nothing"
# How a firewall refuses that says so: no server does.
BY_ICMP = "refused by an ICMP message, as firewalls do"


def is_any_address(text: str) -> bool:
    """Whether a text is an IPv4 or IPv6 address."""
    try:
        ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return True


def endpoint(text: str) -> tuple[str, int]:
    """host:port"""
    host, port = text.rsplit(":", 1)
    return host.strip("[]"), int(port)


FAMILIES = {"ipv4": "ahostsv4", "ipv6": "ahostsv6"}


def connect_probe(asker: str, host: str, port: int, family: str | None = None, source: str = "") -> RunProgram:
    """The question: can this node connect, over one version of IP and from one of its addresses where that is said?"""
    if source:
        return open_probe(asker, "", host, port, source, family)
    argv = ("bash", "-c", CONNECT, host, str(port), *((FAMILIES[family],) if family else ()))
    return RunProgram(asker, argv, frozenset({"bash", "ss"}), seconds=CONNECT_SECONDS)


def target_of(context: CheckContext, asker: str, host: str) -> str | None:
    """The node that is meant by a host: a name of the lab, an address, or the asker itself."""
    if host.startswith("127.") or host in ("localhost", "::1"):
        return asker
    if ":" in host:
        with suppress(ValueError):
            return context.topology.owner(IPv6Address(host))
    if addresses := context.topology.hosts_of(asker).get(host.lower()):
        return context.topology.owner(addresses[0])
    by_name = {context.topology.name_of(node): node for node in context.topology.names}
    return by_name.get(context.topology.absolute_name(asker, host)) or context.topology.owner(host)


def connects(check: Connects, context: CheckContext) -> CheckSteps:
    """The connection is accepted, and by the machine that was meant."""
    host, port = endpoint(context.fill(check.connects, check.asker))
    target = target_of(context, check.asker, host)
    source, name = source_of(check, context), f"{context.word}-{context.port}"
    expected = f"{check.asker} connects to {_called(target, host, port)}{_over(check, source)}"
    family = family_of(check, source)
    opens = open_probe(check.asker, name, host, port, source, family)
    (ended,) = yield (opens if source else connect_probe(check.asker, host, port, family),)
    results = read_connect_results(ran := require_output(ended, may_time_out=True))
    result, evidence = results[-1], tuple(line for result in results for line in _evidence(result))
    _require_measured(results)
    if result.outcome == "no address":
        require_time(ran)
    if result.outcome != "accepted":
        return Judgement("fail", expected, f"{result.outcome}: {result.message}", evidence)
    judging = _judge_accepted(check, context, (host, port), result, source)
    judgement = yield from while_open(judging, check.asker, name) if source else judging
    return replace(judgement, expected=expected, evidence=(*evidence, *judgement.evidence))


def _judge_accepted(
    check: Connects, context: CheckContext, place: tuple[str, int], result: ConnectResult, source: str
) -> CheckSteps:
    """Whether the machine that was meant has accepted, and sees the address from which the connection should leave."""
    host, port = place
    wrong = wrong_machine(context, check.asker, host, result.address)
    wrong = wrong or (yield from impostor(context, check.asker, result.address, port))
    if wrong:
        return Judgement("fail", "", wrong, ())
    if not source:
        return Judgement("pass", "", f"accepted: {result.message}", ())
    server = check.asker if ip_address(result.address).is_loopback else context.topology.owner(result.address)
    seen, row = yield from _peer_at_server(server, result)
    line = f"socket table of {server}: {row}"
    if ip_address(seen) != ip_address(source):
        return Judgement("fail", "", f"accepted, but {server} sees the address {seen} and not {source}", (line,))
    return Judgement("pass", "", f"accepted: {result.message}; {server} sees the address {seen}", (line,))


def _peer_at_server(server: str | None, result: ConnectResult) -> ProbeSteps[tuple[str, str]]:
    """The peer's address of a connection that is open, by the socket table of the server, and the line there."""
    if server is None:
        raise ResultUnavailable(f"{result.address} is no address of the lab, so its socket table cannot be read")
    own, peer = (int(place.rpartition(":")[2]) for place in result.message.split(" -> "))
    argv = ("ss", "-Htan", f"sport = :{peer} and dport = :{own}")
    table = require_output((yield (RunProgram(server, argv, frozenset({"ss"})),))[0])
    for row in table.out.splitlines():
        words = row.split()
        places = [place.rpartition(":")[0].strip("[]").removeprefix("::ffff:") for place in words[3:5]]
        if len(places) == 2 and places[0].partition("%")[0] == result.address:
            return places[1].partition("%")[0], " ".join(words)
    raise ResultUnavailable(f"the socket table of {server} does not show the connection {result.message}")


def while_open(judging: ProbeSteps[Value], asker: str, name: str) -> ProbeSteps[Value]:
    """Judge while a connection is held, and close it then."""
    try:
        value = yield from judging
    except ResultUnavailable:
        yield from close_connection(asker, name)
        raise
    yield from close_connection(asker, name)
    return value


def source_of(check: ConnectionCheck, context: CheckContext) -> str:
    """The address of the asker from which the connection should leave; empty where the kernel chooses."""
    return context.fill(check.from_address, check.asker) if check.from_address else ""


def family_of(check: ConnectionCheck, source: str) -> str | None:
    """The version of IP over which the connection is made; None where both are tried."""
    return check.family or (("ipv6" if ":" in source else "ipv4") if source else None)


def _require_measured(results: Sequence[ConnectResult]) -> None:
    """Raise ResultUnavailable if an attempt did not end in its time, or not with the kernel's word, and none was
    accepted."""
    late = next((result for result in results if result.outcome in ("not measured", "broken")), None)
    if late and results[-1].outcome != "accepted":
        raise ResultUnavailable(late.message)


def cannot_connect(check: CannotConnect, context: CheckContext) -> CheckSteps:
    """Positive evidence that no connection is made: an RST, or silence although the target listens just there.

    A name may have several addresses, of both versions of IP, and a client goes from one to the next: of each.
    """
    host, port = endpoint(context.fill(check.cannot_connect, check.asker))
    called = _called(target_of(context, check.asker, host), host, port)
    source = source_of(check, context)
    expected = f"{check.asker} cannot connect to {called}{_over(check, source)}"
    (ended,) = yield (connect_probe(check.asker, host, port, family_of(check, source), source),)
    results = read_connect_results(require_output(ended, may_time_out=True))
    evidence: tuple[str, ...] = ()
    judgements: list[Judgement] = []
    # What is accepted prevents all the rest.
    for result in results[-1:] if results[-1].outcome == "accepted" else results:
        judgements.append((yield from _judge_refusal(check.asker, context, host, port, result)))
        evidence += judgements[-1].evidence
    listening = {server for server in map(_listening, judgements) if server}
    # A program that listens over the other version of IP alone runs: where it does not listen, nobody gets in either.
    judgements = [judgement for judgement in judgements if _not_listening(judgement) not in listening]
    judgement = next((judgement for judgement in judgements if judgement.verdict != "pass"), judgements[0])
    return replace(judgement, expected=expected, evidence=evidence)


def _judge_refusal(asker: str, context: CheckContext, host: str, port: int, result: ConnectResult) -> CheckSteps:
    """What one attempt proves."""
    wrong = wrong_machine(context, asker, host, result.address)
    if wrong:
        return Judgement("unknown", "", f"{result.outcome}, but {wrong}", _evidence(result))
    if result.outcome == "accepted":
        return Judgement("fail", "", f"accepted: {result.message}", _evidence(result))
    if result.outcome == "refused":
        return Judgement("pass", "", f"refused with an RST from {result.address}", _evidence(result))
    if result.message == NO_ROUTE:
        table = require_output((yield (routing_table(asker, result.address),))[0]).out
        if not has_route(table, result.address):
            actual = f"{NO_ROUTE} at once: {asker} has no route to {result.address}"
            lines = " | ".join(table.splitlines()) or "empty"
            return Judgement("pass", "", actual, (*_evidence(result), f"routing table of {asker}: {lines}"))
    # Of a group or an alias, the machine to which the name led.
    server = context.topology.owner(result.address) or target_of(context, asker, host)
    return (yield from _silence(result, server, port))


def _silence(result: ConnectResult, server: str | None, port: int) -> CheckSteps:
    """Judge an attempt that nobody answered: it is evidence only if the target listens at this address and port. An
    attempt for which the asker had no address or port of its own proves nothing."""
    if result.outcome == "not measured":
        # No attempt has ended. So there is no evidence, and nothing that the state of the target could explain.
        return Judgement("unknown", "", f"{result.outcome}: {result.message}")
    unsent = result.message == NO_SUCH_ADDRESS and not ip_address(result.address).is_loopback
    if result.outcome not in ("silent", "unreachable") or server is None or unsent:
        return Judgement("unknown", "", f"{result.outcome}: {result.message}", _evidence(result))
    table = require_output((yield (RunProgram(server, ("ss", "-Htln"), frozenset({"ss"})),))[0])
    line = next((row for row in table.out.splitlines() if _listens(row, result.address, port)), None)
    if line is None:
        actual = f"{result.message}, and {server}{NOT_LISTENING}"
        return Judgement("unknown", "", actual, _evidence(result))
    actual = f"{result.message}{ALTHOUGH}{server}{LISTENS}{line.split()[3]}"
    return Judgement("pass", "", actual, (*_evidence(result), f"socket table of {server}: {' '.join(line.split())}"))


def _listening(judgement: Judgement) -> str:
    """The node that listens, and does not answer; empty if this was not seen."""
    return judgement.actual.partition(ALTHOUGH)[2].partition(LISTENS)[0]


def _not_listening(judgement: Judgement) -> str:
    """The node whose silence proves nothing, because it does not listen; empty if it does."""
    if not judgement.actual.endswith(NOT_LISTENING):
        return ""
    return judgement.actual.removesuffix(NOT_LISTENING).rpartition(" ")[2]


def routing_table(asker: str, address: str) -> RunProgram:
    """The question: by which ways does this node reach others, over the address's version of IP (ip-route(8))?"""
    # `ip` is in the same package as `ss`.
    return RunProgram(asker, ("ip", "-6" if ":" in address else "-4", "route"), frozenset({"ss"}))


def has_route(table: str, address: str) -> bool:
    """Whether a line of a routing table leads to an address; one that says "unreachable" or the like does not."""
    wanted = ip_address(address)
    for words in filter(None, map(str.split, table.splitlines())):
        if words[0] == "default":
            return True
        with suppress(ValueError):
            if wanted in ip_network(words[0]):
                return True
    return False


def _listens(row: str, address: str, port: int) -> bool:
    """Whether a line of `ss -Htln` is a listener that this address and port would reach."""
    local = row.split()[3] if len(row.split()) > 3 else ""
    host, _, number = local.rpartition(":")
    return number == str(port) and host.split("%")[0].strip("[]") in (
        "*",
        "::" if ":" in address else "0.0.0.0",
        address,
    )


def _called(target: str | None, host: str, port: int) -> str:
    return f"{host}:{port} ({target})" if target and target not in host else f"{host}:{port}"


def _over(check: ConnectionCheck, source: str) -> str:
    over = {"ipv4": " over IPv4", "ipv6": " over IPv6"}.get(check.family or "", "")
    return over + (f" from {source}" if source else "")


def wrong_machine(context: CheckContext, asker: str, host: str, address: str) -> str:
    """What is wrong where a host led to another machine than the one that is meant."""
    target = target_of(context, asker, host)
    own = map(str, context.topology.addresses_of(target)) if target else ()
    written = context.topology.hosts_of(asker).get(host.lower(), ())
    if not target or not address or address in (host, *own, *written):
        return ""
    if target == asker and ip_address(address).is_loopback:
        return ""
    return f"{host} led to {address}, which is {context.topology.owner(address) or 'nobody'} and not {target}"


def _evidence(result: ConnectResult) -> tuple[str, ...]:
    return (f"connect to {result.address or '?'}: {result.outcome}: {result.message}",)
