"""The pages of wirelab: one file each, with landmarks and headings, that fetches nothing and runs without a network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.resources import files

# The browser itself refuses whatever would come from outside, should a page ever name it.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"


@dataclass(frozen=True)
class Section:
    """A part of a page, with a heading; `body` is HTML, `kind` a class for style and script."""

    identity: str
    heading: str
    body: str
    kind: str = ""

    def html(self) -> str:
        kind = f' class="{self.kind}"' if self.kind else ""
        return (
            f'<section id="{self.identity}"{kind} aria-labelledby="{self.identity}-h">\n'
            f'<h2 id="{self.identity}-h">{escape(self.heading)}</h2>\n{self.body}\n</section>'
        )


def page(title: str, lead: str, sections: Sequence[Section], foot: str = "") -> str:
    """A whole page; `lead` is HTML below the title, `foot` plain text."""
    links = "".join(f'<li><a href="#{section.identity}">{escape(section.heading)}</a></li>' for section in sections)
    contents = f'<nav aria-label="On this page">\n<ul>{links}</ul>\n</nav>' if len(sections) > 1 else ""
    return "\n".join(
        (
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            f"<title>{escape(title)}</title>\n<style>\n{_part('page.css')}</style>\n</head>\n<body>",
            '<a class="skip" href="#content">Skip to the content</a>',
            f"<header>\n<h1>{escape(title)}</h1>\n{lead}\n</header>",
            contents,
            '<main id="content" tabindex="-1">',
            *(section.html() for section in sections),
            f'</main>\n<footer>\n<p class="soft">{escape(foot)}</p>\n</footer>',
            f"<script>\n{_part('page.js')}</script>\n</body>\n</html>\n",
        )
    )


@cache
def _part(name: str) -> str:
    """A part of this package that is not Python."""
    return files("orchestrator.rendering").joinpath(name).read_text(encoding="utf-8")


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Names and what they stand for; the second of each pair is HTML."""
    return '<dl class="facts">' + "".join(f"<dt>{escape(a)}</dt><dd>{b}</dd>" for a, b in pairs) + "</dl>"


def table(caption: str, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of plain texts; the first cell of each row is its heading."""
    head = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in headings)
    body = "".join(
        f'<tr><th scope="row">{escape(first)}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in rest)}</tr>'
        for first, *rest in rows
    )
    return f"{scrolling(caption, f'<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>')}"


def scrolling(name: str, body: str, kind: str = "", heads: str = "") -> str:
    """What may be wider than the page scrolls sideways by itself, also by keyboard (WCAG 2.1.1), and says so.

    `heads` is HTML that stays in sight while its body scrolls by.
    """
    classes = f"scroll {kind}".strip()
    return (
        f'<div class="wide"><p class="sideways">Wider than this window: scroll it sideways.</p>{heads}'
        f'<div class="{classes}" role="region" tabindex="0" aria-label="{escape(name)}">\n{body}\n</div></div>'
    )
