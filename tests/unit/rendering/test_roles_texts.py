"""Roles as a table and as a document: who was both, and where `uses` and the packets disagree."""

from __future__ import annotations

from orchestrator.rendering.roles import roles_document, roles_text
from orchestrator.traffic.roles import Comparison, Relation, TrafficRoles
from orchestrator.traffic.story import PacketLosses

ROLES = TrafficRoles(
    (
        Relation("app", "db", "tcp", 5432, 1, 0, 258, 757, 1),
        Relation("app", "dns", "udp", 53, 2, 0, 0, 0, 0),
        Relation("client", "app", "tcp", 80, 3, 1, 81, 209, 0),
    )
)
NODES = ("dns", "db", "app", "client")


def test_the_table_marks_who_was_both() -> None:
    text = roles_text(NODES, ROLES, Comparison((), ()), PacketLosses())
    assert text.splitlines() == [
        "NODE    CLIENT OF            SERVER TO",
        "dns     -                    app",
        "db      -                    app",
        "app     db:5432, dns:53/udp  client     both",
        "client  app:80               -",
        "",
        "CLIENT  SERVER  PORT      CONNECTIONS            REFUSED  BYTES SENT  RECEIVED",
        "app     db      5432/tcp  1 (+1 opened earlier)  -        258         757",
        "app     dns     53/udp    2                      -        -           -",
        "client  app     80/tcp    3                      1        81          209",
        "",
        "app was both: a server to client, and a client of db, dns.",
    ]


def test_why_an_earlier_connection_makes_no_client_is_said() -> None:
    """It stands in the lower table and not in the upper one."""
    known = (Relation("app", "db", "tcp", 5432, 0, 0, 37, 203, 1),)
    text = roles_text(("db", "app"), TrafficRoles(known), Comparison((), ()), PacketLosses())
    assert text.endswith(
        "\n\napp and db spoke over a connection that was opened before the capture began. Which of the two opened "
        "it, as a client does, was not seen: the upper table leaves it out."
    )


def test_disagreements_with_the_declaration_are_said() -> None:
    text = roles_text(NODES, ROLES, Comparison((("app", "db"),), (("client", "db"),)), PacketLosses(dropped=2))
    assert text.startswith("Packets are missing (2 dropped by the kernel): these tables may have holes.")
    assert "Seen, but not declared by `uses`: app is a client of db." in text
    assert "Declared by `uses`, but never seen: client as a client of db." in text


def test_the_document_has_each_relation_on_both_sides() -> None:
    document = roles_document("shop", NODES, ROLES, Comparison((("app", "db"),), ()), PacketLosses(overwritten=1))
    app = document["nodes"][2]
    assert (app["node"], app["both"]) == ("app", True)
    assert [one["server"] for one in app["client_of"]] == ["db", "dns"]
    assert app["server_to"][0] == {
        "client": "client",
        "protocol": "tcp",
        "port": 80,
        "connections": 3,
        "refused": 1,
        "sent": 81,
        "received": 209,
        "earlier": 0,
    }
    assert document["undeclared"] == [{"client": "app", "server": "db"}]
    assert document["losses"] == {"dropped": 0, "overwritten": 1, "unreadable": 0}


def test_without_packets_nobody_was_anything() -> None:
    text = roles_text(("a",), TrafficRoles(()), Comparison((), ()), PacketLosses())
    assert text.endswith("No packet of a conversation was captured.")
