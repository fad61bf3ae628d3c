"""The application protocols that wirelab itself speaks, as people call them."""

from __future__ import annotations

from enum import StrEnum


class ApplicationProtocol(StrEnum):
    """What the server of a role speaks. A role may name one that is not here; then only people read its name."""

    DNS = "DNS"
    HTTP = "HTTP"
    POSTGRESQL = "PostgreSQL"
    SSH = "SSH"
