"""The members, and what is known of each, as `wirelab members` prints them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.diagnosis.doctor import Row, verdict
from orchestrator.rendering.doctor import doctor_text, row_documents
from orchestrator.rendering.tables import table


@dataclass(frozen=True)
class MemberLine:
    """One member of the list: what the user typed, its architecture, and why it does not answer, if it does not."""

    name: str
    address: str
    architecture: str
    trouble: str = ""


def members_document(lines: Sequence[MemberLine]) -> dict[str, Any]:
    """As `wirelab members ls --json` prints it."""
    listed = [
        {
            "name": line.name,
            "address": line.address,
            "architecture": line.architecture,
            "answers": not line.trouble,
            "why": line.trouble or None,
        }
        for line in lines
    ]
    return {"schema": 1, "members": listed}


def members_text(lines: Sequence[MemberLine], width: int | None) -> str:
    """One line a member."""
    if not lines:
        return no_members_text()
    rows = [(line.name, line.address, line.architecture, line.trouble or "answers") for line in lines]
    return table(("MEMBER", "ADDRESS", "ARCHITECTURE", "STATE"), rows, width)


def no_members_text() -> str:
    return "there is no member; add one: wirelab members add NAME ssh://USER@HOST"


def member_doctor_document(rows_of: Mapping[str, Sequence[Row]]) -> dict[str, Any]:
    """As `wirelab members doctor --json` prints it."""
    listed = [{"name": name, "verdict": verdict(rows), "rows": row_documents(rows)} for name, rows in rows_of.items()]
    return {"schema": 1, "members": listed}


def member_doctor_text(name: str, rows: Sequence[Row], width: int) -> str:
    """The rows of one member, below its name."""
    ending = {
        "ok": "Labs can run on it.",
        "warning": "Labs can run on it; read the warnings.",
        "missing": "Labs cannot run on it yet; see what is missing.",
    }
    return f"member {name}\n{doctor_text(rows, width, ending)}"
