"""`binds` and `cannot_bind`: a program on the asker's machine calls bind(2), and the kernel says yes or why not."""

from __future__ import annotations

import json

from orchestrator.checks.findings import Judgement
from orchestrator.checks.probes import (
    CheckContext,
    ProgramResult,
    ResultUnavailable,
    RunProgram,
    require_output,
)
from orchestrator.checks.sockets import EVERYWHERE, BoundSocket, read_socket_table, socket_table_probe
from orchestrator.checks.steps import CheckSteps, ProbeSteps
from orchestrator.checks.verdict import Verdict
from orchestrator.model.checks import BindCheck, Binds, CannotBind
from orchestrator.quick_dataclass import dataclass

# One attempt after the other on a machine, or two of ours would stand in each other's way.
# What is left of closed connections (TIME_WAIT) is in the way of a program without SO_REUSEADDR alone (socket(7)).
BIND = """\
import errno, fcntl, json, os, socket, sys
host, port, protocol, *reuse = sys.argv[1:]
family = socket.AF_INET6 if ":" in host else socket.AF_INET
kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
fcntl.flock(os.open("/tmp", os.O_RDONLY), fcntl.LOCK_EX)
found = {}
for key, name in (("privileged", "ip_unprivileged_port_start"), ("range", "ip_local_port_range")):
    found[key] = open("/proc/sys/net/ipv4/" + name).read().split()
def attempt(reuse):
    with socket.socket(family, kind) as one:
        try:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(reuse))
            one.bind((host, int(port)))
            if protocol == "tcp":
                one.listen()
            return {"bound": list(one.getsockname()[:2])}
        except OSError as error:
            return {"error": errno.errorcode.get(error.errno, str(error.errno)), "said": error.strerror}
first, *more = [attempt(value) for value in reuse or "0"]
print(json.dumps({**found, **first, **({"with_reuse": more[0]} if more else {})}))
"""


@dataclass(frozen=True)
class BindAttempt:
    """What the kernel gave, or its error with its words; the first port without privilege; the range to pick from.

    `differs` says what became of a program with SO_REUSEADDR, where that is not the same.
    """

    bound: tuple[str, int] | None
    error: str
    message: str
    unprivileged: int
    range: str
    differs: str = ""


def read_bind(result: ProgramResult) -> BindAttempt:
    """From what the BIND program printed; raises ResultUnavailable if it is not that."""
    try:
        told_of = json.loads(result.out)
        bound = (str(told_of["bound"][0]), int(told_of["bound"][1])) if "bound" in told_of else None
        first, between = int(told_of["privileged"][0]), "-".join(told_of["range"])
        error, message = told_of.get("error", ""), told_of.get("said", "")
        other = told_of.get("with_reuse", {"error": error})
        differs = "" if other.get("error", "") == error else other.get("error") or "it is bound"
        return BindAttempt(bound, error, message, first, between, differs)
    except (ValueError, LookupError, TypeError, AttributeError):
        lines = (result.err or result.out).strip().splitlines()
        raise ResultUnavailable(lines[-1] if lines else f"the program ended with {result.exit_code}") from None


def binds(check: Binds, context: CheckContext) -> CheckSteps:
    """The kernel gives the socket; with port 0 it says which port it picked."""
    host, port = _place(check.binds, check, context)
    expected = f"a program on {check.asker} binds {check.protocol} {host}:{port}"
    attempt, table = yield from _tried(check, host, port)
    if not attempt.bound:
        return Judgement(
            "fail", expected, f"{attempt.error}: {attempt.message}", _why(attempt, table, check, host, port)
        )
    address, got = attempt.bound
    if port == 0:
        actual = f"port 0: the kernel picked {check.protocol} port {got}"
        return Judgement("pass", expected, actual, (f"bound to {address}:{got}, picked from {attempt.range}",))
    return Judgement("pass", expected, f"bound to {address}:{got}", (f"{check.asker}: bound to {address}:{got}",))


def cannot_bind(check: CannotBind, context: CheckContext) -> CheckSteps:
    """The kernel refuses, and for the reason that is claimed."""
    host, port = _place(check.cannot_bind, check, context)
    expected = f"a program on {check.asker} cannot bind {check.protocol} {host}:{port}: {check.error}"
    attempt, table = yield from _tried(check, host, port)
    if attempt.bound:
        evidence = (f"{check.asker}: bound to {attempt.bound[0]}:{attempt.bound[1]}",)
        return Judgement("fail", expected, "it was bound, nothing was in the way", evidence)
    verdict: Verdict = "pass" if attempt.error == check.error else "fail"
    return Judgement(verdict, expected, f"{attempt.error}: {attempt.message}", _why(attempt, table, check, host, port))


def _place(text: str, check: BindCheck, context: CheckContext) -> tuple[str, int]:
    host, port = context.fill(text, check.asker).rsplit(":", 1)
    return host.strip("[]"), int(port)


def _tried(check: BindCheck, host: str, port: int) -> ProbeSteps[tuple[BindAttempt, tuple[BoundSocket, ...]]]:
    """The attempt, and the sockets that were bound meanwhile."""
    ways = ("0", "1") if check.reuse_address is None else (str(int(check.reuse_address)),)
    reuse = ways if check.protocol == "tcp" else ("0",)
    argv = ("python3", "-I", "-c", BIND, host, str(port), check.protocol, *reuse)
    ended, table = yield (RunProgram(check.asker, argv, frozenset({"python3"})), socket_table_probe(check.asker))
    attempt = read_bind(require_output(ended))
    if attempt.differs:
        plain = f"{attempt.error}: {attempt.message}" if attempt.error else "it is bound"
        text = f"without SO_REUSEADDR: {plain}; with it: {attempt.differs}; say reuse_address: true or false"
        raise ResultUnavailable(text)
    return attempt, read_socket_table(require_output(table))


def _why(
    attempt: BindAttempt, table: tuple[BoundSocket, ...], check: BindCheck, host: str, port: int
) -> tuple[str, ...]:
    """The kernel's words, and what they rest on."""
    lines = [f"bind to {host}:{port} on {check.asker}: {attempt.error}, {attempt.message}"]
    if attempt.error == "EADDRINUSE":
        same = (socket for socket in table if (socket.protocol, socket.port) == (check.protocol, port))
        meets = (socket for socket in same if socket.everywhere or host in EVERYWHERE or socket.address == host)
        lines += [f"socket table of {check.asker}: {socket.line}" for socket in meets]
    if attempt.error == "EACCES":
        lines.append(f"ports below {attempt.unprivileged} need a privilege there (ip_unprivileged_port_start)")
    return tuple(lines)
