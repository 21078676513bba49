"""The grammar of BPMN 2.0: which attributes an element may have, and which elements may stand inside it.

Facts of the standard's schema (Semantic.xsd), written down once; element order is not checked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from procession.bpmn.names import words


@dataclass(frozen=True, slots=True)
class Shape:
    """The attributes and children that an element may have, and the attributes that it must have."""

    attributes: frozenset[str]
    children: frozenset[str]
    required: frozenset[str] = frozenset()


def _shape(attributes: str, children: str, *bases: Shape) -> Shape:
    """`!` marks a required attribute; the bases are what the element extends."""
    names = attributes.split()
    return Shape(
        frozenset(name.rstrip("!") for name in names).union(*(base.attributes for base in bases)),
        frozenset(children.split()).union(*(base.children for base in bases)),
        frozenset(name[:-1] for name in names if name.endswith("!")).union(*(base.required for base in bases)),
    )


EMPTY = _shape("", "")
BASE = _shape("id", "documentation extensionElements")
NAMED = _shape("name", "", BASE)
EXPRESSION = _shape("language evaluatesToTypeRef", "", BASE)
FLOW_ELEMENT = _shape("name", "auditing monitoring categoryValueRef", BASE)
FLOW_NODE = _shape("", "incoming outgoing", FLOW_ELEMENT)
LOOPS = "loopCharacteristics multiInstanceLoopCharacteristics standardLoopCharacteristics"
ROLES = "resourceRole performer humanPerformer potentialOwner"
ACTIVITY = _shape(
    "isForCompensation startQuantity completionQuantity default",
    f"ioSpecification property dataInputAssociation dataOutputAssociation {ROLES} {LOOPS}",
    FLOW_NODE,
)
DEFINITIONS = (
    "cancelEventDefinition compensateEventDefinition conditionalEventDefinition errorEventDefinition "
    "escalationEventDefinition linkEventDefinition messageEventDefinition signalEventDefinition "
    "terminateEventDefinition timerEventDefinition eventDefinition"
)
EVENT = _shape("", f"property eventDefinitionRef {DEFINITIONS}", FLOW_NODE)
CATCH = _shape("parallelMultiple", "dataOutput dataOutputAssociation outputSet", EVENT)
THROW = _shape("", "dataInput dataInputAssociation inputSet", EVENT)
GATEWAY = _shape("gatewayDirection", "", FLOW_NODE)
DECIDING = _shape("default", "", GATEWAY)
ARTIFACTS = "artifact association group textAnnotation"
ELEMENTS_OF_FLOW = (
    "flowElement task userTask serviceTask sendTask receiveTask scriptTask manualTask businessRuleTask callActivity "
    "subProcess transaction adHocSubProcess startEvent intermediateCatchEvent boundaryEvent endEvent "
    "intermediateThrowEvent implicitThrowEvent event exclusiveGateway inclusiveGateway parallelGateway "
    "eventBasedGateway complexGateway sequenceFlow dataObject dataObjectReference dataStoreReference "
    "choreographyTask callChoreography subChoreography"
)
CONTAINER = _shape("", f"laneSet {ELEMENTS_OF_FLOW} {ARTIFACTS}")
SUB_PROCESS = _shape("triggeredByEvent", "", ACTIVITY, CONTAINER)
CALLABLE = _shape("name", "supportedInterfaceRef ioSpecification ioBinding", BASE)
ITEM = _shape("name itemSubjectRef isCollection", "dataState", BASE)
DATA_ASSOCIATION = _shape("", "sourceRef targetRef transformation assignment", BASE)
CONVERSATIONS = "conversation subConversation callConversation"
CONVERSATION = _shape("name", "participantRef messageFlowRef correlationKey", BASE)
COLLABORATION = _shape(
    "name isClosed",
    f"participant messageFlow {ARTIFACTS} {CONVERSATIONS} conversationAssociation participantAssociation "
    "messageFlowAssociation correlationKey choreographyRef conversationLink",
    BASE,
)
CHOREOGRAPHY_ACTIVITY = _shape("initiatingParticipantRef! loopType", "participantRef correlationKey", FLOW_NODE)
GLOBAL_TASK = _shape("", ROLES, CALLABLE)
ROOTS = (
    "category choreography collaboration correlationProperty dataStore endPoint error escalation "
    f"globalBusinessRuleTask globalChoreographyTask globalConversation globalManualTask globalScriptTask globalTask "
    f"globalUserTask interface itemDefinition message partnerEntity partnerRole process resource signal {DEFINITIONS}"
)
ROLE = _shape("name", "resourceRef resourceParameterBinding resourceAssignmentExpression", BASE)

EXPRESSIONS = words(
    "conditionExpression condition loopCardinality completionCondition loopCondition activationCondition "
    "timeDate timeDuration timeCycle expression formalExpression messagePath dataPath from to transformation"
)
EXECUTED = words(
    "conditionExpression loopCardinality completionCondition loopCondition activationCondition timeDate timeDuration "
    "timeCycle from to"
)
REFERENCES = words(
    "incoming outgoing flowNodeRef categoryValueRef supportedInterfaceRef supports eventDefinitionRef "
    "sourceRef targetRef source target operationRef inMessageRef outMessageRef errorRef loopDataInputRef "
    "loopDataOutputRef dataInputRefs optionalInputRefs whileExecutingInputRefs outputSetRefs dataOutputRefs "
    "optionalOutputRefs whileExecutingOutputRefs inputSetRefs resourceRef participantRef messageFlowRef "
    "choreographyRef interfaceRef endPointRef innerParticipantRef outerParticipantRef correlationPropertyRef"
)

SHAPES: dict[str, Shape] = {
    # the file
    "definitions": _shape(
        "name targetNamespace expressionLanguage typeLanguage exporter exporterVersion",
        f"import extension relationship BPMNDiagram {ROOTS}",
        BASE,
    ),
    "import": _shape("namespace location importType", ""),
    "extension": _shape("definition mustUnderstand", "documentation"),
    "relationship": _shape("type direction", "source target", BASE),
    "documentation": _shape("id textFormat", ""),
    "extensionElements": EMPTY,
    # processes
    "process": _shape(
        "processType isClosed isExecutable definitionalCollaborationRef",
        f"auditing monitoring property {ROLES} correlationSubscription supports",
        CALLABLE,
        CONTAINER,
    ),
    "laneSet": _shape("name", "lane", BASE),
    "childLaneSet": _shape("name", "lane", BASE),
    "lane": _shape("name partitionElementRef", "partitionElement flowNodeRef childLaneSet", BASE),
    "partitionElement": BASE,
    "sequenceFlow": _shape("sourceRef! targetRef! isImmediate", "conditionExpression", FLOW_ELEMENT),
    "auditing": BASE,
    "monitoring": BASE,
    # activities
    "task": ACTIVITY,
    "manualTask": ACTIVITY,
    "userTask": _shape("implementation", "rendering", ACTIVITY),
    "serviceTask": _shape("implementation operationRef", "", ACTIVITY),
    "sendTask": _shape("implementation messageRef operationRef", "", ACTIVITY),
    "receiveTask": _shape("implementation messageRef operationRef instantiate", "", ACTIVITY),
    "scriptTask": _shape("scriptFormat", "script", ACTIVITY),
    "businessRuleTask": _shape("implementation", "", ACTIVITY),
    "callActivity": _shape("calledElement", "", ACTIVITY),
    "subProcess": SUB_PROCESS,
    "transaction": _shape("method", "", SUB_PROCESS),
    "adHocSubProcess": _shape("cancelRemainingInstances ordering", "completionCondition", SUB_PROCESS),
    "script": EMPTY,
    "rendering": BASE,
    "multiInstanceLoopCharacteristics": _shape(
        "isSequential behavior oneBehaviorEventRef noneBehaviorEventRef",
        "loopCardinality loopDataInputRef loopDataOutputRef inputDataItem outputDataItem complexBehaviorDefinition "
        "completionCondition",
        BASE,
    ),
    "standardLoopCharacteristics": _shape("testBefore loopMaximum", "loopCondition", BASE),
    "complexBehaviorDefinition": _shape("", "condition event", BASE),
    "event": THROW,
    # events
    "startEvent": _shape("isInterrupting", "", CATCH),
    "intermediateCatchEvent": CATCH,
    "boundaryEvent": _shape("cancelActivity attachedToRef!", "", CATCH),
    "endEvent": THROW,
    "intermediateThrowEvent": THROW,
    "implicitThrowEvent": THROW,
    "cancelEventDefinition": BASE,
    "compensateEventDefinition": _shape("waitForCompletion activityRef", "", BASE),
    "conditionalEventDefinition": _shape("", "condition", BASE),
    "errorEventDefinition": _shape("errorRef", "", BASE),
    "escalationEventDefinition": _shape("escalationRef", "", BASE),
    "linkEventDefinition": _shape("name!", "source target", BASE),
    "messageEventDefinition": _shape("messageRef", "operationRef", BASE),
    "signalEventDefinition": _shape("signalRef", "", BASE),
    "terminateEventDefinition": BASE,
    "timerEventDefinition": _shape("", "timeDate timeDuration timeCycle", BASE),
    # gateways
    "exclusiveGateway": DECIDING,
    "inclusiveGateway": DECIDING,
    "complexGateway": _shape("", "activationCondition", DECIDING),
    "parallelGateway": GATEWAY,
    "eventBasedGateway": _shape("instantiate eventGatewayType", "", GATEWAY),
    # what events and messages refer to
    "message": _shape("itemRef", "", NAMED),
    "error": _shape("errorCode structureRef", "", NAMED),
    "escalation": _shape("escalationCode structureRef", "", NAMED),
    "signal": _shape("structureRef", "", NAMED),
    "itemDefinition": _shape("structureRef isCollection itemKind", "", BASE),
    "interface": _shape("implementationRef", "operation", NAMED),
    "operation": _shape("implementationRef", "inMessageRef outMessageRef errorRef", NAMED),
    "endPoint": BASE,
    "correlationKey": _shape("", "correlationPropertyRef", NAMED),
    "correlationProperty": _shape("type", "correlationPropertyRetrievalExpression", NAMED),
    "correlationPropertyRetrievalExpression": _shape("messageRef", "messagePath", BASE),
    "correlationPropertyBinding": _shape("correlationPropertyRef", "dataPath", BASE),
    "correlationSubscription": _shape("correlationKeyRef", "correlationPropertyBinding", BASE),
    # data
    "dataObject": _shape("itemSubjectRef isCollection", "dataState", FLOW_ELEMENT),
    "dataObjectReference": _shape("itemSubjectRef dataObjectRef", "dataState", FLOW_ELEMENT),
    "dataStoreReference": _shape("itemSubjectRef dataStoreRef", "dataState", FLOW_ELEMENT),
    "dataStore": _shape("capacity isUnlimited itemSubjectRef", "dataState", NAMED),
    "dataState": NAMED,
    "property": _shape("name itemSubjectRef", "dataState", BASE),
    "dataInput": ITEM,
    "dataOutput": ITEM,
    "inputDataItem": ITEM,
    "outputDataItem": ITEM,
    "inputSet": _shape("", "dataInputRefs optionalInputRefs whileExecutingInputRefs outputSetRefs", NAMED),
    "outputSet": _shape("", "dataOutputRefs optionalOutputRefs whileExecutingOutputRefs inputSetRefs", NAMED),
    "ioSpecification": _shape("", "dataInput dataOutput inputSet outputSet", BASE),
    "ioBinding": _shape("operationRef inputDataRef outputDataRef", "", BASE),
    "dataInputAssociation": DATA_ASSOCIATION,
    "dataOutputAssociation": DATA_ASSOCIATION,
    "assignment": _shape("", "from to", BASE),
    # people
    "resource": _shape("", "resourceParameter", NAMED),
    "resourceParameter": _shape("type isRequired", "", NAMED),
    "resourceParameterBinding": _shape("parameterRef", "expression formalExpression", BASE),
    "resourceAssignmentExpression": _shape("", "expression formalExpression", BASE),
    **dict.fromkeys(ROLES.split(), ROLE),
    # artifacts and collaborations
    "association": _shape("sourceRef! targetRef! associationDirection", "", BASE),
    "group": _shape("categoryValueRef", "", BASE),
    "textAnnotation": _shape("textFormat", "text", BASE),
    "text": EMPTY,
    "category": _shape("", "categoryValue", NAMED),
    "categoryValue": _shape("value", "", BASE),
    "collaboration": COLLABORATION,
    "participant": _shape("processRef", "interfaceRef endPointRef participantMultiplicity", NAMED),
    "participantMultiplicity": _shape("minimum maximum", "", BASE),
    "participantAssociation": _shape("", "innerParticipantRef outerParticipantRef", BASE),
    "partnerEntity": _shape("", "participantRef", NAMED),
    "partnerRole": _shape("", "participantRef", NAMED),
    "messageFlow": _shape("sourceRef! targetRef! messageRef", "", NAMED),
    "messageFlowAssociation": _shape("innerMessageFlowRef outerMessageFlowRef", "", BASE),
    "conversation": CONVERSATION,
    "callConversation": _shape("calledCollaborationRef", "participantAssociation", CONVERSATION),
    "subConversation": _shape("", CONVERSATIONS, CONVERSATION),
    "conversationLink": _shape("sourceRef! targetRef!", "", NAMED),
    "conversationAssociation": _shape("innerConversationNodeRef outerConversationNodeRef", "", BASE),
    # choreographies
    "choreography": _shape("", ELEMENTS_OF_FLOW, COLLABORATION),
    "globalChoreographyTask": _shape("initiatingParticipantRef", ELEMENTS_OF_FLOW, COLLABORATION),
    "globalConversation": COLLABORATION,
    "choreographyTask": _shape("", "messageFlowRef", CHOREOGRAPHY_ACTIVITY),
    "callChoreography": _shape("calledChoreographyRef", "participantAssociation", CHOREOGRAPHY_ACTIVITY),
    "subChoreography": _shape("", f"{ELEMENTS_OF_FLOW} {ARTIFACTS}", CHOREOGRAPHY_ACTIVITY),
    # tasks that are called
    "globalTask": GLOBAL_TASK,
    "globalManualTask": GLOBAL_TASK,
    "globalUserTask": _shape("implementation", "rendering", GLOBAL_TASK),
    "globalScriptTask": _shape("scriptLanguage", "script", GLOBAL_TASK),
    "globalBusinessRuleTask": _shape("implementation", "", GLOBAL_TASK),
    # expressions
    **dict.fromkeys(
        EXPRESSIONS,
        EXPRESSION,
    ),
    # references, which have only text
    **dict.fromkeys(
        REFERENCES,
        EMPTY,
    ),
}

FLAGS = words(
    "isExecutable isClosed isForCompensation triggeredByEvent parallelMultiple instantiate isSequential "
    "testBefore isCollection isUnlimited waitForCompletion cancelActivity isInterrupting isImmediate "
    "isRequired cancelRemainingInstances mustUnderstand"
)

VALUES: dict[str, frozenset[str]] = {
    "gatewayDirection": frozenset({"Unspecified", "Converging", "Diverging", "Mixed"}),
    "processType": frozenset({"None", "Public", "Private"}),
    "associationDirection": frozenset({"None", "One", "Both"}),
    "itemKind": frozenset({"Information", "Physical"}),
    "eventGatewayType": frozenset({"Exclusive", "Parallel"}),
    "behavior": frozenset({"None", "One", "All", "Complex"}),
    **dict.fromkeys(
        FLAGS,
        frozenset({"true", "false", "1", "0"}),
    ),
}
"""Attributes that have one of a few values."""


def _true(value: str) -> bool:
    return value in ("true", "1")


LATER_VALUES: dict[str, tuple[Callable[[str], bool], str, str]] = {
    "isForCompensation": (_true, "A compensation activity", "Draw the way back with an error boundary event."),
    "triggeredByEvent": (_true, "An event sub-process", "Use a boundary event on a sub-process around the rest."),
    "parallelMultiple": (_true, "A parallel multiple event", "Use a parallel gateway and one event on each branch."),
    "instantiate": (_true, "A task or gateway that starts the process", "Use a message start event."),
    "eventGatewayType": (
        lambda value: value == "Parallel",
        "A parallel event-based gateway",
        "Use a message start event.",
    ),
    "startQuantity": (lambda value: value != "1", "A startQuantity other than 1", "Use a parallel gateway."),
    "completionQuantity": (lambda value: value != "1", "A completionQuantity other than 1", "Use a parallel gateway."),
    "behavior": (
        lambda value: value in ("None", "One", "Complex"),
        "A multi-instance behavior other than All",
        "Use a completionCondition.",
    ),
}
"""Values of the standard that this engine does not run, with what they are and what to do instead."""
