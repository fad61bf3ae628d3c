"""On which member a lab stands: <state>/labs/<lab>/member, which goes with the lab; without it, the engine in use.

A split lab stands on several, whose names are one word: `big+small`. A second line says that the member, or which of
several, has copies of the lab's files, because it does not see those of this machine. Which node of a split lab stands
on which member is in <state>/labs/<lab>/split.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from pathlib import Path
from shlex import join
from typing import TYPE_CHECKING

from orchestrator.errors import UsageInvalid
from orchestrator.host.members.names import is_split, parts
from orchestrator.host.state_folder import StateFolder

if TYPE_CHECKING:
    from orchestrator.planning.split import Split

PIN_FILE = "member"
COPIES = "copies"
SPLIT_FILE = "split"


def member_of(state: StateFolder, lab: str) -> str:
    """The name of the member, or of several; empty where the lab stands on the engine in use, or nowhere."""
    return _pin(state, lab)[0]


def copies_files(state: StateFolder, lab: str, member: str = "") -> bool:
    """Whether the nodes of the lab mount copies of its files, on a member that does not see those of this machine.

    Of a split lab: whether those on this `member` do.
    """
    home, copies = _pin(state, lab)
    return (member or home) in copies


def _pin(state: StateFolder, lab: str) -> tuple[str, tuple[str, ...]]:
    try:
        member, *more = (state.labs / lab / PIN_FILE).read_text().split("\n")
    except (OSError, ValueError):
        return "", ()
    word, *members = more[0].split() if more else ("",)
    return member, tuple(members) or (member,) if word == COPIES else ()


def keep_split(state: StateFolder, lab: str, split: Split) -> None:
    """Write down which node of the lab stands on which member. The caller holds the lab's lock."""
    text = json.dumps({"manager": split.manager, "nodes": dict(split.nodes)})
    target = state.private(state.labs / lab) / SPLIT_FILE
    if not target.exists() or target.read_text() != text:
        new = target.with_suffix(".new")
        new.write_text(text)
        os.replace(new, target)


def may_stand_on(state: StateFolder, lab: str, member: str) -> bool:
    """Whether to look for the lab on this member, or on these together: a split lab stands on all of its members."""
    home = member_of(state, lab)
    return home == member or not (is_split(home) or is_split(member))


def kept_split(state: StateFolder, lab: str) -> Split | None:
    """What `keep_split` wrote; None where the lab does not stand, or is not split."""
    from orchestrator.planning.split import Split

    try:
        document = json.loads((state.labs / lab / SPLIT_FILE).read_bytes())
        nodes = {str(node): str(member) for node, member in document["nodes"].items()}
        return Split(parts(member_of(state, lab)), str(document["manager"]), nodes)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def pin_lab(state: StateFolder, lab: str, member: str, *, copies: Collection[str] = ()) -> None:
    """Write down that the lab stands on this member, or with an empty name on the engine in use.

    `copies` has the members with copies of the lab's files. The caller holds the lab's lock, and nothing of the lab is
    made yet. Raises UsageInvalid where it stands elsewhere.
    """
    require_home(state, lab, (member,))
    if member and member_of(state, lab) != member:
        target = state.private(state.labs / lab) / PIN_FILE
        new = target.with_suffix(".new")
        new.write_text("\n".join((member, *((" ".join((COPIES, *sorted(copies))),) if copies else ()))))
        # A reader sees all of it or nothing.
        os.replace(new, target)


def require_home(state: StateFolder, lab: str, members: tuple[str, ...]) -> None:
    """Raise UsageInvalid where the lab stands already, and on none of these; the engine in use is the empty name."""
    home = member_of(state, lab)
    if home in members or not stands(state, lab):
        return
    where = f"the member {home!r}" if home else "the engine in use"
    where = f"the members {' and '.join(parts(home))}" if is_split(home) else where
    what = f"the lab {lab!r} stands on {where}"
    option = "--split" if is_split(home) or any(map(is_split, members)) else "--member"
    hint = f"leave {option} out; or remove the lab there first: {join(('wirelab', 'down', lab))}"
    raise UsageInvalid(what, why="a lab stays where it came up first", hint=hint)


def stands(state: StateFolder, lab: str) -> bool:
    """Whether an `up` of the lab has begun to make something, or completed it."""
    folder = state.labs / lab
    return any((folder / name).exists() for name in (PIN_FILE, "run", "source.json"))


def pinned_labs(state: StateFolder, member: str) -> list[str]:
    """The labs that stand on a member, whole or in part."""
    files: list[Path] = sorted(state.labs.glob(f"*/{PIN_FILE}"))
    return [file.parent.name for file in files if member in parts(member_of(state, file.parent.name))]
