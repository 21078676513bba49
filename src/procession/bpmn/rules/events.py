"""Rules about events: which kind may stand where, start events, links."""

from __future__ import annotations

from procession.bpmn.drawing import Drawing, Node
from procession.bpmn.names import BPMN
from procession.bpmn.rules.registry import Voice, rule
from procession.bpmn.rules.structure import is_true
from procession.bpmn.xml import Element, name_of, text_of

ALLOWED: dict[str, frozenset[str]] = {
    kind: frozenset(names.split())
    for kind, names in {
        "startEvent": "message timer signal conditional",
        "endEvent": "message error escalation cancel compensate signal terminate",
        "intermediateCatchEvent": "message timer signal conditional link",
        "intermediateThrowEvent": "message signal escalation compensate link",
        "boundaryEvent": "message timer signal conditional error escalation compensate cancel",
    }.items()
}
"""The event definitions that each kind of event may have (BPMN 2.0, table 10.93)."""

IN_EVENT_SUB_PROCESS = ALLOWED["startEvent"] | {"error", "escalation", "compensate"}
ALWAYS_CATCH = frozenset({"intermediateCatchEvent", "boundaryEvent"})


def triggers(voice: Voice, node: Node) -> list[tuple[str, Element]]:
    """The event definitions of a node: the short name (`timer`, `message`, …) and the element."""
    found = []
    for child in voice.reading.event_definitions(node.element):
        name = name_of(child)
        if name == "eventDefinitionRef":
            shared = voice.reading.by_id.get(text_of(child).rpartition(":")[2])
            name = name if shared is None else name_of(shared)
        found.append((name.removesuffix("EventDefinition"), child))
    return found


@rule("event kind")
def the_right_trigger(drawing: Drawing, voice: Voice) -> None:
    """An event has a kind that may stand at its place."""
    for node in drawing.nodes():
        allowed = ALLOWED.get(node.kind)
        if allowed is None:
            continue
        owner = node.scope.owner
        in_event_sub_process = owner is not None and is_true(owner, "triggeredByEvent")
        if node.kind == "startEvent" and in_event_sub_process:
            allowed = IN_EVENT_SUB_PROCESS
        found = triggers(voice, node)
        for name, element in found:
            if name in ("eventDefinitionRef", *allowed):
                continue
            voice.error(element, f"The {node.label} is of the kind '{name}'.", f"It may be {_or(allowed)}.")
        if node.kind == "startEvent" and in_event_sub_process:
            _starts_by_itself(voice, node, {name for name, _ in found})
        if not found and node.kind in ALWAYS_CATCH:
            voice.error(node.element, f"The {node.label} waits for nothing.", "Make it a timer or a message event.")
        if len(found) > 1:
            voice.reading.report.not_yet(node.element, "A multiple event", "Use one event for each of its definitions.")


def _starts_by_itself(voice: Voice, start: Node, found: set[str]) -> None:
    """The start event of an event sub-process has a trigger; errors and compensation interrupt."""
    if not found:
        voice.error(start.element, f"The {start.label} of an event sub-process has no trigger.", "Give it one.")
    if found & {"error", "compensate"} and start.element.get("isInterrupting") in ("false", "0"):
        voice.error(start.element, f"The {start.label} is not interrupting.", 'Remove isInterrupting="false".')


@rule("start events")
def told_apart(drawing: Drawing, voice: Voice) -> None:
    """Several start events without a trigger have start conditions, and no two the same."""
    plain = [node for node in drawing.top.of_kind("startEvent") if not triggers(voice, node)]
    seen: dict[str, Node] = {}
    for node in plain if len(plain) > 1 else ():
        own = voice.reading.own(node.element, "start")
        condition = "" if own is None else own.get("condition", "")
        if not condition:
            voice.error(
                node.element,
                f"The {node.label} is one of several and has no start condition.",
                'Add <procession:start condition="…"/> to its extension elements.',
            )
        elif condition in seen:
            voice.error(
                node.element,
                f"The {node.label} has the same start condition '{condition}' as '{seen[condition].id}'.",
                "Choose another one.",
            )
        seen.setdefault(condition, node)


@rule("start messages")
def one_start_for_a_message(drawing: Drawing, voice: Voice) -> None:
    """No two start events of a process wait for the same message."""
    seen: dict[str, Node] = {}
    for node in drawing.top.of_kind("startEvent"):
        for name, element in triggers(voice, node):
            reference = element.get("messageRef", "")
            if name == "message" and reference and reference in seen:
                voice.error(
                    element,
                    f"The {node.label} waits for the same message as '{seen[reference].id}'.",
                    "Use one start event, or two messages.",
                )
            elif name == "message":
                seen[reference] = node


@rule("sub-process start")
def one_plain_start(drawing: Drawing, voice: Voice) -> None:
    """An embedded sub-process has exactly one start event, and it has no trigger (BPMN 2.0, 10.3.5)."""
    for scope in drawing.scopes:
        owner = scope.owner
        if owner is None or owner.kind == "adHocSubProcess" or is_true(owner, "triggeredByEvent"):
            continue
        starts = scope.of_kind("startEvent")
        if not starts:
            voice.reading.report.error(
                "implicit start", owner.element, f"The {owner.label} has no start event.", "Draw one inside it."
            )
        for extra in starts[1:]:
            voice.error(
                extra.element,
                f"The {owner.label} has a second start event, '{extra.id}'.",
                "Begin with one, then split.",
            )
        for start in starts:
            if triggers(voice, start):
                voice.error(
                    start.element,
                    f"The {start.label} inside {owner.label} has a trigger.",
                    "A sub-process begins when its token comes: use a start event without a trigger.",
                )


@rule("link")
def linked(drawing: Drawing, voice: Voice) -> None:
    """Every link that is thrown is caught once in its scope."""
    for scope in drawing.scopes:
        ends: dict[str, list[str]] = {"intermediateThrowEvent": [], "intermediateCatchEvent": []}
        for node in scope.of_kind(*ends):
            link = node.element.find(f"{{{BPMN}}}linkEventDefinition")
            if link is None:
                continue
            name = _link(voice, link)
            catching = node.kind == "intermediateCatchEvent"
            if catching and name in ends[node.kind]:
                voice.error(node.element, f"The link '{name}' is caught twice.", "Give each its own name.")
            if (node.incoming if catching else node.outgoing) or not (node.outgoing if catching else node.incoming):
                voice.error(
                    node.element,
                    f"The link event '{node.id}' is connected the wrong way.",
                    "A throwing link has only incoming flows, a catching one only outgoing flows.",
                )
            ends[node.kind].append(name)
        thrown, caught = (set(names) for names in ends.values())
        for name in sorted(thrown ^ caught):
            missing = "catches" if name in thrown else "throws"
            voice.error(scope.element, f"No event {missing} the link '{name}'.", "Draw it in the same scope.")


@rule("cancel")
def cancels_a_transaction(drawing: Drawing, voice: Voice) -> None:
    """A cancel event stands in a transaction (as its end) or on one (at its boundary)."""
    for node in drawing.nodes():
        if any(name == "cancel" for name, _ in triggers(voice, node)):
            inside = node.scope.owner if node.kind == "endEvent" else node.host
            if inside is None or inside.kind != "transaction":
                voice.error(node.element, f"The cancel event '{node.id}' has no transaction.", "Use an error event.")


@rule("ad-hoc")
def without_order(drawing: Drawing, voice: Voice) -> None:
    """An ad-hoc sub-process has no start and no end events (BPMN 2.0, 10.3.5)."""
    for scope in drawing.scopes:
        if scope.owner is not None and scope.owner.kind == "adHocSubProcess":
            for node in scope.of_kind("startEvent", "endEvent"):
                voice.error(node.element, f"The {node.label} stands in an ad-hoc sub-process.", "Remove it.")


@rule("instantiating task")
def nothing_before_it(drawing: Drawing, voice: Voice) -> None:
    """A receive task or event-based gateway that starts the process has no incoming flow."""
    for node in drawing.nodes():
        if is_true(node, "instantiate") and node.incoming:
            voice.error(
                node.element, f"The {node.label} starts the process, but has an incoming flow.", "Remove the flow."
            )


def _link(voice: Voice, link: Element) -> str:
    """What a link is called: its target's name where it names one, else its own."""
    child = voice.reading.child(link, "target")
    target = None if child is None else voice.reading.by_id.get(text_of(child).rpartition(":")[2])
    return str((link if target is None else target).get("name", ""))


def _or(names: frozenset[str]) -> str:
    *most, last = sorted(names)
    return f"{', '.join(most)} or {last}"
