"""`up URL`: fetch somebody else's scenario, show what it would do, and ask."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, Any, TypeGuard

import click

from orchestrator.cli.console import say
from orchestrator.cli.options import Command
from orchestrator.errors import UsageInvalid
from orchestrator.quick_dataclass import dataclass

if TYPE_CHECKING:
    from orchestrator.operations.lab_target import LabTarget
    from orchestrator.operations.remote_scenarios.fetch import FetchedScenario

TRUST_HINT = "read it; if you trust it, add --trusted"


@dataclass(frozen=True)
class AddressOptions:
    """The options of the command line for a scenario from an address."""

    digest: str | None
    folder: str | None

    def require_none(self) -> None:
        """Raise UsageInvalid if one of these options is given; for a NAME that is no address."""
        for option, value in (("--hash", self.digest), ("--folder", self.folder)):
            if value:
                hint = f"wirelab up https://HOST/PATH.tar.gz {option}"
                raise UsageInvalid(f"{option} needs the address of a scenario", hint=hint)


def address_options(command: Command) -> Command:
    """--hash and --folder, as `address`."""

    def with_address(*arguments: Any, digest: str | None, folder: str | None, **more: Any) -> Any:
        return command(*arguments, address=AddressOptions(digest, folder), **more)

    with_address.__doc__ = command.__doc__
    with_address.__name__ = command.__name__
    if hasattr(command, "__click_params__"):
        with_address.__click_params__ = command.__click_params__  # type: ignore[attr-defined]
    digest = click.option("--hash", "digest", metavar="sha256:…", help="With an address: the hash of the archive.")
    text = "With an address: the folder of the scenario, if the address holds several scenarios."
    folder = click.option("--folder", metavar="FOLDER", help=text)
    return digest(folder(with_address))


def is_url(name: str | None) -> TypeGuard[str]:
    """Whether a NAME is the address of a scenario elsewhere."""
    return bool(name and re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", name))


def find_at_address(
    address_text: str, lab: str | None, options: AddressOptions, *, trusted: bool, yes: bool
) -> LabTarget:
    """The scenario of an address, if the user agrees; otherwise raises UsageInvalid."""
    from orchestrator.host.state_folder import StateFolder
    from orchestrator.operations.lab_target import LabTarget
    from orchestrator.operations.remote_scenarios.address import parse_address
    from orchestrator.operations.remote_scenarios.fetch import obtain_scenario

    address = parse_address(address_text, options.digest)
    if yes and not address.pin:
        why = "--yes is for a scenario that you know, and the content of an address may change"
        hint = "leave out --yes; or pin it: URL#COMMIT for git, --hash sha256:… for an archive"
        raise UsageInvalid("--yes takes a scenario from an address only with a pin", why=why, hint=hint)

    def decide(fetched: FetchedScenario) -> None:
        _decide(fetched, trusted=trusted, yes=yes)

    state = StateFolder.of(os.environ)
    loaded = obtain_scenario(state, address, options.folder, lab, decide, say)
    return LabTarget(lab or loaded.reading.scenario.name, loaded)


def _decide(fetched: FetchedScenario, *, trusted: bool, yes: bool) -> None:
    """Show what would be started, and ask."""
    from orchestrator.operations.untrusted import require_bounded
    from orchestrator.rendering.scenario_demands import demands_text

    reading = fetched.loaded.reading
    say(demands_text(reading.scenario, reading.texts))
    if not trusted:
        require_bounded(reading.scenario, TRUST_HINT)
    say(f"for exactly this content: wirelab up {fetched.pinned_address}")
    if yes:
        return
    if not sys.stdin.isatty():
        hint = f"wirelab up {fetched.pinned_address} --yes"
        raise UsageInvalid("wirelab cannot ask whether to start it", why="standard input is no terminal", hint=hint)
    if not click.confirm("Start it?", default=False, err=True):
        raise UsageInvalid("you said no", why="nothing was started, and nothing of it is kept")
