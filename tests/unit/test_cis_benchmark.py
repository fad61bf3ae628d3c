"""The CIS Docker Benchmark, section 5 (container runtime), over every container that wirelab makes.

What a rule warns of is an exception with a reason, or the test fails. The table in SECURITY.md is made from this.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from doc_pages import ROOT
from observed_labs import IMAGES, nothing, planned

from orchestrator.engine.docker.config import container_config
from orchestrator.model.roles import ROLES
from orchestrator.model.secret import Secret
from orchestrator.planning.capture import live_spec, recorder_spec
from orchestrator.planning.desired import desired, network_helper, sidecar
from orchestrator.planning.specs import ContainerSpec

# A node for each role, and one with an image of the author's.
NODES = {
    "dns": "{role: dns}",
    "database": "{role: database}",
    "app": "{role: app, uses: [database]}",
    "client": "{role: client}",
    "proxy": "{role: proxy, uses: [app]}",
    "router": "{role: router, networks: [left, right]}",
    "ssh": "{role: ssh}",
    "service": "{role: service, command: [sleep, infinity]}",
    "author's image": "{role: service, image: 'nginx:1'}",
}
CAPTURE, HELPER, PROBE = "capture", "network helper", "probe helper"
Config = Mapping[str, Any]


@dataclass(frozen=True)
class Rule:
    """A rule of the benchmark, and whether the configuration of a container keeps to it."""

    number: str
    asks: str
    holds: Callable[[Config], bool]


def host(config: Config) -> Config:
    settings: Config = config["HostConfig"]
    return settings


def sources(config: Config) -> list[str]:
    return [str(mount["Source"]) for mount in host(config)["Mounts"] if mount["Type"] == "bind"]


SENSITIVE = ("/boot", "/dev", "/etc", "/lib", "/proc", "/sys", "/usr", "/var/run", "/run")
NAMESPACES = {"PidMode", "IpcMode", "UTSMode"}


def other_profiles(config: Config) -> list[str]:
    return [option for option in host(config)["SecurityOpt"] if option != "no-new-privileges"]


RULES = (
    Rule("5.4", "no capabilities are added", lambda c: host(c)["CapDrop"] == ["ALL"] and not host(c)["CapAdd"]),
    Rule("5.5", "no privileged container", lambda c: not host(c).get("Privileged")),
    Rule("5.6", "no system folder of the host", lambda c: not any(s.startswith(SENSITIVE) for s in sources(c))),
    Rule("5.7", "no SSH server runs", lambda c: "/ssh:" not in c["Image"]),
    Rule("5.8, 5.9, 5.14", "no port is published", lambda c: not host(c).get("PortBindings")),
    Rule("5.10", "the network of the host is not shared", lambda c: host(c)["NetworkMode"] != "host"),
    Rule("5.11", "memory is limited", lambda c: 0 < host(c)["Memory"] == host(c)["MemorySwap"]),
    Rule("5.12", "processors are limited", lambda c: host(c)["NanoCpus"] > 0),
    Rule("5.13", "the root file system is read-only", lambda c: host(c)["ReadonlyRootfs"] is True),
    Rule("5.15", "no restart without an end", lambda c: host(c)["RestartPolicy"]["Name"] == "no"),
    Rule("5.16, 5.17, 5.21", "no PID, IPC or UTS namespace of the host", lambda c: not NAMESPACES & set(host(c))),
    Rule("5.18", "no device of the host", lambda c: not host(c).get("Devices")),
    Rule("5.20", "no shared mounts", lambda c: not any("BindOptions" in mount for mount in host(c)["Mounts"])),
    Rule("5.2, 5.3, 5.22", "the engine's own profiles (AppArmor, SELinux, seccomp)", lambda c: not other_profiles(c)),
    Rule("5.25", "the engine's control groups stay", lambda c: not host(c).get("CgroupParent")),
    Rule("5.26", "no new privileges", lambda c: "no-new-privileges" in host(c)["SecurityOpt"]),
    Rule("5.27", "the engine checks health", lambda c: "Healthcheck" in c),
    Rule("5.29", "processes are limited", lambda c: host(c)["PidsLimit"] > 0),
    Rule("5.30", "not on the engine's default bridge", lambda c: host(c)["NetworkMode"] not in ("bridge", "default")),
    Rule("5.31", "the user namespace is the engine's", lambda c: not host(c).get("UsernsMode")),
    Rule("5.32", "no socket of an engine", lambda c: not any("docker" in s or s.endswith(".sock") for s in sources(c))),
)  # fmt: skip
# (rule, container; * is each of them) -> why it is so.
EXCEPTIONS = {
    ("5.4", CAPTURE): "NET_RAW: it records packets",
    ("5.4", HELPER): "NET_ADMIN for a moment: it sets routes and cuts in one node's network",
    ("5.7", "ssh"): "the node teaches SSH; its server runs as its own user, without capabilities",
    ("5.10", CAPTURE): "packets of all networks are seen only there",
    ("5.13", "author's image"): "nobody knows where the program of the image writes",
    ("5.27", "*"): "wirelab probes itself: an engine's health check begins only after its first interval",
}


def containers() -> dict[str, ContainerSpec]:
    """Each kind of container that wirelab makes, by what it is called here."""
    names = {what: f"n{number}" for number, what in enumerate(NODES)}
    text = "name: shop\ntitle: Every role\ndomain: shop.lab\nnetworks: {lab: , left: , right: }\nnodes:\n"
    for what, node in NODES.items():
        uses = [f"uses: [{name}]" for name in names if f"uses: [{name}]" in node]
        for used in uses:
            node = node.replace(used, f"uses: [{names[used[7:-1]]}]")
        own = node if "networks" in node else f"{node[:-1]}, networks: [lab]}}"
        text += f"  {names[what]}: {own}\n"
    secrets = {name: Secret("pass-word") for name in names.values()}
    observed = replace(
        nothing(), secrets=secrets, images={**IMAGES, "ssh": "wirelab/ssh:1", "router": "wirelab/router:1"}
    )
    topology, _ = planned(text, observed)
    specs = {what: desired(topology, observed, name).spec for what, name in names.items()}
    return specs | {
        CAPTURE: recorder_spec(topology, observed),
        f"{CAPTURE} (live)": live_spec(topology, observed),
        HELPER: network_helper(topology, observed, "n0", "cut"),
        PROBE: sidecar(topology, observed, "n0", "ready", ("true",)),
    }


def reason(rule: Rule, what: str) -> str | None:
    """Why a container may go against a rule."""
    return EXCEPTIONS.get((rule.number, what.partition(" (")[0]), EXCEPTIONS.get((rule.number, "*")))


def warnings() -> list[tuple[Rule, str]]:
    """Each rule that a container goes against."""
    configs = {what: container_config(spec) for what, spec in containers().items()}
    return [(rule, what) for rule in RULES for what, config in configs.items() if not rule.holds(config)]


def table() -> str:
    """The table of SECURITY.md."""
    lines = ["| rule | what it asks | exceptions |", "|---|---|---|"]
    for rule in RULES:
        own = [(what, why) for (number, what), why in EXCEPTIONS.items() if number == rule.number]
        text = "; ".join(f"{'every container' if what == '*' else what}: {why}" for what, why in own) or "none"
        lines.append(f"| {rule.number} | {rule.asks} | {text} |")
    return "\n".join(lines)


def test_every_role_is_looked_at() -> None:
    assert set(ROLES) <= set(NODES)


def test_each_warning_is_an_exception_with_a_reason() -> None:
    assert [(rule.number, what) for rule, what in warnings() if reason(rule, what) is None] == []


def test_each_exception_is_needed() -> None:
    """One that no container needs any more goes."""
    seen = {(rule.number, what.partition(" (")[0]) for rule, what in warnings()}
    seen |= {(number, "*") for number, _ in seen}
    assert set(EXCEPTIONS) <= seen


def test_each_rule_can_fail() -> None:
    """A container with all that the benchmark warns of goes against each rule."""
    settings = {
        "CapDrop": [],
        "CapAdd": ["SYS_ADMIN"],
        "Privileged": True,
        "Memory": 0,
        "MemorySwap": 0,
        "NanoCpus": 0,
        "PortBindings": {"80/tcp": [{}]},
        "ReadonlyRootfs": False,
        "RestartPolicy": {"Name": "always"},
        "PidMode": "host",
        "Devices": [{}],
        "SecurityOpt": ["seccomp=unconfined"],
        "CgroupParent": "x",
        "PidsLimit": 0,
        "UsernsMode": "host",
        "Mounts": [{"Type": "bind", "Source": "/var/run/docker.sock", "BindOptions": {"Propagation": "shared"}}],
    }
    bad = [{"Image": "wirelab/ssh:1", "HostConfig": {**settings, "NetworkMode": mode}} for mode in ("host", "bridge")]
    kept = [rule.number for rule in RULES if all(rule.holds(config) for config in bad)]
    assert kept == []


def test_the_table_of_the_page_is_this_one() -> None:
    page = (ROOT / "SECURITY.md").read_text("utf-8")
    assert table() in page, f"put this into SECURITY.md:\n{table()}"
