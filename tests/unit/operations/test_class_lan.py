"""A class that a room reaches: its certificate, that of a school, and what is no such thing."""

from __future__ import annotations

import stat
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from orchestrator.errors import INVALID, UsageInvalid, WorldError
from orchestrator.lab.authority import authority, issue
from orchestrator.model.credentials import CertificateRequest
from orchestrator.operations.classroom.endpoint import Endpoint, Tls
from orchestrator.operations.classroom.lan import LanWish, check_bound, kept_wish, lan_endpoint

HERE = LanWish("127.0.0.1")


def folder_of(tmp_path: Path) -> Path:
    folder = tmp_path / "monday"
    folder.mkdir(exist_ok=True)
    return folder


def school_files(folder: Path, *names: str, expired: bool = False) -> LanWish:
    """A certificate of the school for some names, with its key."""
    request = CertificateRequest("", 0, "school", names, (), expired)
    issued = issue(request, authority("school", time.time()), time.time())
    (folder / "school.pem").write_text(issued.certificate, "utf-8")
    (folder / "school.key").write_text(issued.key.reveal(), "utf-8")
    return LanWish("127.0.0.1", "", str(folder / "school.pem"), str(folder / "school.key"))


def test_a_class_has_an_authority_and_a_certificate_that_only_its_owner_can_read(tmp_path: Path) -> None:
    endpoint = lan_endpoint(folder_of(tmp_path), HERE, 8000)
    files = sorted(folder_of(tmp_path).iterdir())
    assert [file.name for file in files] == ["authority.pem", "certificate.pem", "key.pem"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert endpoint.origin == "https://127.0.0.1:8000"
    assert endpoint.hosts == {"127.0.0.1:8000", "localhost:8000"}
    assert endpoint.tls
    assert len(endpoint.tls.fingerprint.split(":")) == 32


@pytest.mark.slow
def test_the_next_start_shows_the_same_certificate(tmp_path: Path) -> None:
    """Unless the address is another one, or the certificate is lost: a browser then warns anew."""
    folder = folder_of(tmp_path)
    first = lan_endpoint(folder, HERE, 8000)
    assert lan_endpoint(folder, kept_wish(first, folder), 8000) == first
    other = lan_endpoint(folder, LanWish("127.0.0.2"), 8000)
    assert other.address == other.host == "127.0.0.2"
    assert other.tls != first.tls
    (folder / "key.pem").write_text("", "utf-8")
    assert lan_endpoint(folder, kept_wish(other, folder), 8000).tls != other.tls


def test_a_certificate_that_ends_is_made_anew(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    old = time.time() - timedelta(days=85).total_seconds()
    issued = issue(CertificateRequest("", 0, "x", (), ("127.0.0.1",)), authority("x", old), old)
    (folder / "certificate.pem").write_text(issued.certificate, "utf-8")
    (folder / "key.pem").write_text(issued.key.reveal(), "utf-8")
    lan_endpoint(folder, HERE, 0)
    assert (folder / "certificate.pem").read_text("utf-8") != issued.certificate


def test_the_schools_own_certificate_names_the_links(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    wish = school_files(tmp_path, "room.school", "*.lab.school")
    endpoint = lan_endpoint(folder, wish, 443)
    assert endpoint.origin == "https://room.school"
    assert endpoint.hosts >= {"room.school", "127.0.0.1"}
    assert lan_endpoint(folder, kept_wish(endpoint, folder), 443) == endpoint
    assert lan_endpoint(folder, replace(wish, host="b.lab.school"), 8000).origin == "https://b.lab.school:8000"
    assert list(folder.iterdir()) == []  # the class has none of its own


@pytest.mark.slow
def test_what_is_no_certificate_of_that_host_is_refused(tmp_path: Path) -> None:
    good = school_files(tmp_path, "room.school")
    other = tmp_path / "other"
    other.mkdir()
    foreign = school_files(other, "room.school")
    expired = school_files(folder_of(tmp_path), "room.school", expired=True)
    locked = tmp_path / "locked.key"
    key = load_pem_private_key(Path(good.key).read_bytes(), None)
    locked.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")))
    wrong = {
        "is no key of the certificate": replace(good, key=foreign.key),
        f"{locked} is no key": replace(good, key=str(locked)),
        "holds no certificate": replace(good, certificate=good.key),
        "cannot be read": replace(good, key=str(tmp_path / "none")),
        "--cert needs --key": replace(good, key=""),
        "--key needs --cert": replace(good, certificate=""),
        "does not name hall.school": replace(good, host="hall.school"),
        "is no longer valid": expired,
        "'10.0.0.300' is no address for a class": LanWish("10.0.0.300"),
        "'0.0.0.0' is no address": LanWish("0.0.0.0"),
        "'::1' is no address": LanWish("::1"),
    }
    for what, wish in wrong.items():
        with pytest.raises(UsageInvalid) as refused:
            lan_endpoint(folder_of(tmp_path), wish, 0)
        assert what in refused.value.what
        assert refused.value.why
        assert refused.value.exit_code == INVALID


def test_an_address_of_another_machine_is_refused() -> None:
    tls = Tls("", "", "")
    check_bound(Endpoint(0, "127.0.0.1", "x", tls))
    with pytest.raises(WorldError, match="is no address of this machine"):
        check_bound(Endpoint(0, "203.0.113.1", "x", tls))
