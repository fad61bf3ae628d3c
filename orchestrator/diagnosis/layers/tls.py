"""TLS (RFC 8446). Kinds of checks say how it is asked: `http_answer.py`, `layers_from_judgement.py`."""

from __future__ import annotations

from orchestrator.diagnosis.layer_probe import LayerProbe

TLS = LayerProbe("tls", "TLS", depends_on=("tcp",))
