"""The roles, by name: every folder here that holds a `ROLE`."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from orchestrator.model.roles.role import Role

ROLES: dict[str, Role] = {
    module.name: import_module(f"{__name__}.{module.name}").ROLE for module in iter_modules(__path__) if module.ispkg
}


def roles_that_serve(protocol: str) -> tuple[str, ...]:
    """The names of the roles whose server speaks a protocol."""
    return tuple(name for name, role in ROLES.items() if role.serves == protocol)
