"""Tables of plain text, also for a narrow terminal."""

from __future__ import annotations

from collections.abc import Sequence


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], width: int | None = None) -> str:
    """Columns as wide as they must be; no trailing blanks. What is wider than `width` has a line for each cell."""
    widths = [max(len(row[i]) for row in (headings, *rows)) for i in range(len(headings))]
    if width is not None and sum(widths) + 2 * (len(widths) - 1) > width:
        return "\n\n".join(_block(headings, row) for row in rows)
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (headings, *rows))
    return "\n".join(line.rstrip() for line in lines)


def _block(headings: Sequence[str], row: Sequence[str]) -> str:
    """One row, below its first cell."""
    column = max(len(heading) for heading in headings[1:]) + 2
    cells = zip(headings[1:], row[1:], strict=True)
    return "\n".join((row[0], *(f"  {heading.lower().ljust(column)}{cell}".rstrip() for heading, cell in cells)))
