"""`wirelab engine up|down|status|env`: the container engine in use, and wirelab's own."""

from __future__ import annotations

import os
import sys

import click

from orchestrator.cli.console import out, out_json, out_text, say
from orchestrator.cli.workspace import confirmer
from orchestrator.errors import WORLD
from orchestrator.host.find import EngineFound, find_engine, nothing_answers, running_engine
from orchestrator.host.private_engine.paths import PrivatePaths
from orchestrator.host.state_folder import StateFolder


@click.group("engine")
def command() -> None:
    """Show, start or stop the container engine."""


@command.command("up")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option("--private", "only_private", is_flag=True, hidden=True, help="Only wirelab's own engine.")
def up(yes: bool, only_private: bool) -> None:
    """Find an engine, or start wirelab's own."""
    state = StateFolder.of(os.environ)
    if only_private:
        from orchestrator.host.private_engine.start import start_as_root

        start_as_root(os.environ, state, notify=say)
        return
    find_engine(os.environ, state, notify=say, confirm=confirmer(yes))


@command.command("down", short_help="Stop wirelab's own engine.")
@click.option("--purge", is_flag=True, help="Remove the engine's images and volumes too.")
def down(purge: bool) -> None:
    """Stop wirelab's own engine, and undo what it changed on this machine."""
    from orchestrator.host.private_engine.start import end_private_engine

    ended = end_private_engine(os.environ, StateFolder.of(os.environ), purge=purge, notify=say)
    if ended is None:
        return
    if purge:
        say("wirelab's own engine is gone, with its images")
    else:
        say("wirelab's own engine is stopped" if ended else "wirelab's own engine does not run")


@command.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def status(as_json: bool) -> int:
    """Show which engine is used, and whether wirelab's own runs. Exit code 3 if no engine answers."""
    state = StateFolder.of(os.environ)
    tried: list[str] = []
    engine = running_engine(os.environ, state, tried=tried)
    own = _own(state)
    if as_json:
        used = {"url": engine.url, "origin": engine.origin} if engine else None
        out_json({"schema": 1, "used": used, "private": own})
    else:
        out_text(_used(engine, tried))
        out_text(_own_line(own))
    return 0 if engine else WORLD


@command.command("env", short_help="Print `export DOCKER_HOST=...` for the engine in use.")
def env() -> None:
    """Print `export DOCKER_HOST=...` for the engine in use: eval "$(wirelab engine env)"."""
    import shlex

    tried: list[str] = []
    engine = running_engine(os.environ, StateFolder.of(os.environ), tried=tried)
    if engine is None:
        raise nothing_answers(tried)
    out(f"export DOCKER_HOST={shlex.quote(engine.url)}")


def _own(state: StateFolder) -> dict[str, object]:
    if not sys.platform.startswith("linux"):
        return {"url": PrivatePaths.of(state).url, "answers": False, "pid": None, "leftovers": False}
    from dataclasses import asdict

    from orchestrator.host.private_engine.daemon import PrivateEngine

    return asdict(PrivateEngine(state, environ=os.environ).status())


def _used(engine: EngineFound | None, tried: list[str]) -> str:
    if engine is None:
        return "\n".join(["engine:  none answers", *(f"         {why}" for why in tried)])
    return f"engine:  {engine.url} ({engine.origin})"


def _own_line(own: dict[str, object]) -> str:
    if own["answers"]:
        return f"private: runs at {own['url']}, pid {own['pid'] or 'not visible from here'}"
    if own["pid"]:
        return f"private: dockerd runs (pid {own['pid']}) but does not answer; try: wirelab engine down"
    if own["leftovers"]:
        return "private: ended without cleaning up; try: wirelab engine down"
    return "private: does not run"
