"""The line that every program of ours in a container writes when it does its work."""

READY_LINE = "wirelab: ready"


def says_ready(line: str) -> bool:
    """Whether this line of a log is the ready line."""
    return line == READY_LINE
