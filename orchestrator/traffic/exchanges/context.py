"""What the readers of all protocols share: numbers, node names, and which name led to which address."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from itertools import count

from orchestrator.traffic.exchanges.events import Endpoint, Flow

REMEMBERED_ANSWERS = 4096


FindLoss = Callable[[str, tuple[str, int], tuple[str, int]], str]


def nowhere_lost(*_flow: object) -> str:
    """What is said of lost packets where one network alone is known."""
    return ""


class TrafficContext:
    """Number exchanges and flows, name addresses, and remember the DNS answers that led to them."""

    def __init__(self, node_names: Mapping[str, str], find_loss: FindLoss = nowhere_lost) -> None:
        self._find_loss = find_loss
        self._node_names = dict(node_names)
        self._exchange_numbers: Iterator[int] = count(1)
        self._flow_numbers: Iterator[int] = count(1)
        self._answers: OrderedDict[tuple[str, str], tuple[str, float]] = OrderedDict()

    def exchange_number(self) -> int:
        return next(self._exchange_numbers)

    def node_at(self, address: str) -> str:
        """The node that has this address; the address itself if no node has it."""
        return self._node_names.get(address, address)

    def loss(self, flow: Flow) -> str:
        """Where the packets of a flow without an answer were lost; empty where that is not known."""
        client, server = flow.client, flow.server
        return self._find_loss(flow.protocol, (client.address, client.port), (server.address, server.port))

    def remember_answer(self, node_name: str, name: str, address: str, when: float) -> None:
        """Note that DNS gave this node `address` for `name`. Only the latest few thousand are kept."""
        self._answers[node_name, address] = (name, when)
        self._answers.move_to_end((node_name, address))
        if len(self._answers) > REMEMBERED_ANSWERS:
            self._answers.popitem(last=False)

    def new_flow(self, protocol: str, client: tuple[str, int], server: tuple[str, int], opened: float | None) -> Flow:
        """A new flow between two (address, port), with the DNS answer that led to it."""
        client_name, server_name = self.node_at(client[0]), self.node_at(server[0])
        name, query_time = self._answers.get((client_name, server[0]), ("", None))
        return Flow(
            next(self._flow_numbers),
            protocol,
            Endpoint(client_name, client[0], client[1]),
            Endpoint(server_name, server[0], server[1]),
            opened,
            name if opened is not None else "",
            query_time if opened is not None else None,
        )
