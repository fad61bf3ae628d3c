"""Compare what programs of the learner do with what a task wants to see, and say what differs."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestrator.checks.sockets import BoundSocket
from orchestrator.lessons.comparison import Different, Matched
from orchestrator.lessons.failed_attempts import failed_attempt, unanswered_attempt
from orchestrator.lessons.lesson import ObserveTask
from orchestrator.lessons.messages import NotDone, TaskDone
from orchestrator.lessons.observations import ListensObservation, ResolvesObservation, UnansweredObservation
from orchestrator.lessons.open_exchanges import is_wanted, silence, unanswered
from orchestrator.lessons.own_machine import OwnMachineAttempt
from orchestrator.lessons.packet_evidence import crosses_network, selection_of
from orchestrator.lessons.reactions import attempted, react_to_exchange, react_to_socket, without_attempt
from orchestrator.lessons.server_records import RecordedExchanges, ServerRecord
from orchestrator.lessons.silent_lookups import is_in_vain
from orchestrator.lessons.unused_lookups import is_lookup_for
from orchestrator.lessons.wrong_node import asks_others, ran_elsewhere, ran_in_vain, silent_elsewhere
from orchestrator.operations.lessons.attempt_explainer import NotExplained
from orchestrator.operations.lessons.node_watch import TaskWatch
from orchestrator.operations.lessons.packet_keeper import PacketKeeper
from orchestrator.operations.lessons.programs_elsewhere import ProgramsElsewhere
from orchestrator.operations.lessons.unused_lookup_reasons import UnusedLookupReasons
from orchestrator.traffic.exchanges.events import DnsExchange, client_node, end_time, server_node, start_time

if TYPE_CHECKING:
    from orchestrator.lessons.lesson import AnyTask
    from orchestrator.operations.lessons.attempt_explainer import AttemptExplainer
    from orchestrator.operations.lessons.state import LessonState
    from orchestrator.traffic.exchanges.events import CompletedEvent, ExchangeStart


# After a server was said to be silent, a resolver has asked the next one by then.
AFTER_SILENCE_SECONDS = 2.0


@dataclass
class ObservedAttempts:
    """The attempts at the open task, where that task is to be observed; `explainer` finds out why one failed."""

    state: LessonState
    explainer: AttemptExplainer
    keeper: PacketKeeper = field(default_factory=PacketKeeper)
    _earlier: CompletedEvent | None = None
    _watch: TaskWatch = field(init=False)
    _recorded: RecordedExchanges = field(default_factory=RecordedExchanges)
    _elsewhere: ProgramsElsewhere = field(default_factory=ProgramsElsewhere)
    _lookups: UnusedLookupReasons = field(default_factory=UnusedLookupReasons)
    _answered: float = 0.0
    _looked: float = 0.0
    _answered_elsewhere: dict[str, float] = field(default_factory=dict)
    _answered_at: dict[tuple[str, str], float] = field(default_factory=dict)
    _wanted_silence: tuple[ExchangeStart, float] | None = None

    def __post_init__(self) -> None:
        self._watch = TaskWatch(records=self.keeper.is_on)

    @property
    def _shells(self) -> tuple[str, ...]:
        """The nodes that are the learner's own, where no server runs."""
        return tuple(self.state.text.lesson.shell)

    def begin(self, task: AnyTask) -> None:
        """Begin a task, of which nothing was seen so far."""
        self._forget()
        self._watch.begin(self.state.lab, task, self._shells)
        if isinstance(task, ObserveTask):
            self._elsewhere.look(self.state.lab)

    def start_again(self) -> None:
        """Let nothing count that was seen so far; a node may have been started again."""
        self._forget()
        self._watch.begin_again(self.state.lab, self.state.task, self._shells)

    def _forget(self) -> None:
        self._earlier = self._wanted_silence = None
        self._recorded.clear()
        self._elsewhere.begin()
        self._lookups.clear()
        self._answered_elsewhere.clear()
        self._answered_at.clear()

    def close(self) -> None:
        self._watch.close()
        self._lookups.close()
        self._elsewhere.close()

    def on_start(self, start: ExchangeStart) -> None:
        """A packet was sent; whose it is does not matter here."""
        self._lookups.lookups.note_use(start)

    def tried_unseen(self, wanted: str) -> str:
        """What a program tried since the last call that no other traffic shows; empty where none did.

        It sent something to its own machine, or nothing at all.
        """
        state = self.state
        if (changed := state.lesson_lab.last_change()) != self._looked:
            self._looked = changed
            self._elsewhere.look(state.lab)
        tried = [
            happening.different_from(wanted)
            for happening in self._watch.new()
            if isinstance(happening, OwnMachineAttempt) and not state.traffic.own_probes.is_own_inside(happening)
        ]
        # One that waits to be asked may be the repair.
        runs = [run for run in self._elsewhere.unseen(state.answered) if run.node in state.shells and asks_others(run)]
        in_vain = [ran_in_vain(run, wanted) for run in runs if not state.traffic.has_sent(run.node, run.began)]
        return next((different.sentence for different in (*tried, *in_vain) if different), "")

    def on_event(self, task: ObserveTask, event: CompletedEvent) -> None:
        """An exchange has ended on the wire."""
        traffic = self.state.traffic
        self._recorded.note(event)
        traffic.note_lookup(event)
        was_told, is_answered = traffic.has_ended(event), self._is_same_attempt(event)
        if is_in_vain(event) and (was_told or traffic.silent_lookups.is_told(event)):
            # That it has no answer was said, and counted.
            is_answered = not isinstance(task.observe.compare(event, traffic.addresses_of), Matched)
        if was_told and not is_answered:
            # What came of it counts.
            self.state.progress = without_attempt(self.state.progress, self.state.task_name or "")
        if traffic.is_attempt(event):
            self._on_attempt(task, event, is_answered=is_answered)

    def _on_attempt(self, task: ObserveTask, event: CompletedEvent, *, is_answered: bool = False) -> None:
        """Compare what a program of the learner did with what the task wants to see, and to see before that.

        Of an attempt that `is_answered`, nothing more is said unless it completes the task.
        """
        state, traffic = self.state, self.state.traffic
        if task.after and isinstance(task.after.compare(event, traffic.addresses_of), Matched):
            self._earlier = event
            self._note_lookup(task, event)
            return
        name, shells = state.task_name or "", state.shells
        comparison = traffic.compare(task.observe, event, shells)
        if comparison is None:
            self._note_lookup(task, event)
        if isinstance(comparison, Different) and is_answered:
            return
        if traffic.tells_later(comparison):
            return
        earlier = (end_time(self._earlier) or start_time(self._earlier)) if self._earlier else None
        if isinstance(task.after, UnansweredObservation):
            earlier = traffic.waits.before(task.after.client, task.after.unanswered, start_time(event))
        reaction = react_to_exchange(state.progress, name, task, event, comparison, earlier)
        if isinstance(reaction[1], NotDone) and traffic.continues_lookup(event):
            return
        if isinstance(reaction[1], TaskDone):
            traffic.note_finished(event)
        state.react(reaction)
        if isinstance(reaction[1], NotDone):
            self._note_answer(task, client_node(event))
            self._answered_at[client_node(event), server_node(event)] = time.time()
        elif isinstance(reaction[1], TaskDone):
            self._keep_packets(task, name, event, earlier)
        servers = traffic.servers_of(client_node(event))
        event = traffic.without_old_name(event)
        attempt = failed_attempt(event, servers) if isinstance(reaction[1], NotDone) else None
        if attempt and attempt.node in shells:
            self.explainer.ask(attempt)

    def _note_answer(self, task: ObserveTask, node: str) -> None:
        """Note that what another node than the wanted one did so far is answered: one attempt, one sentence."""
        if node != task.observe.client:
            self._answered_elsewhere[node] = time.time()

    def _is_same_attempt(self, event: CompletedEvent) -> bool:
        """Whether it began before the last sentence on what this node sent to that server, or on another node."""
        node, began = client_node(event), start_time(event)
        return self._is_answered(node, began) or began < self._answered_at.get((node, server_node(event)), 0.0)

    def _is_answered(self, node: str, began: float) -> bool:
        return began < self._answered_elsewhere.get(node, 0.0)

    def _note_lookup(self, task: ObserveTask, event: CompletedEvent) -> None:
        """A lookup of the learner's, where the task wants something else, which may follow."""
        if isinstance(event, DnsExchange) and is_lookup_for(task.observe, event):
            self._lookups.lookups.note(event, self.state.traffic.monotonic())

    def _keep_packets(self, task: ObserveTask, name: str, event: CompletedEvent, earlier: float | None) -> None:
        """Keep the packets that have just completed a task, from networks and from the loopback interface."""
        selection = selection_of(task, event, self._earlier or earlier, self.state.traffic.addresses_of)
        done_at, inside = self.state.progress.task(name).done_at, self._watch.hand_over()
        self.keeper.keep(self.state.lab, name, done_at, selection, inside, crossed_network=crosses_network(task))

    def on_time(self, task: ObserveTask) -> None:
        """Look for what crosses no network, and for what is not answered; tell why an attempt failed."""
        self._on_happenings_inside(task)
        if self.state.task is not task:
            return  # it is done
        self._on_silence(task)
        self._on_lookups(task)
        self._on_programs_elsewhere(task)
        self._on_explained()

    def _on_happenings_inside(self, task: ObserveTask) -> None:
        """Compare loopback packets, new sockets and lines of logs with what the task wants to see."""
        state = self.state
        if (changed := state.lesson_lab.last_change()) != state.seen_change:
            state.seen_change = changed
            self._elsewhere.look(state.lab)
            if self._watch.begin_again(state.lab, task, self._shells):
                state.traffic.start_again()
        for happening in (*self._watch.new(), *self._recorded.take()):
            if isinstance(happening, ServerRecord):
                self._recorded.add(happening)
            elif isinstance(happening, OwnMachineAttempt):
                self._on_own_machine(task, happening)
            elif not isinstance(happening, BoundSocket):
                if state.traffic.is_attempt(happening):
                    self._on_attempt(task, happening)
            elif isinstance(task.observe, ListensObservation):
                state.react(react_to_socket(state.progress, state.task_name or "", task.observe, happening))
            if state.task is not task:
                return

    def _on_own_machine(self, task: ObserveTask, attempt: OwnMachineAttempt) -> None:
        """Say that a program sent something to its own machine, where the task wants something else."""
        if not self.state.traffic.own_probes.is_own_inside(attempt):
            different = attempt.different_from(task.observe.wanted)
            self.state.react(attempted(self.state.progress, self.state.task_name or "", different.sentence))

    def _on_silence(self, task: ObserveTask) -> None:
        """Say which exchange of the learner has no answer."""
        state, traffic = self.state, self.state.traffic
        if sentence := traffic.told_later():
            state.react(attempted(state.progress, state.task_name or "", sentence))
        if different := self._after_wanted_silence(task):
            state.react(attempted(state.progress, state.task_name or "", different.sentence))
        for start in traffic.unanswered():
            if is_wanted(task.after, start):
                self._wanted_silence = (start, traffic.monotonic())
                continue
            if self._is_answered(start.client, start.at):
                continue
            different = silent_elsewhere(start, task.observe, traffic.addresses_of)
            if different := different or unanswered(task.observe, start):
                self._on_silent(task, start, different)

    def _on_silent(self, task: ObserveTask, start: ExchangeStart, different: Different) -> None:
        """Say that this has no answer, and ask why, once for each lookup."""
        state, traffic = self.state, self.state.traffic
        if traffic.silent_lookups.is_to_tell(start):
            before = state.progress
            state.react(attempted(before, state.task_name or "", different.sentence))
            if state.progress is not before:
                traffic.count_silence(start)
            self._note_answer(task, start.client)
        attempt = unanswered_attempt(start, state.lab.made.scenario.nodes, traffic.servers_of(start.client))
        if attempt and attempt.node in state.shells and traffic.silent_lookups.is_to_explain(start):
            self.explainer.ask(attempt)

    def _after_wanted_silence(self, task: ObserveTask) -> Different | None:
        """What is said where the task wants that a server does not answer, and this was seen, and nothing follows."""
        traffic = self.state.traffic
        if self._wanted_silence is None or traffic.monotonic() < self._wanted_silence[1] + AFTER_SILENCE_SECONDS:
            return None
        (start, _since), self._wanted_silence = self._wanted_silence, None
        lookups, seen = traffic.silent_lookups, silence(start)
        if lookups.has_followed(start) or not lookups.is_to_tell(start) or seen is None:
            return None
        to = task.observe.answered_by if isinstance(task.observe, ResolvesObservation) else None
        return Different("dns", seen, f"then {task.observe.wanted}" + (f" to {to}" if to else ""))

    def _on_lookups(self, task: ObserveTask) -> None:
        """Say of a lookup that nothing followed, unless something may still be answered."""
        state = self.state
        if state.answered != self._answered:  # by what is of the same attempt
            self._answered = state.answered
            self._lookups.clear()
        if state.traffic.awaits_answer:
            return
        if different := self._lookups.due(state.lab, task.observe.wanted):
            state.react(attempted(state.progress, state.task_name or "", different.sentence))

    def _on_programs_elsewhere(self, task: ObserveTask) -> None:
        """Say which program ran in another node, or in the right one, if no packet of it was seen."""
        state = self.state
        for run in self._elsewhere.unseen(state.answered):
            if run.node != task.observe.client:
                different = ran_elsewhere(run, task.observe, state.shells)
            else:
                # Of one that listens, or fails to, the node's sockets tell.
                is_seen = state.traffic.has_sent(run.node, run.began) or isinstance(task.observe, ListensObservation)
                different = None if is_seen else ran_in_vain(run, task.observe.wanted)
            if different and not self._is_answered(run.node, run.began):
                state.react(attempted(state.progress, state.task_name or "", different.sentence))
                self._note_answer(task, run.node)

    def _on_explained(self) -> None:
        """Tell which layer is broken of the attempt that failed last."""
        explained = self.explainer.explained()
        if isinstance(explained, NotExplained):
            self.state.tell(NotDone(f"could not find out: {explained.reason}", is_cause=True))
        elif explained and explained.broken:
            self.state.tell(NotDone(explained.sentence, explained.broken.title, is_cause=True))
