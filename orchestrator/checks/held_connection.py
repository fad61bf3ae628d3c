"""A TCP connection that stays open while other questions are put: a process of its own in the node's network holds it.

Orders reach it over an abstract socket (unix(7)), which belongs to the network namespace: so each later program in the
node, or in a container beside it, finds the holder by its name. Without an order it ends by itself.
"""

from __future__ import annotations

import json
from typing import Any

from orchestrator.checks.probes import ProbeResult, ResultUnavailable, RunProgram, require_output
from orchestrator.checks.steps import ProbeSteps
from orchestrator.quick_dataclass import dataclass

# The holder ends after so many seconds without an order, also where the check that began it was killed.
LEASH_SECONDS = 120
OPEN_SECONDS = 12.0
# For the reply to a text, by the holder's own clock.
REPLY_SECONDS = 4.0
SPARE_SECONDS = 2.0
NEEDS = frozenset({"python3"})
# What is printed about the attempts is what the script of `connects` prints; `read_connect_results` reads both.
# Silence is what the kernel counts (tcp(7), TCP_INFO: byte 2 says how often the oldest segment was sent again, the word
# at 24 how many are not acknowledged), and not what a clock of ours says.
HOLD = """\
import errno, json, os, select, socket, sys, time
name, host, port, source, version, leash, limit = sys.argv[1:]
AGAIN, SYN_AGAIN = 3, 2
def counted(sock):
    known = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    return known[2], int.from_bytes(known[24:28], sys.byteorder)
def icmp():
    found = []
    for path, begin in (("/proc/net/snmp", "Icmp: "), ("/proc/net/snmp6", "Icmp6InDestUnreachs")):
        if os.path.exists(path):
            found += [line.split() for line in open(path) if line.startswith(begin)]
    return [words[3 if words[0] == "Icmp:" else 1] for words in found]
def attempt(place):
    sock, before, looks = socket.socket(socket.AF_INET6 if ":" in place else socket.AF_INET), icmp(), 0
    try:
        if source:
            sock.bind((source, 0))
        sock.setblocking(False)
        code = sock.connect_ex((place, int(port)))
        while code == errno.EINPROGRESS:
            if select.select([], [sock], [], 0.5)[1]:
                code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            elif counted(sock)[0] >= SYN_AGAIN:
                looks += 1
                if looks == 2:
                    print("silent", counted(sock)[0] + 1)
                    return None
    except OSError as error:
        code = error.errno
    if not code:
        return sock
    print(os.strerror(code))
    if icmp() != before:
        print("ICMP")
def shown(place):
    return ("[%s]:%s" if ":" in place[0] else "%s:%s") % place[:2]
def connected():
    try:
        found = socket.getaddrinfo(host, int(port), int(version), socket.SOCK_STREAM)
    except socket.gaierror:
        sys.exit(print("no address for " + host, file=sys.stderr) or 68)
    for place in dict.fromkeys(place[0] for *_, place in found):
        print(place)
        sock = attempt(place)
        if sock:
            print("accepted", f"ESTAB 0 0 {shown(sock.getsockname())} {shown(sock.getpeername())}", sep="\\n")
            return sock
    sys.exit(1)
class Held:
    def __init__(self, sock):
        self.sock, self.last, self.ended = sock, time.monotonic(), None
    def hear(self, seconds):
        if self.ended or not select.select([self.sock], [], [], max(0, seconds))[0]:
            return b""
        try:
            text = self.sock.recv(65536)
            state = "" if text else "closed"
        except OSError as error:
            text, state = b"", "reset" if error.errno in (errno.ECONNRESET, errno.EPIPE) else "silent"
        if state:
            self.ended = {"state": state, "after": time.monotonic() - self.last}
        return text
    def use(self, text, contains, idle):
        while not self.ended and time.monotonic() < self.last + idle:
            self.hear(self.last + idle - time.monotonic())
        while self.hear(0):
            pass
        if self.ended:
            return self.ended
        try:
            self.sock.send(text.encode())
        except BlockingIOError:
            pass
        except OSError:
            self.ended = {"state": "reset", "after": time.monotonic() - self.last}
            return self.ended
        return {**self.reply(contains.encode()), "sent": True}
    def reply(self, contains):
        reply, until = b"", time.monotonic() + float(limit)
        while True:
            reply += self.hear(0.05)
            again, unacknowledged = counted(self.sock)
            found = {"again": again, "unacknowledged": unacknowledged, "reply": reply.decode(errors="replace")}
            late = time.monotonic() >= until
            if reply and not unacknowledged and (contains in reply or late):
                self.last = time.monotonic()
                return {"state": "usable", **found}
            if self.ended:
                return {**self.ended, **found}
            if unacknowledged and again >= AGAIN:
                return {"state": "silent", **found}
            if late:
                return {"state": "not measured" if unacknowledged else "unanswered", **found}
def hold(sock):
    held, until = Held(sock), time.monotonic() + float(leash)
    while time.monotonic() < until:
        ready = select.select([orders, *([] if held.ended else [sock])], [], [], until - time.monotonic())[0]
        if sock in ready:
            held.hear(0)
        if orders not in ready:
            continue
        asker, _ = orders.accept()
        with asker, asker.makefile() as lines:
            order = json.loads(lines.readline() or "{}")
            try:
                asker.sendall(json.dumps(held.use(**order) if order else {}).encode())
            except OSError:
                pass
            if not order:
                return
        until = time.monotonic() + float(leash)
orders = socket.socket(socket.AF_UNIX)
if name:
    orders.bind("\\0wirelab-" + name)
    orders.listen()
sock = connected()
sys.stdout.flush()
if name and os.fork() == 0:
    os.setsid()
    for number in range(3):
        os.dup2(os.open(os.devnull, os.O_RDWR), number)
    hold(sock)
    os._exit(0)
"""
ORDER = """\
import socket, sys
with socket.socket(socket.AF_UNIX) as asked:
    asked.connect("\\0wirelab-" + sys.argv[1])
    asked.sendall(sys.argv[2].encode() + b"\\n")
    print(asked.makefile().read())
"""
# AF_UNSPEC, AF_INET and AF_INET6 of Linux.
VERSIONS = {None: "0", "ipv4": "2", "ipv6": "10"}


@dataclass(frozen=True)
class ConnectionUse:
    """What became of a text that was sent on a held connection.

    `state`: usable, reset, closed, silent, unanswered or not measured. `after`: the seconds from the last exchange
    until the connection ended. `sent`: the text was sent before that. `again`: how often the kernel sent it again.
    """

    state: str
    reply: str = ""
    again: int = 0
    after: float = 0.0
    sent: bool = False


def open_probe(asker: str, name: str, host: str, port: int, source: str, family: str | None) -> RunProgram:
    """Open a connection that is held under this name, from an address of the asker where one is given.

    Without a name it is closed at once.
    """
    words = (name, host, str(port), source, VERSIONS[family], str(LEASH_SECONDS), str(REPLY_SECONDS))
    return RunProgram(asker, ("python3", "-I", "-c", HOLD, *words), NEEDS, seconds=OPEN_SECONDS)


def use_probe(asker: str, name: str, text: str, contains: str = "", idle: float = 0.0) -> RunProgram:
    """Send a text on the held connection, once nothing was sent on it for `idle` seconds, and wait for the reply."""
    order = json.dumps({"text": text, "contains": contains, "idle": idle})
    seconds = idle + REPLY_SECONDS + SPARE_SECONDS
    return RunProgram(asker, ("python3", "-I", "-c", ORDER, name, order), NEEDS, seconds=seconds)


def read_use(result: ProbeResult) -> ConnectionUse:
    """From what `use_probe` printed; raises ResultUnavailable where nobody holds the connection any more."""
    ended = require_output(result)
    try:
        printed: dict[str, Any] = json.loads(ended.out)
        reply, again = str(printed.get("reply", "")), int(printed.get("again", 0))
        after, sent = float(printed.get("after", 0.0)), bool(printed.get("sent", False))
        return ConnectionUse(str(printed["state"]), reply, again, after, sent)
    except (ValueError, LookupError, TypeError, AttributeError):
        lines = (ended.err or ended.out).strip().splitlines()
        reason = lines[-1] if lines else f"the program ended with {ended.exit_code}"
        raise ResultUnavailable(f"the held connection could not be used: {reason}") from None


def close_connection(asker: str, name: str) -> ProbeSteps[None]:
    """Close the held connection; where nobody holds it any more, nothing is left to do."""
    yield (RunProgram(asker, ("python3", "-I", "-c", ORDER, name, "{}"), NEEDS, seconds=SPARE_SECONDS),)
