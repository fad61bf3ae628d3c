"""What an operation works with: the state folder, the container engine in use, and the run that guards what is made."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import field, replace
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

from orchestrator.errors import UsageInvalid, WirelabError
from orchestrator.events import Actor, Event
from orchestrator.host.members.names import is_split, parts
from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.interrupts import uninterrupted
from orchestrator.operations.scenario_library import FILE, display_path, find_scenario
from orchestrator.operations.trusted import is_trusted
from orchestrator.quick_dataclass import dataclass

if TYPE_CHECKING:
    from orchestrator.engine.protocol import Engine
    from orchestrator.lab.guard import Guard
    from orchestrator.lab.journal import Journal
    from orchestrator.lab.lab import Lab
    from orchestrator.lab.member_engine import MemberEngine
    from orchestrator.model.scenario import Scenario
    from orchestrator.operations.members.home import Home
    from orchestrator.operations.members.split_members import SplitMembers
    from orchestrator.operations.scenario_library import LoadedScenario

NO_RUN = "none"
LAB_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")


@dataclass(frozen=True)
class Workspace:
    """The state folder and one engine, with its address.

    `member` is the member whose engine it is, empty for the engine in use. New labs there mount copies of their files
    where it `copies_files`. A `split` lab has several members, whose engines are one.
    `actor` says who causes the events of this workspace. `notify` takes a line of progress for a person, `on_event`
    each event as it is written to the journal.
    """

    state: StateFolder
    url: str
    engine: Engine
    notify: Callable[[str], None] = lambda _text: None
    on_event: Callable[[Event], None] = lambda _event: None
    actor: Actor = field(default_factory=Actor)
    member: str = ""
    copies_files: bool = False
    split: SplitMembers | None = None
    _journals: dict[tuple[str, str], Journal] = field(default_factory=dict, repr=False, compare=False)

    @property
    def engine_urls(self) -> tuple[str, ...]:
        """The address of each engine of this workspace."""
        return tuple(self.split.urls.values()) if self.split else (self.url,)

    def url_of(self, container: str) -> str:
        """The address of the engine that has the container."""
        return self.split.urls[self.split.engine.member_of(container)] if self.split else self.url

    def require_recordable(self, lab_name: str) -> None:
        """Raise UsageInvalid where nothing could hear the packets of the lab: for lessons and live pages."""
        if self.split:
            from orchestrator.planning.capture import split_unrecorded

            raise split_unrecorded(lab_name, tuple(self.split.urls))

    def images(self, names: Sequence[str]) -> Mapping[str, str]:
        """Return the tags of wirelab's own images, and build those that are missing, or send them to the member."""
        if self.member:
            from orchestrator.operations.members.images import ensure_images

            with self.naming_errors():
                for url in self.engine_urls:
                    ensure_images(self.state, url, names, self.notify)
                return self.image_tags(names)
        from orchestrator.host.images.catalog import image_catalog

        return image_catalog(self.url, self.state, os.environ, self.notify).ensure(names)

    @contextmanager
    def naming_errors(self) -> Iterator[None]:
        """Let an error of an engine that does not answer name the member whose it is."""
        from orchestrator.host.members.reach import naming_member

        with ExitStack() as stack:
            for member, url in (self.split.urls if self.split else {self.member: self.url}).items():
                stack.enter_context(naming_member(member, url))
            yield

    def image_tags(self, names: Sequence[str]) -> Mapping[str, str]:
        """The tags of wirelab's own images, whether or not the engine has them. Builds nothing."""
        from orchestrator.host.images.files import images_folder, tags_of

        return tags_of(names, images_folder())

    def missing_images(self, names: Sequence[str]) -> tuple[str, ...]:
        """Those of wirelab's own images that the engine lacks. Builds nothing."""
        from orchestrator.host.images.catalog import image_catalog

        with self.naming_errors():
            catalogs = [image_catalog(url, self.state, os.environ, self.notify) for url in self.engine_urls]
            missing = {name for catalog in catalogs for name in catalog.missing(names)}
            return tuple(name for name in names if name in missing)

    def isolates_ipv6(self) -> bool | None:
        """Whether this engine isolates internal networks with IPv6; None where nobody can tell."""
        from orchestrator.host.machine import isolates_ipv6

        with self.naming_errors():
            answers = [isolates_ipv6(url) for url in self.engine_urls]
            return False if False in answers else None if None in answers else True

    def machine_memory(self) -> int:
        """The memory of the engine's machine in MiB; 0 where the engine does not tell."""
        from orchestrator.host.machine import machine_memory

        with self.naming_errors():
            memories = [machine_memory(url) for url in self.engine_urls]
            return sum(memories) if all(memories) else 0

    def unlimited(self) -> tuple[str, ...]:
        """What the engine sets no limit on, such as "memory"; nothing where it does not tell."""
        from orchestrator.host.machine import unlimited

        try:
            return tuple(dict.fromkeys(what for url in self.engine_urls for what in unlimited(url)))
        except WirelabError:
            return ()

    def free_memory(self) -> int | None:
        """The memory that the engine's machine has left, in MiB; None where nobody can tell."""
        from orchestrator.host.machine import free_memory

        with self.naming_errors():
            memories = [free_memory(url) for url in self.engine_urls]
            return None if None in memories else sum(memory for memory in memories if memory is not None)

    def lab(self, scenario: LoadedScenario, name: str | None, *, run: str = "", **settings: object) -> Lab:
        """The lab of a scenario, with these Settings. It has the scenario's name where `name` is None.

        Missing images are built by steps: those of its plan, or of an operation that needs one.
        """
        from orchestrator.lab.lab import Lab
        from orchestrator.lab.settings import Settings
        from orchestrator.lab.source import LabSource, was_trusted

        reading = scenario.reading
        lab_name = name or reading.scenario.name
        journal = self.journal(lab_name, run)
        source = LabSource(reading.scenario.name, os.path.abspath(scenario.path), scenario.text, reading.texts)
        usual: dict[str, object] = {
            "publish": self.publisher(journal),
            "hide": journal.hide,
            "actor": self.actor,
            "run": run or NO_RUN,
            "images": self.image_tags,
            "missing_images": self.missing_images,
            "build_images": self.images,
            "shield": uninterrupted,
            "isolates_ipv6": self.isolates_ipv6,
            "machine_memory": self.machine_memory,
            "trusted": is_trusted(scenario, os.environ) or was_trusted(self.state, lab_name, source),
            "place": scenario.place,
            "member": self.member,
            **self.member_settings(lab_name, reading.scenario, run),
            "scenario_argument": scenario.typed or _scenario_display_path(scenario),
            "source": source,
        }
        whole = Settings(**usual | settings)  # type: ignore[arg-type]
        return Lab(self.engine, self.state, lab_name, reading.scenario, reading.texts, whole)

    def member_settings(self, lab_name: str, scenario: Scenario, run: str) -> dict[str, object]:
        """The settings of a lab whose member has copies of its files, and of one that is split."""
        from orchestrator.lab.member_pin import copies_files, stands

        if self.split:
            return self.split.settings(lab_name, scenario, run or NO_RUN, self.image_tags(("client",))["client"])
        standing = self.member and stands(self.state, lab_name)
        if not (copies_files(self.state, lab_name) if standing else self.copies_files):
            return {}
        from orchestrator.lab.member_engine import MemberEngine
        from orchestrator.lab.store import LabFolder
        from orchestrator.planning import labels

        engine, folder = self.engine, LabFolder(self.state, lab_name).path
        assert isinstance(engine, MemberEngine)
        own = labels.of_lab(lab_name, scenario.name, run or NO_RUN)
        image = self.image_tags(("client",))["client"]
        return {"copies": (self.member,), "on_files": lambda node: engine.put_files(folder / node, own, image)}

    def journal(self, lab_name: str, run: str = "") -> Journal:
        """The journal of a lab, as this run writes it."""
        key = (lab_name, run)
        if key not in self._journals:
            from orchestrator.lab.journal import Journal
            from orchestrator.lab.store import LabFolder

            actor = replace(self.actor, run=run) if run else self.actor
            self._journals[key] = Journal(self.state, lab_name, actor, on_trouble=self.notify)
            self._journals[key].hide(LabFolder(self.state, lab_name).secrets())
        return self._journals[key]

    def publisher(self, journal: Journal) -> Callable[[Event], None]:
        """A function that writes an event to the journal and hands it to `on_event`."""

        def publish(event: Event) -> None:
            journal.publish(event)
            self.on_event(event)

        return publish

    def without_watcher(self) -> Workspace:
        """The same workspace, whose events go to the journal alone."""
        return replace(self, on_event=lambda _event: None)

    def acting_as(self, actor: Actor) -> Workspace:
        """The same workspace for another actor, with journals of its own: `close_journals` closes them."""
        return replace(self, actor=actor, on_event=lambda _event: None, _journals={})

    def close_journals(self) -> None:
        """Close the journals, and not the engine, which another workspace may share."""
        for journal in self._journals.values():
            journal.close()

    def close(self) -> None:
        """Close the connection to the engine and the journals."""
        self.close_journals()
        self.engine.close()

    def guard(self, *, keep: bool = False) -> Guard:
        """A context that removes what was made inside if this process dies in it. Gives the run's id.

        Where the command is interrupted, cannot remove all of it or loses the engine, the run counts as dead; with
        `keep` what was made then stays.
        """
        from orchestrator.lab.guard import Guard

        return Guard(self.url, self.state, os.environ, keep=keep, member=self.member)


def open_workspace(
    *,
    start: bool = True,
    read_only: bool = False,
    notify: Callable[[str], None],
    confirm: Callable[[str], bool],
    on_event: Callable[[Event], None] = lambda _event: None,
    actor: Actor | None = None,
    lab_name: str = "",
    members: Sequence[str] = (),
    nodes: int = 1,
) -> Workspace:
    """Find an engine or, with `start`, start one if `confirm` says yes to the question. Raises EngineMissing.

    `notify` is told which engine it is, unless the command is `read_only`: that line would stand before each answer.
    The lab `lab_name` may stand on a member, or is to come up, with so many `nodes`, on one of `members`.
    """
    state = StateFolder.of(os.environ)
    notify_engine: Callable[[str], None] = (lambda _text: None) if read_only else notify
    if lab_name:
        from orchestrator.operations.members.home import find_home

        if home := find_home(state, lab_name, members, nodes=nodes, notify=notify):
            notify_engine(_engine_line(home))
            if read_only:  # whether the engine sees our files is tried with a container
                home = replace(home, is_new=False)
            return member_workspace(state, home, notify=notify, on_event=on_event, actor=actor)
    from orchestrator.host.find import find_engine

    private = start and not read_only
    engine = find_engine(os.environ, state, private=private, notify=notify_engine, confirm=confirm)
    from orchestrator.engine.opening import open_engine

    return Workspace(state, engine.url, open_engine(engine.url), notify, on_event, actor or Actor(new_run_id()))


def member_workspace(
    state: StateFolder,
    home: Home,
    *,
    notify: Callable[[str], None],
    on_event: Callable[[Event], None] = lambda _event: None,
    actor: Actor | None = None,
) -> Workspace:
    """The workspace of a member, or of several. For a new lab it is tried whether they see this machine's files."""
    if is_split(home.member):
        from orchestrator.operations.members.split_members import open_split_members

        split, actor = open_split_members(state, home), actor or Actor(new_run_id())
        return Workspace(state, home.url, split.engine, notify, on_event, actor, home.member, split=split)
    from orchestrator.lab.member_engine import open_member_engine

    engine, copies = open_member_engine(home.url, state, home.member), home.copies
    if home.is_new:
        copies = _needs_copies(state, home, engine)
    return Workspace(state, home.url, engine, notify, on_event, actor or Actor(new_run_id()), home.member, copies)


def _needs_copies(state: StateFolder, home: Home, engine: MemberEngine) -> bool:
    """Whether the member does not see the files of this machine: as a lab that stands there knows, or by trying it."""
    from orchestrator.lab.member_pin import copies_files, pinned_labs

    if labs := pinned_labs(state, home.member):
        return copies_files(state, labs[0], home.member)
    from orchestrator.engine.docker.images import DockerImageStore
    from orchestrator.host.members.reach import naming_member
    from orchestrator.operations.members.file_probe import sees_files

    with naming_member(home.member, home.url):
        return sees_files(engine, DockerImageStore(home.url), state) is False


def _engine_line(home: Home) -> str:
    if is_split(home.member):
        return f"engines: those of the members {', '.join(parts(home.member))}"
    return f"engine: {home.url} (member {home.member})"


def new_run_id() -> str:
    """A name for what one command does, where no guard gives one."""
    return token_hex(6)


def valid_lab_name(name: str) -> str:
    """The name, if a lab can have it: it is part of the engine's names and of a folder's. Raises UsageInvalid."""
    if LAB_NAME.fullmatch(name):
        return name
    raise UsageInvalid(
        f"{name!r} is no name for a lab",
        why="it is 1 to 40 of the letters a-z, the digits and '-', and neither begins nor ends with '-'",
        hint="--lab basic-2",
    )


def _scenario_display_path(scenario: LoadedScenario) -> str:
    """What a person types here to name the scenario: its name where that finds it, otherwise its folder."""
    here, name = Path.cwd(), scenario.reading.scenario.name
    try:
        by_name = find_scenario(name, here).resolve()
    except UsageInvalid:
        by_name = None
    own = Path(display_path(scenario.path, here))
    return name if by_name == scenario.path.resolve() else str(own.parent if own.name == FILE else own)
