"""The lab's own authority, by plain Docker calls: kept from command to command, made anew where it is lost."""

from __future__ import annotations

import json
import re
import secrets
import stat
from collections.abc import Iterator

import pytest
from lab_bench import Bench, Engine

SHAKE = ("timeout", "60", "openssl", "s_client", "-connect", "web.shop.lab:443", "-CAfile", "/wirelab/ca.pem")


@pytest.fixture
def bench(engine: Engine, scenario: str) -> Iterator[Bench]:
    """A scenario, up; taken down afterwards, and nothing of it may be left."""
    one = Bench(engine, f"c{secrets.token_hex(4)}", scenario, seconds=180)
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


@pytest.mark.parametrize("scenario", ["https"])
def test_certificates_are_kept_and_made_anew_where_they_are_lost(bench: Bench) -> None:
    """A second `up` changes nothing. With the file of them gone, `up` makes all anew and starts no container anew."""
    first, ids = certificate(bench), bench.ids()
    kept = bench.folder / "credentials.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert bench.steps() == {}
    assert certificate(bench) == first
    kept.unlink()
    assert set(bench.steps()) == {"credentials", "files:dns", "files:web", "files:client", "reload:web"}
    assert bench.ids() == ids
    code, findings = bench.verdicts()
    assert (code, {name: f for name, f in findings.items() if f["verdict"] != "pass"}) == (0, {})
    assert certificate(bench) != first


@pytest.mark.parametrize("scenario", ["well-known"])
def test_servers_are_locked_in_and_keep_their_private_keys(bench: Bench) -> None:
    """A private key is in its own node alone, and in no container's settings. nginx and OpenSSH need no privilege, no
    disk and no host key from their image; told to stop, they end."""
    holders = {"dns": set(), "web": {"tls-443.key"}, "shell": {"host.key"}, "client": {"shell.key"}}
    for node, held in holders.items():
        assert "PRIVATE KEY" not in json.dumps(bench.container(node).attrs)
        _, out = bench.container(node).exec_run(("grep", "-rsl", "PRIVATE KEY", "/wirelab", "/etc/ssh"))
        assert {path.removeprefix("/wirelab/") for path in out.decode().split() if path.startswith("/")} == held
    for node, user in (("web", "10081"), ("shell", "10022")):
        _, out = bench.container(node).exec_run(("bash", "-c", "id -u; grep -h ^Cap /proc/self/status"))
        first, *capabilities = out.decode().split("\n")
        assert first == user
        assert {line.split()[1] for line in capabilities if line} == {"0" * 16}
        assert bench.container(node).exec_run(("touch", "/var/x"))[0] != 0
        container = bench.container(node)
        container.stop(timeout=50)
        assert container.wait()["StatusCode"] != 137
