"""A stage for the tests of the images: raw containers of ours, hardened, on one internal network.

Nothing here imports what the product plans or runs with: the images must keep their promises (images/README.md) to
anybody who starts them. Everything made bears the label of the test's own run and is removed by it.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError

READY = "wirelab: ready"
MIB = 1024 * 1024
PASSWORD = "s3cret-of-the-stage"
# role -> (user id, probes, tmpfs, memory in MiB), as images/README.md has them
ROLES: dict[str, tuple[int, str, dict[str, str], int]] = {
    "dns": (10053, "dns:53", {"/run/named": "size=4m,uid=10053,gid=10053,mode=755"}, 128),
    "database": (10432, "database", {"/run/postgresql": "size=1m,uid=10432,gid=10432,mode=755"}, 256),
    "app": (10080, "http:80/health", {}, 192),
    "client": (10000, "none", {"/home/student": "size=4m,uid=10000,gid=10000,mode=700"}, 128),
}
HOSTS = {"dns": 10, "db": 11, "app": 12, "client": 13}
NAMED_CONF = """\
options {
    directory "/run/named"; pid-file none; session-keyfile none; managed-keys-directory "/run/named";
    listen-on { any; }; listen-on-v6 { none; }; recursion yes; allow-query { any; };
    dnssec-validation no; empty-zones-enable no; max-cache-size 16m; notify no; querylog yes;
};
controls {};
logging {
    channel lab { stderr; severity info; print-time iso8601-utc; print-category yes; };
    category default { lab; }; category queries { lab; };
};
zone "shop.lab" { type primary; file "/wirelab/shop.lab.zone"; };
zone "." { type primary; file "/wirelab/root.zone"; };
"""
HEAD = "$TTL 5\n@ IN SOA dns.shop.lab. hostmaster.shop.lab. {serial} 60 60 60 5\n@ IN NS dns.shop.lab.\n"
SEED = """\
CREATE TABLE items (id serial PRIMARY KEY, name text NOT NULL);
INSERT INTO items (name) VALUES ('anvil'), ('rope');
"""


@dataclass
class ImageStage:
    """Containers by name on one network; `tags` are our images, `run_id` is the value of the label `wirelab.run`."""

    api: Any
    run_id: str
    tags: Mapping[str, str]
    folder: Path
    network: str = ""
    prefix: str = ""
    ids: dict[str, str] = field(default_factory=dict)
    starts: Counter[str] = field(default_factory=Counter)

    @property
    def labels(self) -> dict[str, str]:
        return {"wirelab.run": self.run_id}

    def address(self, name: str) -> str:
        return f"{self.prefix}.{HOSTS[name]}"

    def open_network(self) -> None:
        """An internal network in a range that nobody on this engine uses."""
        for third in range(199, 254):
            config = {"Subnet": f"192.168.{third}.0/24", "Gateway": f"192.168.{third}.1"}
            try:
                made = self.api.create_network(
                    f"images-{self.run_id}",
                    driver="bridge",
                    internal=True,
                    ipam={"Config": [config]},
                    labels=self.labels,
                )
            except APIError as error:
                if "overlap" not in str(error):
                    raise
                continue
            self.network, self.prefix = made["Id"], f"192.168.{third}"
            return
        raise AssertionError("no private range is free on this engine")

    def write(self, name: str, texts: Mapping[str, str]) -> Path:
        """The node's folder, as wirelab gives it: readable, and never writable inside."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
        for file, text in texts.items():
            (folder / file).write_text(text, encoding="utf-8")
            (folder / file).chmod(0o644)
        return folder

    def start(
        self,
        name: str,
        role: str,
        *,
        texts: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
        volume: str = "",
        command: Sequence[str] = (),
        wait: bool = True,
        **host: Any,
    ) -> str:
        """Make and start a hardened container; wait until it says that it is ready."""
        user, ready, tmpfs, memory = ROLES[role]
        folder = self.write(name, texts or {})
        mounts = [{"Type": "bind", "Source": str(folder), "Target": "/wirelab", "ReadOnly": True}]
        if (folder / "resolv.conf").exists():
            source = str(folder / "resolv.conf")
            mounts.append({"Type": "bind", "Source": source, "Target": "/etc/resolv.conf", "ReadOnly": True})
        if volume:
            options = {"Labels": self.labels}
            target = "/var/lib/postgresql/cluster"
            source = f"{self.run_id}-{volume}"
            mounts.append({"Type": "volume", "Source": source, "Target": target, "VolumeOptions": options})
        config: dict[str, Any] = {
            "Image": self.tags[role],
            "User": f"{user}:{user}",
            "Labels": self.labels,
            "Env": [f"{key}={value}" for key, value in {"WIRELAB_READY": ready, **(environment or {})}.items()],
            "HostConfig": {
                "CapDrop": ["ALL"],
                "SecurityOpt": ["no-new-privileges"],
                "ReadonlyRootfs": True,
                "Init": True,
                "Tmpfs": {"/tmp": "size=16m,mode=1777", **tmpfs},
                "Memory": memory * MIB,
                "MemorySwap": memory * MIB,
                "PidsLimit": 128,
                "Mounts": mounts,
                "NetworkMode": self.network if name in HOSTS else "none",
                **host,
            },
        }
        if command:
            config["Cmd"] = list(command)
        if name in HOSTS and "NetworkMode" not in host:
            end = {"IPAMConfig": {"IPv4Address": self.address(name)}}
            config["NetworkingConfig"] = {"EndpointsConfig": {self.network: end}}
        if "NetworkMode" not in host:
            config["Hostname"] = name
        self.ids[name] = self.api.create_container_from_config(config)["Id"]
        self.api.start(self.ids[name])
        self.starts[name] = 1
        if wait:
            self.await_ready(name)
        return self.ids[name]

    def again(self, name: str, *, stop: bool = False) -> None:
        """Start a stopped container (`stop`: one that runs) and wait until it says once more that it is ready."""
        said = self.said_ready(name)
        if stop:
            self.api.stop(self.ids[name], timeout=50)
        self.api.start(self.ids[name])
        self.starts[name] += 1
        self.await_ready(name, said + 1)

    def said_ready(self, name: str) -> int:
        return self.log(name).splitlines().count(READY)

    def await_ready(self, name: str, times: int = 1) -> None:
        """Wait until the container has said so many times that it is ready.

        Not "since its start": a probe that holds at once says so before the engine has noted the time of the start.
        """
        until(lambda: self.said_ready(name) >= times, lambda: self.log(name))

    def log(self, name: str) -> str:
        return str(self.api.logs(self.ids[name]).decode())

    def run(self, name: str, *argv: str, tty: bool = False) -> tuple[int, str]:
        """Run a program in a container: exit code, and both streams."""
        made = self.api.exec_create(self.ids[name], list(argv), tty=tty)["Id"]
        output = self.api.exec_start(made, tty=tty).decode()
        return int(self.api.exec_inspect(made)["ExitCode"]), output

    def get(self, name: str, url: str, *more: str) -> tuple[int, Any]:
        """Ask with curl from a container, which gives up after twenty seconds: status, the JSON document."""
        _, output = self.run(name, "curl", "-s", "-m", "20", "-w", "\n%{http_code}", *more, url)
        body, _, status = output.rpartition("\n")
        return int(status), json.loads(body) if body.strip() else None

    def let_go(self) -> None:
        """Wait until the app has let go of its connections and the database's log has told of it."""
        count = "SELECT count(*) FROM pg_stat_activity WHERE client_addr IS NOT NULL"
        until(lambda: self.run("db", "psql", "-tAc", count)[1].strip() == "0", lambda: self.log("db"))
        # The engine writes a log down a moment later: once this mark is in it, so is all that was before.
        mark = f"let-go-{secrets.token_hex(4)}"
        self.run("db", "psql", "-c", f"DO $$ BEGIN RAISE LOG '{mark}'; END $$")
        until(lambda: re.search(f"STATEMENT: .*{mark}.*\n$", self.log("db")) is not None, lambda: self.log("db"))

    def exit_code(self, name: str) -> int:
        """Wait for the container's end."""
        until(lambda: not self.api.inspect_container(self.ids[name])["State"]["Running"], lambda: self.log(name))
        return int(self.api.inspect_container(self.ids[name])["State"]["ExitCode"])

    def remove(self, name: str) -> None:
        self.api.remove_container(self.ids.pop(name), force=True)


def until(holds: Callable[[], bool], tell: Callable[[], object] = str, seconds: float = 240) -> None:
    """Wait until it holds, or fail with what `tell` says."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"did not come true in {seconds} s: {tell()}"
        time.sleep(0.02)


def remove_all(api: Any, run_id: str) -> None:
    """Remove what bears the run's label, and prove that nothing is left."""
    ours = {"label": f"wirelab.run={run_id}"}
    for container in api.containers(all=True, filters=ours):
        api.remove_container(container["Id"], force=True, v=True)
    for container in api.networks(filters=ours):
        api.remove_network(container["Id"])
    for container in api.volumes(filters=ours)["Volumes"] or []:
        api.remove_volume(container["Name"], force=True)
    assert [api.containers(all=True, filters=ours), api.networks(filters=ours)] == [[], []]
    assert not api.volumes(filters=ours)["Volumes"]


def connect(url: str) -> Any:
    return docker.APIClient(base_url=url, version="auto", timeout=120)


def dns_texts(stage: ImageStage, *more: str, serial: int = 1) -> dict[str, str]:
    head = HEAD.format(serial=serial)
    records = [f"{name}.shop.lab. IN A {stage.address(name)}" for name in HOSTS]
    return {
        "named.conf": NAMED_CONF,
        "shop.lab.zone": head + "\n".join([*records, *more, ""]),
        "root.zone": head + f"dns.shop.lab. IN A {stage.address('dns')}\n",
    }


def resolver(stage: ImageStage) -> str:
    return f"nameserver {stage.address('dns')}\noptions timeout:1 attempts:1\n"
