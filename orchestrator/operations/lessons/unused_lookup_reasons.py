"""Say of a lookup that nothing followed, and why the node sent nothing, by its own routing table."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from orchestrator.diagnosis.layers.router import kernel_words
from orchestrator.errors import WirelabError
from orchestrator.lessons.unused_lookups import UNUSED_SECONDS, UnusedLookup, UnusedLookups

if TYPE_CHECKING:
    from orchestrator.lessons.comparison import Different
    from orchestrator.operations.lab_handle import LabHandle

ROUTE_SECONDS = 3.0
# The reason is waited for until then; an attempt is answered in two seconds.
REASON_SECONDS = 1.7

# Why a node can send nothing to an address; empty where it can, or where that is not known.
ReasonOf = Callable[["LabHandle", str, str], str]


def no_route(lab: LabHandle, node_name: str, address: str) -> str:
    """That a node has no route to an address, in its kernel's words (ip-route(8), get)."""
    try:
        result = lab.node(node_name).run_unrecorded("ip", "route", "get", address, seconds=ROUTE_SECONDS)
    except WirelabError:
        return ""
    return f"has no route to {address} ({kernel_words(result.err)})" if result.exit_code else ""


class UnusedLookupReasons:
    """The lookups of the open task. The routing table is read in a thread: the lesson goes on meanwhile."""

    def __init__(self, reason_of: ReasonOf = no_route, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.lookups = UnusedLookups()
        self._reason_of = reason_of
        self._monotonic = monotonic
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="route")
        self._reasons: dict[UnusedLookup, Future[str]] = {}

    def clear(self) -> None:
        """Forget all."""
        self.lookups.clear()
        self._reasons.clear()

    def due(self, lab: LabHandle, wanted: str) -> Different | None:
        """What is said of the last lookup, once nothing has followed it for long enough."""
        now = self._monotonic()
        lookup = self.lookups.doubtful(now)
        if lookup is None:
            self._reasons.clear()
            return None
        if lookup.addresses and lookup not in self._reasons:
            self._reasons = {lookup: self._pool.submit(self._reason_of, lab, lookup.node, lookup.addresses[0])}
        reason = self._reasons.get(lookup)
        is_known = reason is None or reason.done() or now >= lookup.since + REASON_SECONDS
        if now < lookup.since + UNUSED_SECONDS or not is_known:
            return None
        self.clear()
        return lookup.different_from(wanted, reason.result() if reason and reason.done() else "")

    def close(self) -> None:
        self._pool.shutdown(wait=True)
