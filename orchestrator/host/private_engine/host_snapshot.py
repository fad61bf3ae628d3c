"""What the machine was like before the private engine started, and how to make it so again.

Written down before the first process starts, so that any later process can undo, whatever happened to the engine.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from orchestrator.host.private_engine import firewall, netlink
from orchestrator.host.processes import network_of

# What dockerd is known to change, first things first: writing a general switch resets the switch of every interface.
SYSCTLS = (
    "net/ipv4/ip_forward",
    "net/ipv4/conf/all/forwarding",
    "net/ipv4/conf/default/forwarding",
    "net/ipv4/conf/*/forwarding",
    "net/ipv4/conf/*/route_localnet",
    "net/ipv6/conf/all/forwarding",
    "net/ipv6/conf/default/forwarding",
    "net/ipv6/conf/*/forwarding",
    "net/bridge/bridge-nf-call-iptables",
    "net/bridge/bridge-nf-call-ip6tables",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
)
# These appear with their module, switched on; "not there before" means "had no effect before".
_APPEAR_ON = ("net/bridge/bridge-nf-call-iptables", "net/bridge/bridge-nf-call-ip6tables")
# Files and folders that the programs make outside of what we give them, deepest first.
STRAYS = (
    "/etc/docker/key.json",
    "/etc/docker",
    "/run/docker/plugins",
    "/run/docker",
    "/run/containerd",
    "/opt/containerd",
)
_BRIDGE = re.compile(r"(br|wl)-[0-9a-f]{12}|docker0|docker_gwbridge")
_SYS = Path("/proc/sys")


@dataclass(frozen=True)
class HostSnapshot:
    """Links, sysctls, firewall and stray files as they were. `boot` and `network` say where this holds."""

    boot: str
    network: str
    links: tuple[str, ...]
    sysctls: Mapping[str, str]
    tables: tuple[tuple[str, str], ...]
    rules: Mapping[str, str]
    strays: tuple[str, ...]

    @classmethod
    def observed(cls) -> HostSnapshot:
        """The machine as it is now."""
        return cls(
            boot=boot_id(),
            network=network_of("self") or "",
            links=links(),
            sysctls=_read_sysctls(),
            tables=tuple(sorted(netlink.tables())),
            rules={family: _saved(family) for family in ("ip", "ip6")},
            strays=tuple(path for path in STRAYS if os.path.lexists(path)),
        )

    @classmethod
    def load(cls, path: Path) -> HostSnapshot | None:
        """What was written down; None if nothing is, or it is from before the last boot and so long gone."""
        try:
            document = json.loads(path.read_bytes())
        except (FileNotFoundError, ValueError):
            return None
        tables = tuple((family, name) for family, name in document.pop("tables"))
        links, strays = tuple(document.pop("links")), tuple(document.pop("strays"))
        snapshot = cls(tables=tables, links=links, strays=strays, **document)
        return snapshot if snapshot.boot == boot_id() else None

    def save(self, path: Path) -> None:
        """Write it down; a reader sees all of it or nothing."""
        draft = path.with_suffix(".new")
        draft.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")
        os.replace(draft, path)

    def new_bridges(self) -> tuple[str, ...]:
        """Bridges with the names that an engine gives, which were not there before."""
        return tuple(name for name in links() if _BRIDGE.fullmatch(name) and name not in self.links)

    def restore(self, bridges: tuple[str, ...]) -> None:
        """Bring all of it back, with `bridges` being the engine's. Forwarding closes before its filter opens."""
        for name in bridges:
            for port in _ports(name):
                netlink.delete_link(port)
            netlink.delete_link(name)
        netlink.open_host()
        self._restore_sysctls()
        for family in ("ip", "ip6"):
            self._restore_rules(family, frozenset(bridges))
        self._remove_strays()

    def _restore_sysctls(self) -> None:
        wanted = dict(self.sysctls)
        for name in _APPEAR_ON:
            if (_SYS / name).exists():
                wanted.setdefault(name, "0")
        for name, value in wanted.items():
            path = _SYS / name
            if _read(path) not in (None, value):
                path.write_text(value, encoding="ascii")

    def _restore_rules(self, family: str, bridges: frozenset[str]) -> None:
        text = firewall.undo(self.rules[family], _saved(family), bridges)
        if text:
            _run(_program(family, "restore"), "--noflush", given=text)
        empty = firewall.unused(_saved(family)) | {"docker-bridges"}  # the latter: Engine 29 with nftables
        for where, name in sorted(netlink.tables() - set(self.tables)):
            if where == family and name in empty:
                netlink.delete_table(where, name)

    def _remove_strays(self) -> None:
        for path in STRAYS:
            if path in self.strays:
                continue
            try:
                os.unlink(path) if path.endswith(".json") else _prune(Path(path))
            except OSError:
                continue  # not there, or not empty: somebody uses it


def boot_id() -> str:
    """A value that the kernel draws at each boot (random(4))."""
    return (_read(_SYS / "kernel/random/boot_id")) or ""


def links() -> tuple[str, ...]:
    """The names of all network links in this namespace."""
    return tuple(sorted(name for _, name in socket.if_nameindex()))


def _ports(bridge: str) -> tuple[str, ...]:
    """The links that are plugged into a bridge. /sys may show another namespace's links, hence the second look."""
    try:
        names = os.listdir(f"/sys/class/net/{bridge}/brif")
    except OSError:
        return ()
    return tuple(sorted(set(names) & set(links())))


def _prune(folder: Path) -> None:
    """Remove a tree of folders that holds no file."""
    for path, _, _ in os.walk(folder, topdown=False):
        os.rmdir(path)


def _read_sysctls() -> dict[str, str]:
    values: dict[str, str] = {}
    for pattern in SYSCTLS:
        for path in sorted(_SYS.glob(pattern)):
            value = _read(path)
            if value is not None:
                values.setdefault(str(path.relative_to(_SYS)), value)
    return values


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return None


def _program(family: str, verb: str) -> str:
    return f"ip{'6' if family == 'ip6' else ''}tables-{verb}"


def _saved(family: str) -> str:
    try:
        return _run(_program(family, "save"))
    except (OSError, subprocess.CalledProcessError):
        return ""  # no such program, or no such tables in this kernel: then the engine wrote none either


def _run(program: str, *arguments: str, given: str = "") -> str:
    path = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") or program
    done = subprocess.run((path, *arguments), input=given, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout
