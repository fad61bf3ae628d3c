"""What a client may send as a new item."""

from __future__ import annotations

import json

LONGEST_BODY = 64 * 1024
LONGEST_NAME = 200


class ItemInvalid(ValueError):
    """The body cannot become an item; `status` is the HTTP status that says whose fault it is."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def name_of(body: bytes) -> str:
    """The item's name from a JSON body; 413 too long, 400 not JSON, 422 JSON of the wrong shape (RFC 9110)."""
    if len(body) > LONGEST_BODY:
        raise ItemInvalid(413, f"the body is longer than {LONGEST_BODY} bytes")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ItemInvalid(400, f"the body is not JSON: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("name"), str):
        raise ItemInvalid(422, 'the body must be a JSON object with a text under "name"')
    name: str = document["name"]
    if not name.strip() or len(name) > LONGEST_NAME:
        raise ItemInvalid(422, f"a name has 1 to {LONGEST_NAME} characters, not all blank")
    # PostgreSQL stores neither NUL nor half of a surrogate pair
    if "\0" in name or any("\ud800" <= letter <= "\udfff" for letter in name):
        raise ItemInvalid(422, "the name holds a character that cannot be stored")
    return name
