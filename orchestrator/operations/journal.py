"""Read what happened in a lab, without any engine: also after the lab was removed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from orchestrator.errors import NotFound
from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.journal_reader import follow_entries, has_journal, read_entries

if TYPE_CHECKING:
    from orchestrator.events import Entry


def lab_entries(lab_name: str, *, follow: bool = False) -> Iterator[Entry]:
    """The entries of a lab's journal, oldest first; with `follow` also those to come. NotFound if there are none."""
    state = StateFolder.of(os.environ)
    if follow:
        return follow_entries(state, lab_name)
    if not has_journal(state, lab_name):
        why = "nothing was done in it, or it was removed more than a week ago"
        raise NotFound(f"there are no events of the lab {lab_name!r}", why=why, hint=f"wirelab up {lab_name}")
    return read_entries(state, lab_name)
