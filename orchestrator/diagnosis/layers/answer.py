"""The answer. Kinds of checks say how it is asked: `http_answer.py`, `sql_answer.py`, `layers_from_judgement.py`."""

from __future__ import annotations

from orchestrator.diagnosis.layer_probe import LayerProbe

ANSWER = LayerProbe("answer", "answer", depends_on=("tcp", "tls"))
