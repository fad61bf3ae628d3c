"""What is left of a lab whose removal is not complete. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from orchestrator.planning import labels
from orchestrator.quick_dataclass import dataclass

Labels = Mapping[str, str]


@dataclass(frozen=True)
class LabLeftovers:
    """How many things of a lab are left; none where only its files are."""

    lab: str
    containers: int = 0
    networks: int = 0
    volumes: int = 0

    @property
    def count(self) -> int:
        """How many things the engine still has."""
        return self.containers + self.networks + self.volumes

    @property
    def command(self) -> str:
        """What removes it."""
        return removal_command(self.lab)


def removal_command(lab: str) -> str:
    """The command that removes a lab also where its scenario is gone."""
    return f"wirelab down --lab {lab}"


def leftovers(
    containers: Sequence[Labels],
    networks: Sequence[Labels],
    volumes: Sequence[Labels],
    *,
    begun: Collection[str],
    alive: Callable[[str, str], bool],
    foreign: Callable[[Labels], bool],
) -> tuple[LabLeftovers, ...]:
    """The labs whose removal has `begun`, and those without a container that no living command makes.

    `alive(lab, run)` says whether the command of that run may still work on the lab; what is `foreign` is left out.
    """
    kinds = (containers, networks, volumes)
    standing = {container[labels.LAB] for container in containers}
    others = {labels_[labels.LAB] for kind in kinds for labels_ in kind if foreign(labels_)}
    without_container = {leftover[labels.LAB] for leftover in (*networks, *volumes)} - standing - others
    living = {
        leftover[labels.LAB]
        for leftover in (*networks, *volumes)
        if alive(leftover[labels.LAB], leftover.get(labels.RUN, ""))
    }  # fmt: skip
    return tuple(
        LabLeftovers(lab, *(sum(labels_[labels.LAB] == lab for labels_ in kind) for kind in kinds))
        for lab in sorted((without_container - living) | (set(begun) - others))
    )
