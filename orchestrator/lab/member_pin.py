"""On which member a lab stands: <state>/labs/<lab>/member, which goes with the lab; without it, the engine in use.

A second line says that the member has copies of the lab's files, because it does not see those of this machine.
"""

from __future__ import annotations

import os
from pathlib import Path
from shlex import join

from orchestrator.errors import UsageInvalid
from orchestrator.host.state_folder import StateFolder

PIN_FILE = "member"
COPIES = "copies"


def member_of(state: StateFolder, lab: str) -> str:
    """The name of the member; empty where the lab stands on the engine in use, or nowhere."""
    return _pin(state, lab)[0]


def copies_files(state: StateFolder, lab: str) -> bool:
    """Whether the nodes of the lab mount copies of its files, on a member that does not see those of this machine."""
    return _pin(state, lab)[1]


def _pin(state: StateFolder, lab: str) -> tuple[str, bool]:
    try:
        member, *more = (state.labs / lab / PIN_FILE).read_text().split("\n")
    except (OSError, ValueError):
        return "", False
    return member, COPIES in more


def pin_lab(state: StateFolder, lab: str, member: str, *, copies: bool = False) -> None:
    """Write down that the lab stands on this member, or with an empty name on the engine in use.

    `copies` says that the member has copies of the lab's files. The caller holds the lab's lock, and nothing of the lab
    is made yet. Raises UsageInvalid where it stands elsewhere.
    """
    require_home(state, lab, (member,))
    if member and member_of(state, lab) != member:
        target = state.private(state.labs / lab) / PIN_FILE
        new = target.with_suffix(".new")
        new.write_text("\n".join((member, *((COPIES,) if copies else ()))))
        # A reader sees all of it or nothing.
        os.replace(new, target)


def require_home(state: StateFolder, lab: str, members: tuple[str, ...]) -> None:
    """Raise UsageInvalid where the lab stands already, and on none of these; the engine in use is the empty name."""
    home = member_of(state, lab)
    if home in members or not stands(state, lab):
        return
    where = f"the member {home!r}" if home else "the engine in use"
    what = f"the lab {lab!r} stands on {where}"
    hint = f"leave --member out; or remove the lab there first: {join(('wirelab', 'down', lab))}"
    raise UsageInvalid(what, why="a lab stays where it came up first", hint=hint)


def stands(state: StateFolder, lab: str) -> bool:
    """Whether an `up` of the lab has begun to make something, or completed it."""
    folder = state.labs / lab
    return any((folder / name).exists() for name in (PIN_FILE, "run", "source.json"))


def pinned_labs(state: StateFolder, member: str) -> list[str]:
    """The labs that stand on a member."""
    files: list[Path] = sorted(state.labs.glob(f"*/{PIN_FILE}"))
    return [file.parent.name for file in files if member_of(state, file.parent.name) == member]
