"""The body of an HTTP answer as text and as JSON, with what makes its reading doubtful (RFC 9110, section 8)."""

from __future__ import annotations

import codecs
import json
import re
from dataclasses import dataclass
from typing import Any

# A byte order mark says more than a header does; the longer ones first, since one begins as another.
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
WITHOUT_ORDER = ("utf-16", "utf-32")
CHARSET = re.compile(r";\s*charset\s*=\s*\"?([^\s\";]+)", re.IGNORECASE)


@dataclass(frozen=True)
class HttpBody:
    """`doubt` says why a text that is not seen may be there nevertheless; empty where `text` is the whole of it."""

    raw: bytes
    text: str
    doubt: str = ""

    def json(self) -> Any:
        """Its value. Raises ValueError where it is no JSON: that is UTF-8 and knows no NaN (RFC 8259)."""
        try:
            return json.loads(self.raw.decode("utf-8-sig"), parse_constant=_refuse)
        except RecursionError:
            raise ValueError("it is nested too deeply") from None


def read_body(raw: bytes, content_type: str, *, cut: bool = False) -> HttpBody:
    """Decoded as its byte order mark or its Content-Type says, otherwise as UTF-8."""
    mark = next((name for sign, name in MARKS if raw.startswith(sign)), "")
    declared = CHARSET.search(content_type)
    name = mark or (declared[1] if declared else "utf-8")
    try:
        text = raw.decode(name, "replace" if cut else "strict")
    except LookupError:
        return HttpBody(raw, _as_utf8(raw), f"the charset of the body is not known: {name}")
    except UnicodeError:
        return HttpBody(raw, _as_utf8(raw), f"the body cannot be read as {name}")
    if not mark and codecs.lookup(name).name in WITHOUT_ORDER:
        return HttpBody(raw, text, f"the body is {name} without a mark that tells the order of its bytes")
    if "\0" in text:
        return HttpBody(raw, text, "the body is no text: it holds zero bytes")
    return HttpBody(raw, text)


def _as_utf8(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON value")
