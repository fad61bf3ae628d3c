"""`up` draws the secrets that a lab lacks; whoever only looks draws none."""

from __future__ import annotations

import pytest
from lab_in_memory import LabHost

from orchestrator.events import Event
from orchestrator.lab.secret_source import NOT_GENERATED

SAFE = """\
name: shop
title: Each kind of secret
domain: shop.lab
nodes:
  db:   {role: database, seed: seed.sql}
  app:  {role: app, uses: [db]}
  web:  {role: proxy, uses: [app], listens: [{port: 443, tls: true}]}
"""


def test_a_plan_writes_nothing_and_tells_of_no_secret(lab_host: LabHost) -> None:
    """It hides no password either, for it has drawn none."""
    hidden: list[str] = []
    lab = lab_host.lab(SAFE, hide=hidden.extend)
    assert [step.id for step in lab.plan().steps][:2] == ["password:db", "credentials"]
    assert set(hidden) <= {NOT_GENERATED}
    assert not lab_host.state.root.exists()


@pytest.mark.slow
def test_up_does_what_the_plan_says(lab_host: LabHost) -> None:
    planned = [str(step) for step in lab_host.lab(SAFE).plan().steps]
    assert [str(step) for step in lab_host.lab(SAFE).up().steps] == planned
    assert str(lab_host.lab(SAFE, run="run2").plan()) == ""
    password = lab_host.lab().folder.path / "app" / "files" / "password"
    assert password.read_text() == lab_host.lab(SAFE).observe().secrets["db"].reveal()


def test_a_secret_that_is_not_drawn_is_never_written(lab_host: LabHost) -> None:
    with pytest.raises(ValueError, match="not drawn yet"):
        lab_host.lab().folder.write("db", {"password": NOT_GENERATED})


@pytest.mark.slow
def test_no_event_holds_a_new_password(lab_host: LabHost) -> None:
    events: list[Event] = []
    lab = lab_host.lab(SAFE, publish=events.append)
    lab.up()
    assert lab.observe().secrets["db"].reveal() not in repr(events)


SHARED = """\
name: shop
title: Two databases with one password, and one with its own
domain: shop.lab
nodes:
  db:    {role: database, replicas: 2, same_password_as: db-1}
  other: {role: database}
  app:   {role: app, uses: [db, other]}
"""


@pytest.mark.slow
def test_two_databases_have_one_password_and_no_event_holds_it(lab_host: LabHost) -> None:
    """A third one has its own; a second `up` draws none and changes nothing."""
    events: list[Event] = []
    lab = lab_host.lab(SHARED, publish=events.append)
    assert [step.id for step in lab.plan().steps if step.id.startswith("password:")] == [
        "password:db-1",
        "password:other",
    ]
    lab.up()
    files = {file: (lab.folder.path / file).read_text() for file in FILES_WITH_PASSWORDS}
    shared, own = files["db-1/files/password"], files["other/files/password"]
    assert files == dict(zip(FILES_WITH_PASSWORDS, (shared, shared, own, shared, shared, own), strict=True))
    assert shared != own
    assert shared not in repr(events)
    assert str(lab_host.lab(SHARED, run="run2").plan()) == ""


FILES_WITH_PASSWORDS = (
    "db-1/files/password",
    "db-2/files/password",
    "other/files/password",
    "app/files/password",
    "app/files/password-db-2",
    "app/files/password-other",
)
