"""The members that the user has named, in one file of the state folder: <state>/members.json, for its owner alone."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path

from orchestrator.errors import UsageInvalid, WorldError
from orchestrator.host.members.member import LOCAL, Member
from orchestrator.host.state_folder import StateFolder

FILE = "members.json"
FIELDS = tuple(field.name for field in fields(Member))


def members(state: StateFolder) -> tuple[Member, ...]:
    """All members, in the order of their names. Raises WorldError where the file cannot be read."""
    file = state.root / FILE
    try:
        document = json.loads(file.read_bytes())
        rows = document["members"]
        listed = [Member(**{name: str(row[name]) for name in FIELDS if name in row}) for row in rows]
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, TypeError, KeyError) as error:
        hint = f"repair or remove the file, then: wirelab members add NAME ADDRESS; it is {file}"
        raise WorldError("the list of the members cannot be read", why=f"{file}: {error}", hint=hint) from error
    return tuple(sorted(listed, key=lambda member: member.name))


def member_named(state: StateFolder, name: str) -> Member:
    """The member of that name. Raises UsageInvalid, with the nearest name, where there is none."""
    known = {member.name: member for member in members(state)}
    if name in known:
        return known[name]
    from difflib import get_close_matches

    near = get_close_matches(name, known, n=1)
    why = f"the members are {', '.join(known)}" if known else "no member has been added yet"
    hint = f"did you mean {near[0]!r}?" if near else f"wirelab members add {name} ssh://USER@HOST"
    raise UsageInvalid(f"there is no member {name!r}", why=why, hint=hint)


def add_member(state: StateFolder, member: Member) -> None:
    """Write a member down. Raises UsageInvalid where the name or the engine is a member's already."""
    with _changed(state) as listed:
        _require_new(member, listed)
        listed.append(member)


def require_new(state: StateFolder, member: Member) -> None:
    """Raise UsageInvalid where the name or the engine is a member's already."""
    _require_new(member, members(state))


def _require_new(member: Member, listed: Sequence[Member]) -> None:
    for other in listed:
        if other.name == member.name:
            hint = f"choose another name, or first: wirelab members rm {member.name}"
            raise UsageInvalid(f"{member.name!r} is a member already", why=f"it is {other.address}", hint=hint)
        if member.engine_id and other.engine_id == member.engine_id:
            what = f"{member.address} is the engine of the member {other.name!r}"
            raise UsageInvalid(what, why=f"{other.name!r} is {other.address}", hint="use that name")


def remove_member(state: StateFolder, name: str) -> Member:
    """Forget a member, and return it. Raises UsageInvalid where there is none of that name."""
    member = member_named(state, name)
    with _changed(state) as listed:
        listed[:] = [other for other in listed if other.name != name]
    return member


def chosen_members(state: StateFolder, names: Sequence[str]) -> tuple[Member | None, ...]:
    """The members of these names, each once; None stands for the engine in use. Raises UsageInvalid."""
    return tuple(None if name == LOCAL else member_named(state, name) for name in dict.fromkeys(names))


@contextmanager
def _changed(state: StateFolder) -> Iterator[list[Member]]:
    """The members, to change; written whole afterwards. One process at a time."""
    state.private(state.root)
    with (state.root / f"{FILE}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        listed = list(members(state))
        yield listed
        _write(state.root / FILE, {"schema": 1, "members": [asdict(member) for member in listed]})


def _write(target: Path, document: object) -> None:
    """A reader sees the old file or the new one, and nobody else sees either."""
    new = target.with_suffix(".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(document, file, indent=1)
    os.replace(new, target)
