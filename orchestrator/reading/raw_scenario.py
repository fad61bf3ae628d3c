"""A file as far as it can be understood: the ground for rules that look at several places at once.

The values may be wrong in other ways, so everything here is tolerant: what has not the right shape is left out, and
its own violation is reported elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Any, NamedTuple

from orchestrator.model.node import MOST_REPLICAS
from orchestrator.model.replicas import machines_of
from orchestrator.model.roles import ROLES
from orchestrator.model.roles.role import Role
from orchestrator.model.scenario import ONLY_NETWORK, Scenario
from orchestrator.model.values import HostText, Reference
from orchestrator.reading.reading import Path
from orchestrator.reading.schema_forms import Form


class RawValue(NamedTuple):
    """A value that the walk reached, with the form that it should have; `at_key`: the value is a key."""

    path: Path
    form: Form
    value: Any
    at_key: bool = False


@dataclass(frozen=True)
class RawScenario:
    """The values of a file, what they refer to, and the way to the files beside it."""

    values: Any
    root: Form
    read_companion: Callable[[str], str | None]
    line_of: Callable[[Path], int]

    def at(self, path: Path) -> Any:
        """The value at a place of the file. Raises LookupError where there is none."""
        return reduce(lambda part, key: part[key], path, self.values)

    @cached_property
    def raw_values(self) -> tuple[RawValue, ...]:
        """Every value of the file beside its form, in the order of the file."""
        return tuple(walk(self.root, self.values, ()))

    @cached_property
    def references(self) -> tuple[tuple[RawValue, Reference], ...]:
        """Every text that names a node or a network."""
        return tuple(
            (raw_value, reference)
            for raw_value in self.raw_values
            if isinstance(raw_value.value, str) and (reference := raw_value.form.metadata_of(Reference))
        )

    @cached_property
    def hosts(self) -> tuple[RawValue, ...]:
        """Every text that holds a host: URLs and host:port."""
        return tuple(
            raw_value
            for raw_value in self.raw_values
            if isinstance(raw_value.value, str) and raw_value.form.metadata_of(HostText)
        )

    @cached_property
    def nodes(self) -> Mapping[str, dict[str, Any]]:
        """Node name -> its values; a node that is no mapping has none."""
        declared = self._part("nodes")
        return {name: node if isinstance(node, dict) else {} for name, node in declared.items()}

    @cached_property
    def groups(self) -> Mapping[str, tuple[str, ...]]:
        """The name of a node with replicas -> the names of its machines."""
        counts = {name: node.get("replicas") for name, node in self.nodes.items()}
        return {
            name: machines_of(name, count)
            for name, count in counts.items()
            if isinstance(count, int) and 1 <= count <= MOST_REPLICAS and not isinstance(count, bool)
        }

    @cached_property
    def machines(self) -> Mapping[str, str]:
        """The name of every machine, in the order of the file -> the name under which it is declared."""
        return {machine: name for name in self.nodes for machine in self.groups.get(name, (name,))}

    @property
    def node_names(self) -> Mapping[str, Any]:
        """Every name that a reference to one node may have, in the order of the file."""
        return self.machines

    def values_of(self, name: str) -> dict[str, Any]:
        """The values of the node that a name means: a machine, one of several replicas, or all of these."""
        return self.nodes.get(self.machines.get(name, name), {})

    @cached_property
    def networks(self) -> Mapping[str, dict[str, Any]]:
        """Network name -> its values, the only network included where none is declared."""
        declared = self._part("networks") or {ONLY_NETWORK: None}
        return {name: network if isinstance(network, dict) else {} for name, network in declared.items()}

    @property
    def domain(self) -> str | None:
        """The domain of the lab, declared or not; None where what is declared is no text."""
        default: str = Scenario.fields["domain"].default
        value = self.values.get("domain", default) if isinstance(self.values, dict) else default
        return value if isinstance(value, str) else None

    @cached_property
    def checks(self) -> tuple[tuple[Path, dict[str, Any]], ...]:
        """Every check that is a mapping, those under `first` included, each with its path."""
        return tuple(_checks(self._top("checks"), ("checks",)))

    @cached_property
    def fault_steps(self) -> tuple[tuple[Path, dict[str, Any], Any], ...]:
        """Every step of every check's faults: its path, the check, and what is written."""
        return tuple(
            (place, check, step)
            for path, check in self.checks
            for key in ("during", "after")
            for place, step in _steps((*path, key), check.get(key))
        )

    @property
    def records(self) -> dict[str, Any]:
        """The records of the lab's domain, by owner."""
        return self._part("records")

    def role(self, node: str) -> Role | None:
        """The role of a node, where it has a known one."""
        role = self.values_of(node).get("role")
        return ROLES.get(role) if isinstance(role, str) else None

    def servers_of(self, protocol: str) -> tuple[str, ...]:
        """The machines whose role serves an application protocol."""
        return tuple(name for name in self.machines if (role := self.role(name)) and role.serves == protocol)

    def uses(self, node: str) -> tuple[str, ...]:
        """The nodes that a node uses, as far as they are texts, by the names under which they are declared."""
        used = self.values_of(node).get("uses")
        named = [name for name in used if isinstance(name, str)] if isinstance(used, list) else []
        return tuple(self.machines.get(name, name) for name in named)

    def primary(self, node: str) -> str | None:
        """The database of which a node is a replica, as it is written."""
        primary = self.values_of(node).get("replica_of")
        return primary if isinstance(primary, str) else None

    def needs(self, node: str) -> tuple[str, ...]:
        """The nodes that a node uses, its primary included, by the names under which they are declared."""
        primary = self.primary(node)
        return (*self.uses(node), *((self.machines.get(primary, primary),) if primary else ()))

    def used_machines(self, node: str) -> tuple[str, ...]:
        """The machines that a node uses, its primary included."""
        used = self.values_of(node).get("uses")
        named = [name for name in used if isinstance(name, str)] if isinstance(used, list) else []
        named += [primary] if (primary := self.primary(node)) else []
        return tuple(machine for name in named for machine in self.groups.get(name, (name,)))

    def attachments(self, node: str) -> Mapping[str, tuple[Path, Any]]:
        """Network -> where the node's address on it is written, and that address; None where it is not said."""
        values = self.nodes.get(node, {})
        declared = values.get("networks")
        if isinstance(declared, dict):
            return {
                name: (
                    ("nodes", node, "networks", name, "address"),
                    part.get("address") if isinstance(part, dict) else None,
                )
                for name, part in declared.items()
            }
        names = [n for n in declared if isinstance(n, str)] if isinstance(declared, list) else list(self.networks)
        address = values.get("address") if len(names) == 1 else None
        return dict.fromkeys(names, (("nodes", node, "address"), address))

    def has_ipv6(self, node: str) -> bool:
        """Whether the node stands on a network with IPv6."""
        return any(
            self.networks.get(name, {}).get("ipv6") is True for name in self.attachments(self.machines.get(node, node))
        )

    def _top(self, key: str) -> Any:
        return self.values.get(key) if isinstance(self.values, dict) else None

    def _part(self, key: str) -> dict[str, Any]:
        part = self._top(key)
        return part if isinstance(part, dict) else {}


def _steps(path: Path, written: Any) -> Iterator[tuple[Path, Any]]:
    """One fault, or those of a list, each with its path."""
    if isinstance(written, list):
        yield from (((*path, index), step) for index, step in enumerate(written))
    elif written is not None:
        yield path, written


def _checks(values: Any, path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    if not isinstance(values, list):
        return
    for index, check in enumerate(values):
        if isinstance(check, dict):
            for inner in ("before", "first"):
                yield from _checks(check.get(inner), (*path, index, inner))
            for inner in ("during", "after"):
                yield from _checks_between(check.get(inner), (*path, index, inner))
            yield (*path, index), check


def _checks_between(steps: Any, path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The checks that stand between the faults of a list."""
    for place, step in _steps(path, steps):
        check = step.get("check") if isinstance(step, dict) else None
        if isinstance(check, dict):
            for inner in ("before", "first"):
                yield from _checks(check.get(inner), (*place, "check", inner))
            yield (*place, "check"), check


def walk(form: Form, value: Any, path: Path) -> Iterator[RawValue]:
    """Every value below this one beside its form; where the form is unclear, the nearest one that fits."""
    yield RawValue(path, form, value)
    if isinstance(value, dict):
        yield from _walk_mapping(form, value, path)
    elif isinstance(value, list):
        listing = next((branch for branch in (form, *form.branches) if branch.item), None)
        if listing and listing.item:
            for index, part in enumerate(value):
                yield from walk(listing.item, part, (*path, index))
    elif form.branches:
        single = next((b for b in form.branches if not (b.item or b.table or b.mapping)), None)
        if single:
            yield RawValue(path, single, value)


def _walk_mapping(form: Form, value: dict[str, Any], path: Path) -> Iterator[RawValue]:
    mapping = next(
        (branch for branch in (form, *form.branches) if branch.table or branch.mapping or branch.tagged_union), None
    )
    if mapping is None:
        return
    if mapping.table:
        key_form, value_form = mapping.table
        for key, part in value.items():
            yield RawValue((*path, key), key_form, key, at_key=True)
            yield from walk(value_form, part, (*path, key))
        return
    record = mapping.mapping or (mapping.tagged_union.variant_of(value) if mapping.tagged_union else None)
    for key, part in value.items():
        known = record.form(key) if record and key in record.fields else None
        if known is None and record is None and mapping.tagged_union:
            known = mapping.tagged_union.any_form(key)
        if known:
            yield from walk(known, part, (*path, key))
