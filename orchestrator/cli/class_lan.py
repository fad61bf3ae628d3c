"""The options that serve a class to a room, and what its teacher has to know of that."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from orchestrator.cli.console import say
from orchestrator.errors import UsageInvalid

if TYPE_CHECKING:
    from orchestrator.model.scenario import Scenario
    from orchestrator.operations.classroom.endpoint import Endpoint
    from orchestrator.operations.classroom.folder import Classroom, ClassStore

Function = TypeVar("Function", bound=Callable[..., Any])
PARTS = {"address": "--address", "host": "--host", "certificate": "--cert", "key": "--key"}


def lan_options(function: Function) -> Function:
    """The options of `class start` for a room."""
    file = click.Path(dir_okay=False)
    options = (
        click.option("--lan/--no-lan", default=None, help="Serve the room over TLS; by default as before, or not."),
        click.option("--address", default="", help="The address to serve on; by default that of the default route."),
        click.option("--host", default="", help="The name in the links; by default the address, or that of --cert."),
        click.option("--cert", "certificate", default="", type=file, help="The school's own certificate (PEM)."),
        click.option("--key", default="", type=file, help="The key of --cert (PEM)."),
    )
    for option in reversed(options):
        function = option(function)
    return function


def chosen_endpoint(
    store: ClassStore, classroom: Classroom, port: int | None, lan: bool | None, parts: dict[str, str]
) -> Endpoint:
    """Where the class is to be served: to the room, or on this machine alone. Raises UsageInvalid, WorldError."""
    from orchestrator.operations.classroom.endpoint import Endpoint
    from orchestrator.operations.classroom.lan import LanWish, check_bound, kept_wish, lan_endpoint

    kept = classroom.endpoint
    wanted_port = kept.port if port is None else port
    if not lan and any(parts.values()):
        named = next(PARTS[part] for part, text in parts.items() if text)
        raise UsageInvalid(f"{named} needs --lan", why="without it the class is served on this machine alone")
    if lan is False or (lan is None and kept.tls is None):
        return Endpoint(wanted_port)
    folder = store.private_folder(classroom.name)
    wish = LanWish(**parts) if lan else kept_wish(kept, folder)
    endpoint = lan_endpoint(folder, wish, wanted_port)
    check_bound(endpoint)
    return endpoint


def ask_about_host(scenario: Scenario, confirm: Callable[[str], bool]) -> None:
    """Say what wirelab cannot keep the nodes of a seat from, and ask. Raises UsageInvalid where the answer is no."""
    from orchestrator.planning.networks import open_to_host

    if names := open_to_host(scenario):
        say(f"Nodes of a seat reach what this machine serves, such as SSH, over the networks {', '.join(names)}.")
        say("Before the class, end what learners must not reach.")
        if not confirm("Start the class all the same?"):
            hint = "in the scenario file, leave out internal: false and IPv6 of these networks"
            raise UsageInvalid("the class was not started", why="its seats would reach this machine", hint=hint)


def say_room(endpoint: Endpoint, authority: str) -> None:
    """Say who reaches the server, and how a browser is sure of it. `authority`: the file of the class's own."""
    if endpoint.tls is None:
        return
    say(f"The room reaches the server at {endpoint.origin}. Whoever reaches it and has a link is in that seat.")
    say(f"The fingerprint of its certificate (SHA-256): {endpoint.tls.fingerprint}")
    if authority:
        say(
            "A browser warns, because it does not know the authority of this class. Before you go on, compare the "
            f"fingerprint in the browser's view of the certificate; or let the browsers trust {authority}."
        )
