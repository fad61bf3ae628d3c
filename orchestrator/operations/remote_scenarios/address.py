"""The address of a scenario elsewhere: an archive or a git repository, and the hash that pins its content."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from orchestrator.errors import UsageInvalid

DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
# Of a repository with SHA-1, or with SHA-256 (gitformat-hash-function(7)).
COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
SHORT_COMMIT = re.compile(r"[0-9a-f]{7,63}")
REFERENCE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./+-]*")
ARCHIVE_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz")
GIT = "git+"


@dataclass(frozen=True)
class ScenarioAddress:
    """Where a scenario is: `url` without a fragment. `reference` is the commit, branch or tag of a git repository.

    `pin` is the name under which its content is kept, such as `sha256-…` or `git-…`; empty if nothing pins it.
    """

    url: str
    is_git: bool
    reference: str = ""
    pin: str = ""

    @property
    def file(self) -> Path | None:
        """The path of an address on this machine."""
        parts = urlsplit(self.url)
        return Path(unquote(parts.path)) if parts.scheme == "file" else None

    def pinned(self, pin: str) -> str:
        """The address, or the words, by which `up` fetches exactly this content."""
        kind, _, value = pin.partition("-")
        url = f"{GIT}{self.url}" if self.is_git and not self.url.endswith(".git") else self.url
        return f"{url}#{value}" if kind == "git" else f"{url} --hash sha256:{value}"


def parse_address(text: str, digest: str | None) -> ScenarioAddress:
    """Read `URL`, `URL#COMMIT` or, with `digest`, `--hash sha256:…`. Raises UsageInvalid."""
    shown = re.sub(r"//[^/@]*@", "//", text)[:200]
    if not text.isprintable() or " " in text:
        raise UsageInvalid("this is no address", why="it contains spaces or unprintable characters", hint=_EXAMPLE)
    url, _, fragment = text.partition("#")
    is_git = url.startswith(GIT)
    url = url.removeprefix(GIT)
    parts = _parts(url, shown)
    is_git = is_git or _is_repository(parts, fragment)
    if digest is not None:
        if is_git:
            hint = f"{shown.partition('#')[0]}#COMMIT, with all digits of the commit"
            raise UsageInvalid("--hash pins an archive, and this is a git repository", hint=hint)
        value = DIGEST.fullmatch(digest)
        if value is None:
            why = f"{digest[:80]!r} is not sha256: and 64 digits of 0-9 and a-f"
            raise UsageInvalid("--hash is no hash", why=why, hint="sha256sum FILE prints the digits")
        address = ScenarioAddress(url, False, pin=f"sha256-{value[1]}")
    elif is_git:
        address = ScenarioAddress(url, True, fragment, _commit_pin(fragment))
    else:
        address = ScenarioAddress(url, False)
    if parts.scheme == "http" and not address.pin:
        why = "over http://, anybody on the way can change it"
        raise UsageInvalid(
            f"{shown} has to be pinned", why=why, hint="https://, or a pin: URL#COMMIT or --hash sha256:…"
        )
    return address


_EXAMPLE = "https://HOST/PATH.tar.gz --hash sha256:…, or https://HOST/PATH.git#COMMIT"


def _parts(url: str, shown: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port  # a wrong one raises ValueError
    except ValueError as error:
        raise UsageInvalid(f"{shown} is no address", why=str(error), hint=_EXAMPLE) from error
    if parts.scheme not in ("https", "http", "file"):
        why = f"it begins with {parts.scheme}://, and a scenario comes over https:// or from file://"
        raise UsageInvalid(f"{shown} cannot be fetched", why=why, hint=_EXAMPLE)
    if parts.scheme == "file":
        if parts.netloc not in ("", "localhost") or port or not parts.path.startswith("/"):
            hint = "file:///home/me/scenario.tar.gz"
            raise UsageInvalid(f"{shown} names no file", why="an absolute path must follow file://", hint=hint)
    elif not parts.hostname:
        raise UsageInvalid(f"{shown} names no host", hint=_EXAMPLE)
    elif "@" in parts.netloc:
        why = "an address is written to the lab's journal, and other users of this machine see it"
        raise UsageInvalid(
            "an address must not contain a user or a password", why=why, hint="~/.netrc, or a git credential helper"
        )
    return parts


def _is_repository(parts: SplitResult, fragment: str) -> bool:
    path = unquote(parts.path)
    if fragment and path.endswith(ARCHIVE_SUFFIXES):
        raise UsageInvalid("an archive has no commit", why="it ends in #…", hint="pin an archive with --hash sha256:…")
    return bool(fragment) or path.rstrip("/").endswith(".git") or (parts.scheme == "file" and os.path.isdir(path))


def _commit_pin(reference: str) -> str:
    """The pin that a commit is; empty for a branch, a tag or none. Raises UsageInvalid for a part of a commit."""
    if COMMIT.fullmatch(reference):
        return f"git-{reference}"
    if SHORT_COMMIT.fullmatch(reference):
        why = "a server gives a commit only by all of its digits"
        raise UsageInvalid(f"#{reference} is only a part of a commit", why=why, hint="git rev-parse prints all digits")
    if reference and (not REFERENCE.fullmatch(reference) or ".." in reference):
        raise UsageInvalid(f"#{reference[:80]} is neither a commit nor a branch or tag", hint=_EXAMPLE)
    return ""
