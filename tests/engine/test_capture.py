"""What is captured is what the nodes sent: the first packet and the last, counted losses, and nothing left behind."""

from __future__ import annotations

import json
import re
import signal
import struct
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from lab_bench import DEADLINE, Bench, Ran

from orchestrator.host.images.files import images_folder, tags_of

pytestmark = pytest.mark.sampled(3)

ENHANCED_PACKET, INTERFACE, NAMES, SECTION = 6, 1, 4, 0x0A0D0D0A
COUNTERS = "cat /sys/class/net/eth0/address /sys/class/net/eth0/statistics/tx_packets"
LITTLE_RING = "1"  # MB


def blocks(pcapng: bytes) -> Iterator[tuple[int, bytes]]:
    """The blocks of a capture (IETF draft-ietf-opsawg-pcapng): type, and body without the two lengths."""
    place = 0
    while place + 12 <= len(pcapng):
        kind, size = struct.unpack_from("<II", pcapng, place)
        assert size >= 12, f"no block begins at byte {place}"
        yield kind, pcapng[place + 8 : place + size - 4]
        place += size


def frames(pcapng: bytes) -> Iterator[bytes]:
    """The Ethernet frames."""
    return (body[20:] for kind, body in blocks(pcapng) if kind == ENHANCED_PACKET)


def frames_by_sender(pcapng: bytes) -> Counter[str]:
    """Hardware address -> Ethernet frames that it sent."""
    return Counter(frame[6:12].hex(":") for frame in frames(pcapng))


def start(bench: Bench, *words: str) -> subprocess.Popen[bytes]:
    """`wirelab WORDS... --lab LAB`, under way."""
    return subprocess.Popen(
        (sys.executable, "-m", "orchestrator", *words, "--lab", bench.lab),
        env=dict(bench.engine.environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def wirelab(bench: Bench, *words: str) -> Ran:
    """The same, to its end."""
    return bench.run(*words, "--lab", bench.lab)


def save(bench: Bench, folder: Path) -> bytes:
    file = folder / "saved.pcapng"
    ran = wirelab(bench, "capture", "save", "basic", str(file))
    assert ran.code == 0, ran.err
    return file.read_bytes()


def recorder(bench: Bench) -> Any:
    (found,) = [container for container in bench.containers() if container.labels.get("wirelab.capture") == "on"]
    return found


def until(holds: Callable[[], bool], seconds: float = DEADLINE) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)


def test_every_frame_of_every_node_is_there_from_the_first_to_the_last(bench: Bench, tmp_path: Path) -> None:
    """What each node's kernel counted as sent since the node began to be is what the capture holds of it."""
    assert bench.cli("up", "--capture").code == 0
    assert bench.cli("check").code == 0
    bench.container("client").exec_run(["curl", "-s", "http://app.shop.lab/items"])
    sent = counted(bench)
    before, saved = dict.fromkeys(sent, -1), dict.fromkeys(sent, -1)
    # Idle connections close by themselves meanwhile: only what stood still while it was saved can be compared.
    for _ in range(20):
        if before == sent:
            break
        before, saved, sent = sent, frames_by_sender(save(bench, tmp_path)), counted(bench)
    assert before == sent
    assert {address: saved[address] for address in sent} == sent
    assert all(frames > 10 for frames in sent.values())


def counted(bench: Bench) -> dict[str, int]:
    """Address -> frames that the node's kernel has sent since the node began to be."""
    nodes = ("dns", "db", "app", "client")
    answers = [bench.container(node).exec_run(["bash", "-c", COUNTERS]).output.decode().split() for node in nodes]
    return {address: int(sent) for address, sent in answers}


def client_sends(bench: Bench, datagrams: int) -> None:
    """From the client to the database, a thousand bytes each, to a port where nobody listens."""
    address = bench.address("db")
    send = (
        "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); "
        f"[s.sendto(bytes(1000), ({address!r}, 9)) for _ in range({datagrams})]"
    )
    code, output = bench.container("client").exec_run(["python3", "-c", send])
    assert code == 0, output


def options_of(pcapng: bytes) -> list[str]:
    """The texts in the heads of the section and of the interfaces: comment, names."""
    heads = [body for kind, body in blocks(pcapng) if kind in (SECTION, INTERFACE)]
    return [text.decode() for body in heads for text in re.findall(rb"[ -~]{3,}", body)]


def test_what_is_lost_is_counted_and_said(standing: Bench, tmp_path: Path) -> None:
    """A ring that is full, and a kernel whose buffer is: in the status, in the saved file's message, in the story."""
    bench = standing
    assert wirelab(bench, "capture", "start", "basic", "--ring", LITTLE_RING, "--node", "client").code == 0
    before = wirelab(bench, "capture", "status", "basic", "--json").document
    assert (before["overwritten"], before["dropped"]) == (0, None)
    client_sends(bench, 3_000)
    until(lambda: wirelab(bench, "capture", "status", "basic", "--json").document["overwritten"] > 0)
    assert "overwritten, for the ring is full" in wirelab(bench, "capture", "status", "basic").out
    saved = wirelab(bench, "capture", "save", "basic", str(tmp_path / "some.pcapng"))
    assert "packets are missing" in saved.err
    assert (tmp_path / "some.pcapng").stat().st_size < 1_500_000
    assert f"wirelab scenario basic, lab {bench.lab}" in options_of((tmp_path / "some.pcapng").read_bytes())
    story = wirelab(bench, "trace", "basic")
    assert story.out.startswith("Packets are missing (")
    assert "overwritten in the ring): this story may have holes." in story.out
    told = json.loads(wirelab(bench, "trace", "basic", "--json").out.splitlines()[0])
    assert told["losses"]["overwritten"] > 0
    roles = wirelab(bench, "roles", "basic", "--json").document
    assert roles["losses"]["overwritten"] > 0
    assert {(node["node"], node["both"]) for node in roles["nodes"]} >= {("client", False)}
    assert wirelab(bench, "capture", "stop", "basic").code == 0


def test_a_ring_that_turns_while_it_is_read_is_read(standing: Bench, tmp_path: Path) -> None:
    """A file that the ring removes before it has been opened takes nothing from what is saved."""
    assert wirelab(standing, "capture", "start", "basic", "--ring", LITTLE_RING).code == 0
    sends = f"while :; do head -c 9000 /dev/zero > /dev/udp/{standing.address('db')}/9; done"
    standing.container("client").exec_run(["timeout", "15", "bash", "-c", sends], detach=True)
    until(lambda: wirelab(standing, "capture", "status", "basic", "--json").document["overwritten"] > 0)
    for number in range(4):
        file = tmp_path / f"{number}.pcapng"
        assert wirelab(standing, "capture", "save", "basic", str(file)).code == 0
        assert sum(1 for _ in frames(file.read_bytes())) > 50
    assert wirelab(standing, "capture", "stop", "basic").code == 0


def test_the_status_counts_every_packet(standing: Bench, tmp_path: Path) -> None:
    """As many as there are in the saved file, dumpcap's newest number among them."""
    assert wirelab(standing, "capture", "start", "basic", "--filter", "tcp port 80").code == 0
    assert standing.cli("exec", "client", "--", "curl", "-s", "http://app.shop.lab/health").code == 0
    file = tmp_path / "one.pcapng"
    assert wirelab(standing, "capture", "save", "basic", str(file)).code == 0
    there = sum(1 for _ in frames(file.read_bytes()))
    assert there > 5
    until(lambda: wirelab(standing, "capture", "status", "basic", "--json").document["packets"] == there)
    assert wirelab(standing, "capture", "stop", "basic").code == 0


@pytest.mark.parametrize("command", ["record", "live", "follow"])
def test_a_filter_counts_for_each_network(standing: Bench, command: str) -> None:
    """dumpcap takes one that stands behind an interface for that interface alone."""
    argv = f"/usr/lib/wirelab/capture {command} --filter 'udp port 9' one=lo two=lo"
    if command == "follow":
        argv += " -- cat"
    script = f"""
        exec 2> /dev/null
        {argv} > /capture/out &
        until pgrep dumpcap && sleep 1; do sleep 0.1; done > /dev/null
        for port in 9 10; do head -c 1234 /dev/zero > /dev/udp/127.0.0.1/$port; done
        sleep 1
        kill -INT $(pgrep dumpcap)
        sleep 0.5
        cat /capture/{"part_*" if command == "record" else "out"}
    """
    container = standing.engine.client.containers.run(
        tags_of(("capture",), images_folder())["capture"], ["sleep", "infinity"], user="0", network_mode="none",
        cap_drop=["ALL"], cap_add=["NET_RAW"], init=True, tmpfs={"/capture": "size=32m"}, detach=True,
        labels={"wirelab.lab": standing.lab},
    )  # fmt: skip
    try:
        pcapng = container.exec_run(["bash", "-c", script]).output
    finally:
        container.remove(force=True)
    assert [len(frame) for frame in frames(pcapng)] == [14 + 20 + 8 + 1234] * 2


def tshark(bench: Bench, file: Path, *options: str) -> str:
    """What tshark prints of a capture file: a reader that shares no code with what wrote it."""
    image = bench.engine.client.images.get(recorder(bench).attrs["Image"])
    binds = {str(file): {"bind": "/read.pcapng", "mode": "ro"}}
    argv = ["tshark", "-r", "/read.pcapng", *options]
    output = bench.engine.client.containers.run(image, argv, volumes=binds, network_mode="none", user="0", remove=True)
    return str(output.decode())


def hosts_in(bench: Bench, file: Path) -> set[tuple[str, ...]]:
    """The addresses and names that tshark knows from blocks of names; without `d`, it takes none from DNS answers."""
    return {tuple(line.split()) for line in tshark(bench, file, "-N", "n", "-q", "-z", "hosts").splitlines()}


def test_wireshark_reads_the_names_of_nodes_and_networks(standing: Bench, tmp_path: Path) -> None:
    """From an exported capture, and from one that knew no names before it was exported."""
    file, bare, named = (tmp_path / f"{name}.pcapng" for name in ("one", "bare", "named"))
    assert wirelab(standing, "capture", "start", "basic").code == 0
    assert standing.cli("exec", "client", "--", "curl", "-s", "http://app.shop.lab/health").code == 0
    assert wirelab(standing, "export", "pcapng", "basic", "-o", str(file)).code == 0
    bare.write_bytes(b"".join(block(kind, body) for kind, body in blocks(file.read_bytes()) if kind != NAMES))
    exported = wirelab(standing, "export", "pcapng", "basic", "--read", str(bare), "-o", str(named))
    assert exported.err == f"saved {named}; with the names of the nodes: wireshark -N n {named}\n"
    assert named.read_bytes() == file.read_bytes()
    expected = {(standing.address(node), node) for node in ("dns", "db", "app", "client")}
    assert expected <= hosts_in(standing, named)
    assert not expected & hosts_in(standing, bare)
    fields = ("-e", "ip.src_host", "-e", "ip.dst_host", "-e", "frame.interface_name")
    lines = tshark(standing, named, "-N", "n", "-Y", "http.request", "-T", "fields", *fields).splitlines()
    assert set(lines) == {"client\tapp\tlab"}
    assert wirelab(standing, "capture", "stop", "basic").code == 0


def test_a_recorder_that_is_too_slow_says_how_many_packets_it_missed(standing: Bench) -> None:
    """It is held while more crosses than the kernel keeps for it; at its end it counts what the kernel dropped."""
    bench = standing
    assert wirelab(bench, "capture", "start", "basic").code == 0
    found = recorder(bench)
    found.exec_run(["bash", "-c", "kill -STOP $(< /capture/recorder)"])
    client_sends(bench, 30_000)
    found.exec_run(["bash", "-c", "kill -CONT $(< /capture/recorder)"])
    counted = json.loads(found.exec_run(["/usr/lib/wirelab/capture", "end"]).output)
    assert counted["dropped"] > 0
    story = wirelab(bench, "trace", "basic")
    assert f"{counted['dropped']} dropped by the kernel" in story.out.replace("\n", " ")


def test_the_wire_is_handed_on_as_it_is_heard(standing: Bench) -> None:
    """pcapng for Wireshark, and a story that is told while it happens; both narrowed; nothing is left when they end."""
    bench = standing
    bench.container("client").exec_run(["curl", "-s", "http://app.shop.lab/items"])
    live = start(bench, "capture", "start", "basic", "--live", "--node", "client", "--filter", "tcp port 80")
    follow = start(bench, "trace", "basic", "-f", "--from", "client")
    assert live.stdout
    assert follow.stdout
    heard = bytearray(live.stdout.read(8))  # the head of a capture: both hear before anything is asked
    assert heard[:4] == struct.pack("<I", SECTION)
    assert follow.stderr
    until(
        lambda: (
            len([container for container in bench.containers() if container.labels.get("wirelab.capture") == "live"])
            == 2
        )
    )
    lines: list[str] = []
    ask = ["bash", "-c", "dig +short app.shop.lab; curl -s http://app.shop.lab/items"]
    wire = live.stdout

    def read_wire() -> None:
        while byte := wire.read(1):
            heard.extend(byte)

    readers = [
        threading.Thread(target=lambda: lines.extend(line.decode() for line in follow.stdout or ())),
        threading.Thread(target=read_wire),
    ]
    for reader in readers:
        reader.start()

    def told() -> bool:
        bench.container("client").exec_run(ask)
        # dumpcap hands on what it hears twice a second
        return b"GET /items" in heard and any("GET /items -> 200" in line for line in lines)

    until(told)
    for process in (live, follow):
        process.send_signal(signal.SIGINT)
    assert [live.wait(DEADLINE), follow.wait(DEADLINE)] == [130, 130]
    for reader in readers:
        reader.join(DEADLINE)
    for process in (live, follow):
        process.communicate()  # closes its pipes
    ports = [struct.unpack_from(">HH", frame, 34) for frame in frames(bytes(heard))]
    assert ports
    assert all(80 in pair for pair in ports)
    assert not [line for line in lines if line[9:].startswith(("app ", "db "))]
    assert not [container for container in bench.containers() if "wirelab.capture" in container.labels]


SERVE = """
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout /tmp/key -out /tmp/cert -days 2 \
  -subj /CN=web.shop.lab 2> /dev/null
exec python3 -c '
import http.server, ssl
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "6")
        self.end_headers()
        self.wfile.write(b"secret")
server = http.server.HTTPServer(("", 443), Answer)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/tmp/cert", "/tmp/key")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()'
"""
SECURE = """\
name: secure
title: A server that speaks TLS
domain: shop.lab
capture: true
nodes:
  dns: {role: dns}
  web: {role: service, command: [bash, -c, SERVE], listens: [{port: 443}]}
  open: {role: client, uses: [web], tls_keys: true}
  closed: {role: client, uses: [web]}
"""


def test_https_is_shown_decrypted_where_the_node_writes_its_keys(bench: Bench, tmp_path: Path) -> None:
    """curl and Python both write them; what a node without `tls_keys` says stays hidden, and its handshake is told."""
    file = tmp_path / "scenario.yaml"
    file.write_text(SECURE.replace("SERVE", json.dumps(SERVE)))
    lab = replace(bench, scenario=str(file), seconds=DEADLINE)
    lab.up()
    python = "import urllib.request, ssl; c = ssl.create_default_context(); c.check_hostname = False; "
    python += "c.verify_mode = ssl.CERT_NONE; urllib.request.urlopen('https://web.shop.lab/by-python', context=c)"
    for node in ("open", "closed"):
        for argv in (["curl", "-sk", f"https://web.shop.lab/{node}"], ["python3", "-c", python.replace("by", node)]):
            code, output = bench.container(node).exec_run(argv)
            assert code == 0, output
    story = lab.cli("trace").out
    assert story.count("TLS for web.shop.lab") == 4, story
    assert "GET /open -> 200 OK, 6 bytes" in story
    assert "GET /open-python -> 200 OK, 6 bytes" in story
    assert "/closed" not in story


HUGE = 200_000_000
MOST_MEMORY = 150_000  # KiB; the text of this capture's packets alone would be more than it is allowed


def repeated(pcapng: bytes, size: int) -> Iterator[bytes]:
    """The capture's heads once, then a thousand bytes from its first frame's sender to its receiver, until it is so
    large (datagrams to a port where nobody listens)."""
    for kind, body in blocks(pcapng):
        if kind in (SECTION, INTERFACE):
            yield block(kind, body)
    frame = bytearray(next(one for one in frames(pcapng) if one[12:14] == b"\x08\x00" and one[23] == 17))
    frame = frame[:14] + b"\x45\0" + struct.pack(">H", 1428) + frame[18:34] + struct.pack(">HHHH", 4000, 9, 1408, 0)
    frame += bytes(1442 - len(frame))
    head = next(body for kind, body in blocks(pcapng) if kind == ENHANCED_PACKET)[:12]
    one = block(ENHANCED_PACKET, head + struct.pack("<II", len(frame), len(frame)) + bytes(frame) + b"\0\0")
    for _ in range(size // len(one) // 1000):
        yield one * 1000


def block(kind: int, body: bytes) -> bytes:
    size = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + size + body + size


def backwards(pcapng: bytes) -> bytes:
    """The same capture, its last packet first."""
    told = list(blocks(pcapng))
    packets = [event for event in told if event[0] == ENHANCED_PACKET]
    heads = [event for event in told if event[0] in (SECTION, INTERFACE)]
    return b"".join(block(*one) for one in (*heads, *reversed(packets)))


def test_files_in_any_state_give_a_story_or_a_clear_message(standing: Bench, tmp_path: Path) -> None:
    """A capture whole, backwards, cut short, damaged, empty, none at all, and one of 200 MB in bounded memory."""
    bench = standing
    assert wirelab(bench, "capture", "start", "basic").code == 0
    bench.container("client").exec_run(["curl", "-s", "http://app.shop.lab/items"])
    whole = save(bench, tmp_path)
    states = {
        "whole": whole,
        "backwards": backwards(whole),
        "cut": whole[:-30],
        "damaged": whole[: len(whole) // 2] + b"\xff" * 40 + whole[len(whole) // 2 :],
        "empty": b"",
        "text": b"this is no capture\n" * 9,
    }
    ran = {}
    for state, content in states.items():
        (tmp_path / state).write_bytes(content)
        ran[state] = wirelab(bench, "trace", "basic", "--read", str(tmp_path / state))
    assert "GET /items -> 200" in ran["whole"].out
    assert ran["backwards"].out == ran["whole"].out
    assert "cut short in the middle of a packet" in ran["cut"].err
    assert "client asks dns for app.shop.lab A" in ran["cut"].out
    assert "damaged" in ran["damaged"].err or "cut short" in ran["damaged"].err, ran["damaged"].err
    assert "client asks dns for app.shop.lab A" in ran["damaged"].out
    assert [ran[state].code for state in ("whole", "cut", "damaged")] == [0, 0, 0]
    assert (ran["text"].code, "neither pcapng nor pcap" in ran["text"].err) == (2, True)
    assert "Nothing happened" in ran["empty"].out or ran["empty"].code == 2, ran["empty"]

    with (tmp_path / "huge").open("wb") as file:
        file.writelines(repeated(whole, HUGE))
    assert (tmp_path / "huge").stat().st_size > HUGE * 0.99
    script = (
        "import resource, subprocess, sys; "
        "done = subprocess.run(sys.argv[1:], check=True); "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    argv = (
        sys.executable,
        "-m",
        "orchestrator",
        "trace",
        "basic",
        "--lab",
        bench.lab,
        "--read",
        str(tmp_path / "huge"),
    )
    done = subprocess.run(
        (sys.executable, "-c", script, *argv), env=dict(bench.engine.environ), capture_output=True, timeout=400
    )
    assert done.returncode == 0, done.stderr
    story, memory = done.stdout.decode().rsplit("\n", 2)[:2]
    assert "UDP" in story
    assert int(memory) < MOST_MEMORY
