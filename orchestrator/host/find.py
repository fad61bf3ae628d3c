"""Finds the engine that answers, and only when none is there and it is allowed to, has one started.

What the person named (DOCKER_HOST, a context of the `docker` command) is taken at its word: if it does not answer, that
is an error, never a reason for another engine. The usual places are tried in order; an empty one is passed over.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from orchestrator.engine.address import is_plain
from orchestrator.errors import EngineMissing
from orchestrator.host.ping import Pinged, Reply, ping
from orchestrator.host.private_engine.paths import PrivatePaths
from orchestrator.host.state_folder import StateFolder
from orchestrator.quick_dataclass import dataclass

SYSTEM_SOCKET = "/var/run/docker.sock"
PRIVATE_ORIGIN = "the private engine of wirelab"


@dataclass(frozen=True)
class EngineFound:
    """The engine to use, and how it was found."""

    url: str
    origin: str


@dataclass(frozen=True)
class Candidate:
    """A place where an engine may be. `explicit`: the person named it. `unspoken`: by TLS, ssh or a pipe."""

    url: str
    origin: str
    explicit: bool = False
    unspoken: bool = False


def find_engine(
    environ: Mapping[str, str],
    state: StateFolder,
    *,
    private: bool = True,
    notify: Callable[[str], None],
    confirm: Callable[[str], bool],
) -> EngineFound:
    """The engine to use; if none is there and `private`, wirelab's own, installed and started if need be.

    Says which one it is. `confirm` is asked before anything is installed or started. Raises EngineMissing.
    """
    tried: list[str] = []
    engine = running_engine(environ, state, tried=tried)
    if engine is None and private:
        from orchestrator.host.private_engine.start import start_private_engine

        url = start_private_engine(environ, state, notify=notify, confirm=confirm)
        engine = EngineFound(url, PRIVATE_ORIGIN)
    if engine is None:
        raise nothing_answers(tried)
    notify(f"engine: {engine.url} ({engine.origin})")
    return engine


def nothing_answers(tried: list[str]) -> EngineMissing:
    """The error for "we looked everywhere"."""
    return EngineMissing(
        "no container engine answers",
        why="; ".join(tried),
        hint="start Docker Engine, or let wirelab start its own engine: wirelab engine up",
    )


def running_engine(
    environ: Mapping[str, str], state: StateFolder, *, tried: list[str] | None = None, system: str = SYSTEM_SOCKET
) -> EngineFound | None:
    """The engine that answers now; starts nothing. None if nobody is there, with the places added to `tried`.

    Raises EngineMissing when a named engine does not answer, and when any place refuses or hangs.
    """
    for candidate in candidates(environ, state, system=system):
        if candidate.unspoken:
            raise _unspoken(candidate)
        pinged = ping(candidate.url)
        if pinged.reply is Reply.ANSWERS:
            return EngineFound(candidate.url, candidate.origin)
        # our own engine may be silent because another command is starting it: whoever starts it sorts that out
        starting = candidate.origin == PRIVATE_ORIGIN and pinged.reply is Reply.SILENT
        if candidate.explicit or not (pinged.reply is Reply.ABSENT or starting):
            raise _unusable(candidate, pinged)
        if tried is not None:
            tried.append(pinged.why)
    return None


def candidates(environ: Mapping[str, str], state: StateFolder, *, system: str = SYSTEM_SOCKET) -> tuple[Candidate, ...]:
    """Where to look, in order. A named engine is the only candidate."""
    own = Candidate(PrivatePaths.of(state).url, PRIVATE_ORIGIN)
    if host := environ.get("DOCKER_HOST", "").strip():
        if host == own.url:  # `wirelab engine env` was evaluated: still ours to start again
            return (own,)
        secure = bool(environ.get("DOCKER_TLS_VERIFY"))
        return (Candidate(host, "DOCKER_HOST", explicit=True, unspoken=_is_unspoken(host, secure)),)
    from_context = _context(environ)
    if from_context is not None:
        return (own,) if from_context.url == own.url else (from_context,)
    return (*_usual_places(environ, system), own)


def _usual_places(environ: Mapping[str, str], system: str) -> list[Candidate]:
    if sys.platform == "win32":
        pipe = "//./pipe/docker_engine"
        there = Path(pipe).exists()
        return [Candidate(f"npipe://{pipe}", "Docker Desktop", unspoken=True)] if there else []
    home = Path(environ.get("HOME") or Path.home())
    places = [(system, "the system socket")]
    if runtime := _runtime_folder(environ):
        places.append((f"{runtime}/docker.sock", "the rootless socket of this user"))
    places.append((str(home / ".docker/run/docker.sock"), "Docker Desktop"))
    if runtime:
        places.append((f"{runtime}/podman/podman.sock", "the Podman socket of this user"))
    if os.geteuid() == 0:
        places.append(("/run/podman/podman.sock", "the Podman socket of the system"))
    return [Candidate(f"unix://{path}", origin) for path, origin in places]


def _runtime_folder(environ: Mapping[str, str]) -> str | None:
    if named := environ.get("XDG_RUNTIME_DIR"):
        return named
    usual = f"/run/user/{os.getuid()}"
    return usual if os.path.isdir(usual) else None


def _context(environ: Mapping[str, str]) -> Candidate | None:
    """The engine of the `docker` command's current context; None when that is the default one.

    Order and files are those of the Docker CLI: DOCKER_CONTEXT, then `currentContext` in config.json; a context is
    described in `contexts/meta/<SHA-256 of its name>/meta.json`.
    """
    home = Path(environ.get("HOME") or Path.home())
    folder = Path(environ.get("DOCKER_CONFIG") or home / ".docker")
    name = environ.get("DOCKER_CONTEXT") or _current_context(folder / "config.json")
    if not name or name == "default":
        return None
    import hashlib

    key = hashlib.sha256(name.encode()).hexdigest()
    endpoint = _endpoint(folder / "contexts" / "meta" / key / "meta.json", name)
    secure = (folder / "contexts" / "tls" / key / "docker").is_dir()
    unspoken = _is_unspoken(endpoint, secure)
    return Candidate(endpoint, f"context {name}", explicit=True, unspoken=unspoken)


def _current_context(config: Path) -> str:
    if not config.exists():
        return ""
    document = _json(config, "the configuration of the docker command")
    name = document.get("currentContext") or ""
    return name if isinstance(name, str) else ""


def _endpoint(meta: Path, name: str) -> str:
    hint = "docker context ls; then: docker context use NAME, or set DOCKER_HOST"
    if not meta.exists():
        raise EngineMissing(f"the docker context {name!r} does not exist", why=f"no file {meta}", hint=hint)
    endpoints = _json(meta, f"the docker context {name!r}").get("Endpoints")
    docker = endpoints.get("docker") if isinstance(endpoints, dict) else None
    host = docker.get("Host") if isinstance(docker, dict) else None
    if not isinstance(host, str) or not host:
        raise EngineMissing(f"the docker context {name!r} names no engine", why=f"read in {meta}", hint=hint)
    return host


def _json(path: Path, what: str) -> dict[str, object]:
    import json

    hint = f"repair or remove {path}, or set DOCKER_HOST"
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise EngineMissing(f"{what} cannot be read", why=f"{path}: {error}", hint=hint) from error
    if not isinstance(document, dict):
        raise EngineMissing(f"{what} cannot be read", why=f"{path} holds no JSON object", hint=hint)
    return document


def _is_unspoken(url: str, secure: bool) -> bool:
    return not is_plain(url) or (url.startswith("tcp://") and secure)


def _unspoken(candidate: Candidate) -> EngineMissing:
    return EngineMissing(
        f"wirelab cannot connect to the engine at {candidate.url} ({candidate.origin})",
        why="wirelab supports unix:// and tcp:// without TLS; it does not support ssh or named pipes",
        hint="ssh -N -L /tmp/engine.sock:/var/run/docker.sock HOST, then: export DOCKER_HOST=unix:///tmp/engine.sock",
    )


def _unusable(candidate: Candidate, pinged: Pinged) -> EngineMissing:
    where = f"the engine at {candidate.url} ({candidate.origin})"
    if pinged.reply is Reply.DENIED:
        return EngineMissing(
            f"{where} does not let this user in",
            why=pinged.why,
            hint="sudo usermod -aG docker $USER, then log in again; or set DOCKER_HOST to an engine of your own",
        )
    return EngineMissing(f"{where} does not answer", why=pinged.why, hint=_hint(candidate))


def _hint(candidate: Candidate) -> str:
    """What to try where an engine does not answer."""
    if candidate.origin == "DOCKER_HOST":
        return "start that engine, or: unset DOCKER_HOST"
    if candidate.explicit:
        return "start that engine, or: docker context use default"
    return "restart that engine, or set DOCKER_HOST to another one"
