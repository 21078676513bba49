"""Tasks, one reader each."""

from __future__ import annotations

from procession.bpmn.drawing import Node
from procession.bpmn.extensions import procession as own
from procession.bpmn.extensions import zeebe
from procession.bpmn.read_events import awaited_message, throw
from procession.bpmn.read_parts import Compiling
from procession.bpmn.reading import Reading, is_feel
from procession.bpmn.xml import text_of
from procession.definition import (
    BusinessRuleTask,
    Expression,
    JobSpec,
    ManualTask,
    ReceiveTask,
    ScriptTask,
    SendTask,
    ServiceTask,
    Task,
    TimerTrigger,
    UserTask,
    Value,
)
from procession.definition.iso8601 import parse_instant
from procession.definition.schedule import parse_schedule

JOB_HINT = 'Add <zeebe:taskDefinition type="charge-card"/> to its extension elements.'


def task(make: Compiling, node: Node) -> Task:
    """A task of no kind."""
    return Task(**make.activity(node))


def manual_task(make: Compiling, node: Node) -> ManualTask:
    """Done outside of any system."""
    return ManualTask(**make.activity(node))


def service_task(make: Compiling, node: Node) -> ServiceTask | None:
    """Work for a job worker."""
    fields, job = make.activity(node), zeebe.job(make.reading, node.element)
    if job is None:
        if (
            make.reading.zeebe(node.element, "taskDefinition") is None
            and make.reading.own(node.element, "action") is None
        ):
            make.reading.report.error("job type", node.element, f"The {node.label} has no job type.", JOB_HINT)
        return None
    return ServiceTask(**fields, job=job)


def send_task(make: Compiling, node: Node) -> SendTask | None:
    """Sends by a job worker, as records, or as a BPMN message."""
    reading, fields = make.reading, make.activity(node)
    job, records = zeebe.job(reading, node.element), own.records(reading, node.element)
    if job is not None and records:
        reading.report.error(
            "send task",
            node.element,
            f"The {node.label} has a job type and a kafkaSend action.",
            "Remove one of the two.",
        )
        return None
    if job is not None or records:
        return SendTask(**fields, job=job, records=records)
    if reading.zeebe(node.element, "taskDefinition") is not None or reading.own(node.element, "action") is not None:
        return None
    if not node.element.get("messageRef"):
        reading.report.error(
            "send task",
            node.element,
            f"The {node.label} does not say what it sends.",
            "Give it a zeebe:taskDefinition, a messageRef, or a procession:action of type kafkaSend.",
        )
        return None
    message = throw(reading, node, node.element)
    return None if message is None else SendTask(**fields, message=message)


def receive_task(make: Compiling, node: Node) -> ReceiveTask | None:
    """Waits for a message, or for answers on topics."""
    reading, element, fields = make.reading, node.element, make.activity(node)
    timeout = response_timeout(reading, node)
    if reading.own(element, "dataStream") is None:
        trigger = awaited_message(reading, node, element)
        return None if trigger is None else ReceiveTask(**fields, trigger=trigger, timeout=timeout)
    if element.get("messageRef"):
        reading.report.error(
            "receive task",
            element,
            f"The {node.label} waits for a message and has data streams.",
            "Remove one of the two; an event-based gateway waits for both.",
        )
    return ReceiveTask(**fields, timeout=timeout)


def response_timeout(reading: Reading, node: Node) -> TimerTrigger | None:
    """`procession:responseTimeout`: how long a receive task waits."""
    text = reading.own_attribute(node.element, "responseTimeout")
    if text is None:
        return None
    if not text.strip():
        reading.report.error(
            "response timeout", node.element, f"The response timeout of {node.label} is empty.", "Write PT30S."
        )
        return None
    value = reading.value(node.element, text, f"The response timeout of {node.label}")
    if value is None:
        return None
    zone = own.zone_of(reading, node.element)
    if isinstance(value, str):
        try:
            parse_schedule("duration", value, zone)
        except ValueError as error:
            reading.report.error(
                "response timeout", node.element, f"The response timeout of {node.label} is wrong: {error}"
            )
            return None
    if any(flow.source is not None and flow.source.kind == "eventBasedGateway" for flow in node.incoming):
        reading.report.error(
            "response timeout",
            node.element,
            f"The {node.label} stands behind an event-based gateway, and has a response timeout.",
            "Put a timer event behind the gateway instead.",
        )
    return TimerTrigger("duration", value, zone)


def script_task(make: Compiling, node: Node) -> ScriptTask | None:
    """A FEEL expression, or a script in another language for a job worker."""
    fields = make.activity(node)
    expression, result, job = _script(make.reading, node)
    if expression is None and job is None:
        return None
    return ScriptTask(**fields, expression=expression, result=result, job=job)


def business_rule_task(make: Compiling, node: Node) -> BusinessRuleTask | None:
    """A rule in FEEL, or a job worker's."""
    reading, fields = make.reading, make.activity(node)
    if reading.zeebe(node.element, "calledDecision") is not None:
        return None  # reported as not executable yet
    if reading.zeebe(node.element, "script") is None:
        job = zeebe.job(reading, node.element)
        if job is None and reading.zeebe(node.element, "taskDefinition") is None:
            reading.report.error(
                "business rule",
                node.element,
                f"The {node.label} has no rule.",
                'Add <zeebe:script expression="= …" resultVariable="…"/>, or a zeebe:taskDefinition.',
            )
        return None if job is None else BusinessRuleTask(**fields, job=job)
    expression, result, _ = _script(reading, node)
    return None if expression is None else BusinessRuleTask(**fields, expression=expression, result=result)


def _script(reading: Reading, node: Node) -> tuple[Expression | None, str | None, JobSpec | None]:
    """What a script is: its expression and the variable of the result, or the job it becomes."""
    element = node.element
    found = reading.zeebe(element, "script")
    if found is not None:
        text = found.get("expression")
        if not (text or "").strip().removeprefix("="):
            reading.report.error("script", found, f"The {node.label} has no script.", 'Write expression="= …".')
            return None, None, None
        return (
            reading.expression(found, text, "The script"),
            _variable(reading, node, found.get("resultVariable")),
            None,
        )
    job = zeebe.job(reading, element)
    if job is not None or reading.zeebe(element, "taskDefinition") is not None:
        return None, None, job
    script, language = reading.child(element, "script"), element.get("scriptFormat", "")
    text = "" if script is None else text_of(script)
    if script is None or not text:
        hint = 'Add <zeebe:script expression="= …" resultVariable="…"/>, or a zeebe:taskDefinition.'
        reading.report.error("script", element, f"The {node.label} has no script.", hint)
        return None, None, None
    if not is_feel(language) and not (not language and text.startswith("=")):
        what = (
            f"The script of {node.label} is written in '{language}'"
            if language
            else f"The script of {node.label} has no scriptFormat"
        )
        reading.report.error(
            "script language" if language else "script format",
            element,
            f"{what}; only FEEL is executed in the engine.",
            'Write scriptFormat="feel" and a FEEL script, or add a zeebe:taskDefinition so that a job worker runs it.',
        )
        return None, None, None
    result = reading.own_attribute(element, "resultVariable") or reading.vendor(element, "resultVariable")
    return reading.expression(script, text, "The script"), _variable(reading, node, result), None


def _variable(reading: Reading, node: Node, name: str | None) -> str | None:
    if name is not None and name.strip().startswith("="):
        reading.report.error(
            "result variable", node.element, f"The result variable of {node.label} is '{name}'.", "Write a plain name."
        )
    return name.strip() or None if name else None


def user_task(make: Compiling, node: Node) -> UserTask:
    """Work for a person."""
    reading, fields, element = make.reading, make.activity(node), node.element

    def given(extension: str, name: str, what: str, *vendor: str) -> Value | None:
        found = reading.zeebe(element, extension)
        if found is not None and found.get(name):
            return reading.value(found, found.get(name), what)
        other = next((text for key in vendor or (name,) if (text := reading.vendor(element, key))), None)
        return reading.translated(element, other, what)

    due = given("taskSchedule", "dueDate", "The due date")
    follow_up = given("taskSchedule", "followUpDate", "The follow-up date")
    priority = given("priorityDefinition", "priority", "The priority")
    for name, date in (("due date", due), ("follow-up date", follow_up)):
        if isinstance(date, str):
            _instant(reading, node, name, date)
    if isinstance(priority, str) and not (priority.isascii() and priority.isdigit() and int(priority[:9]) <= 100):
        reading.report.error(
            "priority", element, f"The priority of {node.label} is '{priority}'.", "Write a whole number from 0 to 100."
        )
    return UserTask(
        **fields,
        assignee=given("assignmentDefinition", "assignee", "The assignee"),
        candidate_groups=given("assignmentDefinition", "candidateGroups", "The candidate groups"),
        candidate_users=given("assignmentDefinition", "candidateUsers", "The candidate users"),
        due=due,
        follow_up=follow_up,
        priority=priority,
        form=zeebe.process_form(reading, element) or reading.vendor(element, "formKey"),
        headers=zeebe.headers(reading, element),
    )


def _instant(reading: Reading, node: Node, name: str, text: str) -> None:
    try:
        parse_instant(text, own.zone_of(reading, node.element))
    except ValueError as error:
        reading.report.error("date", node.element, f"The {name} of {node.label} is wrong: {error}")
