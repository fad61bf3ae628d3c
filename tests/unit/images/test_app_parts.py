"""The parts of the app service that need neither a web framework nor a database."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest

from orchestrator.host.images.files import images_folder

APP = images_folder() / "app" / "files" / "usr" / "lib" / "wirelab" / "app"


def part(name: str) -> Iterator[ModuleType]:
    """A module of the service, imported from its folder, and forgotten afterwards."""
    sys.path.insert(0, str(APP))
    sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
    try:
        yield import_module(name)
    finally:
        sys.dont_write_bytecode = before
        sys.path.remove(str(APP))
        sys.modules.pop(name, None)


@pytest.fixture
def settings() -> Iterator[ModuleType]:
    yield from part("settings")


@pytest.fixture
def items() -> Iterator[ModuleType]:
    yield from part("items")


@pytest.fixture
def accesslog() -> Iterator[ModuleType]:
    yield from part("accesslog")


def test_without_a_database_host_there_is_no_database(settings: ModuleType) -> None:
    """The app then serves alone, on port 80 of every address."""
    read = settings.Settings.of({"HOSTNAME": "app"})
    assert (read.node, read.address, read.port, read.database) == ("app", "0.0.0.0", 80, None)


def test_listen_names_address_and_port(settings: ModuleType) -> None:
    """LISTEN wins over PORT; an IPv6 address stands in brackets."""
    of = settings.Settings.of
    assert (of({"LISTEN": "127.0.0.1:8080", "PORT": "1"}).address, of({"LISTEN": "127.0.0.1:8080"}).port) == (
        "127.0.0.1",
        8080,
    )
    assert of({"LISTEN": "[fd00::1]:81"}).address == "fd00::1"
    assert of({"LISTEN": ":81"}).address == "0.0.0.0"
    assert of({"LISTEN": "*:81"}).address == ""


def test_the_database_is_read_from_the_environment_and_its_password_from_a_file(settings: ModuleType) -> None:
    """No secret is in the environment."""
    target = settings.Settings.of({"DATABASE_HOST": "db.shop.lab"}).database
    assert (target.host, target.port, target.name, target.user) == ("db.shop.lab", 5432, "app", "app")
    assert target.password_file == "/wirelab/password"


def test_tls_needs_a_certificate_and_its_key(settings: ModuleType) -> None:
    of, both = settings.Settings.of, {"TLS_CERTIFICATE_FILE": "/c", "TLS_KEY_FILE": "/k"}
    assert (of({}).tls, of(both).tls.client_authority) == (None, "")
    assert of({**both, "TLS_CLIENT_AUTHORITY_FILE": "/a"}).tls.client_authority == "/a"
    for name in both:
        with pytest.raises(settings.SettingsInvalid, match="belong together"):
            of({name: both[name]})


@pytest.mark.parametrize("port", ["", "0", "65536", "http", "-1", "8 0", "８０"])
def test_a_wrong_port_is_said(settings: ModuleType, port: str) -> None:
    """A sentence with the value in it."""
    with pytest.raises(settings.SettingsInvalid, match="is not a port number"):
        settings.Settings.of({"PORT": port})


def test_a_good_item_gives_its_name(items: ModuleType) -> None:
    """Other keys do not disturb; any script is welcome."""
    assert items.name_of('{"name": "Amboß 鉄床", "price": 3}'.encode()) == "Amboß 鉄床"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff", 400),
        (b"[" * 60_000, 400),
        (b'"anvil"', 422),
        (b'{"name": null}', 422),
        (b'{"name": ""}', 422),
        (b'{"name": "%s"}' % (b"x" * 201), 422),
        (b'{"name": "a\\u0000"}', 422),
        (b'{"name": "\\udc80"}', 422),
        (b'{"name": "%s"}' % (b"x" * 70_000), 413),
    ],
)
def test_a_bad_body_has_a_status_and_a_reason(items: ModuleType, body: bytes, status: int) -> None:
    """400 is no JSON, 422 is JSON of the wrong shape, 413 is too long."""
    with pytest.raises(items.ItemInvalid) as caught:
        items.name_of(body)
    assert caught.value.status == status
    assert str(caught.value)


def scope(**more: Any) -> dict[str, Any]:
    return {
        "type": "http", "method": "GET", "http_version": "1.1", "raw_path": b"/items", "query_string": b"",
        "headers": [], "client": ("192.168.5.13", 43210), **more,
    }  # fmt: skip


def serve(accesslog: ModuleType, request: dict[str, Any], *, fail: bool = False) -> list[str]:
    """The lines that one request leaves."""

    async def service(_scope: Any, _receive: Any, send: Any) -> None:
        if fail:
            raise RuntimeError("broken")
        await send({"type": "http.response.start", "status": 201})
        await send({"type": "http.response.body", "body": b"12"})
        await send({"type": "http.response.body", "body": b"345"})

    async def receive() -> dict[str, Any]:
        return {}

    async def send(_message: Any) -> None:
        return None

    lines: list[str] = []
    log = accesslog.AccessLog(service, lines.append)
    try:
        asyncio.run(log(request, receive, send))
    except RuntimeError:
        assert fail
    return lines


def test_an_access_line_has_who_asked_what_and_what_was_answered(accesslog: ModuleType) -> None:
    """Address and port of the client, the request line, status, size, time."""
    (line,) = serve(accesslog, scope(query_string=b"a=1"))
    start = 'access 192.168.5.13:43210 "GET /items?a=1 HTTP/1.1" 201 5B '
    assert line.startswith(start)
    assert line.endswith("ms")
    assert float(line.removeprefix(start).removesuffix("ms")) >= 0


def test_a_request_cannot_forge_the_rest_of_its_line(accesslog: ModuleType) -> None:
    """A quote in the target is encoded, so the field ends where it ends."""
    (line,) = serve(accesslog, scope(raw_path=b'/x"', query_string=b'"200'))
    assert line.count('"') == 2


def test_an_ipv6_client_stands_in_brackets(accesslog: ModuleType) -> None:
    """So that its port can be told from its address."""
    (line,) = serve(accesslog, scope(client=("fd00::5", 1)))
    assert "access [fd00::5]:1 " in line


def test_a_request_that_breaks_the_service_is_logged_as_500(accesslog: ModuleType) -> None:
    """A line is never lost."""
    (line,) = serve(accesslog, scope(), fail=True)
    assert " 500 0B " in line


def test_the_readiness_probe_leaves_no_line_and_nobody_else_passes_for_it(accesslog: ModuleType) -> None:
    """Only the exact User-Agent is the probe's."""
    assert serve(accesslog, scope(headers=[(b"user-agent", b"wirelab-probe")])) == []
    assert len(serve(accesslog, scope(headers=[(b"user-agent", b"wirelab-probe/2")]))) == 1
    assert len(serve(accesslog, scope(headers=[(b"x-agent", b"wirelab-probe")]))) == 1
    assert json.dumps(serve(accesslog, scope(type="lifespan"))) == "[]"
