"""`connects` and `cannot_connect`: a TCP connection by the asker's own kernel (connect(2), ss(8))."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Literal

from orchestrator.checks.findings import Judgement
from orchestrator.checks.probes import (
    TIMED_OUT,
    CheckContext,
    ProgramResult,
    ResultUnavailable,
    RunProgram,
    require_output,
)
from orchestrator.checks.steps import CheckSteps, ProbeSteps
from orchestrator.model.checks import CannotConnect, Connects
from orchestrator.quick_dataclass import dataclass

# $0 is the host, $1 the port. The address comes first, so that it is known who refused. An address is not looked up:
# getent finds none, not even 127.0.0.1, on a machine without a network. A name leads to IPv4 where it has both.
# Others may connect to the same port just now: of the kernel's table only the row of this very socket is shown.
# The kernel says "refused" of an RST and of an ICMP message alike; it counts the latter (proc(5), RFC 1122, 4.2.3.9).
CONNECT = """\
set -o pipefail
a=$0
[[ $a == *:* || $a != *[!0-9.]* ]] || a=$(getent ahostsv4 "$0" || getent ahostsv6 "$0") ||
  { echo "no address for $0" >&2; exit 68; }
a=${a%% *}; echo "$a"
icmp() { grep -hs -e '^Icmp: [0-9]' -e '^Icmp6InDestUnreachs' /proc/net/snmp{,6} | while read -r k n _ _ u _; do
  echo $k ${u:-$n}; done; }
before=$(icmp)
exec 3<>"/dev/tcp/$a/$1" || { [[ $(icmp) == "$before" ]] || echo ICMP; exit 1; }
own=$(readlink /proc/self/fd/3)
ss -Htne "dport = :$1" | while read -r row; do [[ $row != *" ino:${own//[!0-9]/} "* ]] || echo "$row"; done
"""
NO_ADDRESS = 68
CONNECT_SECONDS = 2.0

Outcome = Literal["accepted", "refused", "silent", "unreachable", "no address", "broken"]


@dataclass(frozen=True)
class ConnectResult:
    """How one connection attempt ended, with which address, and the kernel's own words."""

    outcome: Outcome
    address: str
    message: str


def read_connect_result(result: ProgramResult) -> ConnectResult:
    """From what the CONNECT script left."""
    rows = result.out.splitlines()
    address = rows[0] if rows else ""
    error = result.err.strip().splitlines()
    message = error[0].split(": ", 1)[-1] if error else ""
    if result.exit_code == 0:
        own = rows[1].split() if rows[1:] else []
        return ConnectResult("accepted", address, f"{own[3]} -> {own[4]}" if own else "accepted")
    if result.exit_code == NO_ADDRESS:
        return ConnectResult("no address", "", message or "no address")
    if result.exit_code == TIMED_OUT:
        return ConnectResult("silent" if address else "no address", address, f"no answer in {CONNECT_SECONDS:g} s")
    for text, outcome in _ERRORS.items():
        if text in result.err and outcome == "refused" and rows[1:] == ["ICMP"]:
            return ConnectResult("unreachable", address, BY_ICMP)
        if text in result.err:
            return ConnectResult(outcome, address, text)
    return ConnectResult("broken", address, message or f"exit code {result.exit_code}")


_ERRORS: dict[str, Outcome] = {
    "Connection refused": "refused",
    "Connection timed out": "silent",
    "No route to host": "unreachable",
    "Network is unreachable": "unreachable",
    "Invalid argument": "unreachable",  # by a blackhole in the routing table, or a prohibition (ip-route(8))
    "Permission denied": "unreachable",
}
NO_ROUTE = "Network is unreachable"
# How a firewall refuses that says so: no server does.
BY_ICMP = "refused by an ICMP message, as firewalls do"


def endpoint(text: str) -> tuple[str, int]:
    """host:port"""
    host, port = text.rsplit(":", 1)
    return host.strip("[]"), int(port)


def connect_probe(asker: str, host: str, port: int) -> RunProgram:
    """The question: can this node connect?"""
    argv = ("bash", "-c", CONNECT, host, str(port))
    return RunProgram(asker, argv, frozenset({"bash", "ss"}), seconds=CONNECT_SECONDS)


def target_of(context: CheckContext, asker: str, host: str) -> str | None:
    """The node that is meant by a host: a name of the lab, an address, or the asker itself."""
    if host.startswith("127.") or host in ("localhost", "::1"):
        return asker
    if ":" in host:
        with suppress(ValueError):
            return context.topology.owner(IPv6Address(host))
    by_name = {context.topology.name_of(node): node for node in context.topology.names}
    return by_name.get(context.topology.absolute_name(host)) or context.topology.owner(host)


def connects(check: Connects, context: CheckContext) -> CheckSteps:
    """The connection is accepted, and by the machine that was meant."""
    host, port = endpoint(context.fill(check.connects, check.asker))
    target = target_of(context, check.asker, host)
    expected = f"{check.asker} connects to {_called(target, host, port)}"
    result = read_connect_result(require_output((yield (connect_probe(check.asker, host, port),))[0]))
    wrong = wrong_machine(context, check.asker, host, result.address)
    if result.outcome != "accepted":
        return Judgement("fail", expected, f"{result.outcome}: {result.message}", _evidence(result))
    if wrong:
        return Judgement("fail", expected, wrong, _evidence(result))
    return Judgement("pass", expected, f"accepted: {result.message}", _evidence(result))


def cannot_connect(check: CannotConnect, context: CheckContext) -> CheckSteps:
    """Positive evidence that no connection is made: an RST, or silence although the target listens just there.

    A name may have several addresses, of both versions of IP, and a client goes from one to the next: of each.
    """
    host, port = endpoint(context.fill(check.cannot_connect, check.asker))
    expected = f"{check.asker} cannot connect to {_called(target_of(context, check.asker, host), host, port)}"
    result = read_connect_result(require_output((yield (connect_probe(check.asker, host, port),))[0]))
    judgement = yield from _judge_refusal(check.asker, context, host, port, result)
    if judgement.verdict == "pass" and result.address != host:
        others = (yield from _addresses(check.asker, host)) - {result.address}
        results = (
            (yield tuple(connect_probe(check.asker, address, port) for address in sorted(others))) if others else ()
        )
        for answer in results:
            other = yield from _judge_refusal(
                check.asker, context, host, port, read_connect_result(require_output(answer))
            )
            evidence = (*judgement.evidence, *other.evidence)
            if other.verdict != "pass":
                return replace(other, expected=expected, evidence=evidence)
            judgement = replace(judgement, evidence=evidence)
    return replace(judgement, expected=expected)


def _addresses(asker: str, host: str) -> ProbeSteps[set[str]]:
    """All addresses to which a name leads. Raises ResultUnavailable where it leads to none just now."""
    output = require_output((yield (RunProgram(asker, ("getent", "ahosts", host), frozenset({"bash", "ss"})),))[0])
    addresses = {line.split()[0] for line in output.out.splitlines()}
    if not addresses:
        raise ResultUnavailable(f"it is not known which addresses {host} has beside the first one")
    return addresses


def _judge_refusal(asker: str, context: CheckContext, host: str, port: int, result: ConnectResult) -> CheckSteps:
    """What one attempt proves."""
    wrong = wrong_machine(context, asker, host, result.address)
    if wrong:
        return Judgement("unknown", "", f"{result.outcome}, but {wrong}", _evidence(result))
    if result.outcome == "accepted":
        return Judgement("fail", "", f"accepted: {result.message}", _evidence(result))
    if result.outcome == "refused":
        return Judgement("pass", "", f"refused with an RST by {result.address}", _evidence(result))
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
    """Nobody answered: that is evidence only while the target listens just there."""
    if result.outcome not in ("silent", "unreachable") or server is None:
        return Judgement("unknown", "", f"{result.outcome}: {result.message}", _evidence(result))
    table = require_output((yield (RunProgram(server, ("ss", "-Htln"), frozenset({"ss"})),))[0])
    line = next((row for row in table.out.splitlines() if _listens(row, result.address, port)), None)
    if line is None:
        actual = f"{result.message}, and {server} does not listen there: this proves nothing"
        return Judgement("unknown", "", actual, _evidence(result))
    actual = f"{result.message}, although {server} listens on {line.split()[3]}"
    return Judgement("pass", "", actual, (*_evidence(result), f"socket table of {server}: {' '.join(line.split())}"))


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


def wrong_machine(context: CheckContext, asker: str, host: str, address: str) -> str:
    """What is wrong where a host led to another machine than the one that is meant."""
    target = target_of(context, asker, host)
    own = map(str, context.topology.addresses_of(target)) if target else ()
    if not target or not address or address in (host, *own):
        return ""
    if target == asker and ip_address(address).is_loopback:
        return ""
    return f"{host} led to {address}, which is {context.topology.owner(address) or 'nobody'} and not {target}"


def _evidence(result: ConnectResult) -> tuple[str, ...]:
    return (f"connect to {result.address or '?'}: {result.outcome}: {result.message}",)
