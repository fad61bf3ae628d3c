"""What a task does to the lab before the learner begins, and what a learner may do to repair it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

from orchestrator.model.faults import Fault
from orchestrator.model.language import Field, ScenarioModel
from orchestrator.model.values import NodeNames
from orchestrator.planning.lab_ref import LabRef

Permission = Literal["heal", "edit", "record"]


class Edit(ScenarioModel):
    """A piece of the scenario file, and what stands in its place in the lab's own copy."""

    replace: str = Field(
        min_length=1, description="A text that the file holds just once.", examples=["--bind, 0.0.0.0"]
    )
    by: str = Field(description="What stands there instead.", examples=["--bind, 127.0.0.1"])


class Setup(ScenarioModel):
    """What is changed in the lab before the task begins; the learner is not told what."""

    faults: Annotated[tuple[Fault, ...], Field(strict=False)] = Field(
        (), description="Faults that are put in, in this order.", examples=[[{"stop": "dns"}]]
    )
    edits: Annotated[tuple[Edit, ...], Field(strict=False)] = Field(
        (),
        description="Changes of the lab's own copy of the scenario file; the lab is then made from this copy.",
        examples=[[{"replace": "--bind, 0.0.0.0", "by": "--bind, 127.0.0.1"}]],
    )


class Allow(ScenarioModel):
    """What a learner may do to repair the lab; the lesson tells it, with the command."""

    do: Annotated[tuple[Permission, ...], Field(strict=False)] = Field(
        (),
        description="heal; edit the lab's own copy of the scenario file, and up; change a record of a DNS server.",
        examples=[["heal"]],
    )
    shell: NodeNames = Field((), description="Nodes whose shell the learner may open.", examples=[["server"]])


def edited(text: str, edits: Iterable[Edit]) -> str:
    """The text with each edit made, in this order."""
    for edit in edits:
        text = text.replace(edit.replace, edit.by, 1)
    return text


def edit_mistakes(text: str, edits: Iterable[Edit]) -> Iterator[tuple[int, str, str]]:
    """The index of each edit that cannot be made or be undone, its key, and why: each text must be there just once."""
    for index, edit in enumerate(edits):
        if (count := text.count(edit.replace)) != 1:
            message = f"{edit.replace!r} stands {_times(count)} in the scenario file; it must stand there just once"
            yield index, "replace", message
        text = edited(text, [edit])
        if edit.by and (count := text.count(edit.by)) > 1:
            message = f"{edit.by!r} then stands {_times(count)} in the scenario file, so a learner cannot tell which"
            yield index, "by", f"{message} to change; make it differ"


def _times(count: int) -> str:
    return f"{count} times" if count else "nowhere"


def permission_texts(allow: Allow, lab: LabRef, file: str) -> tuple[str, ...]:
    """One sentence for each thing that the learner may do, with its command. `file` is the lab's own copy."""
    sentences = {
        "heal": f"Take back what was broken: {lab.command('heal')}",
        "edit": f"Edit the lab's own copy of the scenario file, {file}, and then: {lab.command('up')}",
        "record": f"Change a record of a DNS server: {lab.command('inject')} record SERVER NAME A ADDRESS",
    }
    shells = (f"Work in a shell of {node}: {lab.command('shell', node)}" for node in allow.shell)
    return (*shells, *(sentences[permission] for permission in allow.do))
