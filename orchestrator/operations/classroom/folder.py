"""What is kept of a class: its scenario, its seats with their seeds, tokens and codes, and the port of its server.

A seat keeps its lab, token and seed for as long as the class is kept, so that whatever ends the server, the next start
goes on with the same links.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.errors import LabBusy, UsageInvalid
from orchestrator.lab.lock import hold
from orchestrator.lessons.seat_code import SECRET_BITS, SeatCode
from orchestrator.model.secret import Secret
from orchestrator.operations.classroom.endpoint import ON_THIS_MACHINE, Endpoint, Tls
from orchestrator.operations.output_file import replace_file

if TYPE_CHECKING:
    from orchestrator.host.state_folder import StateFolder

SCHEMA = 1
TOKEN_BYTES = 32
AUTHORITY = "authority.pem"
SEEDS = 1_000_000
# With "-seat99" it is a lab's name.
CLASS_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,29}[a-z0-9])?")


@dataclass(frozen=True)
class ClassSeat:
    """One place for a learner: the lab, the token of its link, and the seed of its values.

    `code` is what a learner with an own machine types; its secret seals the result. It is empty in a class of an
    earlier version of wirelab.
    """

    name: str
    lab: str
    token: str
    seed: int
    code: str = field(default="", repr=False)


@dataclass(frozen=True)
class Classroom:
    """A class. `scenario` is the path of its file, `created` in seconds since 1970.

    `endpoint` is where its server was reached last; its port is 0 before the first start. No seat begins the task
    `held_from` or a later one; "" holds none.
    """

    name: str
    scenario: str
    board_token: str
    created: float
    endpoint: Endpoint = ON_THIS_MACHINE
    seats: tuple[ClassSeat, ...] = ()
    held_from: str = ""

    @property
    def scenario_name(self) -> str:
        """How a person calls the scenario: its folder."""
        return Path(self.scenario).parent.name

    def seat(self, name: str) -> ClassSeat:
        """The seat of this name. Raises UsageInvalid."""
        named = next((seat for seat in self.seats if seat.name == name), None)
        if named is None:
            known = f"its seats are {self.seats[0].name} to {self.seats[-1].name}"
            raise UsageInvalid(f"the class {self.name!r} has no seat {name!r}", why=known)
        return named

    def with_seats(self, count: int) -> Classroom:
        """The same class with so many seats; those that it has stay as they are. Raises UsageInvalid for fewer."""
        if count < len(self.seats):
            what = f"the class {self.name!r} has {len(self.seats)} seats, and keeps them"
            hint = f"wirelab class stop {self.name} --forget, to begin another class"
            raise UsageInvalid(what, hint=hint)
        taken = {seat.seed for seat in self.seats}
        seats = list(self.seats)
        for number in range(len(seats) + 1, count + 1):
            seed = next(seed for seed in iter(_random_seed, None) if seed not in taken)
            taken.add(seed)
            name = f"seat{number:02}"
            seats.append(ClassSeat(name, f"{self.name}-{name}", secrets.token_urlsafe(TOKEN_BYTES), seed))
        return replace(self, seats=tuple(seat if seat.code else self._with_code(seat) for seat in seats))

    def holding(self, task: str, tasks: Sequence[str]) -> Classroom:
        """The same, where a task of the lesson and all later ones are held. Raises UsageInvalid."""
        at = _place(task, tasks)
        return self if self.held_from in tasks[: at + 1] else replace(self, held_from=task)

    def opening(self, task: str, tasks: Sequence[str]) -> Classroom:
        """The same, where a task and all before it are open; "" opens all. Raises UsageInvalid."""
        if not task:
            return replace(self, held_from="")
        at = _place(task, tasks)
        if self.held_from not in tasks[: at + 1]:
            return self
        return replace(self, held_from=next(iter(tasks[at + 1 :]), ""))

    def _with_code(self, seat: ClassSeat) -> ClassSeat:
        secret = Secret(str(secrets.randbits(SECRET_BITS)))
        return replace(seat, code=SeatCode(self.name, seat.name, seat.seed, secret).text)


def _place(task: str, tasks: Sequence[str]) -> int:
    """Where a task stands in its lesson. Raises UsageInvalid."""
    if task not in tasks:
        raise UsageInvalid(f"the lesson has no task {task[:80]!r}", why=f"its tasks are {', '.join(tasks)}")
    return tasks.index(task)


def _random_seed() -> int:
    return secrets.randbelow(SEEDS)


def new_class(name: str, scenario: Path) -> Classroom:
    """A class without seats."""
    return Classroom(name, str(scenario), secrets.token_urlsafe(TOKEN_BYTES), time.time())


def valid_class_name(name: str) -> str:
    """The name, if a class can have it: the names of its labs begin with it. Raises UsageInvalid."""
    if CLASS_NAME.fullmatch(name):
        return name
    why = "it is 1 to 31 of the letters a-z, the digits and '-', and neither begins nor ends with '-'"
    raise UsageInvalid(f"{name[:80]!r} is no name for a class", why=why, hint="wirelab class start monday --seats 12")


@dataclass(frozen=True)
class ClassStore:
    """The classes of this state folder: a folder each, which only its owner can read."""

    state: StateFolder

    def folder(self, name: str) -> Path:
        return self.state.root / "classes" / name

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(file.parent.name for file in self.folder("x").parent.glob("*/class.json")))

    def load(self, name: str) -> Classroom | None:
        """The class; None where there is none that can be read."""
        try:
            document = json.loads((self.folder(valid_class_name(name)) / "class.json").read_text("utf-8"))
            return _class_of(document)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def require(self, name: str) -> Classroom:
        """The class. Raises UsageInvalid where there is none."""
        if classroom := self.load(name):
            return classroom
        names = self.names()
        why = f"the classes are {', '.join(names)}" if names else "there is no class here"
        raise UsageInvalid(f"there is no class {name!r}", why=why, hint=f"wirelab class start {name} --seats 12")

    def save(self, classroom: Classroom) -> None:
        folder = self.private_folder(classroom.name)
        document = {"schema": SCHEMA, **asdict(classroom)}
        file = folder / "class.json"
        if not file.exists():
            file.touch(0o600)
        file.chmod(0o600)
        replace_file(file, [json.dumps(document, indent=1).encode()])

    def private_folder(self, name: str) -> Path:
        """The folder of a class, which only its owner can read; made where there is none."""
        folder = self.state.private(self.folder(name))
        folder.chmod(0o700)
        return folder

    def consent_file(self, class_name: str, seat_name: str) -> Path:
        """It is there where the learner of a seat has agreed to a replay."""
        return self.folder(class_name) / "consent" / seat_name

    def authority_file(self, classroom: Classroom) -> str:
        """The certificate of the class's own authority; empty where none proves its server."""
        tls, folder = classroom.endpoint.tls, self.folder(classroom.name)
        return str(folder / AUTHORITY) if tls and Path(tls.certificate).parent == folder else ""

    def forget(self, name: str) -> None:
        """Delete all that is kept of the class itself."""
        shutil.rmtree(self.folder(name), ignore_errors=True)

    @contextmanager
    def serving(self, name: str) -> Iterator[None]:
        """Hold the class while it is served, or removed. Raises LabBusy where another process does."""
        held = hold(self.state.private(self.folder(valid_class_name(name))) / "lock")
        if held is None:
            why = "another process serves it, or removes it"
            raise LabBusy(f"the class {name!r} is busy", why=why, hint="end it there with Ctrl-C")
        try:
            yield
        finally:
            os.close(held)

    def is_served(self, name: str) -> bool:
        """Whether a process holds the class now."""
        file = self.folder(name) / "lock"
        if not file.exists():
            return False
        held = hold(file)
        if held is not None:
            os.close(held)
        return held is None


def _class_of(document: Any) -> Classroom | None:
    if document.pop("schema") != SCHEMA:
        return None
    seats = tuple(ClassSeat(**seat) for seat in document.pop("seats"))
    if "endpoint" in document:
        kept = document.pop("endpoint")
        tls = kept.pop("tls")
        endpoint = Endpoint(**kept, tls=Tls(**tls) if tls else None)
    else:  # a class of an earlier version of wirelab
        endpoint = Endpoint(document.pop("port"))
    return Classroom(**document, endpoint=endpoint, seats=seats)
