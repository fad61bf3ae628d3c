"""Steps that build missing images of ours: those that a plan's own steps need, and no other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from orchestrator.planning.plan import AwaitReady, BuildImage, CutOff, MakeCapture, MakeNode, SetRoutes, Step
from orchestrator.planning.snapshot import Snapshot
from orchestrator.planning.specs import ContainerSpec


def image_steps(names: Iterable[str]) -> tuple[Step, ...]:
    """A step that builds each of these images."""
    return tuple(Step(_step_id(name), BuildImage(name), "missing") for name in names)


def with_missing_images(steps: Sequence[Step], observed: Snapshot) -> list[Step]:
    """The steps after those that build what is missing of their images; each needs its own image alone."""
    missing = {observed.images[name]: name for name in observed.missing_images}
    if not missing:
        return list(steps)
    needed = {id(step): tuple(_missing_images(step, missing)) for step in steps}
    names = dict.fromkeys(name for step in steps for name in needed[id(step)])
    with_needs = [replace(step, needs=(*map(_step_id, needed[id(step)]), *step.needs)) for step in steps]
    return [*image_steps(name for name in observed.missing_images if name in names), *with_needs]


def _missing_images(step: Step, missing: Mapping[str, str]) -> Iterator[str]:
    for spec in _specs_of(step):
        if spec.image in missing:
            yield missing[spec.image]


def _specs_of(step: Step) -> tuple[ContainerSpec, ...]:
    """The containers that a step makes."""
    match step.action:
        case MakeNode(spec=spec) | MakeCapture(spec=spec):
            return (spec,)
        case AwaitReady(beside=beside):
            return (beside,) if beside else ()
        case SetRoutes(helper=helper) | CutOff(helper=helper):
            return (helper,)
        case _:
            return ()


def _step_id(name: str) -> str:
    return f"image:{name}"
