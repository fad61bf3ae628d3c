"""The steps of a plan in the words of somebody who has not read the plan."""

from __future__ import annotations

from orchestrator.events import StepEvent
from orchestrator.planning import plan

# What a step is to do, and what it has done; {what} is the last part of the step's id, {place} the part before it.
FORMS: dict[str, tuple[str, str]] = {
    action.__name__: forms
    for action, forms in (
        (plan.BuildImage, ("build the image {what}", "built the image {what}")),
        (plan.MakeNetwork, ("make the network {what}", "made the network {what}")),
        (plan.RemoveNetwork, ("remove the network {what}", "removed the network {what}")),
        (plan.MakeCapture, ("start the recording", "started the recording")),
        (plan.RemoveVolume, ("remove the volume {what}", "removed the volume {what}")),
        (plan.KeepPassword, ("make a password for {what}", "made a password for {what}")),
        (plan.KeepCredentials, ("make certificates and keys", "made certificates and keys")),
        (plan.WriteFiles, ("write the files of {what}", "wrote the files of {what}")),
        (plan.MakeNode, ("make {what}", "made {what}")),
        (plan.StartNode, ("start {what}", "started {what}")),
        (plan.StopNode, ("stop {what}", "stopped {what}")),
        (plan.PauseNode, ("pause {what}", "paused {what}")),
        (plan.UnpauseNode, ("let {what} go on", "let {what} go on")),
        (plan.Reconnect, ("connect {place} to the network {what}", "connected {place} to the network {what}")),
        (plan.Reload, ("let {what} read its files again", "let {what} read its files again")),
        (plan.RemoveNode, ("remove {what}", "removed {what}")),
        (plan.AwaitReady, ("wait until {what} is ready", "found {what} ready")),
        (plan.CutOff, ("change which packets {what} drops", "changed which packets {what} drops")),
        (plan.SetRoutes, ("set the routes of {what}", "set the routes of {what}")),
    )
}
# Reasons that are no sentence, or that the command above has said already.
REASONS = {"missing": "there is none yet", "down": ""}


def step_sentence(event: StepEvent) -> str:
    """What a step begins to do, has done, or could not do, and why."""
    to_do, done = _forms(event)
    match event.state:
        case "begun":
            reason = _reason(event)
            return f"begins to {to_do}" + (f" ({reason})" if reason else "")
        case "done":
            return f"{done}, {event.seconds:.2f} s after the first step began"
        case "failed":
            return f"could not {to_do}: {event.error or event.why}"
        case "skipped":
            return f"did not {to_do}: {event.error or event.why}"


def _forms(event: StepEvent) -> tuple[str, str]:
    """What the step is to do, and has done. Of an action without words of its own, the step as the plan names it."""
    place, what = event.step.split(":")[-2:] if ":" in event.step else ("", event.step)
    if event.action == plan.LeaveNetwork.__name__:
        return _leaving(place, what)
    to_do, done = FORMS.get(event.action, ("do {step}", "did {step}"))
    if event.action in (plan.RemoveNode.__name__, plan.MakeNode.__name__):
        what = _node_name(what)
    return to_do.format(step=event.step, place=place, what=what), done.format(step=event.step, place=place, what=what)


def _leaving(place: str, what: str) -> tuple[str, str]:
    """`down` names the network and the container, `up` the node and the id of a network that is not in the file."""
    node_name, network = (_node_name(what), f"the network {place}") if "_" in what else (place, "a network")
    return f"take {node_name} off {network}", f"took {node_name} off {network}"


def _node_name(container: str) -> str:
    """The node of a container, whose name is that of the lab and of the node."""
    return container.rpartition("_")[2]


def _reason(event: StepEvent) -> str:
    if event.action == plan.AwaitReady.__name__:
        return "" if event.why == "none" else f"probe: {event.why}"
    if event.action == plan.WriteFiles.__name__ and event.why == "missing":
        return "there are none yet"
    return REASONS.get(event.why, event.why)
