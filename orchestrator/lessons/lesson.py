"""What an author writes in the front matter of `lesson.md`: tasks, each typed by the key that proves it.

In every text `${NAME}` is the value of a variable of the lesson, and `${lab}` the name of the learner's lab. In `run`
and in checks `${NODE}` is the address of a node, as in a scenario file.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from orchestrator.lessons.observations import EarlierObservation, Observation
from orchestrator.lessons.setup import Allow, Edit, Setup
from orchestrator.model.checks import Check
from orchestrator.model.faults import Fault
from orchestrator.model.faults.fault import BaseFault
from orchestrator.model.language import Discriminator, Field, ScenarioModel, Tag, kind_by_key
from orchestrator.model.values import NodeName, NodeNames, Texts, VariantNames

TASK_NAME = "^[a-z][a-z0-9-]{0,39}$"
VARIABLE_NAME = "^[a-z][a-z0-9_]{0,39}$"


class Variable(ScenarioModel):
    """A value that differs from learner to learner; it is chosen by the learner's seed and kept."""

    pick: Texts = Field(min_length=1, description="The values, one of which is chosen.", examples=[["anvil", "lamp"]])


class Run(ScenarioModel):
    """A program that is run in a node, as a learner would in its shell."""

    node: NodeName = Field(alias="from", description="The node whose shell runs it.", examples=["client"])
    run: Texts = Field(
        min_length=1, description="The program and its arguments; no shell.", examples=[["dig", "app.shop.lab"]]
    )


class Attempt(Run):
    """A program that a learner runs to complete a task."""

    background: bool = Field(
        False, description="true: it goes on while the task is judged, as a server does.", examples=[True]
    )


class WrongRun(Attempt):
    """An attempt that must not complete the task, and the sentence that the learner must get."""

    told: str = Field(
        min_length=1,
        description="A text that the sentence about what is wrong must hold.",
        examples=["nobody has that name"],
    )


class BaseTask(ScenarioModel):
    """What every task can say."""

    title: str = Field(
        min_length=1,
        max_length=200,
        description="What the learner is to do, or the question, in one sentence.",
        examples=["Ask for the address of app.shop.lab"],
    )
    hints: Texts = Field(
        (), description="Help in steps, from the symptom to the command.", examples=[["A name becomes an address."]]
    )
    needs: Texts = Field(
        (),
        description="Earlier tasks without which this one makes no sense; who goes to this task does them first.",
        examples=[["look-up"]],
    )
    fault: Fault | None = Field(
        None, description="A fault that is put in when the task begins.", examples=[{"stop": "dns"}]
    )
    setup: Setup = Field(
        default_factory=Setup,
        description="More that is changed in the lab when the task begins: faults, edits of the lab's own file.",
        examples=[{"faults": [{"stop": "dns"}]}],
    )

    @property
    def faults(self) -> tuple[BaseFault, ...]:
        """All faults of the task, in the order in which they are put in."""
        return (*((self.fault,) if self.fault else ()), *self.setup.faults)

    @property
    def edits(self) -> tuple[Edit, ...]:
        return self.setup.edits


class DoneTask(BaseTask):
    """A task that is completed by something that the learner does."""

    solve: Attempt | Literal["heal", "edit"] = Field(
        description="What completes the task: a program in a node, heal, or edit: undo the edits of setup, and up.",
        examples=[{"from": "client", "run": ["dig", "app.shop.lab"]}, "heal"],
    )
    allow: Allow | None = Field(
        None,
        description="What the learner may do to repair the lab; without it, what `solve` does.",
        examples=[{"do": ["edit"], "shell": ["server"]}],
    )
    wrong: Annotated[tuple[WrongRun, ...], Field(strict=False)] = Field(
        (),
        description="Attempts that must not complete the task.",
        examples=[[{"from": "client", "run": ["dig", "ap.shop.lab"], "told": "nobody has that name"}]],
    )

    @property
    def allowed(self) -> Allow:
        """What the learner may do to repair the lab; nothing where the task asks for a program."""
        if self.allow is not None:
            return self.allow
        return Allow(do=(self.solve,)) if isinstance(self.solve, str) else Allow()

    @property
    def uses_copy(self) -> bool:
        """Whether the lab is made from a copy of its own, which the learner may edit."""
        return bool(self.edits) or "edit" in self.allowed.do


class ObserveTask(DoneTask):
    """Something happened, proved by packets. It completes once, whatever program caused it."""

    observe: Observation = Field(
        description="What the packets must show.", examples=[{"from": "client", "resolves": "app.shop.lab"}]
    )
    after: EarlierObservation | None = Field(
        None,
        description="What the packets must show before that, since the task began.",
        examples=[{"from": "client", "resolves": "app.shop.lab"}],
    )


class HoldsTask(DoneTask):
    """A check of the scenario language holds. In a task with a fault, the learner repairs what is broken."""

    holds: Check = Field(
        description="The check that must hold.",
        examples=[{"name": "The app answers", "from": "client", "http": "http://app.shop.lab/items"}],
    )


class FirstServer(ScenarioModel):
    """The node to which the first packets of a program go."""

    first_server: Run = Field(
        description="The program that is run.", examples=[{"from": "client", "run": ["curl", "http://app.shop.lab/"]}]
    )


class AddressOf(ScenarioModel):
    """The address of a node."""

    address_of: NodeName = Field(description="The node.", examples=["app"])


class BrokenLayer(ScenarioModel):
    """The first layer that is broken of a check of the scenario, as `wirelab why` names it."""

    broken_layer: str = Field(
        min_length=1, description="A part of the name of the check.", examples=["The app answers the client"]
    )


class Fact(ScenarioModel):
    """A fact that no lab can show; `source` says where it stands."""

    value: str = Field(min_length=1, description="The right answer.", examples=["65535"])
    source: str = Field(min_length=1, description="Where it stands.", examples=["RFC 9293, section 3.1"])


def truth_of(value: Any) -> str | None:
    """The kind of a truth, from the key that names it."""
    return kind_by_key(value, TRUTHS)


TRUTHS: dict[str, type[ScenarioModel]] = {
    "first_server": FirstServer,
    "address_of": AddressOf,
    "broken_layer": BrokenLayer,
    "value": Fact,
}
Truth = Annotated[
    Annotated[FirstServer, Tag("first_server")]
    | Annotated[AddressOf, Tag("address_of")]
    | Annotated[BrokenLayer, Tag("broken_layer")]
    | Annotated[Fact, Tag("value")],
    Discriminator(truth_of),
    VariantNames("truth", "what the right answer is", "such as {address_of: app}"),
]


class AskTask(BaseTask):
    """A question. The right answer, and the wrong ones, come from the running lab where it can know them."""

    ask: Literal["nodes", "addresses", "layers", "choices", "address", "port"] = Field(
        description="What is to be chosen (nodes, addresses, layers, or the choices given) or typed (address, port).",
        examples=["nodes"],
    )
    choices: Texts = Field((), description="The answers to choose from, with ask: choices.", examples=[["yes", "no"]])
    truth: Truth = Field(description="What the right answer is.", examples=[{"address_of": "app"}])
    because: str = Field(
        min_length=1,
        description="Why the right answer is right; the learner reads it afterwards.",
        examples=["The name must become an address first."],
    )


class PredictTask(BaseTask):
    """The learner puts the steps of a program in order, as they will cross the wire; then they are shown."""

    predict: Run = Field(
        description="The program whose steps are put in order.",
        examples=[{"from": "client", "run": ["curl", "http://app.shop.lab/items"]}],
    )
    because: str = Field(
        min_length=1,
        description="Why the order is this one; the learner reads it afterwards.",
        examples=["A name becomes an address before a connection is opened."],
    )


TASKS: dict[str, type[BaseTask]] = {
    "observe": ObserveTask,
    "holds": HoldsTask,
    "ask": AskTask,
    "predict": PredictTask,
}


def kind_of(task: Any) -> str | None:
    """The kind of a task, from the key that names it; None where there is none or more than one."""
    return kind_by_key(task, TASKS)


Task = Annotated[
    Annotated[ObserveTask, Tag("observe")]
    | Annotated[HoldsTask, Tag("holds")]
    | Annotated[AskTask, Tag("ask")]
    | Annotated[PredictTask, Tag("predict")],
    Discriminator(kind_of),
    VariantNames("task", "what completes it", "with a title and what completes it"),
]
AnyTask = ObserveTask | HoldsTask | AskTask | PredictTask
QuestionTask = AskTask | PredictTask


class Lesson(ScenarioModel):
    """A lesson of a scenario: its tasks in the order in which they are done."""

    title: str = Field(min_length=1, description="One line for the list of lessons.", examples=["DNS comes first"])
    minutes: int = Field(ge=1, le=120, description="How long it takes a newcomer.", examples=[15])
    needs: Texts = Field((), description="The lessons that come before this one.", examples=[["basic"]])
    shell: NodeNames = Field(description="The nodes in which the learner works.", examples=[["client"]])
    vars: dict[Annotated[str, Field(pattern=VARIABLE_NAME)], Variable] = Field(
        default_factory=dict, description="Values that differ from learner to learner."
    )
    tasks: dict[Annotated[str, Field(pattern=TASK_NAME)], Task] = Field(
        min_length=1, description="Name of the task -> what is to be done.", examples=[{}]
    )

    def needed_by(self, name: str) -> tuple[str, ...]:
        """The tasks that come before this one in any case, in the order of the lesson."""
        needed = {name}
        for task in reversed(self.tasks):
            if task in needed:
                needed |= set(self.tasks[task].needs)
        return tuple(task for task in self.tasks if task in needed and task != name)
