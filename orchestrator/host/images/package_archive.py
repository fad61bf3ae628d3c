"""The distribution's package archive as this host knows it: which mirror, which release, signed by which key.

Pure: texts of /etc/os-release and of apt's source files in, a value out. The mirror is never written in our files;
it is read from the host (sources.list(5), both formats).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

DEBIAN_13 = ("trixie", "Debian 13 (trixie)")
NEWER_THAN_13 = ("forky", "duke", "sid")
KEYRINGS = "/usr/share/keyrings"


@dataclass(frozen=True)
class Source:
    """One line of apt's sources: a place, and what is taken from there."""

    uri: str
    suite: str
    components: tuple[str, ...]
    signed_by: str = ""


@dataclass(frozen=True)
class Archive:
    """What a base can be bootstrapped from: the release, and the sources for it."""

    suite: str
    release: str
    sources: tuple[Source, ...]

    def lines(self) -> tuple[str, ...]:
        """The sources in apt's one-line format."""
        return tuple(_line(source) for source in self.sources)

    @property
    def encrypted(self) -> bool:
        """True if apt needs certificates to reach it."""
        return any(source.uri.startswith("https:") for source in self.sources)


def archive_of(os_release: str, source_files: Sequence[tuple[str, str]]) -> Archive | None:
    """Debian 13 on Debian, the host's own release on Ubuntu; None where this host has no such archive.

    `source_files` holds names and texts of apt's source files.
    """
    values = _values(os_release)
    sources = [source for name, text in source_files for source in sources_in(name, text)]
    if values.get("ID") == "debian":
        return _debian(values.get("VERSION_CODENAME", ""), sources)
    if ubuntu := values.get("UBUNTU_CODENAME"):
        return _ubuntu(ubuntu, values, sources)
    return None


def sources_in(name: str, text: str) -> list[Source]:
    """The binary sources of one file; the format follows from its name, as apt has it."""
    if PurePosixPath(name).suffix == ".sources":
        return list(_deb822(text))
    return list(_one_line(text))


def _debian(codename: str, sources: Sequence[Source]) -> Archive | None:
    names = (codename, "stable", "testing", "unstable", "sid")
    main = _first(sources, [name for name in names if name], "debian-archive")
    if main is None:
        return None
    suite, release = DEBIAN_13
    keyring = f"{KEYRINGS}/debian-archive-keyring.gpg"
    wanted = [Source(main.uri, suite, ("main",), keyring)]
    if codename not in NEWER_THAN_13:
        wanted.append(Source(main.uri, f"{suite}-updates", ("main",), keyring))
    security = _first(sources, (f"{codename}-security", "stable-security"), "debian-archive")
    if security:
        wanted.append(Source(security.uri, f"{suite}-security", ("main",), keyring))
    return Archive(suite, release, tuple(wanted))


def _ubuntu(codename: str, values: Mapping[str, str], sources: Sequence[Source]) -> Archive | None:
    keyring = f"{KEYRINGS}/ubuntu-archive-keyring.gpg"
    wanted = []
    for suite in (codename, f"{codename}-updates", f"{codename}-security"):
        if archive := _first(sources, (suite,), "ubuntu-archive"):
            wanted.append(Source(archive.uri, suite, ("main", "universe"), keyring))
    if not wanted or wanted[0].suite != codename:
        return None
    number = values.get("VERSION_ID", "") if values.get("ID") == "ubuntu" else ""
    return Archive(codename, " ".join(filter(None, ("Ubuntu", number, f"({codename})"))), tuple(wanted))


def _first(sources: Sequence[Source], suites: Sequence[str], keyring: str) -> Source | None:
    """The distribution's own source for one of these suites: other archives may use the same suite names."""
    for suite in suites:
        for source in sources:
            own = not source.signed_by or keyring in source.signed_by
            if source.suite == suite and "main" in source.components and own and _fetchable(source.uri):
                return source
    return None


def _fetchable(uri: str) -> bool:
    return uri.startswith(("http://", "https://"))


def _one_line(text: str) -> Iterator[Source]:
    for line in text.splitlines():
        match = re.match(r"\s*deb\s+(?:\[([^]]*)\]\s*)?(\S+)\s+(\S+)\s*([^#]*)", line)
        if match:
            options, uri, suite, components = match.groups()
            signed = re.search(r"signed-by=(\S+)", options or "", re.IGNORECASE)
            yield Source(uri, suite, tuple(components.split()), signed.group(1) if signed else "")


def _deb822(text: str) -> Iterator[Source]:
    for stanza in re.split(r"\n\s*\n", text):
        fields = _fields(stanza)
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() in ("no", "false"):
            continue
        # an embedded key names no keyring; the distribution's own archives name a file
        signed_by = fields.get("signed-by", "")
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                yield Source(uri, suite, tuple(fields.get("components", "").split()), signed_by)


def _fields(stanza: str) -> dict[str, str]:
    """The fields of a deb822 paragraph, names in lower case; a line that begins with a blank continues the last."""
    fields: dict[str, str] = {}
    name = ""
    for line in stanza.splitlines():
        if line.startswith("#") or not line.strip():
            continue
        if line[0].isspace():
            fields[name] = f"{fields.get(name, '')} {line.strip()}".strip()
        else:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            fields[name] = value.strip()
    return fields


def _line(source: Source) -> str:
    return f"deb [signed-by={source.signed_by}] {source.uri} {source.suite} {' '.join(source.components)}"


def _values(os_release: str) -> dict[str, str]:
    pairs = (line.split("=", 1) for line in os_release.splitlines() if "=" in line)
    return {name.strip(): value.strip().strip("\"'") for name, value in pairs}
