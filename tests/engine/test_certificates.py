"""The lab's own authority, by plain Docker calls: kept from command to command, made anew where it is lost."""

from __future__ import annotations

import json
import re
import secrets
import stat
from collections.abc import Iterator

import pytest
from lab_bench import Bench, Engine

SHAKE = ("timeout", "9", "openssl", "s_client", "-connect", "web.shop.lab:443", "-CAfile", "/wirelab/ca.pem")


@pytest.fixture
def bench(engine: Engine) -> Iterator[Bench]:
    """The scenario https, up; taken down afterwards, and nothing of it may be left."""
    one = Bench(engine, f"c{secrets.token_hex(4)}", "https", seconds=180)
    one.up()
    yield one
    ran = one.cli("down")
    assert ran.code == 0, ran.err
    assert one.left() == []
    assert not one.folder.exists()


def certificate(bench: Bench) -> str:
    """What the web server shows to the client."""
    _, out = bench.container("client").exec_run(SHAKE)
    found = re.search(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", out, re.DOTALL)
    assert found, out
    return found[0].decode()


def test_certificates_are_kept_and_made_anew_where_they_are_lost(bench: Bench) -> None:
    """A second `up` changes nothing. With the file of them gone, `up` makes all anew and starts no container anew."""
    first, ids = certificate(bench), bench.ids()
    kept = bench.folder / "credentials.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert bench.steps() == {}
    assert certificate(bench) == first
    kept.unlink()
    assert set(bench.steps()) == {"files:dns", "files:web", "files:client", "reload:web"}
    assert bench.ids() == ids
    code, findings = bench.verdicts()
    assert (code, {name: f for name, f in findings.items() if f["verdict"] != "pass"}) == (0, {})
    assert certificate(bench) != first


def test_a_private_key_is_seen_in_its_node_alone(bench: Bench) -> None:
    """No container's settings hold it, and no other node's folder."""
    for node in ("dns", "client", "web"):
        attributes = json.dumps(bench.container(node).attrs)
        assert "PRIVATE KEY" not in attributes
        code, out = bench.container(node).exec_run(("grep", "-rlE", "PRIVATE KEY", "/wirelab"))
        held = {"/wirelab/tls-443.key", "/wirelab/tls-8443.key", "/wirelab/tls-9443.key", "/wirelab/tls-10443.key"}
        assert (code, set(out.decode().split())) == ((0, held) if node == "web" else (1, set()))
