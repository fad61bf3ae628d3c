"""Get an archive: over HTTPS or from this machine, bounded in size and time."""

from __future__ import annotations

import hashlib
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from orchestrator.errors import TookTooLong, UsageInvalid, WirelabError, WorldError
from orchestrator.operations.remote_scenarios.address import ScenarioAddress

if TYPE_CHECKING:
    import requests

LARGEST_ARCHIVE = 64 * 1024 * 1024
PIECE = 64 * 1024
CONNECT_SECONDS, READ_SECONDS, WHOLE_SECONDS = 10, 30, 300
MOST_REDIRECTS = 5
REFUSALS = {
    401: "the server wants a login",
    403: "the server lets nobody read it",
    404: "the server has nothing there (404)",
    410: "the server has nothing there any more (410)",
}
AUTHORITIES = "check the address; the variable SSL_CERT_FILE names a file of other authorities (PEM)"
KEPT = "a pinned scenario that was fetched before needs no network"


def download(address: ScenarioAddress, into: Path) -> str:
    """Write the archive to `into`, and return its SHA-256. Raises WorldError and UsageInvalid."""
    digest, size, deadline = hashlib.sha256(), 0, time.monotonic() + WHOLE_SECONDS
    with into.open("xb") as output:
        for piece in _pieces(address):
            size += len(piece)
            if size > LARGEST_ARCHIVE:
                megabytes = LARGEST_ARCHIVE // 1024 // 1024
                raise UsageInvalid(f"{address.url} is too large", why=f"an archive may have {megabytes} MiB")
            if time.monotonic() > deadline:
                raise TookTooLong(f"{address.url} was not fetched within {WHOLE_SECONDS} seconds")
            digest.update(piece)
            output.write(piece)
    return digest.hexdigest()


def _pieces(address: ScenarioAddress) -> Iterator[bytes]:
    return _of_file(address, address.file) if address.file else _of_server(address)


def _of_file(address: ScenarioAddress, file: Path) -> Iterator[bytes]:
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            raise UsageInvalid(f"{address.url} is neither an archive nor a git repository")
        with file.open("rb") as source:
            yield from iter(lambda: source.read(PIECE), b"")
    except OSError as error:
        raise UsageInvalid(f"{address.url} cannot be read", why=error.strerror or str(error)) from error


def _of_server(address: ScenarioAddress) -> Iterator[bytes]:
    import requests
    import urllib3

    try:
        with requests.Session() as session:
            session.mount("https://", _trusting_adapter())
            session.max_redirects = min(session.max_redirects, MOST_REDIRECTS)
            timeout = (CONNECT_SECONDS, READ_SECONDS)
            # As it is stored: its hash is what the pin names.
            headers = {"Accept-Encoding": "identity"}
            with session.get(address.url, stream=True, timeout=timeout, headers=headers) as response:
                _require_found(address, response)
                yield from response.raw.stream(PIECE, decode_content=False)
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        raise _unreachable(address, error) from error


def _trusting_adapter() -> requests.adapters.BaseAdapter:
    """Trusts the authorities of this machine, which SSL_CERT_FILE may name, beside those that requests brings."""
    import ssl

    from requests.adapters import HTTPAdapter

    class TrustingAdapter(HTTPAdapter):
        def init_poolmanager(self, *words: Any, **options: Any) -> None:
            super().init_poolmanager(*words, ssl_context=ssl.create_default_context(), **options)

    return TrustingAdapter()


def _require_found(address: ScenarioAddress, response: requests.Response) -> None:
    if response.status_code != 200:
        status = f"the server answered {response.status_code} {response.reason}"
        why = REFUSALS.get(response.status_code, status)
        raise WorldError(f"{address.url} cannot be fetched", why=why, hint="look at the address in a browser")
    if not address.pin and urlsplit(response.url).scheme != "https":
        raise WorldError(
            f"{address.url} has to be pinned",
            why="the server redirects to http://, where anybody on the way can change the archive",
            hint="pin it with --hash sha256:…",
        )


def _is_of_certificate(error: BaseException | None) -> bool:
    """Whether a certificate that was not accepted caused an error, directly or as an inner exception."""
    import ssl

    while error and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error is not None


def _unreachable(address: ScenarioAddress, error: Exception) -> WirelabError:
    """The error that says what a person can do; requests and urllib3 have a class for each reason."""
    import requests

    what, host = f"{address.url} cannot be fetched", urlsplit(address.url).hostname
    match error:
        case requests.exceptions.SSLError() if not _is_of_certificate(error):
            return WorldError(what, why=f"{host} does not speak TLS there", hint="check the address and its port")
        case requests.exceptions.SSLError():
            why = f"the certificate of {host} is not trusted here"
            return WorldError(what, why=why, hint=AUTHORITIES)
        case requests.exceptions.TooManyRedirects():
            return WorldError(what, why=f"the server redirects more than {MOST_REDIRECTS} times")
        case requests.exceptions.ConnectTimeout():
            return WorldError(what, why=f"{host} does not answer: no network?", hint=KEPT)
        case requests.exceptions.ConnectionError():
            return WorldError(what, why=f"{host} cannot be reached: no network?", hint=KEPT)
        case _:
            return WorldError(what, why=f"the connection to {host} broke off", hint="try again")
