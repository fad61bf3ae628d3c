"""A DNS question, and the program that puts it to a server from inside a node.

The program returns the bytes of each message, as dig(1) cannot: its texts leave room for doubt. With `+yaml` dig 9.20
leaves out the header of a long answer, and never says why no server replied; a TXT record can look like any line of
its usual output. Commands for people still name dig.
"""

from __future__ import annotations

from ipaddress import ip_address

from orchestrator.quick_dataclass import dataclass

SECONDS = 2  # for which one server is waited
NEEDS = frozenset({"python3"})

# A line a message, or a reason why none came: server, protocol, outcome, the query and the message in hexadecimal.
# "answer" belongs to the question, "other" does not, and is waited on. The servers are asked in turn until one answers,
# each from a source port of its own, by which the question is found in its log. RFC 1035, sections 4.1 and 4.2;
# RFC 5452, section 9.1. A server that cannot read the question may leave it out of its refusal (codes 1, 2, 4 and 5).
# As the C library does, it reads three servers, and leaves one that cannot help (codes 2, 4 and 5) for the next one.
ASK = """\
import errno, os, socket, sys, time
port, times, over, to_port, size, question, *servers = sys.argv[1:]
port, times, to_port, size, question = int(port), int(times), int(to_port), int(size), bytes.fromhex(question)
if not question:
    sys.exit("this is not a DNS name")

def fits(query, message):
    if len(message) < 12 or message[:2] != query[:2] or not message[2] & 0x80:
        return False
    if message[4:6] == b"\\0\\0":
        return message[3] & 15 in (1, 2, 4, 5)
    return message[4:6] == b"\\0\\1" and message[12:size].lower() == query[12:size].lower()

def read(link, count):
    parts = b""
    while len(parts) < count:
        part = link.recv(count - len(parts))
        if not part:
            raise EOFError
        parts += part
    return parts

def ask(server, over, port):
    query, others = os.urandom(2) + question[2:], 0
    def say(outcome, message=b""):
        print(server, over, outcome, query.hex(), message.hex() or "-", flush=True)
    end = time.monotonic() + SECONDS
    kind = socket.SOCK_DGRAM if over == "UDP" else socket.SOCK_STREAM
    try:
        family, *_, address = socket.getaddrinfo(server, to_port, 0, kind, 0, socket.AI_NUMERICHOST)[0]
        with socket.socket(family, kind) as link:
            if over == "TCP":
                link.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            link.bind(("", port))
            link.settimeout(SECONDS)
            link.connect(address)
            link.sendall(query if over == "UDP" else len(query).to_bytes(2, "big") + query)
            while True:
                link.settimeout(max(0.001, end - time.monotonic()))
                message = link.recv(65535) if over == "UDP" else read(link, int.from_bytes(read(link, 2), "big"))
                if fits(query, message):
                    say("answer", message)
                    return message
                others += 1
                if others < 4:
                    say("other", message)
    except TimeoutError:
        say("ETIMEDOUT")
    except EOFError:
        say("EOF")
    except OSError as error:
        say(errno.errorcode.get(error.errno, type(error).__name__))
    return b""

if not servers:
    with open("/etc/resolv.conf") as file:
        rows = [row.split() for row in file]
    servers = [row[1] for row in rows if len(row) > 1 and row[0] == "nameserver"][:3] or ["127.0.0.1"]
for _ in range(times):
    for at, server in enumerate(servers):
        own = port and port + at
        message = ask(server, over, own)
        if message and over == "UDP" and message[2] & 2:
            message = ask(server, "TCP", own) or message
        if message and message[3] & 15 not in (2, 4, 5):
            break
""".replace("SECONDS", str(SECONDS))


@dataclass(frozen=True)
class DnsQuestion:
    """What is asked for, of whom, and how. Names are whole: no search list is tried.

    `server` is an address; without one the servers of resolv.conf are asked, in their order. `recursive` sets the RD
    flag, and `port` is the server's.
    """

    name: str
    type: str
    server: str = ""
    tcp: bool = False
    recursive: bool = True
    port: int = 53

    @property
    def dig_words(self) -> tuple[str, ...]:
        """What a person gives to dig(1) to ask the same."""
        settings = {f"@{self.server}": bool(self.server), "+tcp": self.tcp, "+norecurse": not self.recursive}
        words = tuple(word for word, wanted in settings.items() if wanted)
        if _is_address(self.name):
            return (*words, "-x", self.name)
        return (*words, *(() if self.type == "A" else (self.type,)), self.name.rstrip(".") + ".")

    def argv(self, port: int = 0, times: int = 1) -> tuple[str, ...]:
        """A call of the program, from this source port; 0: from any."""
        query, size = _query(self)
        servers = (self.server,) if self.server else ()
        words = (str(port), str(times), "TCP" if self.tcp else "UDP", str(self.port), str(size), query.hex(), *servers)
        return ("python3", "-I", "-S", "-c", ASK, *words)


def asks_from_own_port(argv: tuple[str, ...]) -> bool:
    """Whether this call sends its questions from a chosen source port."""
    return argv[4:5] == (ASK,) and argv[5] != "0"


def query_name(name: str) -> str:
    """The name that the server sees: of an address, that below in-addr.arpa or ip6.arpa."""
    try:
        return ip_address(name).reverse_pointer
    except ValueError:
        return name.rstrip(".") or "."


def _is_address(name: str) -> bool:
    return query_name(name) != (name.rstrip(".") or ".")


def _query(question: DnsQuestion) -> tuple[bytes, int]:
    """The message, and where its question section ends; nothing where no DNS server can be asked for the name."""
    # Imported where it is used: it takes as long as the command line needs for its help.
    import dns.exception
    import dns.flags
    import dns.message
    import dns.name

    try:
        name = dns.name.from_text(query_name(question.name))
    except dns.exception.DNSException:
        return b"", 0
    kind = "PTR" if _is_address(question.name) else question.type
    flags = dns.flags.RD if question.recursive else 0
    query = dns.message.make_query(name, kind, use_edns=0, payload=1232, flags=flags, id=0)
    return query.to_wire(), 12 + len(name.to_wire() or b"") + 4
