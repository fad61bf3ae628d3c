"""Messages of the live page's server, for tests: a lab of four nodes, and one of thirty."""

from __future__ import annotations

from typing import Any

from picture_labs import lab

from orchestrator.rendering.graph import make_picture
from orchestrator.rendering.live_documents import fault_kinds, picture_document

Message = dict[str, Any]
START = 1764241200.0  # 27 Nov 2025, 11:00 UTC
HOSTILE = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>\x1b[31m"


def picture_message(scenario: str) -> Message:
    """The picture of a scenario, as the server sends it."""
    return picture_document(make_picture(lab(scenario), {}))


def hello(*, lesson: bool = False, title: str = "A shop: a client, an app and a database") -> Message:
    can = {"faults": True, "capture": True, "shells": ["client", "app"], "lesson": lesson}
    names = {"lab": "basic", "scenario": "basic", "title": title}
    return {"type": "hello", "schema": 1, **names, "keeps": 500, "can": can}


def nodes_message(picture: Message, changes: dict[str, Message] | None = None) -> Message:
    """All nodes run and have done nothing, but for these changes."""
    usual = {"state": "running", "acts_as": "none", "faults": []}
    nodes = [{"name": node["name"], **usual, **(changes or {}).get(node["name"], {})} for node in picture["nodes"]]
    return {"type": "nodes", "nodes": nodes}


def exchange(number: int, sentence: str, protocol: str, ends: str, **changes: Any) -> Message:
    """The message of one exchange that is over; `ends` are client and server, with a blank between."""
    client, server = ends.split()
    at = START + number * 0.002
    usual = {"parent": None, "at": at, "ended": at + 0.0014, "outcome": "ok", "probe": False}
    values = {"client": client, "server": server, "protocol": protocol, "sentence": sentence}
    return {"type": "exchanges", "exchanges": [{"number": number, **usual, **values, **changes}]}


def request_story(first: int, path: str = "/items") -> list[Message]:
    """A request of the client for which the app asks the DNS server and the database."""
    n = first
    return [
        exchange(n, "client asked dns for app.shop.lab A: 192.168.7.12", "DNS", "client dns"),
        exchange(n + 1, "client connected to app port 80", "TCP", "client app"),
        exchange(n + 2, f"client requested GET {path} from app: 200 OK, 512 bytes", "HTTP", "client app", parent=n + 1),
        exchange(n + 3, "app asked dns for db.shop.lab A: 192.168.7.11", "DNS", "app dns", parent=n + 2),
        exchange(n + 4, "app connected to db port 5432", "TCP", "app db", parent=n + 2),
        exchange(n + 5, "app sent SELECT id, name FROM items ORDER BY id: 4 rows", "SQL", "app db", parent=n + 4),
    ]


def faults_message(*faults: Message) -> Message:
    return {"type": "faults", "faults": list(faults), "kinds": fault_kinds()}


STOP_APP: Message = {
    "id": "stop-app",
    "kind": "stop",
    "words": "stop app",
    "sentence": "app is stopped: its programs have ended, and its address does not answer.",
    "since": START,
    "by": "live page",
}


def check(number: int, label: str, verdict: str | None = "pass", **changes: Any) -> Message:
    usual = {
        "running": False,
        "expected": "app.shop.lab A is 192.168.7.12",
        "actual": "app.shop.lab A is 192.168.7.12, TTL 300",
        "evidence": [
            "client asked 192.168.7.10 (dns), id 4711, answered in 0.4 ms",
            "the query log of dns has the question",
        ],
        "why": None,
    }
    return {"number": number, "label": label, "verdict": verdict, **usual, **changes}


WHY: Message = {
    "sentence": "The node app is stopped, so nobody listens on 192.168.7.12 port 80.",
    "layers": [
        {"layer": "node", "state": "broken", "text": "app is stopped", "try": "wirelab heal basic stop-app"},
        {"layer": "dns", "state": "ok", "text": "app.shop.lab is 192.168.7.12, which is app", "try": ""},
        {"layer": "route", "state": "ok", "text": "client reaches 192.168.7.12 by eth0", "try": ""},
        {"layer": "tcp", "state": "broken", "text": "no answer to the SYN within 2 s", "try": ""},
        {"layer": "answer", "state": "unasked", "text": "not asked: no connection", "try": ""},
    ],
}


def checks_message(*, broken: bool = False) -> Message:
    failing: Message = {
        "verdict": "fail",
        "actual": "no connection: timed out after 2 s",
        "why": WHY,
        "expected": "status 200",
    }
    checks = [
        check(1, "The client resolves the name of the app"),
        check(2, "The app answers the client over HTTP", **(failing if broken else {})),
        check(
            3,
            "The database answers the app",
            **({"verdict": "unknown", "actual": "app is stopped and cannot be asked"} if broken else {}),
        ),
        check(4, "The client cannot reach the database by its name in another domain, as nobody has that name"),
        check(5, "The app is client of the database and server of the client", None),
    ]
    return {"type": "checks", "checks": checks}


def journal(event: str, sentence: str, seconds: float = 0.0) -> Message:
    values = {"schema": 1, "time": START + seconds, "lab": "basic", "event": event}
    return {"type": "journal", "event": values, "sentence": sentence}


JOURNAL = [
    journal("command", "wirelab web basic started"),
    journal("node", "dns is ready", 1.0),
    journal("node", "app is ready", 2.0),
    journal("finding", "pass: The client resolves the name of the app", 4.0),
]
CAPTURE = {"type": "capture", "on": False, "bytes": 0}
PACKETS: Message = {
    "ok": True,
    "data": {
        "lines": [
            "0.000000  192.168.7.13:40112 > 192.168.7.12:80  TCP SYN seq 0 win 64240",
            "0.000041  192.168.7.12:80 > 192.168.7.13:40112  TCP SYN ACK seq 0 ack 1 win 65160",
            "0.000090  192.168.7.13:40112 > 192.168.7.12:80  HTTP GET /items HTTP/1.1  Host: app.shop.lab",
            "0.001320  192.168.7.12:80 > 192.168.7.13:40112  HTTP 200 OK  Content-Length: 512",
        ],
        "evidence": ["4 packets on the network lab", "app saw the request from 192.168.7.13"],
    },
}


def task(kind: str = "ask", **changes: Any) -> Message:
    usual = {
        "name": "first-packet",
        "number": 2,
        "of": 5,
        "title": "The client runs: curl http://app.shop.lab/items. To which machine does its first packet go?",
        "html": "<p>Machines speak in packets: small pieces of data, each sent to <em>one</em> address. "
        "The program <code>curl</code> requests a URL, as a browser does.</p>",
        "kind": kind,
        "choices": ["app", "dns", "db", "client"] if kind == "ask" else [],
        "allowed": [],
        "question": "",
    }
    return usual | changes


STEPS = ["client asks dns for app.shop.lab", "client sends GET /items to app", "app asks db for the items"]


def lesson_message(task_now: Message | None, messages: list[Message] | None = None) -> Message:
    names = ["start", "first-packet", "look-up", "fetch", "repair"]
    place = names.index(task_now["name"]) if task_now else len(names)
    tasks = [
        {
            "name": name,
            "title": f"The task {name}",
            "state": "done" if at < place else "open" if at == place else "later",
            "attempts": 2 if at == place else 0,
            "hints": 1 if at == place else 0,
            "shown": False,
        }
        for at, name in enumerate(names)
    ]
    return {"type": "lesson", "task": task_now, "tasks": tasks, "messages": messages or []}


TOLD: list[Message] = [
    {"kind": "done", "task": 1, "html": "<p>client asked dns for app.shop.lab A: 192.168.7.12</p>"},
    {"kind": "not_done", "html": "<p>client asked dns for ap.shop.lab A: NXDOMAIN, nobody has that name.</p>"},
    {"kind": "hint", "html": "<p>In the client's shell: <code>dig app.shop.lab</code></p>"},
]


def lab_messages(scenario: str, *more: Message, lesson: bool = False) -> list[Message]:
    """What the server says at first of a lab in which nothing is wrong."""
    picture = picture_message(scenario)
    start = [
        hello(lesson=lesson),
        picture,
        nodes_message(picture),
        faults_message(),
        checks_message(),
        CAPTURE,
        *JOURNAL,
    ]
    return [*start, *more]
