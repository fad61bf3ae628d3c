"""What `wirelab members doctor` says of measured values: each promise where it holds and where it is broken."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network

import pytest

from orchestrator.diagnosis.doctor import EngineFacts
from orchestrator.diagnosis.member_doctor import MemberFacts, member_rows
from orchestrator.rendering.members import member_doctor_text

ENGINE = EngineFacts(
    url="unix:///x", origin="member big", product="Docker Engine", version="20.10.24", api="1.41", oldest_api="1.12",
    parts={}, system="Debian", kernel="6.1", cgroup_version="2", cgroup_driver="cgroupfs", storage="overlay2",
    runtime="runc", rootless=False, swarm="inactive", unlimited=(), memory=8 * 1024**3, networks=(), isolates_ipv6=None,
    local=False, data_root="/var/lib/docker", disk_free=None,
)  # fmt: skip
GOOD = MemberFacts(
    name="big", engine=ENGINE, architecture="x86_64", wanted_architecture="x86_64", clock_offset=0.01, clock_error=0.02,
    memory_free=6000, images={"app": "present", "dns": "present"}, is_swarm_manager=False, sees_files=True,
)  # fmt: skip
ALL = tuple(IPv4Network((0xC0A80000 + (number << 8), 24)) for number in range(256))
# What is changed -> the row, its verdict and its sentence.
CASES = [
    ({}, "engine", "ok", "Docker Engine 20.10.24, API 1.41, kernel 6.1"),
    ({"engine": replace(ENGINE, product="Podman", version="4.2")}, "engine", "missing",
     "Podman 4.2, API 1.41, kernel 6.1"),
    ({"engine": replace(ENGINE, product="Podman", version="5.4.2")}, "engine", "ok",
     "Podman 5.4.2, API 1.41, kernel 6.1"),
    ({"engine": replace(ENGINE, api="1.40")}, "engine", "missing", "Docker Engine 20.10.24, API 1.40, kernel 6.1"),
    ({"engine": replace(ENGINE, rootless=True)}, "engine", "warning",
     "Docker Engine 20.10.24, API 1.41, kernel 6.1, rootless"),
    ({}, "architecture", "ok", "x86_64, as the engine in use"),
    ({"architecture": "aarch64"}, "architecture", "missing", "aarch64, and the engine in use has x86_64"),
    ({"wanted_architecture": ""}, "architecture", "ok", "x86_64; no engine in use answers to compare it with"),
    ({}, "files of labs", "ok", "it sees the state folder of this machine"),
    ({"sees_files": False}, "files of labs", "ok", "it does not see the state folder of this machine"),
    ({"sees_files": None}, "files of labs", "warning", "not tried"),
    ({}, "clock", "ok", "0.01 s off, measured within 0.02 s"),
    ({"clock_offset": 3.24}, "clock", "warning", "3.2 s ahead of this machine's, measured within 0.02 s"),
    ({"clock_offset": -3.24}, "clock", "warning", "3.2 s behind this machine's, measured within 0.02 s"),
    ({"clock_offset": 3.0, "clock_error": 4.0}, "clock", "ok", "3.00 s off, measured within 4.00 s"),
    ({}, "memory", "ok", "6000 of 8192 MiB are free"),
    ({"memory_free": 100}, "memory", "warning", "100 of 8192 MiB are free"),
    ({"memory_free": None}, "memory", "ok", "8192 MiB in all; what is free is not measured"),
    ({}, "private ranges", "ok", "256 of 256 in 192.168.0.0/16 are free"),
    ({"engine": replace(ENGINE, networks=ALL)}, "private ranges", "missing", "0 of 256 in 192.168.0.0/16 are free"),
    ({}, "images", "ok", "all 2 are there"),
    ({"images": {"app": "missing", "dns": "present"}}, "images", "ok", "missing: app"),
    ({}, "swarm", "ok", "it is part of no swarm"),
    ({"engine": replace(ENGINE, swarm="active"), "is_swarm_manager": True}, "swarm", "ok", "it is a manager"),
    ({"engine": replace(ENGINE, swarm="active")}, "swarm", "ok", "it is a worker"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "name", "verdict", "value"), CASES)
def test_each_value_has_its_verdict(changes: dict[str, object], name: str, verdict: str, value: str) -> None:
    rows = {row.name: row for row in member_rows(replace(GOOD, **changes))}  # type: ignore[arg-type]
    row = rows[name]
    assert (row.verdict, row.value) == (verdict, value)
    assert row.hint or verdict == "ok"


def test_the_end_says_whether_labs_can_run_there() -> None:
    assert member_doctor_text("big", member_rows(GOOD), 110).endswith("Labs can run on it.")
    other = replace(GOOD, architecture="aarch64")
    assert member_doctor_text("big", member_rows(other), 110).endswith("see what is missing.")


def test_packets_that_do_not_fit_between_machines_are_a_warning_with_the_way_out() -> None:
    packets = {"10.0.0.2": 1500, "10.0.0.3": 1400, "10.0.0.4": 0}
    rows = [row for row in member_rows(replace(GOOD, packets=packets)) if row.name.startswith("packets to")]
    assert [(row.name, row.verdict, row.value) for row in rows] == [
        ("packets to 10.0.0.2", "ok", "1500 bytes arrive whole"),
        ("packets to 10.0.0.3", "warning", "at most 1400 bytes arrive whole; a split lab needs 1500"),
        ("packets to 10.0.0.4", "ok", "not measured: it answers no ping"),
    ]
    assert "MTU of 1500" in rows[1].hint
