"""Many programs in one call: a shell script that runs them side by side, and the reading of what it prints.

One exec costs the engine about a tenth of a second, whatever runs in it (bash(1), timeout(1), base64(1)).
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from shlex import quote

from orchestrator.checks.probes import ProgramResult, RunProgram

# More than this of an output is cut off: a check looks for a text, it does not carry files.
MOST_BYTES = 1_000_000
SPARE_SECONDS = 10.0
# A program of this many characters is written once, though several checks run it: the script has to fit one argument
# of exec (128 KiB, execve(2)).
LONG_WORD = 200


def script(runs: Sequence[RunProgram]) -> str:
    """A bash script; its first line of output is the time, then come three lines a program."""
    lines = ["d=$(mktemp -d /tmp/ask.XXXXXXXX) || exit 70; trap 'rm -rf \"$d\"' EXIT", 'echo "$EPOCHREALTIME"']
    texts = {
        word: f"w{at}" for at, word in enumerate(sorted({w for run in runs for w in run.argv if len(w) > LONG_WORD}))
    }
    lines += [f"{name}={quote(word)}" for word, name in texts.items()]
    for number, run in enumerate(runs):
        words = " ".join(f'"${texts[word]}"' if word in texts else quote(word) for word in run.argv)
        limited = f"timeout -k 1 {run.seconds:g} {words}"
        ended = f'echo "$?" "$t" "$EPOCHREALTIME" >"$d/{number}.c"'
        lines.append(f'{{ t=$EPOCHREALTIME; {limited} >"$d/{number}.o" 2>"$d/{number}.e" </dev/null; {ended}; }} &')
    lines.append("wait")
    lines.append(f'for ((i = 0; i < {len(runs)}; i++)); do cat "$d/$i.c"')
    lines.append(f'for s in o e; do head -c {MOST_BYTES} "$d/$i.$s" | base64 -w0; echo; done; done')
    return "\n".join(lines)


def read(out: str, count: int) -> tuple[ProgramResult, ...]:
    """The programs' outcomes, in the order of the script.

    Raises ValueError if the script itself came to grief, or was ended before its end: there are `count` of them.
    """
    lines = out.split("\n")
    float(lines[0])  # what is no time is the script's own complaint
    rest = lines[1:]
    results = []
    for at in range(0, len(rest) - 2, 3):
        ended, output, errors = rest[at : at + 3]
        code, began, end = ended.split()
        texts = [base64.b64decode(coded) for coded in (output, errors)]
        cut = any(len(text) >= MOST_BYTES for text in texts)
        out, err = (text.decode("utf-8", "replace") for text in texts)
        results.append(ProgramResult(int(code), out, err, float(began), float(end) - float(began), cut, texts[0]))
    if len(results) != count:
        raise ValueError(f"{len(results)} outcomes instead of {count}")
    return tuple(results)


def seconds(runs: Sequence[RunProgram]) -> float:
    """How long the script may take at most: each program ends by itself, the rest is for a busy engine."""
    return max(run.seconds for run in runs) + SPARE_SECONDS
