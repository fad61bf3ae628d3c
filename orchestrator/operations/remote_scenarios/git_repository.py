"""Get a commit of a git repository as an archive, by the git of this machine, bounded in size and time.

Nothing is checked out, so no hook and no filter runs. The connection uses the user's own configuration (proxies,
logins). The archive of the commit does not: its bytes are the same everywhere.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from orchestrator.errors import TookTooLong, UsageInvalid, WirelabError, WorldError
from orchestrator.operations.remote_scenarios.address import ScenarioAddress
from orchestrator.operations.remote_scenarios.download import AUTHORITIES, KEPT, LARGEST_ARCHIVE, WHOLE_SECONDS

BLOCK = 512  # the unit of `ulimit -f` (POSIX, sh)
# Runs a program that may write no larger file.
BOUNDED = ("sh", "-c", 'ulimit -f "$0" && exec "$@"')
SAFE = {
    "protocol.allow": "never",
    "protocol.https.allow": "always",
    "protocol.http.allow": "always",
    "protocol.file.allow": "always",
    "protocol.version": "2",  # by which a server gives any commit by its name (gitprotocol-v2(5))
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.bigFileThreshold": "8m",  # larger ones are never whole in memory
    "fetch.unpackLimit": "1",  # one file, which the limit bounds
    "fetch.fsckObjects": "true",
    "gc.auto": "0",
    "submodule.recurse": "false",
}
UNREACHABLE = ("could not resolve", "couldn't resolve", "failed to connect", "couldn't connect", "unable to connect")
MISSING = ("not found", "does not exist", "does not appear to be a git repository", "no such file or directory")
NO_COMMIT = ("not our ref", "couldn't find remote ref", "unadvertised object", "no such remote ref")
# As GnuTLS and OpenSSL say it.
UNTRUSTED = ("certificate verification failed", "ssl certificate problem", "certificate subject name", "no alternative")
LOGIN = ("could not read username", "authentication failed", "terminal prompts disabled", "403")


def fetch_commit(address: ScenarioAddress, folder: Path, into: Path) -> str:
    """Write the commit as a tar archive to `into`, and return its name. `folder` is for git alone.

    Raises WorldError if git is missing or the repository cannot be reached, UsageInvalid if it is too large.
    """
    if not shutil.which("git"):
        hint = "apt-get install git; or name an archive: URL.tar.gz --hash sha256:…"
        raise WorldError("git is not installed", why=f"{address.url} is a git repository", hint=hint)
    wanted = address.reference or "HEAD"
    _git(address, ("init", "--bare", "--quiet", str(folder)))
    inside = ("-C", str(folder))
    _git(address, (*inside, "fetch", "--quiet", "--depth=1", "--no-tags", address.url, wanted), with_settings=True)
    commit = _git(address, (*inside, "rev-parse", "--verify", "FETCH_HEAD^{commit}")).strip()
    if address.pin and address.pin != f"git-{commit}":
        why = f"it is of the commit {commit}"
        raise WorldError(f"{address.url} did not return {address.reference}", why=why)
    _git(address, (*inside, "archive", "--format=tar", f"--output={into}", commit))
    return commit


def _git(address: ScenarioAddress, words: Sequence[str], *, with_settings: bool = False) -> str:
    """What git prints. `with_settings` lets it read the user's configuration. Raises an error for its message."""
    own = {} if with_settings else {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    fixed = {name: value for name, value in os.environ.items() if not name.startswith("GIT_DIR")}
    # git's own name for it.
    trusted = {"GIT_SSL_CAINFO": file} if (file := os.environ.get("SSL_CERT_FILE")) else {}
    environ = {**trusted, **fixed, **own, "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "true", "LC_ALL": "C"}
    settings = [word for name, value in SAFE.items() for word in ("-c", f"{name}={value}")]
    argv = (*BOUNDED, str(LARGEST_ARCHIVE // BLOCK), "git", *settings, *words)
    try:
        done = subprocess.run(
            argv, env=environ, capture_output=True, text=True, errors="replace", timeout=WHOLE_SECONDS, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise TookTooLong(f"{address.url} was not fetched within {WHOLE_SECONDS} seconds") from error
    if done.returncode:
        raise _git_error(address, done.returncode, done.stderr)
    return done.stdout


def _git_error(address: ScenarioAddress, code: int, message: str) -> WirelabError:
    """The error for a message of git: it has no exit codes for its reasons; with LC_ALL=C it names them in English."""
    what, text = f"{address.url} cannot be fetched", message.lower()
    if code in (-signal.SIGXFSZ, 128 + signal.SIGXFSZ) or "signal 25" in text or "file too large" in text:
        megabytes = LARGEST_ARCHIVE // 1024 // 1024
        return UsageInvalid(f"{address.url} is too large", why=f"a commit may have {megabytes} MiB")
    if any(words in text for words in NO_COMMIT):
        why = f"the repository has no commit, branch or tag {address.reference or 'HEAD'}"
        return WorldError(what, why=why, hint=f"git ls-remote {address.url}")
    if any(words in text for words in UNTRUSTED):
        why = f"the certificate of {urlsplit(address.url).hostname} is not trusted here"
        return WorldError(what, why=why, hint=AUTHORITIES)
    if any(words in text for words in UNREACHABLE):
        return WorldError(what, why="its host cannot be reached: no network?", hint=KEPT)
    if any(words in text for words in LOGIN):
        return WorldError(what, why="the server wants a login, or has no such repository")
    if any(words in text for words in MISSING):
        return WorldError(what, why="there is no git repository", hint="look at the address in a browser")
    lines = [line for line in message.splitlines() if line.strip()]
    return WorldError(what, why=" / ".join(lines[-2:])[:300])
