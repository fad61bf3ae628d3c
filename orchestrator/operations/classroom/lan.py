"""How a class is served to a room: an address of this machine, and a certificate, of the class itself or of the school.

The class's own authority signs once, and its key is kept nowhere: a machine that trusts it trusts no other certificate.
"""

from __future__ import annotations

import os
import ssl
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, ip_address
from pathlib import Path
from socket import AF_INET, SOCK_DGRAM, socket
from typing import TYPE_CHECKING

from orchestrator.errors import UsageInvalid, WorldError
from orchestrator.operations.classroom.endpoint import Endpoint, Tls
from orchestrator.operations.classroom.folder import AUTHORITY
from orchestrator.operations.output_file import replace_file

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

SOMEWHERE = ("203.0.113.1", 9)  # an address that is nobody's (RFC 5737); nothing is sent to it
BRIDGES = ("br-", "wl-", "docker")
CERTIFICATE, KEY = "certificate.pem", "key.pem"
SOON = timedelta(days=7)  # a certificate that ends earlier is made anew before a class


@dataclass(frozen=True)
class LanWish:
    """What a teacher said of the room: each part may be empty. `certificate` and `key` are the school's own files."""

    address: str = ""
    host: str = ""
    certificate: str = ""
    key: str = ""

    def check(self) -> None:
        """Raise UsageInvalid where the parts do not go together."""
        if bool(self.certificate) != bool(self.key):
            has, lacks = ("--cert", "--key") if self.certificate else ("--key", "--cert")
            raise UsageInvalid(f"{has} needs {lacks}", why="a certificate is of use only with its key")


def default_address() -> str:
    """The address from which this machine reaches others. Raises UsageInvalid where it has no default route."""
    with socket(AF_INET, SOCK_DGRAM) as sender:
        try:
            sender.connect(SOMEWHERE)
        except OSError as error:
            why = f"it has no default route ({error.strerror})"
            hint = f"--address, with one of: {', '.join(own_addresses()) or '(this machine has none)'}"
            raise UsageInvalid("which address of this machine does the room reach?", why=why, hint=hint) from error
        return str(sender.getsockname()[0])


def own_addresses() -> list[str]:
    """The IPv4 addresses of this machine, but for loopback and the bridges of engines."""
    import psutil

    entries = [(link, entry) for link, entries in psutil.net_if_addrs().items() for entry in entries]
    addresses = [entry.address for link, entry in entries if entry.family == AF_INET and not link.startswith(BRIDGES)]
    return [address for address in addresses if not address.startswith("127.")]


def lan_endpoint(folder: Path, wish: LanWish, port: int) -> Endpoint:
    """Where a class is served to a room. `folder` is the class's own; only its owner can read it.

    Raises UsageInvalid where the wish cannot be carried out.
    """
    wish.check()
    address = _ipv4(wish.address) if wish.address else default_address()
    if wish.certificate:
        return _with_given(wish, address, port)
    host = wish.host or address
    kept = _kept(folder, host, address)
    return Endpoint(port, address, host, kept or _made(folder, host, address))


def _ipv4(text: str) -> str:
    try:
        address = ip_address(text)
    except ValueError:
        address = None
    if isinstance(address, IPv4Address) and not address.is_unspecified and not address.is_multicast:
        return str(address)
    why = "a class is served on one IPv4 address, so that nobody meets it elsewhere"
    raise UsageInvalid(
        f"{text[:80]!r} is no address for a class", why=why, hint=f"one of: {', '.join(own_addresses())}"
    )


def _kept(folder: Path, host: str, address: str) -> Tls | None:
    """The class's own certificate, as long as it names this host and address, and does not end soon."""
    files = folder / CERTIFICATE, folder / KEY
    try:
        tls, certificate = _read(*files)
    except UsageInvalid:
        return None
    is_fresh = certificate.not_valid_after_utc - SOON > datetime.now(UTC)
    return tls if is_fresh and {host, address} <= _names(certificate) else None


def _made(folder: Path, host: str, address: str) -> Tls:
    """A new authority of the class, and a certificate that it has signed."""
    from orchestrator.lab.authority import authority, issue
    from orchestrator.model.credentials import CertificateRequest

    now = time.time()
    own = authority(f"class {folder.name}", now)
    names = () if host == address else (host,)
    issued = issue(CertificateRequest("", 0, host, names, (address,)), own, now)
    _write_private(folder / KEY, issued.key.reveal())
    _write_private(folder / AUTHORITY, own.text)
    _write_private(folder / CERTIFICATE, issued.certificate)
    return _read(folder / CERTIFICATE, folder / KEY)[0]


def _write_private(file: Path, text: str) -> None:
    os.close(os.open(file, os.O_CREAT | os.O_WRONLY, 0o600))
    file.chmod(0o600)
    replace_file(file, [text.encode()])


def _with_given(wish: LanWish, address: str, port: int) -> Endpoint:
    """The school's own certificate, which must name the host of the links."""
    tls, certificate = _read(Path(wish.certificate).absolute(), Path(wish.key).absolute())
    names = _names(certificate)
    plain = sorted(name for name in names if not name.startswith("*."))
    host = wish.host or (address if address in names else next(iter(plain), ""))
    if certificate.not_valid_after_utc <= datetime.now(UTC):
        ended = f"it ended on {certificate.not_valid_after_utc:%Y-%m-%d}"
        raise UsageInvalid(f"the certificate {wish.certificate} is no longer valid", why=ended)
    if not host or not _covers(names, host):
        why = f"it names {', '.join(sorted(names)) or 'nobody'}"
        what = f"the certificate {wish.certificate} does not name {host or 'a host for the links'}"
        raise UsageInvalid(what, why=why, hint="--host NAME, with a name that it covers")
    return Endpoint(port, address, host, tls)


def _covers(names: set[str], host: str) -> bool:
    return host in names or f"*.{host.partition('.')[2]}" in names


def _read(certificate: Path, key: Path) -> tuple[Tls, Certificate]:
    """A certificate with its key, as files that a server can use. Raises UsageInvalid."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.x509 import load_pem_x509_certificate

    for file in (certificate, key):
        try:
            file.read_bytes()
        except OSError as error:
            raise UsageInvalid(f"{file} cannot be read", why=error.strerror or str(error)) from error
    try:
        parsed = load_pem_x509_certificate(certificate.read_bytes())
    except ValueError as error:
        why = "it has no part from BEGIN CERTIFICATE to END CERTIFICATE that can be read"
        hint = "--cert takes a file in the PEM format"
        raise UsageInvalid(f"{certificate} holds no certificate", why=why, hint=hint) from error
    try:
        tls_context(str(certificate), str(key))
    except (ssl.SSLError, ValueError) as error:
        what, why = f"{key} is no key of the certificate {certificate}", _one_line(error)
        raise UsageInvalid(what, why=why, hint="--key takes its private key: PEM, without a password") from error
    pairs = parsed.fingerprint(SHA256()).hex(":").upper()
    return Tls(str(certificate), str(key), pairs), parsed


def tls_context(certificate: str, key: str) -> ssl.SSLContext:
    """What a server speaks TLS with. Raises ssl.SSLError where the files do not go together."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # A key with a password is not asked for on the terminal: it is refused.
    context.load_cert_chain(certificate, key, password=lambda: "")
    return context


def _names(certificate: Certificate) -> set[str]:
    from cryptography.x509 import DNSName, ExtensionNotFound, IPAddress, SubjectAlternativeName

    try:
        named = certificate.extensions.get_extension_for_class(SubjectAlternativeName).value
    except ExtensionNotFound:
        return set()
    return {*named.get_values_for_type(DNSName), *map(str, named.get_values_for_type(IPAddress))}


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def kept_wish(endpoint: Endpoint, folder: Path) -> LanWish:
    """The wish that leads to the same endpoint again."""
    assert endpoint.tls
    is_given = Path(endpoint.tls.certificate).parent != folder
    files = (endpoint.tls.certificate, endpoint.tls.key) if is_given else ("", "")
    return LanWish(endpoint.address, endpoint.host, *files)


def check_bound(endpoint: Endpoint) -> None:
    """Raise WorldError where the address is none of this machine."""
    with socket(AF_INET, SOCK_DGRAM) as probe:
        try:
            probe.bind((endpoint.address, 0))
        except OSError as error:
            hint = f"--lan --address, with one of: {', '.join(own_addresses())}"
            raise WorldError(
                f"{endpoint.address} is no address of this machine", why=str(error.strerror), hint=hint
            ) from error
