"""The package archive, read from texts of apt's source files: mirror from the host, release from us."""

from __future__ import annotations

import pytest

from orchestrator.host.images.base_image import bootstrap_argv
from orchestrator.host.images.package_archive import Source, archive_of, sources_in

DEBIAN_12 = 'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n'
DEBIAN_13 = 'ID=debian\nVERSION_ID="13"\nVERSION_CODENAME=trixie\n'
UBUNTU = 'ID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"\nVERSION_CODENAME=noble\nUBUNTU_CODENAME=noble\n'
MINT = 'ID=linuxmint\nID_LIKE="ubuntu debian"\nVERSION_ID="22"\nVERSION_CODENAME=wilma\nUBUNTU_CODENAME=noble\n'
FEDORA = "ID=fedora\nVERSION_ID=41\n"
KEYRING = "[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]"

ONE_LINE = """\
# the archive
deb http://mirror.test/debian bookworm main contrib
deb-src http://mirror.test/debian bookworm main
deb [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.pgp] http://mirror.test/debian testing main
deb http://mirror.test/debian bookworm-updates main
deb http://mirror.test/debian-security bookworm-security main # fixes
"""
DEB822 = """\
Types: deb deb-src
# a comment
URIs: http://mirror.test/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.test/debian-security
Suites: bookworm-security
Components: main
Signed-By:
 /usr/share/keyrings/debian-archive-keyring.gpg
"""
WANTED = (
    f"deb {KEYRING} http://mirror.test/debian trixie main",
    f"deb {KEYRING} http://mirror.test/debian trixie-updates main",
    f"deb {KEYRING} http://mirror.test/debian-security trixie-security main",
)


@pytest.mark.parametrize(("name", "text"), [("sources.list", ONE_LINE), ("debian.sources", DEB822)])
def test_on_debian_the_hosts_mirror_serves_debian_13(name: str, text: str) -> None:
    """Both formats of apt's sources give the same archive."""
    archive = archive_of(DEBIAN_12, [(name, text)])
    assert archive is not None
    assert (archive.suite, archive.release) == ("trixie", "Debian 13 (trixie)")
    assert archive.lines() == WANTED
    assert not archive.encrypted


def test_a_mirror_without_security_updates_is_used_as_it_is() -> None:
    """Nothing is invented that the host does not have."""
    archive = archive_of(DEBIAN_13, [("sources.list", "deb http://mirror.test/debian trixie main\n")])
    assert archive is not None
    assert archive.lines() == WANTED[:2]


def test_other_archives_with_the_same_suite_are_not_taken_for_debians() -> None:
    """A vendor's archive may call its suite bookworm, and its component main."""
    vendor = "deb [signed-by=/etc/apt/keyrings/vendor.gpg] http://vendor.test/apt bookworm main\n"
    archive = archive_of(DEBIAN_12, [("a.list", vendor), ("sources.list", ONE_LINE)])
    assert archive is not None
    assert archive.lines() == WANTED
    assert archive_of(DEBIAN_12, [("a.list", vendor)]) is None


def test_on_ubuntu_and_what_is_built_on_it_the_archive_is_that_of_its_release() -> None:
    """With the component universe, where some of our packages live."""
    text = "Types: deb\nURIs: http://mirror.test/ubuntu\nSuites: noble noble-updates noble-security\nComponents: main\n"
    for release in (UBUNTU, MINT):
        archive = archive_of(release, [("ubuntu.sources", text)])
        assert archive is not None
        assert [source.suite for source in archive.sources] == ["noble", "noble-updates", "noble-security"]
        assert all(source.components == ("main", "universe") for source in archive.sources)
        assert "ubuntu-archive-keyring" in archive.lines()[0]
    named = archive_of(UBUNTU, [("ubuntu.sources", text)])
    assert named is not None
    assert named.release == "Ubuntu 24.04 (noble)"


@pytest.mark.parametrize(
    ("release", "text"),
    [
        (FEDORA, ONE_LINE),
        (DEBIAN_12, ""),
        (DEBIAN_12, "deb cdrom:[Debian]/ bookworm main\n"),
        (DEBIAN_12, "deb file:/srv/mirror bookworm main\n"),
        (UBUNTU, ONE_LINE),
    ],
)
def test_where_no_archive_is_known_there_is_none(release: str, text: str) -> None:
    """The caller says what is needed; nothing is guessed."""
    assert archive_of(release, [("sources.list", text)]) is None


def test_a_disabled_stanza_is_not_there() -> None:
    """Enabled: no, as apt has it."""
    assert sources_in("x.sources", DEB822.replace("Types: deb\n", "Enabled: no\nTypes: deb\n"))[-1] == Source(
        "http://mirror.test/debian",
        "bookworm-updates",
        ("main",),
        "/usr/share/keyrings/debian-archive-keyring.gpg",
    )


def test_an_encrypted_mirror_brings_the_certificates_into_the_base() -> None:
    """Otherwise apt inside the image could not reach it."""
    plain = archive_of(DEBIAN_12, [("sources.list", ONE_LINE)])
    secure = archive_of(DEBIAN_12, [("sources.list", ONE_LINE.replace("http:", "https:"))])
    assert plain is not None
    assert secure is not None
    assert "--include=ca-certificates" not in bootstrap_argv(plain)
    assert "--include=ca-certificates" in bootstrap_argv(secure)
    assert bootstrap_argv(secure, ('Acquire::Check-Date "false"',))[-4:] == (
        '--aptopt=Acquire::Check-Date "false"', "trixie", "-", "-",
    )  # fmt: skip
