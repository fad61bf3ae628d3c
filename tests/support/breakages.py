"""A lab that tests break by plain Docker calls and by programs inside its nodes, and the ways to break it.

Each breakage is put in from outside the product and taken out again, by `up` where that repairs it, by the same plain
means where it is no matter of the file (a table, a password, a program's socket).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab_bench import Bench, Ran, eventually

Walk = dict[str, Any]


@dataclass(frozen=True)
class Broken(Bench):
    """A lab that can be broken."""

    def inside(self, node: str, script: str, user: str = "") -> str:
        """Run a script in a node."""
        code, out = self.container(node).exec_run(("bash", "-c", script), user=user)
        assert code == 0, out
        return str(out.decode())

    def beside(self, node: str, *argv: str) -> None:
        """Run a program with the right to change the network, in the network namespace of a node."""
        client = self.engine.client
        client.containers.run(
            self.container("client").image.id,
            list(argv[1:]),
            entrypoint=argv[0],
            user="0",
            cap_add=["NET_ADMIN"],
            network_mode=f"container:{self.container(node).id}",
            remove=True,
        )

    def file(self, node: str, name: str) -> Path:
        """A file of a node on this machine; its container sees it as it is now."""
        return self.folder / "nodes" / node / name

    def edit_zone(self, edit: Callable[[str], str]) -> None:
        """Change the domain's zone file by hand, and tell the DNS server."""
        zone = self.file("dns", "files/shop.lab.zone")
        zone.write_text("".join(edit(line) for line in zone.read_text().splitlines(keepends=True)))
        self.container("dns").kill("HUP")

    def why(self, check: str) -> tuple[Ran, Walk]:
        ran = self.cli("why", check, "--json")
        assert ran.code in (0, 1, 3), ran.err
        (finding,) = ran.document["findings"]
        return ran, finding["why"]


def trust(lab: Broken) -> None:
    pem = lab.inside("secure", "cat /tmp/*.pem")
    lab.inside("client", f"cat > /tmp/trusted.pem <<'END'\n{pem}END\n")


@dataclass(frozen=True)
class Breakage:
    """What is done to the lab, at which layer it shows, what the sentence holds, and the check that meets it.

    `mend` undoes what `up` does not repair; `tries` is how the proposed command begins.
    """

    name: str
    put: Callable[[Broken], object]
    layer: str
    says: tuple[str, ...]
    check: str = "the items"
    mend: Callable[[Broken], object] = Bench.up
    tries: str = "wirelab"


def moved(port: int, address: str) -> Callable[[Broken], object]:
    """The program of `web` listens elsewhere."""

    def move(lab: Broken) -> None:
        lab.inside("web", f"echo {port} {address} > /tmp/socket; kill $(pidof python3)")
        script = f"ss -Htln | grep -q ' {address}:{port} '" if address != "192.0.2.1" else "! ss -Htln | grep -q :8080"
        assert eventually(lambda: lab.container("web").exec_run(("bash", "-c", script)).exit_code == 0, 120)

    return move


def moved_back(lab: Broken) -> None:
    lab.inside("web", "rm -f /tmp/socket; kill $(pidof python3) || true")
    listens = ("bash", "-c", "ss -Htln | grep -q ' 0.0.0.0:8080 '")
    assert eventually(lambda: lab.container("web").exec_run(listens).exit_code == 0, 120)


def certified(name: str) -> Callable[[Broken], object]:
    """`secure` shows the certificate for this name."""

    def certify(lab: Broken) -> None:
        lab.inside("secure", f"echo {name} > /tmp/name; kill $(pidof openssl)")
        shows = f"openssl s_client -connect localhost:8443 </dev/null 2>/dev/null | grep -q 'subject=CN *= *{name}'"
        assert eventually(lambda: lab.container("secure").exec_run(("bash", "-c", shows)).exit_code == 0, 120)

    return certify


def gone_astray(lab: Broken) -> None:
    address = lab.address("app")
    lab.edit_zone(lambda line: line.replace(address, f"{address.rpartition('.')[0]}.99"))
    assert eventually(lambda: ".99" in lab.inside("client", "dig +short app.shop.lab."), 120)


def forgotten(lab: Broken) -> None:
    lab.edit_zone(lambda line: "" if line.startswith("app.") else line)
    assert eventually(lambda: not lab.inside("client", "dig +short app.shop.lab.").strip(), 120)


def psql(statement: str) -> Callable[[Broken], object]:
    return lambda lab: lab.inside("db", f'psql -Xq -U postgres -d app -v ON_ERROR_STOP=1 -c "{statement}"')


def route(*words: str) -> Callable[[Broken], object]:
    return lambda lab: lab.beside("client", "ip", "route", *words, lab.address("app"))


def right_password(lab: Broken) -> None:
    password = lab.file("db", "files/password").read_text()
    psql(f"alter role app password '{password}'")(lab)


def disconnect(node: str) -> Callable[[Broken], object]:
    return lambda lab: lab.network().disconnect(lab.container(node), force=True)


def stop(node: str) -> Callable[[Broken], object]:
    return lambda lab: lab.container(node).stop(timeout=1)


def pause(node: str) -> Callable[[Broken], object]:
    return lambda lab: lab.container(node).pause()


DROP = """\
nft add table inet dropped
nft add chain inet dropped in '{ type filter hook input priority 0; }'
nft add rule inet dropped in tcp dport 80 drop
"""

REJECTED = Breakage(
    "rejected by a firewall",
    lambda lab: lab.beside("app", "bash", "-c", DROP.replace("80 drop", "80 reject")),
    "tcp",
    (),
    "the app accepts",
    lambda lab: lab.beside("app", "nft", "delete", "table", "inet", "dropped"),
)

BREAKAGES = (
    Breakage("node stopped", stop("app"), "node", ("app is stopped",), "the app accepts", tries="wirelab up"),
    Breakage("server of the server stopped", stop("db"), "node", ("db is stopped",), tries="wirelab up"),
    Breakage(
        "node paused", lambda lab: lab.container("app").pause(), "node", ("app is paused", "kernel still accepts")
    ),
    Breakage("asker paused", lambda lab: lab.container("client").pause(), "node", ("client is paused",)),
    Breakage("DNS server stopped", stop("dns"), "node", ("DNS server dns is stopped",), "the name"),
    Breakage(
        "process not listening",
        moved(8080, "192.0.2.1"),
        "listen",
        ("Nobody listens on port 8080 of web",),
        "the page",
        moved_back,
        "wirelab exec",
    ),
    Breakage(
        "listening on loopback only",
        moved(8080, "127.0.0.1"),
        "listen",
        ("127.0.0.1 (loopback)", "only web itself"),
        "the page",
        moved_back,
    ),
    Breakage(
        "wrong port",
        moved(8081, "0.0.0.0"),
        "listen",
        ("Nobody listens on port 8080 of web", "listens on port 8081"),
        "the page",
        moved_back,
    ),
    Breakage(
        "no route",
        route("add", "unreachable"),
        "route",
        ("client has no route to app",),
        "the app accepts",
        route("del", "unreachable"),
    ),
    Breakage(
        "a neighbour as gateway",
        lambda lab: lab.beside("client", "ip", "route", "add", lab.address("app"), "via", lab.address("db")),
        "route",
        ("client sends what is for app through", "(db)", "on its own network"),
        "the app accepts",
        route("del"),
    ),
    Breakage(
        "no way back from the DNS server",
        lambda lab: lab.beside("dns", "ip", "route", "add", "blackhole", lab.address("client")),
        "route",
        ("dns has no route back to client",),
        "the name",
        lambda lab: lab.beside("dns", "ip", "route", "del", "blackhole", lab.address("client")),
    ),
    Breakage(
        "the hardware address of nobody",
        lambda lab: lab.beside(
            "client", "ip", "neigh", "replace", lab.address("app"), "lladdr", "02:00:00:00:00:99", "dev", "eth0"
        ),
        "route",
        ("client sends what is for app to the hardware address 02:00:00:00:00:99", "but app has"),
        "the app accepts",
        lambda lab: lab.beside("client", "ip", "neigh", "del", lab.address("app"), "dev", "eth0"),
    ),
    Breakage(
        "the server's address on the asker",
        lambda lab: lab.beside("client", "ip", "address", "add", f"{lab.address('app')}/32", "dev", "lo"),
        "route",
        ("client itself has the address", "sends what is for app to itself"),
        "the app accepts",
        lambda lab: lab.beside("client", "ip", "address", "del", f"{lab.address('app')}/32", "dev", "lo"),
    ),
    Breakage(
        "packets that are too long for an interface",
        lambda lab: lab.beside("app", "ip", "link", "set", "eth0", "mtu", "100"),
        "route",
        ("eth0 of app takes no packet of more than 100 bytes",),
        "the items",
        lambda lab: lab.beside("app", "ip", "link", "set", "eth0", "mtu", "1500"),
    ),
    Breakage(
        "dropped on the way",
        lambda lab: lab.beside("app", "bash", "-c", DROP),
        "tcp",
        (
            "Nothing comes back from port 80 of app",
            "a packet filter rule that wirelab did not make",
            "table inet dropped",
        ),
        "the items",
        lambda lab: lab.beside("app", "nft", "delete", "table", "inet", "dropped"),
    ),
    Breakage("the asker's network cut", disconnect("client"), "route", ("client is cut off",), "the name"),
    Breakage("the server's network cut", disconnect("app"), "route", ("app is cut off",), "the app accepts"),
    Breakage("the DNS server's network cut", disconnect("dns"), "route", ("dns is cut off",), "the name"),
    Breakage(
        "resolv.conf wrong",
        lambda lab: lab.file("client", "resolv.conf").write_text(f"nameserver {lab.address('app')}\n"),
        "resolver",
        ("client asks", "for names, but the lab's DNS server is dns"),
        "the name",
    ),
    Breakage("wrong record", gone_astray, "dns", ("app.shop.lab is", ".99", "but app is"), "the name"),
    Breakage("record missing", forgotten, "dns", ("app.shop.lab does not exist", "NXDOMAIN"), "the items"),
    Breakage(
        "name in the certificate wrong",
        certified("other.shop.lab"),
        "tls",
        ("not for secure.shop.lab", "other.shop.lab"),
        "the secret",
        certified("secure.shop.lab"),
    ),
    Breakage(
        "password wrong",
        psql("alter role app password 'other'"),
        "answer",
        ("db refuses the password",),
        "the rows",
        right_password,
    ),
    Breakage(
        "table missing",
        psql("alter table items rename to gone"),
        "answer",
        ("no table items",),
        "the rows",
        psql("alter table gone rename to items"),
    ),
    Breakage(
        "table missing behind the app",
        psql("alter table items rename to gone"),
        "answer",
        ("app answers with status 500", "no table items"),
        "the items",
        psql("alter table gone rename to items"),
    ),
)


# of two breakages, and the check that meets both
PAIRS = (
    ("process not listening", "DNS server stopped", "the page"),
    ("no route", "record missing", "the items"),
    ("wrong record", "table missing behind the app", "the items"),
)


def named(name: str) -> Breakage:
    (found,) = [breakage for breakage in BREAKAGES if breakage.name == name]
    return found
