"""The layers of `why`, in the order in which they must work. A new layer is a file here, and its place in `LAYERS`."""

from __future__ import annotations

from orchestrator.diagnosis.layer_probe import LayerProbe
from orchestrator.diagnosis.layers.answer import ANSWER
from orchestrator.diagnosis.layers.dns import DNS
from orchestrator.diagnosis.layers.listen import LISTEN
from orchestrator.diagnosis.layers.node import NODE
from orchestrator.diagnosis.layers.resolver import RESOLVER
from orchestrator.diagnosis.layers.route import ROUTE
from orchestrator.diagnosis.layers.tcp import TCP
from orchestrator.diagnosis.layers.tls import TLS

LAYERS: tuple[LayerProbe, ...] = (NODE, LISTEN, ROUTE, RESOLVER, DNS, TCP, TLS, ANSWER)
