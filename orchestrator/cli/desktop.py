"""Whether somebody sits at a desktop of this machine, where a browser can open."""

from __future__ import annotations

from collections.abc import Mapping

# Set by sshd for each session (sshd(8), ENVIRONMENT): the browser would open on another machine, or on none.
REMOTE = ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY")
DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")


def has_desktop(environ: Mapping[str, str], platform: str) -> bool:
    """Whether there is a graphical session, no session over SSH, and no job of a CI."""
    if environ.get("CI") or any(environ.get(name) for name in REMOTE):
        return False
    return platform == "darwin" or any(environ.get(name) for name in DISPLAYS)
