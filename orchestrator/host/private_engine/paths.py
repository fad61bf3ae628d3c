"""Where the files of the private engine are; every process that knows the state folder works out the same paths."""

from __future__ import annotations

import os
from pathlib import Path

from orchestrator.host.state_folder import StateFolder
from orchestrator.quick_dataclass import dataclass

# unix(7): sun_path holds 108 bytes with the closing zero. dockerd's own longest socket below its exec root is
# `libnetwork/<12 digits>.sock`; containerd's, below the runtime folder, is shorter.
_SOCKET_LIMIT = 107
_LONGEST = "exec/libnetwork/0123456789ab.sock"
# Beside the engine's own socket.
CONTAINERD_SOCKET, HOST_OPEN = "containerd.sock", "host-open"


@dataclass(frozen=True)
class PrivatePaths:
    """`root` is the engine's folder in the state folder; `runtime` holds sockets and the exec root."""

    root: Path
    runtime: Path

    @classmethod
    def of(cls, state: StateFolder) -> PrivatePaths:
        """Sockets live in the state folder, or, when its name is too long for a socket, in a short folder of /run."""
        root = state.engine
        if len(os.fsencode(root / _LONGEST)) <= _SOCKET_LIMIT:
            return cls(root, root)
        import hashlib

        return cls(root, Path("/run") / f"wirelab-{hashlib.sha256(os.fsencode(root)).hexdigest()[:16]}")

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    @property
    def socket(self) -> Path:
        return self.runtime / "docker.sock"

    @property
    def exec_root(self) -> Path:
        return self.runtime / "exec"

    @property
    def containerd_socket(self) -> Path:
        return self.runtime / CONTAINERD_SOCKET

    @property
    def host_open(self) -> Path:
        """Why nodes reach services of this machine; absent where the engine's start closed it."""
        return self.runtime / HOST_OPEN

    @property
    def containerd_state(self) -> Path:
        return self.runtime / "containerd"

    @property
    def data_root(self) -> Path:
        return self.root / "data"

    @property
    def containerd_root(self) -> Path:
        return self.root / "containerd-data"

    @property
    def containerd_config(self) -> Path:
        return self.root / "containerd.toml"

    @property
    def daemon_config(self) -> Path:
        return self.root / "daemon.json"

    @property
    def pid_file(self) -> Path:
        return self.root / "docker.pid"

    @property
    def before(self) -> Path:
        """What the machine was like before the engine started; there from just before the start until all is undone."""
        return self.root / "before.json"

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    def log(self, program: str) -> Path:
        """The log of `dockerd` or `containerd`."""
        return self.root / f"{program}.log"
