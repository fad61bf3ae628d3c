"""What to keep of a lab in which a test failed: enough to find out why when the lab is gone."""

from __future__ import annotations

from orchestrator.checks.probes import LogText, Probe, ProbeResult, ProgramResult, ReadLog, RunProgram, Unavailable
from orchestrator.errors import WirelabError
from orchestrator.lab.capture.lab_capture import LabCapture
from orchestrator.lab.capture.recording import stream_pcapng
from orchestrator.lab.judging import probe_targets
from orchestrator.lab.lab import Lab
from orchestrator.lab.probe_runner import ProbeRunner
from orchestrator.model.application_protocol import ApplicationProtocol
from orchestrator.model.topology import Topology
from orchestrator.planning.capture import node_names

SOCKETS = ("ss", "-tuanp")  # ss(8): TCP and UDP, all, by number, with the process
RESOLVER = ("cat", "/etc/resolv.conf")
QUERY = " query: "  # as BIND writes it in the category `queries` (ARM, "Query log")


def bundle(lab: Lab) -> dict[str, bytes]:
    """File name -> content: what each node wrote, its resolv.conf and sockets, the DNS queries, the packets.

    What cannot be had is a file all the same, and says why.
    """
    observed = lab.observe()
    topology = lab.topology(observed)
    files = _of_nodes(lab, topology)
    servers = topology.servers_of(ApplicationProtocol.DNS)
    lines = [f"{server} | {line}" for server in servers for line in files[f"logs/{server}.log"].splitlines()]
    files["dns-queries.log"] = "".join(f"{line}\n" for line in lines if QUERY in line)
    packets = _packets(lab, topology)
    return {name: text.encode(errors="replace") for name, text in sorted(files.items())} | packets


def _of_nodes(lab: Lab, topology: Topology) -> dict[str, str]:
    """All questions are put at once; a node is asked once for all that it is asked."""
    probes: dict[str, Probe] = {}
    for node in topology.scenario.nodes:
        probes[f"logs/{node}.log"] = ReadLog(node, 0.0)
        probes[f"resolv.conf/{node}.conf"] = RunProgram(node, RESOLVER, inside=True)
        probes[f"sockets/{node}.txt"] = RunProgram(node, SOCKETS, needs=frozenset({"ss"}))
    observed = lab.observe()
    asker = ProbeRunner(lab.engine, probe_targets(topology, observed))
    try:
        answers = asker.answer(list(probes.values()))
    finally:
        asker.close()
    return {name: _text(answer) for name, answer in zip(probes, answers, strict=True)}


def _text(answer: ProbeResult) -> str:
    match answer:
        case LogText():
            return answer.text
        case ProgramResult():
            return answer.out + answer.err
        case Unavailable():
            return f"This could not be had: {answer.reason}.\n"
        case _:
            return ""


def _packets(lab: Lab, topology: Topology) -> dict[str, bytes]:
    """The recording, where a capture runs."""
    recorder = LabCapture(lab.engine, lab).recorder()
    if recorder is None:
        return {}
    try:
        comment = f"wirelab scenario {lab.scenario.name}"
        return {"capture.pcapng": b"".join(stream_pcapng(lab.engine, recorder.id, comment, node_names(topology)))}
    except WirelabError as error:
        return {"capture.txt": f"The packets could not be had: {error.what}.\n".encode()}
