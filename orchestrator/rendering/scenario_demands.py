"""What a scenario would run, mount and open, for a person who decides whether to start it.

Every text of the file is shown in full and unchanged; only control characters are written as escapes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from shlex import join

from orchestrator.model.checks import BaseCheck, Check, CheckStep, Runs, Sql
from orchestrator.model.scenario import Scenario
from orchestrator.rendering.quantities import counted

WIDTH = 11


def demands_text(scenario: Scenario, texts: Mapping[str, str]) -> str:
    """The lines; `texts` are the files that the scenario mentions, by name."""
    sections = {
        "images": _images(scenario),
        "commands": _commands(scenario),
        "variables": _variables(scenario),
        "checks run": _programs(scenario.checks),
        "files": _files(scenario, texts),
        "ports": _ports(scenario),
        "ways out": _ways_out(scenario),
    }
    lines = [f"{scenario.name}: {_shown(scenario.title)} ({counted(len(scenario.nodes), 'node')})"]
    for title, items in sections.items():
        for number, item in enumerate(list(items) or ["none"]):
            lines.append(f"  {'' if number else title:{WIDTH}}{item}")
    return "\n".join(lines)


def _images(scenario: Scenario) -> Iterator[str]:
    own = sorted({str(scenario.roles[name].image) for name, node in scenario.nodes.items() if not node.image})
    if own:
        yield f"of wirelab: {', '.join(own)}"
    for name, node in scenario.nodes.items():
        if node.image:
            yield f"{name}: {node.image}, from its registry, as its own user, which may be root"


def _commands(scenario: Scenario) -> Iterator[str]:
    for name, node in scenario.nodes.items():
        if node.command:
            yield f"{name}: {_shown(join(node.command))}"


def _variables(scenario: Scenario) -> Iterator[str]:
    for name, node in scenario.nodes.items():
        for variable, value in node.environment.items():
            yield f"{name}: {variable}={_shown(value)}"


def _programs(checks: Iterable[Check]) -> Iterator[str]:
    for check in _all_checks(checks):
        match check:
            case Runs():
                yield f"{check.asker}: {_shown(join(check.runs))}"
            case Sql():
                yield f"{check.asker}: SQL {_shown(check.sql)}"


def _all_checks(checks: Iterable[BaseCheck]) -> Iterator[BaseCheck]:
    """Each check, and those that stand in it."""
    for check in checks:
        yield check
        steps = (step.check for step in check.fault_steps if isinstance(step, CheckStep))
        yield from _all_checks((*check.first, *check.before, *steps))


def _files(scenario: Scenario, texts: Mapping[str, str]) -> Iterator[str]:
    for name, node in scenario.nodes.items():
        for target, file in node.files.items():
            yield f"{name}: {_file(file, texts)} at {target}, read-only"
        for file in scenario.roles[name].mentions(node):
            yield f"{name}: {_file(file, texts)} for its first start"


def _file(name: str, texts: Mapping[str, str]) -> str:
    size = len(texts.get(name, "").encode())
    return f"{_shown(name)} ({counted(size, 'byte')})"


def _ports(scenario: Scenario) -> Iterator[str]:
    yield "none of this machine; inside of the lab:"
    for name, role in scenario.roles.items():
        listeners = role.listeners_of(scenario.nodes[name])
        if listeners:
            yield f"{name}: {', '.join(f'{listener.protocol} {listener.port}' for listener in listeners)}"


def _ways_out(scenario: Scenario) -> Iterator[str]:
    for name, network in scenario.all_networks.items():
        if not network.internal:
            yield f"the network {name} (internal: false)"


def _shown(text: str) -> str:
    """The text on one line, with escapes for control characters and unprintable characters."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)
