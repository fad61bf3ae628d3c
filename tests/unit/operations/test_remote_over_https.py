"""A scenario over https://, from a server on loopback with a certificate of the test: taken, or refused plainly."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from certificates import authority, certificate
from scenario_server import ScenarioServer, make_repository, scenario_server

from orchestrator.errors import WorldError
from orchestrator.host.state_folder import StateFolder
from orchestrator.operations.remote_scenarios.address import parse_address
from orchestrator.operations.remote_scenarios.fetch import FetchedScenario, obtain_scenario

pytestmark = pytest.mark.slow
TEXT = "name: small\ntitle: One machine\ndomain: shop.lab\nnodes:\n  client: {role: client}\n"
UNTRUSTED = "the certificate of 127.0.0.1 is not trusted here"
HINT = "check the address; the variable SSL_CERT_FILE names a file of other authorities (PEM)"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority, and what it has signed: a server at 127.0.0.1, and one of another name."""
    folder = tmp_path_factory.mktemp("keys")
    authority(folder, "ca")
    certificate(folder, "server", "ca", "subjectAltName=IP:127.0.0.1")
    certificate(folder, "elsewhere", "ca", "subjectAltName=DNS:elsewhere.example")
    return folder


@pytest.fixture(autouse=True)
def variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    for name in ("SSL_CERT_FILE", "GIT_SSL_CAINFO", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is served: an archive, and a repository at /git/shop.git."""
    folder = tmp_path_factory.mktemp("served")
    make_repository(folder, {"labs/small/scenario.yaml": TEXT})
    with tarfile.open(folder / "small.tar", "w") as tar:
        tar.add(folder / "work" / "labs" / "small" / "scenario.yaml", "small/scenario.yaml")
    return folder


@pytest.fixture
def server(folder: Path, keys: Path) -> Iterator[ScenarioServer]:
    with scenario_server(folder, keys / "server.pem", keys / "server.key") as server:
        yield server


def obtained(state: Path, url: str) -> tuple[str, str]:
    """The text of the scenario, and its pin, of an address that has none."""
    pins: list[str] = []

    def decide(found: FetchedScenario) -> None:
        pins.append(found.pin)

    loaded = obtain_scenario(StateFolder(state), parse_address(url, None), None, None, decide, lambda _line: None)
    return loaded.path.read_text(), pins[0]


@pytest.mark.parametrize("path", ["small.tar", "git/shop.git"])
def test_an_address_is_fetched_without_a_pin_where_its_certificate_is_trusted(
    server: ScenarioServer, keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """SSL_CERT_FILE names the authority, to the archive and to git; the pin of what came is known."""
    with pytest.raises(WorldError) as raised:
        obtained(tmp_path, f"{server.url}/{path}")
    assert (raised.value.why, raised.value.hint) == (UNTRUSTED, HINT)
    monkeypatch.setenv("SSL_CERT_FILE", str(keys / "ca.pem"))
    text, pin = obtained(tmp_path, f"{server.url}/{path}")
    assert text == TEXT
    assert pin.startswith("git-" if "git" in path else "sha256-")
    assert [folder.name for folder in (tmp_path / "fetched").iterdir()] == [pin]


@pytest.mark.parametrize("path", ["small.tar", "git/shop.git"])
def test_a_certificate_of_another_name_is_refused_whoever_signed_it(
    folder: Path, keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(keys / "ca.pem"))
    with scenario_server(folder, keys / "elsewhere.pem", keys / "elsewhere.key") as server:
        with pytest.raises(WorldError) as raised:
            obtained(tmp_path, f"{server.url}/{path}")
        assert server.asked == []
    assert raised.value.why == UNTRUSTED


def test_an_address_that_leads_to_plain_http_has_to_be_pinned(
    server: ScenarioServer, folder: Path, keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(keys / "ca.pem"))
    with scenario_server(folder) as plain, pytest.raises(WorldError) as raised:
        obtained(tmp_path, f"{server.url}/elsewhere?{plain.url}/small.tar")
    assert raised.value.why.startswith("the server redirects to http://")
    assert list((tmp_path / "fetched").iterdir()) == []
    text, _ = obtained(tmp_path, f"{server.url}/elsewhere?{server.url}/small.tar")
    assert text == TEXT
