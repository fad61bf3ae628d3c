"""Who was client and who was server is worked out from handshakes, and compared with what was declared."""

from __future__ import annotations

import pytest
from recorded import events

from orchestrator.traffic.exchanges.events import ExchangeStart
from orchestrator.traffic.roles import compare, proofs, traffic_roles

USES: dict[str, tuple[str, ...]] = {
    "dns": (),
    "dns2": (),
    "db": (),
    "app": ("db",),
    "app2": ("db",),
    "client": ("app",),
    "client2": ("app",),
}
RESOLVERS = frozenset({"dns"})


def test_a_server_that_is_also_a_client_is_found() -> None:
    """The app serves the client, and is itself a client of the database and of DNS."""
    roles = traffic_roles(events("first"))
    assert roles.both == ("app",)
    assert roles.client_of("app") == ("db", "dns")
    assert roles.server_to("app") == ("client",)
    assert roles.client_of("db") == ()


def test_bytes_and_connections_are_counted() -> None:
    """82 bytes of request and 207 of answer crossed one connection to port 80."""
    roles = traffic_roles(events("first"))
    [http] = [relation for relation in roles.relations if relation.server == "app"]
    assert (http.protocol, http.port, http.connections, http.sent) == ("tcp", 80, 1, 82)
    assert http.received > 150


def test_a_refused_connection_makes_nobody_a_server() -> None:
    """An attempt is counted, but it proves no role."""
    roles = traffic_roles(events("refused"))
    assert roles.server_to("app") == ()
    [attempt] = [relation for relation in roles.relations if relation.server == "app"]
    assert (attempt.connections, attempt.refused) == (0, 1)


def test_a_connection_without_handshake_proves_no_role() -> None:
    """The pool's connection was opened before the capture: it is listed apart."""
    roles = traffic_roles(events("earlier"))
    assert "db" not in roles.client_of("app")
    [pool] = [relation for relation in roles.relations if relation.server == "db"]
    assert (pool.connections, pool.earlier) == (0, 1)


def test_a_ping_makes_nobody_a_server() -> None:
    """The kernel answers it; no program on the app serves the client."""
    assert traffic_roles(events("ping")).server_to("app") == ()
    assert ("client", "app") not in {(event.client, event.server) for event in proofs(events("ping"))}


def test_traffic_that_was_not_declared_is_named() -> None:
    """A `uses` removed while the traffic stays."""
    roles = traffic_roles(events("first"))
    assert compare(roles, USES, RESOLVERS).undeclared == ()
    assert compare(roles, {**USES, "app": ()}, RESOLVERS).undeclared == (("app", "db"),)


def test_what_was_declared_and_not_seen_is_named() -> None:
    """A `uses` that no packet confirms."""
    uses = {name: USES[name] for name in ("dns", "db", "app", "client")}
    roles = traffic_roles(events("first"))
    assert compare(roles, uses, RESOLVERS).unseen == ()
    assert compare(roles, {**uses, "client": ("app", "db")}, RESOLVERS).unseen == (("client", "db"),)


def test_a_warm_pool_counts_as_seen() -> None:
    """Its packets are there, although its opening is not."""
    uses = {name: USES[name] for name in ("dns", "db", "app", "client")}
    assert compare(traffic_roles(events("earlier")), uses, RESOLVERS).unseen == ()


def test_proofs_name_the_packets() -> None:
    """A handshake, an answered question: with both ends."""
    found = {(event.client, event.server): event for event in proofs(events("first"))}
    assert set(found) == {("app", "db"), ("app", "dns"), ("client", "app"), ("client", "dns")}
    assert all(finding.sure for finding in found.values())
    assert found["client", "app"].words.endswith("192.168.231.12:80/tcp: accepted with SYN, ACK")
    assert found["app", "dns"].words.endswith("answered NOERROR")


def test_what_was_before_is_no_proof_of_now() -> None:
    last = max(event.at for event in events("first") if isinstance(event, ExchangeStart))
    assert proofs(events("first"), last + 1) == ()


@pytest.mark.parametrize("name", ["refused", "silent", "dns_down", "db_gone"])
def test_an_attempt_is_no_proof(name: str) -> None:
    """Nobody is a server who refused, or did not answer."""
    answered = {(event.client, event.server) for event in traffic_roles(events(name)).proved}
    assert {(event.client, event.server) for event in proofs(events(name)) if event.sure} <= answered


def test_a_connection_without_handshake_is_no_sure_proof() -> None:
    [pool] = [event for event in proofs(events("earlier")) if event.server == "db"]
    assert not pool.sure
    assert "opened before the capture began" in pool.words
