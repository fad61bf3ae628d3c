"""What pages type into a terminal, also over several connections: each byte reaches it once."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict

PAGE = re.compile(r"[0-9a-f]{32}")
MOST_PAGES = 32  # of one terminal, the latest ones
PLACE_BYTES = 4  # the place of the first byte, before what was typed (big-endian)


class TypedInput:
    """How much each page has typed so far. A page numbers its bytes, and sends those again that were not taken.

    So what was on its way when a connection broke is neither lost nor taken twice.
    """

    def __init__(self) -> None:
        self._taken: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.Lock()

    def taken(self, page: str) -> int:
        """How many bytes of this page the terminal has taken."""
        with self._lock:
            return self._taken.get(page, 0)

    def new(self, page: str, message: bytes) -> bytes:
        """What of a message of this page has not been taken yet; from now on it counts as taken."""
        place, typed = int.from_bytes(message[:PLACE_BYTES], "big"), message[PLACE_BYTES:]
        with self._lock:
            taken = self._taken.pop(page, 0)
            self._taken[page] = max(taken, place + len(typed))
            while len(self._taken) > MOST_PAGES:
                self._taken.popitem(last=False)
        return typed[max(0, taken - place) :]
