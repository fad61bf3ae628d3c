"""How fast packets become a story: python bench/story.py [--packets N] [--tshark COMMAND]

Repeats a recorded request (tests/recordings/chain.pcapng) until there are N packets, and measures
- tshark and our step together, from the capture file to the last span,
- our step alone, on the lines that tshark printed,
- the peak memory of our step, for N packets and for a quarter of them: it must not grow with the capture.
Wanted: 10,000 packets a second with tshark, 50,000 without.

COMMAND is how to start tshark, `tshark` by default; it gets the capture on standard input. For the one in the image:
--tshark 'docker run --rm -i --network none --entrypoint tshark wirelab/capture'
"""

from __future__ import annotations

import argparse
import resource
import shlex
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from orchestrator.traffic.exchanges import read_events  # noqa: E402
from orchestrator.traffic.packets import DECODE_ARGV, read_packets, sort_by_time  # noqa: E402
from orchestrator.traffic.story import (  # noqa: E402
    ExchangeCounts,
    build_spans,
    count_events,
)

RECORDING = ROOT / "tests" / "recordings" / "chain.pcapng"
NODES = {f"192.168.231.{number}": f"node{number}" for number in range(10, 21)}
ENHANCED_PACKET = 6
WANTED = {"with tshark": 10_000, "our step": 50_000}


def multiplied(recording: bytes, wanted: int) -> Iterator[bytes]:
    """The recording again and again, each time a second later (pcapng, IETF draft-tuexen-opsawg-pcapng)."""
    head: list[bytes] = []
    body: list[bytes] = []
    place = 0
    while place < len(recording):
        kind, size = struct.unpack_from("<II", recording, place)
        block = recording[place : place + size]
        (body if kind == ENHANCED_PACKET else head).append(block)
        place += size
    yield from head[:2]  # section and interface; the statistics at the end do not matter
    for turn in range(-(-wanted // len(body))):
        for block in body:
            high, low = struct.unpack_from("<II", block, 12)
            moment = (high << 32 | low) + turn * 1_000_000_000  # nanoseconds
            yield block[:12] + struct.pack("<II", moment >> 32, moment & 0xFFFFFFFF) + block[20:]


def read_story(lines: Iterable[str]) -> tuple[int, ExchangeCounts]:
    """Read all lines to the last span, keeping none of them."""
    counts, read = ExchangeCounts(), 0

    def counted() -> Iterator[str]:
        nonlocal read
        for line in lines:
            read += 1
            yield line

    for _ in build_spans(count_events(read_events(sort_by_time(read_packets(counted())), NODES), counts)):
        pass
    return read, counts


def in_a_child(decoded: Path) -> tuple[float, int, int]:
    """Seconds of the processor, packets and peak memory (KiB) of our step in a process of its own."""
    begun = time.process_time()
    with decoded.open(newline="\n") as lines:
        read, _ = read_story(lines)
    return time.process_time() - begun, read, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def child(decoded: Path) -> tuple[float, int, int]:
    argv = [sys.executable, __file__, "--child", str(decoded)]
    seconds, read, memory = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.split()
    return float(seconds), int(read), int(memory)


def with_tshark(command: list[str], capture: Path, decoded: Path) -> float:
    """Seconds from the capture file to the last span; leaves tshark's lines in `decoded`."""
    argv = [*command, *DECODE_ARGV[1:]]
    begun = time.perf_counter()
    with (
        capture.open("rb") as source,
        subprocess.Popen(argv, stdin=source, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as tshark,
    ):
        assert tshark.stdout is not None
        read_story(tshark.stdout)
    seconds = time.perf_counter() - begun
    with capture.open("rb") as source, decoded.open("wb") as target:
        subprocess.run(argv, stdin=source, stdout=target, stderr=subprocess.DEVNULL, check=False)
    return seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packets", type=int, default=100_000)
    parser.add_argument("--tshark", default="tshark")
    parser.add_argument("--sample", action="store_true", help="any speed is right: a run to see that the bench works")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(*in_a_child(options.child))
        return 0
    command = shlex.split(options.tshark)
    if shutil.which(command[0]) is None:
        print(f"{command[0]} is not there; name another with --tshark", file=sys.stderr)
        return 3
    with tempfile.TemporaryDirectory() as folder:
        held = measure(command, options.packets, Path(folder))
    return 0 if held or options.sample else 1


def measure(command: list[str], wanted: int, folder: Path) -> bool:
    """Print what was measured; whether it is as quick as it should be."""
    capture, decoded, quarter = folder / "capture.pcapng", folder / "lines", folder / "quarter"
    with capture.open("wb") as file:
        file.writelines(multiplied(RECORDING.read_bytes(), wanted))
    whole = with_tshark(command, capture, decoded)
    with decoded.open() as lines, quarter.open("w") as some:
        some.writelines(line for number, line in enumerate(lines) if number < wanted // 4)
    small, large = child(quarter), child(decoded)
    rates = {"with tshark": large[1] / whole, "our step": large[1] / large[0]}
    print(f"{large[1]} packets, {capture.stat().st_size / 1e6:.1f} MB")
    for name, rate in rates.items():
        print(f"{name}: {rate:,.0f} packets a second (wanted: {WANTED[name]:,})")
    print(f"peak memory of our step: {large[2] / 1024:.1f} MiB; for a quarter of the packets {small[2] / 1024:.1f} MiB")
    return all(rate >= WANTED[name] for name, rate in rates.items())


if __name__ == "__main__":
    sys.exit(main())
