"""Carries out a plan: independent steps side by side, nothing decided. The only threads of the product.

After the first failure, or when somebody asks to stop, nothing new begins; what is under way is waited for, and the
rest is reported as skipped.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from graphlib import TopologicalSorter
from queue import SimpleQueue
from threading import Event as Flag

from orchestrator.events import Event, StepEvent
from orchestrator.lab.step_events import StepState, effect_of, step_event
from orchestrator.planning.plan import AwaitReady, Plan, Step
from orchestrator.quick_dataclass import dataclass

# Eight starts at a time are as fast as sixteen: the engine is the limit (FACTS).
WORKERS = 8

Do = Callable[[Step, Callable[[], bool]], None]
Shield = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True)
class PlanResult:
    """How the plan ended: every step's last event, and the first error, if there was one."""

    events: tuple[StepEvent, ...]
    error: Exception | None


class Executor:
    """`do(step, stop)` carries out one step and gives up soon after `stop()` turns true.

    After an interrupt what is under way is waited for inside `shield()`, which keeps a second one out.
    """

    def __init__(
        self,
        do: Do,
        publish: Callable[[Event], None],
        clock: Callable[[], float] = time.monotonic,
        shield: Shield = nullcontext,
    ) -> None:
        self._do = do
        self._publish = publish
        self._clock = clock
        self._shield = shield

    def run(self, plan: Plan, began: float | None = None) -> PlanResult:
        """Carry out the plan; KeyboardInterrupt and SystemExit come through after what was under way has ended.

        `began` is when the plan began, by the clock, where other steps of it came before.
        """
        if not plan:
            return PlanResult((), None)
        began = self._clock() if began is None else began
        return _Execution(self._do, self._publish, self._clock, self._shield, plan, began).run()


class _Execution:
    """One plan being carried out."""

    def __init__(
        self,
        do: Do,
        publish: Callable[[Event], None],
        clock: Callable[[], float],
        shield: Shield,
        plan: Plan,
        began: float,
    ) -> None:
        self._do = do
        self._publish = publish
        self._clock = clock
        self._shield = shield
        self._began = began
        self._steps = {step.id: step for step in plan.steps}
        self._order = TopologicalSorter({step.id: step.needs for step in plan.steps})
        self._ended: SimpleQueue[tuple[Step, Exception | None]] = SimpleQueue()
        self._stop = Flag()
        self._events: dict[str, StepEvent] = {}
        # What may begin, and what has begun: waits, and as much work as there are workers.
        self._ready: deque[Step] = deque()
        self._waiting, self._working = 0, 0

    def run(self) -> PlanResult:
        waits = sum(isinstance(step.action, AwaitReady) for step in self._steps.values())
        self._order.prepare()
        # Waiting takes a thread but no work: it must not keep a start from its place.
        with ThreadPoolExecutor(WORKERS) as work, ThreadPoolExecutor(max(1, waits)) as waiting:
            try:
                error = self._loop(work, waiting)
            except BaseException:
                self._stop.set()
                # Who takes back what was made must not meet a step that still makes something.
                with self._shield():
                    waiting.shutdown()
                    work.shutdown()
                raise
        self._skip_rest()
        return PlanResult(tuple(self._events.values()), error)

    def _loop(self, work: ThreadPoolExecutor, waiting: ThreadPoolExecutor) -> Exception | None:
        first: Exception | None = None
        while True:
            if first is None:
                self._begin(work, waiting)
            if not self._waiting + self._working:
                return first
            step, error = self._ended.get()
            self._count(step, -1)
            if error is None:
                self._order.done(step.id)
                self._tell(step, "done")
                continue
            self._stop.set()
            self._tell(step, "failed", error)
            first = first or error

    def _begin(self, work: ThreadPoolExecutor, waiting: ThreadPoolExecutor) -> None:
        """Begin what can begin. Nothing waits in a pool for its turn, for there nobody could hold it back any more."""
        for name in self._order.get_ready():
            step = self._steps[name]
            if isinstance(step.action, AwaitReady):
                self._submit(waiting, step)
            else:
                self._ready.append(step)
        while self._ready and self._working < WORKERS:
            self._submit(work, self._ready.popleft())

    def _submit(self, pool: ThreadPoolExecutor, step: Step) -> None:
        self._tell(step, "begun")
        self._count(step, 1)
        pool.submit(self._run_step, step)

    def _count(self, step: Step, change: int) -> None:
        if isinstance(step.action, AwaitReady):
            self._waiting += change
        else:
            self._working += change

    def _run_step(self, step: Step) -> None:
        try:
            self._do(step, self._stop.is_set)
        except Exception as error:
            self._ended.put((step, error))
        else:
            self._ended.put((step, None))

    def _tell(self, step: Step, state: StepState, error: Exception | None = None) -> None:
        event = step_event(step, state, self._clock() - self._began, error)
        self._events[step.id] = event
        self._publish(event)
        if state == "done" and (effect := effect_of(step)):
            self._publish(effect)

    def _skip_rest(self) -> None:
        for step in self._steps.values():
            if step.id not in self._events:
                self._tell(step, "skipped")
