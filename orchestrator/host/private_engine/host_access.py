"""Whether nodes reach services of the engine's machine: wirelab's own engine closes it at its start; each `up` asks.

The start of the engine records what the kernel refused. So `up` needs neither root nor the kernel to know it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from orchestrator.host.private_engine.paths import CONTAINERD_SOCKET, HOST_OPEN, PrivatePaths

Notify = Callable[[str], None]


def close_or_tell(paths: PrivatePaths, close: Callable[[], None], notify: Notify) -> None:
    """Let nodes open no connection to this machine. If the kernel refuses, say so, and record why for each `up`."""
    paths.host_open.unlink(missing_ok=True)
    try:
        close()
    except OSError as error:
        why = f"the kernel refuses the nftables table that closes it: {error.strerror or error}"
        paths.host_open.write_text(f"{why}\n", encoding="utf-8")
        notify(f"nodes can reach services of this machine: {why}; wirelab up --close-host closes a lab")


def why_host_is_open(url: str) -> str:
    """Why nodes reach services of the machine of the engine at this address; empty where its start closed it."""
    socket = Path(url.removeprefix("unix://"))
    # Only an engine of wirelab's own has both sockets in one folder.
    if not url.startswith("unix://") or not socket.with_name(CONTAINERD_SOCKET).exists():
        return "the engine is not wirelab's own"
    with suppress(FileNotFoundError):
        return socket.with_name(HOST_OPEN).read_text(encoding="utf-8").strip()
    return ""
