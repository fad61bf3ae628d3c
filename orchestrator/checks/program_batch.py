"""Many programs in one call: a shell script that runs them side by side, and the reading of what it prints.

One exec costs the engine about a tenth of a second, whatever runs in it (bash(1), timeout(1), base64(1)). What a
program left is printed as soon as it has ended, so that a quick one does not wait for a slow one.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence
from shlex import quote

from orchestrator.checks.probes import PROBE_PORTS, ProgramResult, RunProgram

# More than this of an output is cut off: a check looks for a text, it does not carry files.
MOST_BYTES = 1_000_000
SPARE_SECONDS = 10.0
# So many programs run at a time: each of them starts a few others, and a node may have 128 at once (`limits: pids`).
MOST_AT_ONCE = 12
# A program of this many characters is written once, though several checks run it: the script has to fit one argument
# of exec (128 KiB, execve(2)).
LONG_WORD = 200
# A shell that gets no further process tries for 15 seconds (bash(1)), so the script looks first whether there is room
# for the four that it has at least. The outcomes lie where something can be written: a node may have a full /tmp.
ROOM = """\
for f in /sys/fs/cgroup/pids /sys/fs/cgroup; do
  [[ -r $f/pids.max ]] && read -r most <"$f/pids.max" && read -r now <"$f/pids.current" || continue
  [[ $most == max ]] || ((now + 4 <= most)) ||
    { echo "no further process can start in the node: $now of $most run (limits: pids)" >&2; exit 70; }
done
d=
for f in /tmp /dev/shm; do
  [[ -d $f && -w $f ]] && d=$(mktemp -d "$f/ask.XXXXXXXX") && printf '%65536s' . 2>/dev/null >"$d/room" && break
  [[ $d ]] && rm -rf "$d"; d=
done
[[ $d ]] || { echo '/tmp and /dev/shm of the node are full' >&2; exit 70; }
rm "$d/room"; :"""
# What our programs send bears a mark, so that nobody takes it for an attempt of a person who works in the node
# meanwhile: the questions of glibc's resolver have the AD bit (resolv.conf(5)), and curl's connections come from one of
# our ports. It takes the next one where a port is in use (curl(1), --local-port). The node's own .curlrc counts, too.
# A program that the author chose bears none: it behaves as it would without us, also where its kernel picks its port.
MARK = """\
r="${{RES_OPTIONS-}} trust-ad"
{{ cat "${{CURL_HOME:-${{HOME-}}}}/.curlrc"; echo "local-port = $(({first} + RANDOM % {spread}))-{last}"; }} \\
  2>/dev/null >$d/.curlrc"""
MARK_VARIABLES = "RES_OPTIONS=$r CURL_HOME=$d "
CURL_PORTS = 1000  # at least so many for one curl
# A shell beside the programs sleeps this long again and again in bash's `read`. Where it wakes up later, it was kept
# from running, and so was whatever else was due in its node: by a limit on the node's processor time, by a busy
# machine, or because all of it was frozen. It writes when it woke up last, and for how many microseconds it was late.
NAP = 0.2
WATCH = """\
now() {{ n=${{EPOCHREALTIME//[!0-9]/}}; }}
watch() {{
  now; late=0
  for ((k = 0; k < {naps}; k++)); do
    a=$n; read -r -t {nap} -u 8 _; now; ((late += n - a > {nap_microseconds} ? n - a - {nap_microseconds} : 0))
    echo "$n $late" >"$d/late"
  done
}}
exec 8<> <(:) 9<> <(:); now; woke=$n; late=0
watch </dev/null >/dev/null 2>&1 &
trap 'kill '$!'; rm -rf "$d"' EXIT"""
# Who has ended writes a byte into the pipe 9, which wakes the shell up; whose files are there says who it was.
PRINT = """\
left={count}; running=0
p() {{
  read -r -n 1 -t {nap} -u 9 _
  for ((i = 0; i < {count}; i++)); do
    [[ ! ${{done[i]:-}} && -s $d/$i.c ]] || continue
    read -r line <"$d/$i.c"; done[i]=1; ((left--, running--))
    [[ -s $d/late ]] && read -r w l <"$d/late" && [[ $l ]] && woke=$w late=$l
    now; more=$((n - woke - {nap_microseconds})); echo "$line $((late + (more > 0 ? more : 0)))"
    for s in o e; do head -c {most} "$d/$i.$s" | base64 -w0; echo; done
  done
}}"""


def script(runs: Sequence[RunProgram]) -> str:
    """A bash script; its first line of output is the time, then come three lines for each program that has ended.

    At most MOST_AT_ONCE programs run at a time, in the order of `runs`.
    """
    values = {"nap": NAP, "nap_microseconds": int(NAP * 1e6), "naps": int(seconds(runs) / NAP)}
    first, end = PROBE_PORTS
    mark = MARK.format(first=first, spread=end - first - CURL_PORTS, last=end - 1)
    lines = [ROOM, mark, 'echo "$EPOCHREALTIME"', WATCH.format(**values)]
    texts = {
        word: f"w{at}" for at, word in enumerate(sorted({w for run in runs for w in run.argv if len(w) > LONG_WORD}))
    }
    lines += [f"{name}={quote(word)}" for word, name in texts.items()]
    lines.append(PRINT.format(count=len(runs), most=MOST_BYTES, **values))
    for number, run in enumerate(runs):
        words = " ".join(f'"${texts[word]}"' if word in texts else quote(word) for word in run.argv)
        lines.append(f"while ((running >= {MOST_AT_ONCE})); do p; done; ((running++))")
        limited = f"{'' if run.inside else MARK_VARIABLES}timeout -k 1 {run.seconds:g} {words}"
        ended = f'echo "{number} $? $t $EPOCHREALTIME" >"$d/{number}.c"; echo -n . >&9'
        lines.append(
            f'{{ t=$EPOCHREALTIME; {limited} >"$d/{number}.o" 2>"$d/{number}.e" </dev/null 8>&- 9>&-; {ended}; }} &'
        )
    lines.append("while ((left)); do p; done")
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
        seen += 1
        yield int(ended.split()[0]), _result(ended, base64.b64decode(output), base64.b64decode(errors))
    if seen != count:
        raise ValueError(f"{seen} outcomes instead of {count}")


def _result(ended: bytes, output: bytes, errors: bytes) -> ProgramResult:
    _, code, began, end, late = ended.split()
    return ProgramResult(
        int(code),
        output.decode("utf-8", "replace"),
        errors.decode("utf-8", "replace"),
        float(began),
        float(end) - float(began),
        cut=max(len(output), len(errors)) >= MOST_BYTES,
        raw=output,
        starved=int(late) / 1e6,
    )


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
