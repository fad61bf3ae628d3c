"""What the engine refuses for a moment is asked for again; what it refuses for another reason, or too often, is not."""

from __future__ import annotations

import pytest

from orchestrator.engine.docker import again_while
from orchestrator.errors import Conflict


class Refusing:
    """Refuses so many times."""

    def __init__(self, times: int, why: str = "volume is in use - [4fac]") -> None:
        self.calls, self._times, self._why = 0, times, why

    def __call__(self) -> None:
        self.calls += 1
        if self.calls <= self._times:
            raise Conflict("the engine refused", why=self._why)


def test_what_is_refused_for_a_moment_is_asked_for_again() -> None:
    call, between = Refusing(2), Refusing(0)
    again_while("volume is in use", call, 4, between)
    assert (call.calls, between.calls) == (3, 2)


@pytest.mark.parametrize(("call", "calls"), [(Refusing(9), 3), (Refusing(9, "it is too hot"), 1)])
def test_it_has_an_end(call: Refusing, calls: int) -> None:
    with pytest.raises(Conflict):
        again_while("volume is in use", call, 3)
    assert call.calls == calls
