"""A lab: one scenario brought up under one name. Snapshot, plan, run; nothing else decides anything."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import field, replace
from functools import partial
from shlex import join
from typing import TYPE_CHECKING

from orchestrator.checks.findings import Finding
from orchestrator.engine.protocol import Engine
from orchestrator.errors import NotFound, RangeTaken, Skipped, doctor_command
from orchestrator.events import CauseEvent, FaultEvent, FindingEvent
from orchestrator.host.state_folder import StateFolder
from orchestrator.lab.credentials import credentials_of
from orchestrator.lab.executor import Executor
from orchestrator.lab.guard import living_run
from orchestrator.lab.image_builds import build_images
from orchestrator.lab.image_user import require_ordinary_user
from orchestrator.lab.lock import lab_lock
from orchestrator.lab.member_pin import keep_split, pin_lab, require_home
from orchestrator.lab.node_routes import seen_routes
from orchestrator.lab.removal import remove_labelled
from orchestrator.lab.run_registry import is_alive, is_dead, refuse_foreign, retire_runs
from orchestrator.lab.secret_source import PLACEHOLDER_SECRETS, RANDOM_SECRETS, SecretSource
from orchestrator.lab.settings import Settings
from orchestrator.lab.source import keep_source, require_scenario
from orchestrator.lab.step_handler import StepHandler
from orchestrator.lab.store import LabFolder
from orchestrator.lab.take_down import take_down
from orchestrator.model.checks import BaseCheck
from orchestrator.model.scenario import Scenario
from orchestrator.model.secret import Secret
from orchestrator.model.topology import Topology
from orchestrator.planning import labels
from orchestrator.planning.addressing import assign_addresses
from orchestrator.planning.budget import require_budget
from orchestrator.planning.desired import image_of
from orchestrator.planning.image_steps import image_steps
from orchestrator.planning.injected_faults import InjectedFault
from orchestrator.planning.lab_ref import LabRef
from orchestrator.planning.leftovers import removal_command
from orchestrator.planning.plan import MakeNetwork, Plan
from orchestrator.planning.planner import up
from orchestrator.planning.routes import routes_of
from orchestrator.planning.snapshot import ObservedContainer, ObservedFiles, Snapshot
from orchestrator.quick_dataclass import dataclass

if TYPE_CHECKING:
    from orchestrator.checks.probes import HeldConnection, ProbeResult
    from orchestrator.checks.walk import Walk
    from orchestrator.lab.judging import JudgedLab, WalkedChecks

# Another process may take a range between our look and our call; then we look again.
RANGE_TRIES = 5
HINT = "{}; the engine that wirelab starts for itself isolates it"


@dataclass(frozen=True)
class Lab:
    """`texts` are the files beside the scenario that it mentions."""

    engine: Engine
    state: StateFolder
    name: str
    scenario: Scenario
    texts: Mapping[str, str]
    settings: Settings
    folder: LabFolder = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "folder", LabFolder(self.state, self.name))

    @property
    def named(self) -> LabRef:
        """How the person who stands here names this lab."""
        return LabRef.of(self.settings.scenario_argument, self.scenario.name, self.name)

    def observe(self, new_secrets: SecretSource = PLACEHOLDER_SECRETS) -> Snapshot:
        """What there is now, of this lab and of what it must keep clear of. ForeignLab if it is somebody else's.

        Secrets that nobody keeps come from `new_secrets`; only what changes the lab draws some.
        """
        label = f"{labels.LAB}={self.name}"
        files = self.folder.seen()
        with ThreadPoolExecutor(3) as pool:
            containers = pool.submit(self.engine.containers, label)
            volumes = pool.submit(self.engine.volumes, label)
            networks = pool.submit(self.engine.networks)
            image_ids = pool.submit(self._author_images)
            images = self.settings.images(self._image_names())
            missing_images = self.settings.missing_images(self._image_names())
        refuse_foreign(self.state, self.name, (container.labels for container in containers.result()))
        secrets, new_passwords = self._secrets(files, new_secrets)
        snapshot = Snapshot(
            # the engine takes UTF-8, whatever the locale here is
            folder=os.fsencode(self.folder.path).decode(errors="surrogateescape"),
            run=self.settings.run,
            images=images,
            missing_images=missing_images,
            late_bridges=self.engine.bridges_come_late,
            networks=networks.result(),
            containers=containers.result(),
            volumes=volumes.result(),
            files=files,
            secrets=secrets,
            new_passwords=new_passwords,
            image_ids=image_ids.result(),
            taken=self.settings.routes(),
            faults=self.faults(),
            blocked=self.folder.blocked(),
            living_runs=self._living_runs(containers.result()),
            split=self.settings.split(),
        )
        kept = self.folder.credentials()
        credentials, why = credentials_of(self.topology(snapshot), kept, time.time(), new_secrets)
        return replace(snapshot, credentials=credentials, new_credentials=why)

    def _living_runs(self, containers: Sequence[ObservedContainer]) -> frozenset[str]:
        """The runs of commands that are at work now, among those that made what stands beside nodes."""
        made = {own.labels.get(labels.RUN, "") for own in containers if labels.SIDECAR in own.labels}
        return frozenset(run for run in made if is_alive(self.state, run))

    def faults(self) -> tuple[InjectedFault, ...]:
        """The faults that are in. Those that a check put in count no more once its run has ended."""
        return self.folder.faults.active(self.settings.run)

    def keep_faults(self, faults: Sequence[InjectedFault]) -> None:
        """Write down that just these faults are in, and publish what that changes. The caller holds the lab's lock."""
        written = self.folder.faults.faults()
        if tuple(faults) == written:
            return
        self.folder.faults.keep(faults)
        for fault in written:
            if fault not in faults:
                self.settings.publish(FaultEvent("out", join(fault.fault.words), fault.id, fault.by))
        for fault in faults:
            if fault not in written:
                self.settings.publish(FaultEvent("in", join(fault.fault.words), fault.id, fault.by))

    def standing(self) -> Snapshot:
        """What there is now; NotFound if nothing of the lab is there."""
        observed = self.observe()
        if not observed.containers and not observed.files:
            raise NotFound(f"the lab {self.name!r} is not up", hint=self.named.command("up"))
        return observed

    def _image_names(self) -> list[str]:
        """The images of ours that the nodes need, and the client's, which asks for nodes that cannot."""
        return sorted(
            {name for node in self.scenario.nodes.values() if (name := image_of(node))}
            | {"client", *self.settings.extra_images, *(("capture",) if self._captures else ())}
        )

    def _author_images(self) -> dict[str, str]:
        """The author's own images that the engine has -> its ids of them."""
        references = dict.fromkeys(node.image for node in self.scenario.nodes.values() if node.image)
        return {reference: image_id for reference in references if (image_id := self.engine.image_id(reference))}

    @property
    def _captures(self) -> bool:
        return self.settings.capture or self.scenario.capture

    def _secrets(
        self, files: Mapping[str, ObservedFiles], new_secrets: SecretSource
    ) -> tuple[dict[str, Secret], tuple[str, ...]]:
        """The secret that a node keeps in its own file, or a new one; and the nodes whose secret is new."""
        holders = self.scenario.secret_files
        kept = {name: files[name].texts.get(file) for name, file in holders.items() if name in files}
        passwords = {name: kept.get(name) or new_secrets.new_password() for name in holders}
        self.settings.hide(passwords.values())
        new = tuple(name for name in holders if not kept.get(name))
        return {name: Secret(password) for name, password in passwords.items()}, new

    def topology(self, observed: Snapshot) -> Topology:
        return assign_addresses(self.name, self.scenario, observed, self.texts)

    def plan(self) -> Plan:
        """What `up` would do now."""
        return up(*self._whole(PLACEHOLDER_SECRETS), capture=self._captures, close_host=self.settings.close_host)

    def _whole(self, new_secrets: SecretSource, healed: Collection[str] = ()) -> tuple[Topology, Snapshot]:
        """What there is now, the routes inside the nodes included, which only `up` needs to know."""
        observed = self.observe(new_secrets)
        require_scenario(observed, self.name, self.scenario.name)
        observed = replace(observed, faults=tuple(fault for fault in observed.faults if fault.id not in healed))
        topology = self.topology(observed)
        return topology, replace(observed, routes=seen_routes(self.engine, observed, routes_of(topology)))

    def up(self, healed: Collection[str] = ()) -> Plan:
        """Make the lab what its file declares; return what had to be done. Undone again if that fails.

        Faults that are in stay in, but for those of these ids.
        """
        with lab_lock(self.state, self.name):
            require_home(self.state, self.name, (self.settings.member,))
            for _ in range(RANGE_TRIES - 1):
                # Another process may take the range between the look and the network.
                with suppress(RangeTaken):
                    return self._up(*self._whole(RANDOM_SECRETS, healed))
            return self._up(*self._whole(RANDOM_SECRETS, healed))

    def _up(self, topology: Topology, observed: Snapshot) -> Plan:
        plan = up(topology, observed, capture=self._captures, close_host=self.settings.close_host)
        self._require_isolation(plan)
        settings, allowed = self.settings, lambda _node, _spec: None
        if not settings.trusted:
            allowed = partial(require_ordinary_user, self.engine, settings.place)
        if plan and not settings.trusted:
            require_budget(self.scenario, settings.machine_memory, settings.place)
        doing = StepHandler(
            self.engine, self.folder, observed, self.named, settings.ready_seconds, allowed, settings.on_files
        )
        try:
            pin_lab(self.state, self.name, settings.member, copies=settings.copies)
            if observed.split:
                keep_split(self.state, self.name, observed.split)
            self.folder.cancel_removal()
            if self.settings.source:
                source = replace(self.settings.source, trusted=settings.trusted)
                keep_source(self.state, self.name, source, time.time())
            if plan:
                self.folder.claim(self.settings.run)
            began = time.monotonic()
            rest = self._with_images(plan)
            ended = Executor(doing, self.settings.publish, shield=self.settings.shield).run(rest, began)
            if ended.error:
                raise ended.error
        except BaseException:
            if plan and not self.settings.keep:
                with self.settings.shield():
                    self._roll_back()
            raise
        self._retire_dead_runs(observed)
        self.keep_faults(observed.faults)
        for node in set(observed.files) - set(self.scenario.nodes):
            self.folder.forget(node)
        return plan

    def _with_images(self, plan: Plan) -> Plan:
        """Build what the plan builds, and return its other steps."""
        settings = self.settings
        return build_images(plan, settings.build_images, settings.missing_images, settings.publish)

    def build_missing_images(self, *names: str) -> None:
        """Build those of these images of ours that the engine lacks, each as a step with its events."""
        self._with_images(Plan(self.name, image_steps(self.settings.missing_images(names))))

    def _retire_dead_runs(self, observed: Snapshot) -> None:
        """The lab is whole: what dead runs began of it is from now on not theirs, nor is it ours alone."""
        made = [container.labels for container in observed.containers]
        made += [volume.labels for volume in observed.volumes]
        made += [network.labels for network in observed.networks if network.labels.get(labels.LAB) == self.name]
        others = {made_labels.get(labels.RUN, "") for made_labels in made} - {self.settings.run}
        if others:
            dead = sorted(run for run in others if is_dead(self.state, run))
            retire_runs(self.state, self.name, (*dead, self.settings.run))
        self.settings.on_complete()

    def _require_isolation(self, plan: Plan) -> None:
        """Skipped where the engine lets IPv6 cross from one network to another: a check would prove nothing there."""
        if any(isinstance(step.action, MakeNetwork) and step.action.spec.subnet6 for step in plan.steps):
            isolates = self.settings.isolates_ipv6()
            if not isolates:
                lets = "lets" if isolates is False else "may let"
                why = (
                    f"it has a network with ipv6: true, and this engine {lets} IPv6 cross between networks "
                    "and out of the lab"
                )
                raise Skipped(
                    f"skipped: {self.scenario.name} needs an engine that isolates IPv6",
                    why=why,
                    hint=HINT.format(doctor_command(self.settings.member)),
                )

    def _roll_back(self) -> None:
        """Remove what this run has made of this lab (pytest has several); the folder too if nothing of it is left."""
        own = f"{labels.LAB}={self.name}"
        hint = removal_command(self.name)
        remove_labelled(self.engine, f"{labels.RUN}={self.settings.run}", own, hint=hint)
        if not self.engine.containers(own):
            self.folder.remove()

    def judge(
        self,
        checks: Sequence[BaseCheck] | None = None,
        *,
        walks: WalkedChecks = "failed",
        is_tried_once: bool = False,
        held: Mapping[str, HeldConnection] | None = None,
    ) -> tuple[Finding, ...]:
        """One finding a check, of the lab as it stands: faults are put in by `lab.faults.check`, which calls this.

        What does not hold has its walk through the layers; with `walks` each check or none has one. A check that fails
        has failed twice, unless `is_tried_once`: for somebody who judges it again and again. `held` has the connections
        that were opened for checks, by their names. NotFound if nothing of the lab is there.
        """
        from orchestrator.lab.check_runner import LEAST_TRIES
        from orchestrator.lab.judging import JudgementWatcher, run_checks

        wanted = self.scenario.checks if checks is None else checks
        watcher = JudgementWatcher(self.publish_finding, self.settings.on_waiting, self.settings.publish)
        tries = 1 if is_tried_once else LEAST_TRIES
        with self.judged_lab() as judged:
            findings = run_checks(judged, wanted, walks, watcher, tries, held or {})
        self._publish_causes(findings)
        return findings

    def explain(self, check: BaseCheck) -> Walk:
        """The walk through the layers of a check that is known to fail. NotFound if nothing of the lab is there."""
        from orchestrator.lab.judging import explain_failure

        with self.judged_lab() as judged:
            return explain_failure(judged, check, self.settings.publish)

    @contextmanager
    def judged_lab(self) -> Iterator[JudgedLab]:
        """The lab as it stands, for those who put checks to it. NotFound if nothing of it is there."""
        from orchestrator.lab.judging import JudgedLab
        from orchestrator.lab.probe_log import announced

        observed = self.standing()
        if any(node.image for node in self.scenario.nodes.values()):
            # An author's image may lack a tool: its node is then asked from a container of ours.
            self.build_missing_images("client")
        topology = self.topology(observed)
        wire = partial(self._observed_flows, topology)
        settings = self.settings
        on_probe = settings.on_probe or announced(settings.publish)
        named = settings.scenario_argument
        with living_run(self.state, settings.run, settings.member) as run:
            observed = replace(observed, run=run)
            yield JudgedLab(self.engine, topology, observed, named, wire, on_probe, settings.member)

    def publish_finding(self, finding: Finding) -> None:
        """Publish what a check found."""
        self.settings.on_finding(finding)
        judgement = finding.judgement
        self.settings.publish(
            FindingEvent(
                finding.check,
                finding.kind,
                finding.asker,
                judgement.verdict,
                judgement.expected,
                judgement.actual,
                judgement.evidence,
                round(finding.seconds, 3),
            )
        )

    def _publish_causes(self, findings: Sequence[Finding]) -> None:
        for finding in findings:
            walk = finding.why
            if walk and walk.broken and finding.verdict != "pass":
                self.settings.publish(CauseEvent(finding.check, walk.broken.name, walk.sentence))

    def _observed_flows(self, topology: Topology, since: float) -> ProbeResult:
        """What the lab's capture proves of its nodes since that moment."""
        from orchestrator.checks.probes import Flows
        from orchestrator.lab.capture.recorder import find_recorder

        recorder = find_recorder(self.engine, self.name)
        if recorder is None or recorder.state != "running":
            return Flows(None)
        # Here, for most labs have no capture.
        from orchestrator.lab.capture.recording import read_recording
        from orchestrator.traffic.roles import proofs

        events, _ = read_recording(self.engine, recorder.id, self.name, self.scenario).events(topology)
        return Flows(proofs(events, since))


__all__ = ["Lab", "Settings", "take_down"]
