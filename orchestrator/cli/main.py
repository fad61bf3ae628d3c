"""The `wirelab` command: finds the subcommand, runs it, turns every outcome into an exit code.

Subcommands are imported when they are called, so that `wirelab --help` costs no more than click itself.
"""

from __future__ import annotations

import errno
import gc
import importlib
import io
import os
import re
import signal
import sys
from types import FrameType
from typing import Any

import click

from orchestrator import __version__
from orchestrator.cli.console import say, say_error
from orchestrator.cli.interrupt_notice import interrupt_notice
from orchestrator.errors import (
    BUG,
    BUG_SENTENCE,
    INTERRUPTED,
    INVALID,
    TERMINATED,
    WORLD,
    UsageInvalid,
    WirelabError,
    WorldError,
)
from orchestrator.lab.interrupts import between_locks, interruptible_between_locks

# command -> (module that holds `command`, one line of help), in the order in which help lists them
COMMANDS: dict[str, tuple[str, str]] = {
    "up": ("lab_commands", "Start a lab, or repair it, or apply the changes of its file."),
    "check": ("lab_commands", "Run the checks of a lab that is up."),
    "run": ("lab_commands", "Run up and check; with --rm also down. This is the command for CI."),
    "why": ("why", "Test a connection layer by layer, and name the first layer that is broken."),
    "down": ("lab_commands", "Remove a lab: containers, networks, volumes and files."),
    "learn": ("learn", "Start or continue a lesson; without a name, list the lessons."),
    "web": ("web", "Show a lab in the browser: its picture, traffic, checks, faults and shells."),
    "lesson": ("lesson", "Test a lesson that you write."),
    "class": ("class_commands", "Serve a lab and its lesson to each seat of a class, with a board for the teacher."),
    "reset": ("lab_commands", "Remove a lab with all its data, and start it again."),
    "plan": ("lab_commands", "Print what up would do, and change nothing."),
    "ls": ("look_commands", "List the labs."),
    "ps": ("look_commands", "List the nodes of a lab, with their states and addresses."),
    "shell": ("look_commands", "Open a shell in a node."),
    "exec": ("look_commands", "Run a program in a node."),
    "logs": ("look_commands", "Print the log of a node, or of all nodes."),
    "events": ("events", "Print what happened in a lab, who did it, and when."),
    "inspect": ("look_commands", "Print as JSON what wirelab knows about a lab."),
    "inject": ("fault_commands", "Break a lab on purpose; inject --help lists the faults."),
    "faults": ("fault_commands", "List the faults of a lab."),
    "heal": ("fault_commands", "Remove one fault, or all faults, and repair the lab."),
    "trace": ("trace", "Run a command, and show what it caused on the network."),
    "roles": ("roles", "Show which node was client or server, from the packets."),
    "capture": ("capture", "Record packets, and save them for Wireshark."),
    "graph": ("graph", "Draw the lab as Mermaid, Graphviz, SVG or an HTML page."),
    "import": ("import_compose", "Make a scenario from a Compose file."),
    "export": ("export", "Write a lab as a Compose file, or as Mermaid or Graphviz."),
    "offline": ("offline", "Put all that a room without a network needs into one file, and use it there."),
    "sweep": ("look_commands", "Remove what killed commands left behind."),
    "validate": ("validate", "Report every mistake in a scenario file."),
    "new": ("new", "Write a small scenario to start from."),
    "help": ("help", "Explain a command, or a word of the scenario language or of lessons."),
    "completion": ("completion", "Print the completion script for bash, zsh or fish."),
    "schema": ("schema", "Print the JSON Schema of the scenario language."),
    "images": ("images", "Build and list the images of the nodes."),
    "members": ("members", "Name the engines of other machines, on which labs may stand."),
    "engine": ("engine", "Show, start or stop the container engine."),
    "doctor": ("doctor", "Show what this machine can do and what is missing."),
}


# What a machine says where it lets nobody keep files; any other OSError is a mistake of ours.
REFUSALS = (
    errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EIO, errno.EMFILE,
)  # fmt: skip


class Commands(click.Group):
    """Subcommands by name, imported late."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # Who read our output has gone: an interrupt, and no verdict. click would end with 1, "a check failed".
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return INTERRUPTED

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click calls it so)
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"orchestrator.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, f"{cmd_name}_command", None) or module.command
        if "_WIRELAB_COMPLETE" not in os.environ:
            return command
        from orchestrator.cli.completion import with_proposals

        return with_proposals(command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[Any, Any, list[str]]:
        from difflib import get_close_matches

        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            near = get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            ctx.fail(f"There is no command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="wirelab")
def cli() -> None:
    """A laboratory for the client-server model: declare machines, start them, prove how they communicate."""


def _refused(error: OSError) -> WorldError:
    """A full disk, or a folder that is closed, is nothing that wirelab can mend."""
    where = f": {error.filename}" if error.filename else ""
    return WorldError(
        "this machine does not let wirelab keep its files",
        why=f"{error.strerror}{where}",
        hint="make room there, or name another folder: export WIRELAB_STATE=FOLDER",
    )


def _terminated(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(TERMINATED)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit."""
    signal.signal(signal.SIGTERM, between_locks(_terminated))
    _open_what_is_closed()
    _write_in_any_encoding()
    _start_fast()
    words = sys.argv[1:] if arguments is None else arguments
    command = next((word for word in words if not word.startswith("-")), "")
    with interruptible_between_locks(interrupt_notice(command)):
        code = _exit_code(arguments, command)
    # The memory goes back as a whole; looking for garbage in it once more costs a tenth of a second.
    gc.freeze()
    sys.exit(code)


def _open_what_is_closed() -> None:
    """Python has no stream where the caller has closed a descriptor (`<&-`), and the next file would take its place."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115 (as long as the process)


def _write_in_any_encoding() -> None:
    """A `?` for what a terminal's encoding lacks, or a file's name has beyond any: a word less is no reason to end."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def _start_fast() -> None:
    """Spend less on the start of a short-lived process, most of which is imports."""
    # What imports make stays; looking through it for garbage again and again is a sixth of their time.
    gc.set_threshold(500_000, 20, 50)
    # Otherwise pydantic reads the metadata of every installed package in search of plugins, which we do not use.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")


# How click words a value that has the wrong type or is out of range, and the plain words for it.
PLAIN_WORDS = (
    (re.compile(r"\((Did you mean .*\?)\)\.?$"), r"\1"),
    (re.compile(r"is not a valid integer( range)?"), "is not a whole number"),
    (re.compile(r"is not a valid float( range)?"), "is not a number"),
    (re.compile(r"is not in the range (\d+)<=x<=(\d+)"), r"is not between \1 and \2"),
    (re.compile(r"is not in the range x>=(\d+)"), r"is less than \1"),
)


def plain_message(message: str) -> str:
    """A message of click without the words of a programmer."""
    for words, plain in PLAIN_WORDS:
        message = words.sub(plain, message)
    return message.rstrip(".")


def _say_misuse(error: click.ClickException, command: str) -> None:
    """What click complains of, in the three lines that every error has; the help where nothing was asked."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return
    ctx = error.ctx if isinstance(error, click.UsageError) else None
    message = plain_message(" ".join(error.format_message().split()))
    what, _, meant = message.partition(" Did you mean ")
    path = ctx.command_path if ctx else " ".join(("wirelab", *([command] if command in COMMANDS else [])))
    why = "usage: " + " ".join(ctx.get_usage().split()).removeprefix("Usage: ") if ctx else ""
    hint = f"did you mean {meant}  {path} --help" if meant else f"{path} --help"
    say_error(UsageInvalid(f"{what[:1].lower()}{what[1:].rstrip('.')}", why=why, hint=hint))


def _exit_code(arguments: list[str] | None, command: str) -> int:
    try:
        result = cli.main(args=arguments, prog_name="wirelab", standalone_mode=False)
    except click.exceptions.Exit as error:
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except click.ClickException as error:
        _say_misuse(error, command)
        return INVALID
    except WirelabError as error:
        say_error(error)
        return error.exit_code
    except Exception as error:
        import traceback

        if isinstance(error, OSError) and error.errno in REFUSALS:
            say_error(_refused(error))
            return WORLD

        say(traceback.format_exc())
        say(f"error: {BUG_SENTENCE} with the lines above")
        return BUG
    return result if isinstance(result, int) else 0
