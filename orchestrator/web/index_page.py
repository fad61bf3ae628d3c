"""The text of the live page, and the policy that says which scripts may run in it."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from html import escape
from pathlib import Path

STATIC = Path(__file__).with_name("static")
TOKEN_PLACE = "{{token}}"
LOADING_PLACE = "{{loading}}"
LIVE_PAGE = "index.html"
BOARD_PAGE = "board.html"


def index_page(page_token: str, file: str = LIVE_PAGE) -> str:
    """A page, with the token that its sockets show, and the script that loads it anew where a file is missing."""
    text = (STATIC / file).read_text("utf-8")
    return text.replace(LOADING_PLACE, _loading()).replace(TOKEN_PLACE, escape(page_token))


@cache
def content_security_policy() -> str:
    """Scripts come from files of this server; the one that stands in the page is named by its hash (CSP, level 3)."""
    digest = b64encode(sha256(_loading().encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'self' 'sha256-{digest}'; style-src 'self'; "
        "img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )


@cache
def _loading() -> str:
    return (STATIC / "loading.js").read_text("utf-8")
