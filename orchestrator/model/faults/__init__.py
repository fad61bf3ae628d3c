"""Faults: what can be broken in a lab, as values. The kinds, by name: every file here that holds a `FAULT`."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from orchestrator.model.faults.fault import BaseFault
from orchestrator.model.language import kind_by_key, union_by_key
from orchestrator.model.values import VariantNames

_MODULES = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]
FAULTS: dict[str, type[BaseFault]] = {
    module.FAULT.kind: module.FAULT for module in _MODULES if hasattr(module, "FAULT")
}


def fault_kind(fault: Any) -> str | None:
    """The kind of a fault, from the key that names it; None where there is none or more than one."""
    return kind_by_key(fault, FAULTS)


Fault: Any = union_by_key(FAULTS, VariantNames("fault", "what is broken", "such as {stop: dns}"))
