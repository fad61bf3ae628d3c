"""Many programs in one call: a shell script that runs them side by side, and the reading of what it prints.

One exec costs the engine about a tenth of a second, whatever runs in it (bash(1), timeout(1), base64(1)). What a
program left is printed as soon as it has ended, so that a quick one does not wait for a slow one.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence
from shlex import quote

from orchestrator.checks.probes import ProgramResult, RunProgram

# More than this of an output is cut off: a check looks for a text, it does not carry files.
MOST_BYTES = 1_000_000
SPARE_SECONDS = 10.0
# So many programs run at a time: each of them starts a few others, and a node may have 128 at once (`limits: pids`).
MOST_AT_ONCE = 12
# A program of this many characters is written once, though several checks run it: the script has to fit one argument
# of exec (128 KiB, execve(2)).
LONG_WORD = 200
# `wait -n` tells that one has ended, and not which one (bash 4.3); 127: all have.
PRINT = """\
p() {{
  for ((i = 0; i < {count}; i++)); do
    [[ ${{done[i]:-}} || ! -s $d/$i.c ]] && continue
    done[i]=1; cat "$d/$i.c"
    for s in o e; do head -c {most} "$d/$i.$s" | base64 -w0; echo; done
  done
}}"""
PRINT_REST = """while wait -n; (($? != 127)); do p; done
p"""


def script(runs: Sequence[RunProgram]) -> str:
    """A bash script; its first line of output is the time, then come three lines for each program that has ended.

    At most MOST_AT_ONCE programs run at a time, in the order of `runs`.
    """
    lines = ["d=$(mktemp -d /tmp/ask.XXXXXXXX) || exit 70; trap 'rm -rf \"$d\"' EXIT", 'echo "$EPOCHREALTIME"']
    texts = {
        word: f"w{at}" for at, word in enumerate(sorted({w for run in runs for w in run.argv if len(w) > LONG_WORD}))
    }
    lines += [f"{name}={quote(word)}" for word, name in texts.items()]
    lines.append(PRINT.format(count=len(runs), most=MOST_BYTES))
    for number, run in enumerate(runs):
        words = " ".join(f'"${texts[word]}"' if word in texts else quote(word) for word in run.argv)
        lines += ["wait -n; p"] if number >= MOST_AT_ONCE else []
        limited = f"timeout -k 1 {run.seconds:g} {words}"
        ended = f'echo "{number} $? $t $EPOCHREALTIME" >"$d/{number}.c"'
        lines.append(f'{{ t=$EPOCHREALTIME; {limited} >"$d/{number}.o" 2>"$d/{number}.e" </dev/null; {ended}; }} &')
    lines.append(PRINT_REST)
    return "\n".join(lines)


def read(pieces: Iterable[bytes], count: int) -> Iterator[tuple[int, ProgramResult]]:
    """Each program's place in the script, and its outcome, in the order in which they end.

    Raises ValueError if the script itself came to grief, or was ended before its end: there are `count` outcomes.
    """
    lines, seen = _lines(pieces), 0
    float(next(lines, b""))  # what is no time is the script's own complaint
    for ended in lines:
        output, errors = next(lines, None), next(lines, None)
        if output is None or errors is None:
            break
        place, code, began, end = ended.split()
        texts = [base64.b64decode(coded) for coded in (output, errors)]
        cut = any(len(text) >= MOST_BYTES for text in texts)
        out, err = (text.decode("utf-8", "replace") for text in texts)
        seen += 1
        yield int(place), ProgramResult(int(code), out, err, float(began), float(end) - float(began), cut, texts[0])
    if seen != count:
        raise ValueError(f"{seen} outcomes instead of {count}")


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The whole lines; what comes after the last line's end is no line."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        yield from whole


def seconds(runs: Sequence[RunProgram]) -> float:
    """How long the script may take at most: each program ends by itself, the rest is for a busy engine."""
    turns = -(-len(runs) // MOST_AT_ONCE)
    return turns * max(run.seconds for run in runs) + SPARE_SECONDS
