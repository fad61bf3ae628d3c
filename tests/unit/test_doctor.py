"""What `wirelab doctor` says of machines of many kinds."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from orchestrator.diagnosis.doctor import (
    MISSING,
    OK,
    WARNING,
    EngineFacts,
    MachineFacts,
    Row,
    free_ranges,
    rows,
    verdict,
    version_of,
)
from orchestrator.host.find import EngineFound
from orchestrator.host.machine import facts_of
from orchestrator.host.state_folder import StateFolder
from orchestrator.planning.leftovers import LabLeftovers
from orchestrator.rendering.doctor import doctor_document, doctor_text

ENGINE = EngineFacts(
    url="unix:///var/run/docker.sock", origin="the system socket", product="Docker Engine", version="28.3.2",
    api="1.51", oldest_api="1.24", parts={"Engine": "28.3.2", "runc": "1.2.5"}, system="Debian GNU/Linux 13 (trixie)",
    kernel="6.12.0", cgroup_version="2", cgroup_driver="systemd", storage="overlay2", runtime="runc", rootless=False,
    swarm="inactive", unlimited=(), memory=8_000_000_000, networks=(IPv4Network("172.17.0.0/16"),),
    isolates_ipv6=True, local=True, data_root="/var/lib/docker", disk_free=50_000_000_000,
)  # fmt: skip
MACHINE = MachineFacts(
    python=(3, 13, 1), system="Linux", engine=ENGINE, no_engine=("", ""), hybrid_cgroups=False,
    features={"netem": True, "nftables": True}, routes=(IPv4Network("10.0.0.0/24"),), memory_free=4_000_000_000,
    images={"base": "present", "dns": "present"}, tools={"docker": True, "mmdebstrap": False},
)  # fmt: skip
# What Podman 4.3 (Debian 12) says, shortened to what is read.
PODMAN_VERSION = {
    "Version": "4.3.1",
    "ApiVersion": "1.41",
    "MinAPIVersion": "1.24",
    "Components": [
        {"Name": "Podman Engine", "Version": "4.3.1"},
        {"Name": "OCI Runtime (crun)", "Version": "crun version 1.8.1"},
    ],
}  # fmt: skip
PODMAN_SAID = {
    "DefaultRuntime": "crun", "Driver": "overlay", "CgroupDriver": "cgroupfs", "CgroupVersion": "1",
    "SecurityOptions": ["name=seccomp", "name=rootless"], "MemoryLimit": False, "PidsLimit": True, "MemTotal": 100,
    "KernelVersion": "0.0.0", "DockerRootDir": "/home/me/.local/share/containers/storage",
}  # fmt: skip


def of(engine: EngineFacts | None = None, **more: object) -> tuple[Row, ...]:
    return rows(replace(MACHINE, **({"engine": engine} if engine else {}), **more))  # type: ignore[arg-type]


def row(found: tuple[Row, ...], name: str) -> Row:
    return next(each for each in found if each.name == name)


def traps(engine: EngineFacts, **more: object) -> list[str]:
    return [each.value for each in of(engine, **more) if each.name == "known trap"]


def test_a_machine_that_is_open_to_nodes_is_warned_of() -> None:
    """On each version of an engine: its bridge has an address, on which the machine answers."""
    closed, opened = of(ENGINE), of(ENGINE, host_open="the engine is not wirelab's own")
    assert row(closed, "nodes and this machine").verdict == OK
    assert row(opened, "nodes and this machine") == Row(
        "nodes and this machine",
        WARNING,
        "nodes may reach services of this machine: the engine is not wirelab's own",
        "wirelab up --close-host closes a lab to this machine",
    )


def test_a_state_folder_that_cannot_be_written_to_is_missing_something() -> None:
    """`up` would fail there: no lab can run here."""
    closed = replace(MACHINE, unwritable="/read-only")
    (row,) = [row for row in rows(closed) if row.name == "state folder"]
    assert (row.verdict, row.value) == (MISSING, "/read-only cannot be written to")
    assert not [row for row in rows(MACHINE) if row.name == "state folder"]


def test_the_nearest_folder_that_is_there_decides(tmp_path: Path) -> None:
    assert StateFolder(tmp_path / "new" / "wirelab").unwritable() == ""
    (tmp_path / "file").write_text("")
    assert StateFolder(tmp_path / "file" / "wirelab").unwritable() == str(tmp_path / "file")


def test_a_good_machine_has_no_warning() -> None:
    """Every row is ok; a tool that is needed only sometimes may be absent."""
    found = of()
    assert verdict(found) == OK
    assert row(found, "tool mmdebstrap") == Row(
        "tool mmdebstrap",
        OK,
        "not there",
        "only needed to build images where no registry answers; wirelab installs it then",
    )


def test_without_an_engine_a_lab_cannot_run_and_the_reason_is_in_the_table() -> None:
    """The reason and the next command."""
    found = rows(replace(MACHINE, engine=None, no_engine=("nobody listens", "wirelab engine up")))
    assert verdict(found) == MISSING
    assert row(found, "engine") == Row("engine", MISSING, "nobody listens", "wirelab engine up")


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("29.0.0", ["Engine 29.0 to 29.2 refuses clients older than API 1.44"]),
        ("29.2.1", ["Engine 29.0 to 29.2 refuses clients older than API 1.44"]),
        ("29.3.0", []),
        ("28.3.2", []),
        ("25.0.0", []),
        ("24.0.7", ["An engine before version 25 allows two networks with one name"]),
        ("20.10.24+dfsg1", ["An engine before version 25 allows two networks with one name"]),
    ],
)
def test_known_traps_of_docker_by_version(version: str, words: list[str]) -> None:
    """Warnings, on exactly the versions that have them."""
    assert traps(replace(ENGINE, version=version)) == words
    assert verdict(of(replace(ENGINE, version=version))) == (WARNING if words else OK)


def test_podman_4_3_with_crun_1_8_on_hybrid_control_groups() -> None:
    """Recognised from what it says about itself; nothing of its disk is looked up, for its kernel is not ours."""
    engine = facts_of(EngineFound("tcp://far:2375", "DOCKER_HOST"), PODMAN_VERSION, PODMAN_SAID, [])
    assert engine.product == "Podman"
    assert engine.rootless
    assert engine.disk_free is None
    assert engine.isolates_ipv6 is True
    assert traps(engine) == []
    assert traps(engine, hybrid_cgroups=True) == ["crun refuses hybrid control groups"]
    assert traps(replace(engine, runtime="runc"), hybrid_cgroups=True) == []
    limits = row(of(engine), "control groups")
    assert limits.verdict == WARNING
    assert "no limit on memory" in limits.value


def test_rootless_podman_on_old_control_groups_has_no_limits_whatever_it_says() -> None:
    """Seen on Podman 5.4: `MemoryLimit` is true, and the containers have no control group."""
    found = EngineFound("tcp://far:2375", "DOCKER_HOST")
    says_yes = {**PODMAN_SAID, "MemoryLimit": True, "CpuCfsQuota": True, "PidsLimit": True}
    assert facts_of(found, PODMAN_VERSION, says_yes, []).unlimited == ("memory", "CPU", "processes")
    assert facts_of(found, PODMAN_VERSION, {**says_yes, "CgroupVersion": "2"}, []).unlimited == ()
    assert facts_of(found, PODMAN_VERSION, {**says_yes, "SecurityOptions": []}, []).unlimited == ()


@pytest.mark.parametrize(("product", "said"), [("Podman", OK), ("Docker Engine", WARNING)])
def test_rootless_podman_is_tried_and_rootless_docker_is_not(product: str, said: str) -> None:
    assert row(of(replace(ENGINE, product=product, version="28.0.0", rootless=True)), "rootless").verdict == said


def test_a_lab_whose_removal_is_not_complete_is_named_with_the_command() -> None:
    found = of(leftovers=(LabLeftovers("shop", networks=1),))
    assert row(found, "lab shop") == Row("lab shop", WARNING, "its removal is not complete", "wirelab down --lab shop")
    assert not [each for each in of() if each.name.startswith("lab ")]


@pytest.mark.parametrize(("version", "said"), [("3.4.4", MISSING), ("4.2.0", MISSING), ("4.3.1", OK), ("5.4.2", OK)])
def test_podman_is_supported_from_4_3_on(version: str, said: str) -> None:
    """No lab comes up on an older one, so `doctor` must not say that one can run."""
    found = of(replace(ENGINE, product="Podman", version=version))
    assert row(found, "engine").verdict == said
    assert row(found, "engine").hint == ("" if said == OK else "wirelab needs Podman 4.3 or newer")


@pytest.mark.slow
def test_ranges_in_use_are_those_of_routes_and_of_engine_networks() -> None:
    """Counted once where both have it; a wide route takes all that is in it."""
    networks = [IPv4Network(text) for text in ("192.168.3.0/24", "192.168.3.128/25", "192.168.8.0/22", "10.0.0.0/8")]
    assert free_ranges([]) == 256
    assert free_ranges(networks) == 256 - 1 - 4
    assert free_ranges([IPv4Network("192.168.0.0/16")]) == 0
    assert row(of(routes=(IPv4Network("192.168.0.0/16"),)), "private ranges").verdict == MISSING
    assert (
        row(of(routes=(IPv4Network("192.168.0.0/17"), IPv4Network("192.168.128.0/18"))), "private ranges").verdict == OK
    )
    few = [IPv4Network((0xC0A80000 + (i << 8), 24)) for i in range(250)]
    assert row(of(routes=tuple(few)), "private ranges").verdict == WARNING


@pytest.mark.parametrize(
    ("free", "expected"), [(400_000_000, MISSING), (2_000_000_000, WARNING), (9_000_000_000, OK), (None, OK)]
)
def test_little_disk_is_a_warning_and_none_is_missing(free: int | None, expected: str) -> None:
    """Unknown is no reason to refuse: the engine may be elsewhere."""
    assert row(of(replace(ENGINE, disk_free=free)), "disk").verdict == expected


@pytest.mark.parametrize(("there", "value"), [(True, "yes"), (False, "no"), (None, "unknown")])
def test_a_kernel_feature_that_could_not_be_tried_is_unknown_not_yes(there: bool | None, value: str) -> None:
    """Never green without having seen it."""
    found = row(of(features={"netem": there}), "kernel netem")
    assert (found.value, found.verdict) == (value, OK if there else WARNING)
    isolation = row(of(replace(ENGINE, isolates_ipv6=there)), "IPv6 isolation")
    assert (isolation.value, isolation.verdict) == (value, OK if there else WARNING)


def test_an_old_python_an_old_api_and_vfs_are_noticed() -> None:
    """Two of them stop a lab, one makes it slow."""
    assert row(of(python=(3, 10, 4)), "python").verdict == MISSING
    assert row(of(replace(ENGINE, api="1.40")), "engine API").verdict == MISSING
    assert row(of(replace(ENGINE, storage="vfs")), "storage driver").verdict == WARNING


def test_missing_images_are_a_warning_for_up_builds_them() -> None:
    """LabRef, with the command."""
    found = row(of(images={"base": "present", "dns": "missing", "app": "old"}), "images")
    assert found == Row("images", WARNING, "present: base; missing: dns", "wirelab images build (up does it too)")


@pytest.mark.parametrize(
    ("text", "version"), [("20.10.24+dfsg1", (20, 10, 24)), ("crun version 1.8.1", (1, 8, 1)), ("dev", ())]
)
def test_versions_are_read_out_of_what_programs_say(text: str, version: tuple[int, ...]) -> None:
    """The first dotted number."""
    assert version_of(text) == version


def test_the_table_is_readable_without_colour_and_hints_stand_below() -> None:
    """Columns in line, long values wrapped, one last sentence with the verdict."""
    table = doctor_text(
        (Row("python", OK, "3.13.1"), Row("engine", MISSING, "nobody listens on any of the places", "start one")),
        width=40,
    )
    assert table == (
        "python  ok       3.13.1\n"
        "engine  missing  nobody listens on any\n"
        "                 of the places\n"
        "                 hint: start one\n"
        "\n"
        "A lab cannot run here yet; see what is missing."
    )
    assert "\x1b" not in table


def test_the_document_has_the_same_rows() -> None:
    """With schema 1 and the verdict over all."""
    document = doctor_document((Row("python", OK, "3.13.1"), Row("disk", WARNING, "1 GB", "clean")))
    assert document["schema"] == 1
    assert document["verdict"] == WARNING
    assert document["rows"] == [
        {"name": "python", "verdict": "ok", "value": "3.13.1", "hint": ""},
        {"name": "disk", "verdict": "warning", "value": "1 GB", "hint": "clean"},
    ]
