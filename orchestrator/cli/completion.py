"""`wirelab completion`: what a shell proposes while a command is typed: labs, scenarios, nodes, faults and checks."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from orchestrator.cli.console import out

SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_WIRELAB_COMPLETE"
# Where a shell reads it at its start.
PLACES = {
    "bash": 'eval "$(wirelab completion bash)" in ~/.bashrc',
    "zsh": 'eval "$(wirelab completion zsh)" in ~/.zshrc',
    "fish": "wirelab completion fish > ~/.config/fish/completions/wirelab.fish",
}


@click.command("completion", epilog="; ".join(f"{shell}: {place}" for shell, place in PLACES.items()))
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the completion of wirelab for SHELL: commands, options, scenarios, labs, nodes, faults and checks."""
    from click.shell_completion import get_completion_class

    completion = get_completion_class(shell)
    assert completion is not None  # SHELLS are those that click knows
    script = completion(ctx.find_root().command, {}, "wirelab", VARIABLE).source()
    # The name of a check has blanks: unquoted, bash would type several words.
    out(script.replace("COMPREPLY+=($value)", 'COMPREPLY+=("$(printf %q "$value")")'))


def with_proposals(command: click.Command) -> click.Command:
    """The command; while a shell completes a line, its arguments propose what can stand there."""
    if VARIABLE not in os.environ:
        return command
    for parameter in command.params:
        if parameter.name in PROPOSALS:
            # What the constructor's `shell_complete` sets: the parameters are those of many commands.
            parameter._custom_shell_complete = _proposing(PROPOSALS[parameter.name])
    return command


def _proposing(names: Any) -> Any:
    """As click wants it. A completion never ends with an error: a broken file has nothing to propose."""
    from click.shell_completion import CompletionItem

    def propose(ctx: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
        from orchestrator.errors import WirelabError

        try:
            return [CompletionItem(name) for name in names(ctx) if name.startswith(typed)]
        except (WirelabError, OSError):
            return []

    return propose


def _scenarios(_ctx: click.Context) -> Iterable[str]:
    from orchestrator.operations.scenario_library import all_scenarios

    return sorted({name for name, _ in all_scenarios(Path.cwd())} | set(_labs(_ctx)))


def _labs(_ctx: click.Context) -> Iterable[str]:
    """The labs of this person, by their folders: no engine is asked while somebody types."""
    from orchestrator.host.state_folder import StateFolder
    from orchestrator.lab.source import lab_names

    return lab_names(StateFolder.of(os.environ))


def _members(_ctx: click.Context) -> Iterable[str]:
    from orchestrator.host.members.registry import members
    from orchestrator.host.state_folder import StateFolder

    return [member.name for member in members(StateFolder.of(os.environ))]


def _scenario(ctx: click.Context) -> Any:
    from orchestrator.host.state_folder import StateFolder
    from orchestrator.operations.lab_target import LabFinder

    finder = LabFinder(StateFolder.of(os.environ), Path.cwd())
    return finder.find(ctx.params.get("name"), ctx.params.get("lab")).scenario.reading.scenario


def _nodes(ctx: click.Context) -> Iterable[str]:
    return list(_scenario(ctx).nodes)


def _checks(ctx: click.Context) -> Iterable[str]:
    return [check.name for check in _scenario(ctx).checks]


def _faults(ctx: click.Context) -> Iterable[str]:
    """The kinds of faults, then the nodes that one can hit."""
    from orchestrator.model.faults import FAULTS

    scenario = _scenario(ctx)
    return list(FAULTS) if not ctx.params.get("fault") else [*scenario.nodes, *scenario.groups]


def _fault_ids(ctx: click.Context) -> Iterable[str]:
    """The faults that are in the lab and were not named yet."""
    from orchestrator.cli.workspace import find_lab_name
    from orchestrator.host.state_folder import StateFolder
    from orchestrator.operations.faults import list_faults

    lab_name = find_lab_name(ctx.params.get("name"), ctx.params.get("lab"))
    named = ctx.params.get("fault_id") or ()
    return [fault.id for fault in list_faults(StateFolder.of(os.environ), lab_name) if fault.id not in named]


# The name of a parameter -> what can stand there.
PROPOSALS: dict[str, Any] = {
    "name": _scenarios,
    "scenarios": _scenarios,
    "lab": _labs,
    "member": _members,
    "node": _nodes,
    "asker": _nodes,
    "check": _checks,
    "only": _checks,
    "fault": _faults,
    "fault_id": _fault_ids,
}
