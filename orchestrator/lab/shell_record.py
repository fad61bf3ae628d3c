"""A shell in a node records what is typed in it, in a file of the node, so that a lesson can say what is wrong with it.

The record stays in the node's memory, and goes with the node. It is read by whoever runs a lesson in the lab.
"""

from __future__ import annotations

from collections.abc import Mapping

# In the node's shared memory (shm_overview(7)): each user can write there, also where all else is read-only.
FILE = "/dev/shm/.wirelab-shell"
# bash writes PS0 after it has read a line, and carries out PROMPT_COMMAND before each prompt (bash(1)).
_TYPED = f'$({{ printf "%s %s + " "$EPOCHREALTIME" "$$"; history 1; }} 2> /dev/null >> {FILE})'
_ENDED = f'{{ printf "%s %s - %s\\n" "$EPOCHREALTIME" "$$" "$?"; }} 2> /dev/null >> {FILE}'
ENVIRONMENT: Mapping[str, str] = {"PS0": _TYPED, "PROMPT_COMMAND": _ENDED}
SHELL = ("bash", "-il")
# Prints the record, and each line that is added, until its input ends. One process: builtins of bash alone.
_READS = f"""exec 3<> {FILE} || exit
rest=
while :; do
  while IFS= read -r line <&3; do printf '%s\\n' "$rest$line"; rest=; done
  rest=$rest$line
  read -r -t 0.3 _
  (($? > 128)) || exit 0
done"""
READER = ("bash", "-c", _READS)


def shell_environment(argv: tuple[str, ...]) -> Mapping[str, str]:
    """The variables of a shell that records what is typed in it; none for a shell that cannot."""
    return ENVIRONMENT if argv == SHELL else {}
