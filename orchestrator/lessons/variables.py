"""Variables of a lesson: values that differ from learner to learner, chosen by a seed."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from orchestrator.lessons.seed import shuffled
from orchestrator.model.topology import Topology
from orchestrator.reading.document import Violation
from orchestrator.reading.message_parts import listed
from orchestrator.reading.reading import Path

VARIABLE = re.compile(r"\$\{([a-z][a-z0-9_.-]*)\}")
# In texts, the name of the lab in which the learner works.
LAB_VARIABLE = "lab"
# What checks know by themselves (orchestrator/model/checks.py).
CHECK_PLACEHOLDERS = frozenset({"random"})
# Below these keys nothing is filled in: edits are pieces of the scenario file, with placeholders of its own.
AS_WRITTEN = frozenset({"vars", "edits"})


def chosen_values(values: Any, seed: int) -> dict[str, str]:
    """The value of each variable for this seed; the same seed gives the same values. Tolerates a wrong file."""
    declared = values.get("vars") if isinstance(values, dict) else None
    chosen: dict[str, str] = {}
    for name, variable in declared.items() if isinstance(declared, dict) else ():
        texts = variable.get("pick") if isinstance(variable, dict) else None
        if isinstance(texts, list) and texts:
            chosen[name] = shuffled(map(str, texts), seed, name)[0]
    return chosen


def substituted(value: Any, values: Mapping[str, str]) -> Any:
    """The same with `${NAME}` of each variable filled in, in every text; other placeholders stay."""
    if isinstance(value, str):
        return VARIABLE.sub(lambda match: values.get(match[1], match[0]), value)
    if isinstance(value, list):
        return [substituted(part, values) for part in value]
    if isinstance(value, dict):
        return {key: part if key in AS_WRITTEN else substituted(part, values) for key, part in value.items()}
    return value


def address_values(topology: Topology, node_name: str) -> dict[str, str]:
    """For `${NODE}` and `${NODE.ipv6}`: the addresses of each node as this node reaches them."""
    values: dict[str, str] = {}
    for target in topology.scenario.nodes:
        values[target] = str(topology.address_for(node_name, target))
        if address6 := topology.address6_for(node_name, target):
            values[f"{target}.ipv6"] = str(address6)
    return values


def unknown_variables(value: Any, values: Mapping[str, str], node_names: Collection[str]) -> Iterator[Violation]:
    """Each `${NAME}` that is neither a variable of the lesson nor a node nor a placeholder of checks."""
    known = {*values, *node_names, *CHECK_PLACEHOLDERS}
    for path, text in _texts(value, ()):
        for match in VARIABLE.finditer(text):
            if match[1] not in known and match[1].removesuffix(".ipv6") not in node_names:
                names = listed(sorted({*values, *node_names}))
                yield Violation(path, f"there is no variable and no node {match[1]!r}; they are {names}")


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    for key, part in value.items() if isinstance(value, dict) else ():
        if key != "edits":
            yield from _texts(part, (*path, key))
    for index, part in enumerate(value if isinstance(value, list) else ()):
        yield from _texts(part, (*path, index))
