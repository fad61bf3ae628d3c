"""Who may see which lab: launch tokens, the sessions that they begin, and the seat of each session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest
from hmac import new as keyed_hash
from secrets import token_urlsafe

TOKEN_BYTES = 32
MOST_SESSIONS = 64


@dataclass(frozen=True)
class Seat:
    """One learner, and the lab that this learner sees. One person at a laptop is the seat ""."""

    name: str
    lab: str


# The teacher's board of a class. No lab can have this name.
BOARD = Seat("", "/board")


@dataclass(frozen=True)
class Session:
    """A browser that has shown a launch token: that token, its cookie, the token of its pages, and its seat."""

    launch_token: str
    cookie: str
    page_token: str
    seat: Seat

    def has_page(self, page_token: str) -> bool:
        """Whether this is the token of its pages."""
        return _same(self.page_token, page_token)


class Sessions:
    """Maps tokens to seats on the server: nothing that a browser sends names a lab."""

    def __init__(self, new_token: Callable[[], str] = lambda: token_urlsafe(TOKEN_BYTES)) -> None:
        self._new_token = new_token
        self._launches: dict[str, Seat] = {}
        self._sessions: list[Session] = []
        self._lasting: list[Session] = []

    def invite(self, seat: Seat) -> str:
        """A launch token, which begins one session of the seat: the first whose browser shows its cookie."""
        token = self._new_token()
        self._launches[token] = seat
        return token

    def admit(self, seat: Seat, token: str) -> Session:
        """Let a launch token begin the session of a seat again and again, as the links of a class do.

        Cookie and page token follow from the token. So a page that is open goes on when the server is started again.
        """
        session = Session(token, _derived(token, "cookie"), _derived(token, "page"), seat)
        self._lasting.append(session)
        return session

    def begin(self, launch_token: str) -> Session | None:
        """A session that a launch token begins; None where the token is unknown or was used already.

        The answer that brings the cookie may be lost on its way, and then the browser asks again. So the token is used
        only when a cookie that it led to has come back.
        """
        lasting = next((session for session in self._lasting if _same(session.launch_token, launch_token)), None)
        if lasting:
            return lasting
        known = next((token for token in self._launches if _same(token, launch_token)), None)
        if known is None:
            return None
        session = Session(known, self._new_token(), self._new_token(), self._launches[known])
        self._sessions = [*self._sessions[1 - MOST_SESSIONS :], session]
        return session

    def of_cookie(self, cookie: str) -> Session | None:
        """The session that has this cookie."""
        sessions = (*self._lasting, *self._sessions)
        session = next((session for session in sessions if _same(session.cookie, cookie)), None)
        if session and self._launches.pop(session.launch_token, None):
            others = (other for other in self._sessions if other.launch_token != session.launch_token)
            self._sessions = [*others, session]
        return session


def _derived(token: str, purpose: str) -> str:
    """Another secret, from which nobody finds the token."""
    return keyed_hash(token.encode(), purpose.encode(), sha256).hexdigest()


def _same(known: str, given: str) -> bool:
    """Compare in a time that tells nothing about the token."""
    return compare_digest(known.encode(), given.encode("utf-8", "replace"))
