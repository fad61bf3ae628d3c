"""The routers on the way: does each pass things on, and has it a way to both ends (ip(8))."""

from __future__ import annotations

from orchestrator.checks.interfaces import NEEDS, addresses_of
from orchestrator.checks.probes import Probe, ProgramResult, RunProgram
from orchestrator.diagnosis.layer_probe import DNS_PORT, Answers, ConnectionAttempt, LayerReadings, Port
from orchestrator.diagnosis.layers.filter_rules import FoundRules, addresses_of_ends, ends_of, found_rules, rule_probes

# 1 where a machine passes on what is not for itself (ip-sysctl of the kernel's documentation).
FORWARDING = "/proc/sys/net/ipv4/ip_forward"
# What `ip route get` says for a route that drops (blackhole) or forbids (prohibit) is the kernel's EINVAL or EACCES.
MEANINGS = {
    "Invalid argument": "a rule in its routing table drops what goes there",
    "Permission denied": "a rule in its routing table forbids what goes there",
}
NO_WAY = "Network is unreachable"


def router_probes(attempt: ConnectionAttempt) -> tuple[Probe, ...]:
    """What is asked of each router: its addresses, whether it passes things on, and its ways to the ends."""
    ways = (_route(router, address) for router in attempt.routers for _, address in _ends(attempt))
    own = (probe(router) for router in attempt.routers for probe in (addresses_of, _forwarding))
    return (*own, *dict.fromkeys(ways))


def _forwarding(router: str) -> RunProgram:
    return RunProgram(router, ("cat", FORWARDING), inside=True)


def _route(router: str, address: str) -> RunProgram:
    return RunProgram(router, ("ip", "-j", "route", "get", address), NEEDS)


def _ends(attempt: ConnectionAttempt) -> list[tuple[str, str]]:
    """The nodes on other networks with the addresses to which packets go, there and back, each with the asker's."""
    far = {attempt.target: attempt.address} if attempt.target else {}
    far |= {node: address for address, node in attempt.servers.items() if attempt.claim}
    ends = []
    for node, address in far.items():
        if node and address and node != attempt.asker and not attempt.shares_network_with(node):
            ends += [(node, address), (attempt.asker, attempt.address_of(attempt.asker, node))]
    return ends


def read_routers(
    attempt: ConnectionAttempt, lost: list[str], *, cut: bool, results: Answers, readings: LayerReadings
) -> bool:
    """Whether one of the routers is to blame by itself; `lost` are DNS servers behind them, `cut` is the target."""
    affects: tuple[str, ...] = ("dns", "tcp") if lost else ("tcp",)
    for router in attempt.routers:
        result = results.get(_forwarding(router))
        if isinstance(result, ProgramResult) and result.out.strip() == "0":
            sentence = f"The router {router} passes nothing on: IP forwarding is off in it (net.ipv4.ip_forward = 0)."
            command, evidence = attempt.commands.start_anew(router), [f"{FORWARDING} of {router}: 0"]
            readings.broken(f"{router} passes nothing on", sentence, command, *affects, evidence=evidence)
            return True
    missing = [*lost, *([attempt.target_name] if cut else []), attempt.asker]
    for router in attempt.routers:
        for node, address in _ends(attempt):
            why = _no_way(attempt, router, address, results) if node in missing else ""
            if why:
                sentence = f"The router {router} has no route to {node}: {why}."
                command = attempt.commands.run(router, "ip", "route", "get", address)
                evidence = [f"{router}: ip route get {address}: {why}"]
                readings.broken(f"{router} has no route to {node}", sentence, command, *affects, evidence=evidence)
                return True
    return False


def _no_way(attempt: ConnectionAttempt, router: str, address: str, results: Answers) -> str:
    """Why a router has no way to an address. Of several routers one may have none, since another one passes it on."""
    result = results.get(_route(router, address))
    if not isinstance(result, ProgramResult) or not result.exit_code or not result.err.startswith("RTNETLINK"):
        return ""
    why = kernel_words(result.err)
    return "" if why == NO_WAY and len(attempt.routers) > 1 else why


def kernel_words(err: str) -> str:
    """The kernel's words in `RTNETLINK answers: ...`."""
    lines = err.strip().splitlines()
    words = lines[-1].rpartition(": ")[2] if lines else "no answer"
    return MEANINGS.get(words, words)


def rules_in_routers(attempt: ConnectionAttempt) -> tuple[Probe, ...]:
    """The probes that look for rules in the routers, which may stop every packet."""
    return rule_probes(attempt, ends_of(attempt))


def found_in_routers(attempt: ConnectionAttempt, results: Answers) -> FoundRules | None:
    """The rules in the nodes on the way that may have met the question for the name."""
    ends = (*ends_of(attempt), *attempt.dns_nodes)
    return found_rules(attempt, results, ends, Port(DNS_PORT, "udp"), addresses_of_ends(attempt, ends))
