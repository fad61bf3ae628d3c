"""The members of a split lab: their engines as one, and the settings of a lab on several members."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from orchestrator.host.members.names import parts
from orchestrator.quick_dataclass import dataclass

if TYPE_CHECKING:
    from orchestrator.host.state_folder import StateFolder
    from orchestrator.lab.member_engine import MemberEngine
    from orchestrator.lab.split_engine import SplitEngine
    from orchestrator.model.scenario import Scenario
    from orchestrator.operations.members.home import Home
    from orchestrator.planning.split import Split


@dataclass(frozen=True)
class SplitMembers:
    """`engines` has the engine of each member, `urls` its address, `engine` all of them as one.

    `copies` are the members that do not see the files of this machine, for a lab that comes up, or comes up anew.
    """

    state: StateFolder
    engine: SplitEngine
    engines: Mapping[str, MemberEngine]
    urls: Mapping[str, str]
    copies: tuple[str, ...] = ()

    def settings(self, lab_name: str, scenario: Scenario, run: str, image: str) -> dict[str, object]:
        """The settings of a lab that stands on these members; `image` is one of ours, for the copies of its files."""
        from orchestrator.lab.member_pin import copies_files, kept_split, stands
        from orchestrator.lab.store import LabFolder
        from orchestrator.planning import labels

        copies = self.copies
        if stands(self.state, lab_name):
            copies = tuple(name for name in self.engines if copies_files(self.state, lab_name, name))
        folder = LabFolder(self.state, lab_name).path
        own = labels.of_lab(lab_name, scenario.name, run)

        def put_files(node: str) -> None:
            split = kept_split(self.state, lab_name)
            if split and (member := split.nodes[node]) in copies:
                self.engines[member].put_files(folder / node, own, image)

        return {"copies": copies, "on_files": put_files, "split": lambda: self._split(lab_name, scenario)}

    def _split(self, lab_name: str, scenario: Scenario) -> Split:
        """Which node stands on which member. Of a lab that does not stand, the Swarm is looked at first."""
        from orchestrator.lab.member_pin import kept_split
        from orchestrator.planning.split import split_nodes

        if kept := kept_split(self.state, lab_name):
            return split_nodes(scenario, self.urls, kept.manager, kept.nodes)
        from orchestrator.operations.members.swarm import swarm_members
        from orchestrator.planning.swarm import require_swarm

        return split_nodes(scenario, self.urls, require_swarm(swarm_members(self.urls)))


def open_split_members(state: StateFolder, home: Home) -> SplitMembers:
    """The members of a split lab. Where it is new, it is tried which of them see our files.

    Raises MemberUnreachable.
    """
    from orchestrator.engine.docker.images import DockerImageStore
    from orchestrator.host.members.reach import reach_part
    from orchestrator.lab.member_engine import open_member_engine
    from orchestrator.lab.split_engine import SplitEngine
    from orchestrator.operations.members.file_probe import sees_files

    urls = {name: reach_part(state, name) for name in parts(home.member)}
    engines = {name: open_member_engine(url, state, name) for name, url in urls.items()}
    blind = [
        name
        for name, engine in engines.items()
        if home.is_new and sees_files(engine, DockerImageStore(urls[name]), state) is False
    ]
    return SplitMembers(state, SplitEngine(engines), engines, urls, tuple(blind) or home.copies_on)
