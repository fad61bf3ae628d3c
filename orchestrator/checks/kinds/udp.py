"""`udp`: one datagram, and where the reply to it came from (udp(7), RFC 768)."""

from __future__ import annotations

import json
from ipaddress import ip_address

from orchestrator.checks.answering_machine import impostor
from orchestrator.checks.findings import Judgement
from orchestrator.checks.kinds.connections import endpoint, target_of, wrong_machine
from orchestrator.checks.probes import (
    CheckContext,
    ProgramResult,
    ResultUnavailable,
    RunProgram,
    require_output,
    require_time,
)
from orchestrator.checks.steps import CheckSteps
from orchestrator.checks.verdict import Verdict
from orchestrator.model.checks import Udp
from orchestrator.model.values import is_address
from orchestrator.quick_dataclass import dataclass

# For the reply to one datagram, by the asker's own clock.
UDP_SECONDS = 4
SPARE_SECONDS = 2
# The socket is not connected: one that is gets no datagram from another address than that to which it speaks, and the
# check is to see that one too. IP_RECVERR (ip(7)) and IPV6_RECVERR (ipv6(7)) make it hear of ICMP errors all the same,
# and of who sent them: an error without a sender is the asker's own, of its routing table for example.
DATAGRAM = """\
import errno, json, socket, sys
host, port, text, seconds = sys.argv[1:]
found = {"replies": []}
def refuser(sock, six):
    sock.setblocking(False)
    for level, kind, data in sock.recvmsg(1, 512, socket.MSG_ERRQUEUE)[1]:
        if data[4] in (2, 3):
            return socket.inet_ntop(sock.family, data[24:40] if six else data[20:24])
try:
    family, kind, number, _, place = socket.getaddrinfo(host, int(port), type=socket.SOCK_DGRAM)[0]
    found["asked"] = place[:2]
    with socket.socket(family, kind, number) as sock:
        six = family == socket.AF_INET6
        sock.setsockopt(socket.IPPROTO_IPV6 if six else socket.IPPROTO_IP, 25 if six else 11, 1)
        sock.settimeout(float(seconds))
        try:
            sock.sendto(text.encode(), place)
            found["own"] = sock.getsockname()[1]
            reply, sender = sock.recvfrom(65535)
            found["reply"] = {"from": sender[:2], "text": reply.decode(errors="replace"), "bytes": len(reply)}
        except socket.timeout:
            raise
        except OSError as error:
            found["error"], found["said"] = errno.errorcode.get(error.errno, str(error.errno)), error.strerror
            found["refuser"] = refuser(sock, six)
except socket.timeout:
    found["error"] = "silent"
except socket.gaierror as error:
    found["error"], found["said"] = "no address", error.strerror
except OSError as error:
    if "error" not in found:
        found["error"], found["said"] = errno.errorcode.get(error.errno, str(error.errno)), error.strerror
print(json.dumps(found))
"""
# What the kernel makes of ICMP messages that a datagram did not arrive (icmp(7), ip(7)).
REFUSALS = {
    "ECONNREFUSED": "refused by an ICMP message: no socket is bound to the port there, or a firewall says so",
    "EHOSTUNREACH": "an ICMP message says that the host cannot be reached",
    "ENETUNREACH": "an ICMP message says that the network cannot be reached",
    "ENOPROTOOPT": "an ICMP message says that the protocol is not available (some firewalls send this)",
    "EACCES": "an ICMP message says that a firewall forbids it",
}
NOBODY_ANSWERS = "no machine answers"
NO_REPLY = f"no reply in {UDP_SECONDS} s"


@dataclass(frozen=True)
class DatagramReply:
    """What came of a datagram. `sender` is where the reply came from, as (address, port); None where none came.

    `refuser` is the address from which an ICMP message came; empty where none did.
    """

    destination: tuple[str, int]
    own_port: int
    sender: tuple[str, int] | None
    text: str
    error: str
    message: str
    refuser: str = ""


def read_reply(result: ProgramResult) -> DatagramReply:
    """From what the DATAGRAM program printed; raises ResultUnavailable if it is not that."""
    try:
        printed = json.loads(result.out)
        destination, reply = printed.get("asked", ["", 0]), printed.get("reply")
        sender = (str(reply["from"][0]), int(reply["from"][1])) if reply else None
        text = str(reply["text"]) if reply else ""
        error, message = str(printed.get("error", "")), str(printed.get("said", ""))
        place, own = (str(destination[0]), int(destination[1])), int(printed.get("own", 0))
        return DatagramReply(place, own, sender, text, error, message, str(printed.get("refuser") or ""))
    except (ValueError, LookupError, TypeError, AttributeError):
        lines = (result.err or result.out).strip().splitlines()
        raise ResultUnavailable(lines[-1] if lines else f"the program ended with {result.exit_code}") from None


def udp(check: Udp, context: CheckContext) -> CheckSteps:
    """Send the datagram; judge the reply, whom it came from, or that the kernel heard of a refusal."""
    host, port = endpoint(context.fill(check.udp, check.asker))
    text = context.fill(check.send, check.asker)
    argv = ("python3", "-c", DATAGRAM, host, str(port), text, str(UDP_SECONDS))
    probe = RunProgram(check.asker, argv, frozenset({"python3"}), seconds=UDP_SECONDS + SPARE_SECONDS)
    result = require_output((yield (probe,))[0])
    reply = read_reply(result)
    if reply.error == "silent":
        require_time(result)
    target = target_of(context, check.asker, host)
    place = f"{host}:{port}" + (f" ({target})" if target and target not in host else "")
    evidence = (_line(reply),)
    if wrong := wrong_machine(context, check.asker, host, reply.destination[0]):
        verdict: Verdict = "fail" if check.answered else "unknown"
        return Judgement(verdict, f"a UDP datagram to {place} arrives at {target}", wrong, evidence)
    if not check.answered:
        return _judge_refusal(check, context, reply, place, evidence)
    judgement = _judge_reply(check, context, reply, place, evidence)
    if judgement.verdict != "pass" or reply.sender is None:
        return judgement
    wrong = yield from impostor(context, check.asker, *reply.sender, "udp")
    return Judgement("fail", judgement.expected, wrong, evidence) if wrong else judgement


def _without_reply(context: CheckContext, asker: str, reply: DatagramReply) -> str:
    """Why no reply came. If no machine on the network has the address, the asker's own kernel says that the host cannot
    be reached. An error of the routing table comes without an ICMP message."""
    own = {str(address) for address in context.topology.addresses_of(asker)}
    if reply.error == "EHOSTUNREACH" and reply.refuser in own:
        return f"{NOBODY_ANSWERS} {asker} for the address {reply.destination[0]} (ARP, or neighbour discovery)"
    if reply.error == "ECONNREFUSED" or reply.refuser:
        return REFUSALS.get(reply.error) or f"an ICMP message says: {reply.message}"
    return NO_REPLY if reply.error == "silent" else f"{reply.error}: {reply.message}"


def _judge_refusal(
    check: Udp, context: CheckContext, reply: DatagramReply, place: str, evidence: tuple[str, ...]
) -> Judgement:
    expected = f"a UDP datagram from {check.asker} to {place} is refused by an ICMP message"
    if reply.sender:
        return Judgement("fail", expected, f"a reply came from {_at(reply.sender)}", evidence)
    actual = _without_reply(context, check.asker, reply)
    if actual in REFUSALS.values():
        return Judgement("pass", expected, actual, evidence)
    if reply.error == "silent":
        actual = f"{actual}, and no ICMP message: that proves nothing"
    return Judgement("unknown", expected, actual, evidence)


def _judge_reply(
    check: Udp, context: CheckContext, reply: DatagramReply, place: str, evidence: tuple[str, ...]
) -> Judgement:
    wanted = _wanted_sender(check, context, reply)
    contains = context.fill(check.contains, check.asker) if check.contains is not None else None
    expected = f"a UDP datagram from {check.asker} to {place} is answered"
    expected += f" from {_at(wanted)}" if check.answered_from else ""
    expected += f", and the reply holds {contains!r}" if contains is not None else ""
    if reply.sender is None:
        return Judgement("fail", expected, _without_reply(context, check.asker, reply), evidence)
    if reply.sender != wanted:
        actual = f"the reply came from {_at(reply.sender)}{_owner(context, reply.sender[0])}, not from {_at(wanted)}"
        if wanted == reply.destination:
            actual += ", to which the datagram was sent; a program that has connected its socket does not get it"
        return Judgement("fail", expected, actual, evidence)
    if contains is not None and contains not in reply.text:
        return Judgement("fail", expected, f"the reply does not hold {contains!r}: {_short(reply.text)}", evidence)
    return Judgement("pass", expected, f"a reply came from {_at(reply.sender)}: {_short(reply.text)}", evidence)


def _wanted_sender(check: Udp, context: CheckContext, reply: DatagramReply) -> tuple[str, int]:
    if check.answered_from is None:
        return reply.destination
    text = context.fill(check.answered_from, check.asker)
    bare = text.endswith("]") or ":" not in text
    host, port = (text.strip("[]"), reply.destination[1]) if bare else endpoint(text)
    return str(ip_address(host)) if is_address(host) else host, port


def _owner(context: CheckContext, address: str) -> str:
    owner = context.topology.owner(address)
    return f" ({owner})" if owner else ""


def _line(reply: DatagramReply) -> str:
    by = f", by an ICMP message from {reply.refuser}" if reply.refuser else ""
    came = f"reply from {_at(reply.sender)}" if reply.sender else f"{reply.message or reply.error}{by}"
    return f"datagram from port {reply.own_port} to {_at(reply.destination)}: {came}"


def _at(place: tuple[str, int]) -> str:
    host, port = place
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _short(text: str) -> str:
    return repr(text if len(text) <= 200 else text[:197] + "...")
