"""Namespaces, and every element of BPMN 2.0's process chapter: what it is to this engine.

What may stand inside what, and with which attributes, is in `standard.py`.
"""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """The words of a text as a set."""
    return frozenset(text.split())


BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
DIAGRAM = frozenset(
    {
        "http://www.omg.org/spec/BPMN/20100524/DI",
        "http://www.omg.org/spec/DD/20100524/DC",
        "http://www.omg.org/spec/DD/20100524/DI",
    }
)
XSI = "http://www.w3.org/2001/XMLSchema-instance"
ZEEBE = "http://camunda.org/schema/zeebe/1.0"
PROCESSION = "urn:procession:bpmn:1"
VENDORS = {
    "http://camunda.org/schema/1.0/bpmn": "camunda",
    "http://operaton.org/schema/1.0/bpmn": "operaton",
    "http://flowable.org/bpmn": "flowable",
    "http://activiti.org/bpmn": "activiti",
    "http://www.activiti.com/bpmn": "activiti",
}
PREFIXES = {BPMN: "bpmn", ZEEBE: "zeebe", PROCESSION: "procession", **VENDORS}

# -- flow nodes -------------------------------------------------------------------------------------------------------

TASKS = words("task userTask serviceTask sendTask receiveTask scriptTask manualTask businessRuleTask")
SUB_PROCESSES = words("subProcess transaction adHocSubProcess")
ACTIVITIES = TASKS | SUB_PROCESSES | {"callActivity"}
CATCH_EVENTS = words("startEvent intermediateCatchEvent boundaryEvent")
THROW_EVENTS = words("endEvent intermediateThrowEvent implicitThrowEvent")
EVENTS = CATCH_EVENTS | THROW_EVENTS
GATEWAYS = words("exclusiveGateway inclusiveGateway parallelGateway eventBasedGateway complexGateway")
CHOREOGRAPHY = words("choreographyTask callChoreography subChoreography")
FLOW_NODES = ACTIVITIES | EVENTS | GATEWAYS | CHOREOGRAPHY

# -- known, but not executable yet: what to say, and what to do instead -----------------------------------------------

LATER = {
    "signalEventDefinition": ("A signal event", "Use a message event, or remove it."),
    "escalationEventDefinition": ("An escalation event", "Use an error or a message event."),
    "conditionalEventDefinition": ("A conditional event", "Use a message event, or a timer and a gateway."),
    "linkEventDefinition": ("A link event", "Draw the sequence flow directly."),
    "compensateEventDefinition": ("A compensation event", "Draw the way back with an error boundary event."),
    "cancelEventDefinition": ("A cancel event", "Use an error event."),
    "eventDefinitionRef": ("A shared event definition", "Write the event definition inside the event."),
    "implicitThrowEvent": ("An implicit throw event", "Use an intermediate throw event."),
    "complexGateway": ("A complex gateway", "Use an inclusive or an exclusive gateway."),
    "transaction": ("A transaction", "Use a sub-process with an error boundary event."),
    "adHocSubProcess": ("An ad-hoc sub-process", "Draw the order of its activities in a sub-process."),
    "standardLoopCharacteristics": (
        "A standard loop",
        "Draw the loop with an exclusive gateway, or use multi-instance.",
    ),
    "complexBehaviorDefinition": ("Complex multi-instance behavior", "Use a completionCondition."),
    "callChoreography": ("A choreography", "Draw a process."),
    "choreographyTask": ("A choreography", "Draw a process."),
    "subChoreography": ("A choreography", "Draw a process."),
    "choreography": ("A choreography", "Draw a process."),
    "globalChoreographyTask": ("A choreography", "Draw a process."),
    "globalConversation": ("A conversation", "Draw a process."),
    "conversation": ("A conversation", "Draw message flows between the pools."),
    "subConversation": ("A conversation", "Draw message flows between the pools."),
    "callConversation": ("A conversation", "Draw message flows between the pools."),
    "globalTask": ("A global task", "Draw a process and call it."),
    "globalUserTask": ("A global task", "Draw a process with one user task and call it."),
    "globalManualTask": ("A global task", "Draw a process with one manual task and call it."),
    "globalScriptTask": ("A global task", "Draw a process with one script task and call it."),
    "globalBusinessRuleTask": ("A global task", "Draw a process with one business rule task and call it."),
}

# -- accepted, without effect: a warning says what to use instead -----------------------------------------------------

MAPPINGS = "Use input and output mappings (zeebe:ioMapping)."
PEOPLE = "Use zeebe:assignmentDefinition, or access on a lane."
CORRELATION = "Use the correlation key of the message (zeebe:subscription)."
WITHOUT_EFFECT = {
    "ioSpecification": MAPPINGS,
    "dataInputAssociation": MAPPINGS,
    "ioBinding": MAPPINGS,
    "resourceRole": PEOPLE,
    "performer": PEOPLE,
    "humanPerformer": PEOPLE,
    "potentialOwner": PEOPLE,
    "correlationSubscription": CORRELATION,
    "correlationProperty": CORRELATION,
}
