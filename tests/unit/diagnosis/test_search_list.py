"""`why` sees that a short name is not completed as it should be: by the search list that stands in the node's file."""

from __future__ import annotations

import pytest
from walk_harness import far, walked

from orchestrator.checks.probes import ProgramResult
from orchestrator.diagnosis.layers.resolver import names_tried


@pytest.mark.parametrize(
    ("conf", "written", "tried"),
    [
        ("search shop.lab corp.lab\n", "app", ("app.shop.lab", "app.corp.lab", "app")),
        ("search shop.lab\n", "app.x", ("app.x", "app.x.shop.lab")),
        ("search shop.lab\noptions timeout:1 ndots:3\n", "app.x", ("app.x.shop.lab", "app.x")),
        ("search a.lab\ndomain b.lab\n", "App", ("app.b.lab", "app")),
        ("search .\n", "app", ("app",)),
        ("", "app", ("app",)),
    ],
)
def test_the_names_that_a_c_library_tries(conf: str, written: str, tried: tuple[str, ...]) -> None:
    assert names_tried(conf, written) == tried


@pytest.mark.parametrize(
    ("search", "written", "broken"),
    [
        ("corp.lab", "app-1", "resolver"),
        ("corp.lab", "app-1.shop.lab", None),
        ("corp.lab shop.lab", "app-1", None),
        ("shop.lab", "app-1", None),
    ],
)
def test_a_search_list_that_somebody_changed_is_named(search: str, written: str, broken: str | None) -> None:
    world = far()
    server = world.topology.address_for("client", "resolver")
    conf = f"nameserver {server}\nsearch {search}\n"
    reads = ("cat", "/etc/resolv.conf")
    world.rules.append(lambda probe: ProgramResult(0, conf, "") if getattr(probe, "argv", ()) == reads else None)
    walk = walked(world, from_="client", connects=f"{written}:80")
    assert (walk.broken.name if walk.broken else None) == broken, walk.sentence
    says = "Programs of client try app-1.corp.lab and app-1 for the name app-1, by the search list in /etc/resolv.conf"
    assert walk.sentence.startswith(says) == (broken is not None)
