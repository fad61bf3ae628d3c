"""Whether the engine answers: a shell at a frozen engine shows nothing, and does not say why."""

from __future__ import annotations

import threading
from collections.abc import Callable

from orchestrator.errors import WirelabError

# Together less than ten seconds, for whoever waits for an answer in a terminal.
PING_SECONDS = 2.5  # between two pings
LATE_SECONDS = 5.0  # that an engine takes at most, also on a busy machine


def tell_answers(ping: Callable[[], None], tell: Callable[[bool], None], *, late_seconds: float = LATE_SECONDS) -> None:
    """Ping an engine once, and call `tell` with whether it answers: False also while the ping is late."""
    late = threading.Timer(late_seconds, tell, (False,))
    late.daemon = True
    late.start()
    try:
        ping()
        answers = True
    except WirelabError:
        answers = False
    late.cancel()
    late.join()  # what it tells stands before the last word
    tell(answers)
