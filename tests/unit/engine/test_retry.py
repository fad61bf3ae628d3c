"""What the engine refuses for a moment is asked for again; what it refuses for another reason, or too often, is not."""

from __future__ import annotations

import pytest

from orchestrator.engine.docker.retry import retry_while
from orchestrator.errors import EngineRefused, VolumeBusy


class Refusing:
    """Refuses so many times."""

    def __init__(self, times: int, kind: type[EngineRefused] = VolumeBusy) -> None:
        self.calls, self._times, self._kind = 0, times, kind

    def __call__(self) -> None:
        self.calls += 1
        if self.calls <= self._times:
            raise self._kind("the engine refused")


def test_what_is_refused_for_a_moment_is_asked_for_again() -> None:
    call, between = Refusing(2), Refusing(0)
    retry_while(VolumeBusy, call, 4, between)
    assert (call.calls, between.calls) == (3, 2)


@pytest.mark.slow
@pytest.mark.parametrize(("call", "calls"), [(Refusing(9), 3), (Refusing(9, EngineRefused), 1)])
def test_it_has_an_end(call: Refusing, calls: int) -> None:
    with pytest.raises(EngineRefused):
        retry_while(VolumeBusy, call, 3)
    assert call.calls == calls
