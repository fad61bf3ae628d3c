"""The hand-out of a class as a page to print: a card for each seat, with its link and the link's QR code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

ONLY_HERE = (
    "These links work on this machine only. To serve the machines of a room, start the class with "
    "<code>wirelab class start {name} --lan</code>."
)


@dataclass(frozen=True)
class Handout:
    """What a teacher hands out: each seat with its link.

    `fingerprint` is empty where the server speaks plain HTTP. `is_warned`: a browser does not know who signed its
    certificate.
    """

    class_name: str
    title: str
    seats: Sequence[tuple[str, str]]
    fingerprint: str = ""
    is_warned: bool = False


def handout_page(handout: Handout) -> str:
    """The page. Its styles are files of the server: page.css and handout.css."""
    name = escape(handout.class_name)
    notice = "" if handout.fingerprint else f'<p class="notice">{ONLY_HERE.format(name=name)}</p>'
    cards = "".join(_card(handout, seat, link) for seat, link in handout.seats)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{name}: hand-out</title>
<link rel="icon" href="/static/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/static/page.css">
<link rel="stylesheet" href="/static/handout.css">
</head>
<body>
<header class="intro">
  <h1>Class {name}: hand-out</h1>
  <p>Print this page, cut out the cards, and give each learner only their own: whoever has a link is in that seat.
  <a href="/board">Back to the board</a></p>
  {notice}
</header>
<main class="cards">{cards}</main>
</body>
</html>
"""


def _card(handout: Handout, seat: str, link: str) -> str:
    import segno

    code = segno.make(link, error="m", micro=False).svg_inline(border=4, omitsize=True, dark="#000", light="#fff")
    steps = "".join(f"<li>{step}</li>" for step in _steps(handout))
    seat, link = escape(seat), escape(link)
    return f"""
<section class="card" aria-labelledby="{seat}">
  <div class="code" role="img" aria-label="QR code of the link of {seat}">{code}</div>
  <div class="words">
    <h2 id="{seat}">{seat}</h2>
    <p class="soft">Class {escape(handout.class_name)}: {escape(handout.title)}</p>
    <ol>{steps}</ol>
  </div>
  <p class="link"><a href="{link}">{link}</a></p>
</section>"""


def _steps(handout: Handout) -> list[str]:
    opening = "Scan the code, or open the link in a browser."
    if not handout.is_warned:
        return [opening]
    return [
        opening,
        "The browser warns that it does not know who signed the certificate. Open the certificate there, and compare "
        f'its SHA-256 fingerprint: <span class="fingerprint">{_groups(handout.fingerprint)}</span>',
        "Both are the same: go on (Advanced, then Proceed or Accept the Risk). They differ: tell your teacher.",
    ]


def _groups(fingerprint: str) -> str:
    """The same in groups of four pairs, which a person compares without losing the place."""
    pairs = fingerprint.split(":")
    groups = (":".join(pairs[at : at + 4]) for at in range(0, len(pairs), 4))
    return " ".join(f"<span>{escape(group)}</span>" for group in groups)
