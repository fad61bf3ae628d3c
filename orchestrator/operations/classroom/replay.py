"""What a seat did in its lesson, in order, for a talk afterwards: only where its learner has agreed to that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.errors import UsageInvalid
from orchestrator.lab.journal_reader import lesson_events

if TYPE_CHECKING:
    from orchestrator.events import LessonEvent
    from orchestrator.operations.classroom.folder import Classroom, ClassStore

NOT_AGREED = 'the learner has not agreed; the check box is on the page of the seat, below "What my teacher may see"'


@dataclass(frozen=True)
class ReplayConsent:
    """Whether the learner of a seat lets the teacher replay what happened there; kept with the class."""

    store: ClassStore
    class_name: str
    seat: str

    @property
    def is_given(self) -> bool:
        return self.store.consent_file(self.class_name, self.seat).exists()

    def give(self, *, is_given: bool) -> None:
        """Agree, or take the consent back."""
        file = self.store.consent_file(self.class_name, self.seat)
        if is_given:
            file.parent.mkdir(mode=0o700, exist_ok=True)
            file.touch(0o600)
        else:
            file.unlink(missing_ok=True)


@dataclass(frozen=True)
class Replay:
    """The events of the lesson of one seat with their times, in seconds since 1970, the oldest first."""

    class_name: str
    lesson: str
    seat: str
    steps: tuple[tuple[float, LessonEvent], ...]


def seat_replay(store: ClassStore, classroom: Classroom, seat_name: str) -> Replay:
    """What happened in the lesson of a seat. Raises UsageInvalid where its learner has not agreed."""
    seat = classroom.seat(seat_name)
    if not ReplayConsent(store, classroom.name, seat_name).is_given:
        raise UsageInvalid(
            f"{seat_name} is not replayed", why=NOT_AGREED, hint=f"wirelab class status {classroom.name}"
        )
    steps = tuple(lesson_events(store.state, seat.lab, classroom.created))
    return Replay(classroom.name, classroom.scenario_name, seat_name, steps)
