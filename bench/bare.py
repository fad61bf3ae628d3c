"""The bound: a lab's containers by bare engine calls, as fast as eight threads can. Imports nothing of wirelab.

    python bench/bare.py up LAB.json      network, then every container at once; each port asked every 10 ms
    python bench/bare.py down LAB.json    one endpoint at a time, each container once it has none; network and volumes

LAB.json (written by record.py) holds the engine's address, the bodies of the create calls, and for each container
the address, port and kind of its service. A port has answered when its program has spoken, not when the kernel has.
"""

from __future__ import annotations

import http.client
import json
import socket
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

THREADS = 8
PROBE_SECONDS = 0.01
GIVE_UP_SECONDS = 60
# PostgreSQL's StartupMessage, protocol 3.0, without its length
STARTUP = b"\x00\x03\x00\x00user\x00app\x00database\x00app\x00\x00"
# What to say to a service, and how its answer begins once it serves.
QUESTIONS = {
    # a query for the root's SOA, over TCP; any answer will do
    "dns": (b"\x00\x11\x12\x34\x01\x00\x00\x01" + bytes(6) + b"\x00\x00\x06\x00\x01", b""),
    # a start-up message; "R" asks for the password, "E" would say that the database is still starting
    "database": ((len(STARTUP) + 4).to_bytes(4, "big") + STARTUP, b"R"),
    "http": (b"GET /health HTTP/1.0\r\n\r\n", b"HTTP/1"),
}


class Refused(Exception):
    """The engine said no; its words."""


class UnixConnection(http.client.HTTPConnection):
    """HTTP over the engine's socket."""

    def __init__(self, path: str) -> None:
        super().__init__("engine", timeout=120)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Engine:
    """JSON in, JSON out; one connection a thread, kept open."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._own = threading.local()

    def call(self, method: str, path: str, body: Any = None) -> Any:
        if not hasattr(self._own, "link"):
            scheme, _, rest = self._url.partition("://")
            self._own.link = UnixConnection(rest) if scheme == "unix" else http.client.HTTPConnection(rest, timeout=120)
        link = self._own.link
        link.request(method, path, json.dumps(body) if body is not None else None, {"Content-Type": "application/json"})
        answer = link.getresponse()
        text = answer.read()
        if answer.status >= 400:
            raise Refused(f"{method} {path}: {answer.status} {text.decode(errors='replace')}")
        return json.loads(text) if text.strip() else None


def up(lab: dict[str, Any]) -> None:
    engine = Engine(lab["engine"])
    network = engine.call("POST", "/networks/create", lab["network"])["Id"]
    with ThreadPoolExecutor(THREADS) as work, ThreadPoolExecutor(len(lab["containers"])) as asking:
        answers: list[Future[None]] = []

        def make(container: dict[str, Any]) -> None:
            config = container["config"]
            config["HostConfig"]["NetworkMode"] = network
            address = {"IPAMConfig": {"IPv4Address": container["address"]}}
            config["NetworkingConfig"] = {"EndpointsConfig": {network: address}}
            made = engine.call("POST", f"/containers/create?name={container['name']}", config)["Id"]
            engine.call("POST", f"/containers/{made}/start")
            if container["kind"]:
                answers.append(asking.submit(await_answer, container["address"], container["port"], container["kind"]))

        list(work.map(make, lab["containers"]))
        for answer in answers:
            answer.result()


def await_answer(address: str, port: int, kind: str) -> None:
    """Ask every 10 ms until the service answers."""
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while time.monotonic() < deadline:
        if answers(address, port, kind):
            return
        time.sleep(PROBE_SECONDS)
    raise SystemExit(f"{address}:{port} did not answer within {GIVE_UP_SECONDS} s")


def answers(address: str, port: int, kind: str) -> bool:
    question, beginning = QUESTIONS[kind]
    try:
        with socket.create_connection((address, port), timeout=1) as link:
            link.sendall(question)
            got = link.recv(64)
    except OSError:
        return False
    return bool(got) and got.startswith(beginning)


def down(lab: dict[str, Any]) -> None:
    engine = Engine(lab["engine"])
    network, endpoints = lab["network"]["Name"], threading.Lock()

    def remove(container: dict[str, Any]) -> None:
        # Engine 20.10 miscounts endpoints that go side by side, and then the network cannot be removed.
        with endpoints:
            engine.call("POST", f"/networks/{network}/disconnect", {"Container": container["name"], "Force": True})
        engine.call("DELETE", f"/containers/{container['name']}?force=1&v=1")

    with ThreadPoolExecutor(THREADS) as work:
        list(work.map(remove, lab["containers"]))
        rest = [work.submit(engine.call, "DELETE", f"/volumes/{name}?force=1") for name in lab["volumes"]]
        remove_network(engine, network)
        for removal in rest:
            removal.result()


def remove_network(engine: Engine, name: str) -> None:
    """Engine 20.10 may keep endpoints of containers that were removed side by side: disconnect what is left."""
    for pause in (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 0):
        try:
            engine.call("DELETE", f"/networks/{name}")
            return
        except Refused as error:
            if "active endpoints" not in str(error) or not pause:
                raise
        for container in engine.call("GET", f"/networks/{name}")["Containers"] or {}:
            engine.call("POST", f"/networks/{name}/disconnect", {"Container": container, "Force": True})
        time.sleep(pause)


def main() -> None:
    if "--help" in sys.argv:  # argparse would be a part of what is measured
        print(__doc__)
        return
    what, path = sys.argv[1:3]
    with open(path, encoding="utf-8") as opened:
        lab = json.load(opened)
    {"up": up, "down": down}[what](lab)


if __name__ == "__main__":
    main()
