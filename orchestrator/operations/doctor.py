"""Examine this machine: what a lab needs, what is there, and a hint for each thing that is missing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from ipaddress import IPv4Network
from typing import TYPE_CHECKING

from orchestrator.errors import WirelabError

if TYPE_CHECKING:
    from orchestrator.diagnosis.doctor import EngineFacts, MachineFacts, Row
    from orchestrator.planning.leftovers import LabLeftovers


def examine_machine() -> tuple[Row, ...]:
    """One row for each thing that a lab needs. Starts and installs nothing."""
    from orchestrator.diagnosis.doctor import rows

    return (*rows(_machine()), *_member_rows())


def _member_rows() -> tuple[Row, ...]:
    """Which members answer."""
    from orchestrator.diagnosis.member_doctor import answer_row
    from orchestrator.host.state_folder import StateFolder
    from orchestrator.operations.members.registration import member_states

    states = member_states(StateFolder.of(os.environ))
    return tuple(answer_row(state.member.name, state.member.address, state.trouble) for state in states)


def _machine() -> MachineFacts:
    """What is known of this machine and its engine."""
    from orchestrator.host.machine import machine_facts
    from orchestrator.host.state_folder import StateFolder
    from orchestrator.lab.host_routes import host_ranges

    engine, no_engine = _engine()
    facts = machine_facts(
        engine,
        no_engine=no_engine,
        routes=[taken.range for taken in host_ranges() if isinstance(taken.range, IPv4Network)],
        images=_images(engine.url if engine else None),
    )
    facts = replace(facts, unwritable=StateFolder.of(os.environ).unwritable())
    return replace(facts, leftovers=_leftovers(engine.url)) if engine else facts


def _leftovers(url: str) -> tuple[LabLeftovers, ...]:
    from orchestrator.engine.opening import open_engine
    from orchestrator.host.state_folder import StateFolder
    from orchestrator.lab.incomplete_removal import incomplete_removals

    with closing(open_engine(url)) as engine:
        return incomplete_removals(engine, StateFolder.of(os.environ))


def _engine() -> tuple[EngineFacts | None, tuple[str, str]]:
    """The engine that answers, or why there is none and what to try."""
    from orchestrator.host.find import nothing_answers, running_engine
    from orchestrator.host.machine import engine_facts
    from orchestrator.host.state_folder import StateFolder

    tried: list[str] = []
    try:
        engine = running_engine(os.environ, StateFolder.of(os.environ), tried=tried)
        if engine is None:
            raise nothing_answers(tried)
        return engine_facts(engine), ("", "")
    except WirelabError as error:
        return None, (f"{error.what}: {error.why}", error.hint)


def _images(url: str | None) -> Mapping[str, str]:
    """Each image of ours with its state; all are missing where there is no engine."""
    from orchestrator.host.images.catalog import image_catalog
    from orchestrator.host.images.files import images_folder, names_in
    from orchestrator.host.state_folder import StateFolder

    if url is None:
        return dict.fromkeys(names_in(images_folder()), "missing")
    rows = image_catalog(url, StateFolder.of(os.environ), os.environ, lambda _text: None).rows()
    # of one name there may be an old image and the present one, or an old one and a gap
    return {row.name: row.state for state in ("old", "missing", "present") for row in rows if row.state == state}
