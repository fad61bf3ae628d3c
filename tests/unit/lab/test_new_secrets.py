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


def test_up_does_what_the_plan_says(lab_host: LabHost) -> None:
    planned = [str(step) for step in lab_host.lab(SAFE).plan().steps]
    assert [str(step) for step in lab_host.lab(SAFE).up().steps] == planned
    assert str(lab_host.lab(SAFE, run="run2").plan()) == ""
    password = lab_host.lab().folder.path / "app" / "files" / "password"
    assert password.read_text() == lab_host.lab(SAFE).observe().secrets["db"].reveal()


def test_a_secret_that_is_not_drawn_is_never_written(lab_host: LabHost) -> None:
    with pytest.raises(ValueError, match="not drawn yet"):
        lab_host.lab().folder.write("db", {"password": NOT_GENERATED})


def test_no_event_holds_a_new_password(lab_host: LabHost) -> None:
    events: list[Event] = []
    lab = lab_host.lab(SAFE, publish=events.append)
    lab.up()
    assert lab.observe().secrets["db"].reveal() not in repr(events)
