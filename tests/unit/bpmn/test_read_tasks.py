"""Tasks, sub-processes, call activities, loops and mappings."""

from __future__ import annotations

import pytest

from procession.definition import (
    BusinessRuleTask,
    CallActivity,
    JobSpec,
    ManualTask,
    MessageThrow,
    ReceiveTask,
    RecordSpec,
    ScriptTask,
    SendTask,
    ServiceTask,
    SubProcess,
    Task,
    UserTask,
)
from tests.unit.bpmn.build import JOB, extended, file, flow, found, line, one, only, path

FORMAL = 'xsi:type="bpmn:tFormalExpression"'


def node(body: str):
    return only(file(path(body))).nodes["x"]


def refused(body: str):
    data = file(path(body))
    problem = one(data)
    assert problem.element == "x"
    assert problem.line is not None
    return problem


def test_tasks_of_no_kind_and_manual_tasks():
    assert type(node('<bpmn:task id="x" name="Think"/>')) is Task
    assert type(node('<bpmn:manualTask id="x"/>')) is ManualTask


def test_a_service_task():
    job = extended(
        '<zeebe:taskDefinition type="charge" retries="5"/>'
        '<zeebe:taskHeaders><zeebe:header key="a" value="1"/><zeebe:header key="b" value=""/></zeebe:taskHeaders>'
    )
    task = node(f'<bpmn:serviceTask id="x" name="Charge">{job}</bpmn:serviceTask>')
    assert isinstance(task, ServiceTask)
    assert task.job == JobSpec("charge", "5", {"a": "1", "b": ""})
    assert task.name == "Charge"


def test_a_job_type_by_expression():
    job = extended('<zeebe:taskDefinition type="= kind"/>')
    task = node(f'<bpmn:serviceTask id="x">{job}</bpmn:serviceTask>')
    assert task.job.type.text == "kind"
    assert task.job.retries == "3"


def test_an_external_task_of_another_engine():
    task = node('<bpmn:serviceTask id="x" camunda:type="external" camunda:topic="charge"/>')
    assert task.job == JobSpec("charge")


def test_a_service_task_without_a_job():
    data = file(path('<bpmn:serviceTask id="x"/>'))
    problem = one(data)
    assert problem.message == "The service task 'x' has no job type."
    assert problem.hint == 'Add <zeebe:taskDefinition type="charge-card"/> to its extension elements.'
    assert problem.line == line(data, "serviceTask")


@pytest.mark.parametrize(
    ("inside", "message"),
    [
        ("<zeebe:taskDefinition/>", "The task definition has no type."),
        ('<zeebe:taskDefinition type="a" retries="often"/>', "The number of retries is 'often'."),
        ('<zeebe:taskDefinition type="${kind}"/>', "The job type is not FEEL: '${kind}'."),
        (
            '<zeebe:taskDefinition type="a"/><zeebe:taskHeaders><zeebe:header value="1"/></zeebe:taskHeaders>',
            "A task header has no key.",
        ),
        (
            '<zeebe:taskDefinition type="a"/><zeebe:taskHeaders><zeebe:header key="k"/><zeebe:header key="k"/>'
            "</zeebe:taskHeaders>",
            "The task header 'k' is there twice.",
        ),
    ],
)
def test_jobs_that_are_wrong(inside, message):
    assert refused(f'<bpmn:serviceTask id="x">{extended(inside)}</bpmn:serviceTask>').message == message


def test_send_tasks():
    task = node(f'<bpmn:sendTask id="x">{JOB}</bpmn:sendTask>')
    assert isinstance(task, SendTask)
    assert (task.job, task.message, task.records) == (JobSpec("work"), None, ())

    assert node('<bpmn:sendTask id="x" messageRef="news"/>').message == MessageThrow("news")

    action = (
        '<procession:action name="ask" type="kafkaSend" topic="crm.search" key="= id" '
        """message='{"pn": "${client.pn}"}' headers='{"i": "${processInstanceId}"}'/>"""
    )
    (record,) = node(f'<bpmn:sendTask id="x">{extended(action)}</bpmn:sendTask>').records
    assert (record.name, record.topic, record.message, record.headers) == (
        "ask",
        "crm.search",
        '{"pn": "${client.pn}"}',
        '{"i": "${processInstanceId}"}',
    )
    assert record.key.text == "id"
    action = '<procession:action type="kafkaSend" topic="t"/>'
    assert node(f'<bpmn:sendTask id="x">{extended(action)}</bpmn:sendTask>').records == (RecordSpec("t"),)


@pytest.mark.parametrize(
    ("inside", "message"),
    [
        ("", "The send task 'x' does not say what it sends."),
        (extended('<procession:action type="kafkaSend"/>'), "The kafkaSend action has no topic."),
        (extended('<procession:action type="sendEmail"/>'), "The action type 'sendEmail' is not executable yet."),
        (
            extended('<zeebe:taskDefinition type="a"/><procession:action type="kafkaSend" topic="t"/>'),
            "The send task 'x' has a job type and a kafkaSend action.",
        ),
        (
            extended("<procession:action type='kafkaSend' topic='t' message='[1]'/>"),
            "The message of the action is not a JSON object.",
        ),
    ],
)
def test_send_tasks_that_are_wrong(inside, message):
    assert refused(f'<bpmn:sendTask id="x">{inside}</bpmn:sendTask>').message == message


def test_a_receive_task():
    task = node('<bpmn:receiveTask id="x" messageRef="paid"/>')
    assert isinstance(task, ReceiveTask)
    assert (task.trigger.name, task.trigger.key.text) == ("payment received", "order.id")
    assert refused('<bpmn:receiveTask id="x"/>').message == "The receive task 'x' names no message."


def test_a_script_task():
    script = '<zeebe:script expression="= a + 1" resultVariable="b"/>'
    task = node(f'<bpmn:scriptTask id="x">{extended(script)}</bpmn:scriptTask>')
    assert isinstance(task, ScriptTask)
    assert (task.expression.text, task.result, task.job) == ("a + 1", "b", None)


@pytest.mark.parametrize("language", ["feel", "FEEL", "text/feel", "application/feel"])
def test_a_plain_script_in_feel(language):
    task = node(f'<bpmn:scriptTask id="x" scriptFormat="{language}"><bpmn:script>a + 1</bpmn:script></bpmn:scriptTask>')
    assert (task.expression.text, task.result) == ("a + 1", None)


@pytest.mark.parametrize("attribute", ["procession:resultVariable", "camunda:resultVariable"])
def test_the_variable_of_a_plain_script(attribute):
    task = node(
        f'<bpmn:scriptTask id="x" scriptFormat="feel" {attribute}="b"><bpmn:script>= a</bpmn:script></bpmn:scriptTask>'
    )
    assert task.result == "b"


def test_a_script_for_a_worker():
    body = f'<bpmn:scriptTask id="x" scriptFormat="python">{JOB}<bpmn:script>print(1)</bpmn:script></bpmn:scriptTask>'
    task = node(body)
    assert (task.job, task.expression) == (JobSpec("work"), None)


@pytest.mark.parametrize(
    ("attributes", "inside", "message"),
    [
        ("", "", "The script task 'x' has no script."),
        ("", extended("<zeebe:script/>"), "The script task 'x' has no script."),
        (
            ' scriptFormat="groovy"',
            "<bpmn:script>x = 1</bpmn:script>",
            "The script of script task 'x' is written in 'groovy'; only FEEL is executed in the engine.",
        ),
        (
            "",
            "<bpmn:script>x</bpmn:script>",
            "The script of script task 'x' has no scriptFormat; only FEEL is executed in the engine.",
        ),
        (
            "",
            extended('<zeebe:script expression="= 1" resultVariable="= a"/>'),
            "The result variable of script task 'x' is '= a'.",
        ),
    ],
)
def test_scripts_that_are_wrong(attributes, inside, message):
    problem = refused(f'<bpmn:scriptTask id="x"{attributes}>{inside}</bpmn:scriptTask>')
    assert problem.message == message
    assert problem.hint


def test_a_business_rule_task():
    rule = '<zeebe:script expression="= if amount > 5 then 1 else 2" resultVariable="risk"/>'.replace(">", "&gt;", 1)
    task = node(f'<bpmn:businessRuleTask id="x">{extended(rule.replace("/&gt;", "/>"))}</bpmn:businessRuleTask>')
    assert isinstance(task, BusinessRuleTask)
    assert (task.expression.text, task.result) == ("if amount > 5 then 1 else 2", "risk")
    assert node(f'<bpmn:businessRuleTask id="x">{JOB}</bpmn:businessRuleTask>').job == JobSpec("work")


def test_a_rule_that_is_not_there_and_a_decision():
    assert refused('<bpmn:businessRuleTask id="x"/>').message == "The business rule task 'x' has no rule."
    decision = extended('<zeebe:calledDecision decisionId="d" resultVariable="r"/>')
    problem = refused(f'<bpmn:businessRuleTask id="x">{decision}</bpmn:businessRuleTask>')
    assert problem.message == "A called decision is not executable yet."


def test_a_user_task():
    assert node('<bpmn:userTask id="x"/>') == UserTask(
        id="x", incoming=("s-x",), outgoing=node('<bpmn:userTask id="x"/>').outgoing
    )
    inside = extended(
        '<zeebe:userTask/><zeebe:assignmentDefinition assignee="= boss" candidateGroups="a, b" candidateUsers="u"/>'
        '<zeebe:taskSchedule dueDate="= due" followUpDate="2030-01-01T00:00:00Z"/>'
        '<zeebe:priorityDefinition priority="75"/><zeebe:formDefinition formKey="k"/>'
        '<zeebe:taskHeaders><zeebe:header key="h" value="v"/></zeebe:taskHeaders>'
    )
    task = node(f'<bpmn:userTask id="x">{inside}</bpmn:userTask>')
    assert (task.assignee.text, task.candidate_groups, task.candidate_users) == ("boss", "a, b", "u")
    assert (task.due.text, task.follow_up, task.priority) == ("due", "2030-01-01T00:00:00Z", "75")
    assert (task.form, task.headers) == ("k", {"h": "v"})


@pytest.mark.parametrize("vendor", ["camunda", "flowable"])
def test_a_user_task_of_another_engine(vendor):
    given = {"assignee": "ana", "candidateGroups": "a,b", "candidateUsers": "u", "dueDate": "2030-01-01T00:00:00Z"}
    given["formKey"] = "form"
    attributes = " ".join(f'{vendor}:{name}="{value}"' for name, value in given.items())
    data = file(path(f'<bpmn:userTask id="x" {attributes} {vendor}:asyncBefore="true" {vendor}:taskListener="y"/>'))
    task = only(data).nodes["x"]
    assert [task.assignee, task.candidate_groups, task.candidate_users, task.due, task.form] == list(given.values())
    warning = one(data, "warning")
    assert warning.message == f"{vendor}:asyncBefore, {vendor}:taskListener are not translated."
    assert warning.element == "x"


@pytest.mark.parametrize(
    ("inside", "message"),
    [
        ('<zeebe:taskSchedule dueDate="soon"/>', "The due date of user task 'x' is wrong: 'soon' is not an ISO 8601"),
        ('<zeebe:taskSchedule followUpDate="P1D"/>', "The follow-up date of user task 'x' is wrong: 'P1D' is not an"),
        ('<zeebe:priorityDefinition priority="high"/>', "The priority of user task 'x' is 'high'."),
        ('<zeebe:priorityDefinition priority="101"/>', "The priority of user task 'x' is '101'."),
    ],
)
def test_user_tasks_that_are_wrong(inside, message):
    assert refused(f'<bpmn:userTask id="x">{extended(inside)}</bpmn:userTask>').message.startswith(message)


def test_a_juel_expression_of_another_engine():
    problem = refused('<bpmn:userTask id="x" camunda:assignee="${order.owner == null}"/>')
    assert problem.message == "The assignee is not FEEL: '${order.owner == null}'."
    assert problem.hint == "Write it as FEEL: = order.owner = null"


def test_input_and_output_mappings():
    inside = (
        '<zeebe:taskDefinition type="t"/><zeebe:ioMapping><zeebe:input source="= a.b" target="c"/>'
        '<zeebe:input source="fixed &quot;text&quot;" target="d.e"/>'
        '<zeebe:output source="= r" target="f"/></zeebe:ioMapping>'
    )
    task = node(f'<bpmn:serviceTask id="x">{extended(inside)}</bpmn:serviceTask>')
    assert [mapping.target for mapping in task.inputs] == ["c", "d.e"]
    assert task.inputs[0].source.text == "a.b"
    assert task.inputs[1].source.fn({}, None) == 'fixed "text"'
    assert [(mapping.source.text, mapping.target) for mapping in task.outputs] == [("r", "f")]


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ('<zeebe:input source="= a"/>', "The mapping has no target."),
        ('<zeebe:input source="= a" target="= b"/>', "The mapping's target is '= b'."),
        ('<zeebe:input source="= a" target="b..c"/>', "The mapping's target is 'b..c'."),
        ('<zeebe:input target="b"/>', "The mapping to 'b' has no source."),
        ('<zeebe:output source="=" target="b"/>', "The mapping to 'b' has no source."),
    ],
)
def test_mappings_that_are_wrong(mapping, message):
    inside = extended(f"<zeebe:ioMapping>{mapping}</zeebe:ioMapping>")
    assert refused(f'<bpmn:userTask id="x">{inside}</bpmn:userTask>').message == message


INNER = (
    f'<bpmn:startEvent id="is"/>{flow("is", "it")}<bpmn:userTask id="it"/>{flow("it", "ie")}<bpmn:endEvent id="ie"/>'
)


def test_a_sub_process():
    process = only(file(path(f'<bpmn:subProcess id="x">{INNER}</bpmn:subProcess>')))
    inner = process.nodes["x"]
    assert isinstance(inner, SubProcess)
    assert inner.start == "is"
    assert {name: node.parent for name, node in process.nodes.items()} == {
        **dict.fromkeys(("s", "x", "e")),
        **dict.fromkeys(("is", "it", "ie"), "x"),
    }
    assert process.starts == ("s",)
    assert set(process.flows) == {"s-x", "x-e", "is-it", "it-ie"}


def test_a_call_activity():
    called = extended('<zeebe:calledElement processId="child" propagateAllChildVariables="false"/>')
    call = node(f'<bpmn:callActivity id="x">{called}</bpmn:callActivity>')
    assert isinstance(call, CallActivity)
    assert (call.process, call.propagate_parent, call.propagate_child) == ("child", True, False)

    plain = node('<bpmn:callActivity id="x" calledElement="tns:child"/>')
    assert (plain.process, plain.propagate_parent, plain.propagate_child) == ("child", True, True)

    chosen = extended('<zeebe:calledElement processId="= which" propagateAllParentVariables="false"/>')
    call = node(f'<bpmn:callActivity id="x">{chosen}</bpmn:callActivity>')
    assert (call.process.text, call.propagate_parent, call.propagate_child) == ("which", False, True)


@pytest.mark.parametrize(
    ("inside", "message"),
    [
        ("", "The call activity 'x' names no process."),
        (extended("<zeebe:calledElement/>"), "The call activity 'x' names no process."),
        (
            extended('<zeebe:calledElement processId="c" bindingType="deployment"/>'),
            "The binding 'deployment' is not executable yet.",
        ),
        (
            extended('<zeebe:calledElement processId="c" propagateAllChildVariables="maybe"/>'),
            "The attribute 'propagateAllChildVariables' is 'maybe'.",
        ),
    ],
)
def test_calls_that_are_wrong(inside, message):
    assert refused(f'<bpmn:callActivity id="x">{inside}</bpmn:callActivity>').message == message


def looped(inside: str, attributes: str = "") -> str:
    loop = f"<bpmn:multiInstanceLoopCharacteristics{attributes}>{inside}</bpmn:multiInstanceLoopCharacteristics>"
    return f'<bpmn:userTask id="x">\n{loop}</bpmn:userTask>'


def test_multi_instance():
    inside = extended(
        '<zeebe:loopCharacteristics inputCollection="= items" inputElement="item" '
        'outputCollection="results" outputElement="= result"/>'
    )
    done = f"<bpmn:completionCondition {FORMAL}>= count(results) = 2</bpmn:completionCondition>"
    loop = node(looped(inside + done, ' isSequential="true"')).loop
    assert loop.sequential
    assert (loop.collection.text, loop.element) == ("items", "item")
    assert (loop.output_collection, loop.output_element.text) == ("results", "result")
    assert loop.completion.text == "count(results) = 2"
    assert loop.cardinality is None


def test_multi_instance_by_number():
    loop = node(looped(f"<bpmn:loopCardinality {FORMAL}>3</bpmn:loopCardinality>")).loop
    assert (loop.cardinality.text, loop.collection, loop.sequential) == ("3", None, False)


def test_multi_instance_in_the_words_of_the_standard():
    body = looped(
        "<bpmn:loopDataInputRef>in</bpmn:loopDataInputRef><bpmn:loopDataOutputRef>results</bpmn:loopDataOutputRef>"
        '<bpmn:inputDataItem id="i" name="item"/><bpmn:outputDataItem id="result"/>'
    )
    data = '<bpmn:dataObject id="in" name="items"/>'
    loop = only(file(path(body) + data)).nodes["x"].loop
    assert (loop.collection.text, loop.element) == ("items", "item")
    assert (loop.output_collection, loop.output_element.text) == ("results", "result")


def test_multi_instance_of_another_engine():
    loop = node(looped("", ' camunda:collection="items" camunda:elementVariable="item"')).loop
    assert (loop.collection.text, loop.element) == ("items", "item")


@pytest.mark.parametrize(
    ("inside", "message"),
    [
        ("", "The multi-instance activity has neither a collection nor a cardinality."),
        (extended("<zeebe:loopCharacteristics/>"), "The multi-instance activity has no inputCollection."),
        (
            extended('<zeebe:loopCharacteristics inputCollection="= a" outputCollection="b"/>'),
            "The multi-instance activity has an outputCollection but no outputElement.",
        ),
        (
            extended('<zeebe:loopCharacteristics inputCollection="= a" outputElement="= b"/>'),
            "The multi-instance activity has an outputElement but no outputCollection.",
        ),
    ],
)
def test_loops_that_are_wrong(inside, message):
    assert refused(looped(inside)).message == message


def test_default_and_conditional_flows_of_an_activity():
    body = (
        f'<bpmn:startEvent id="s"/>{flow("s", "x")}<bpmn:userTask id="x" default="x-e"/>'
        f'{flow("x", "e")}{flow("x", "f", "= big")}<bpmn:endEvent id="e"/><bpmn:endEvent id="f"/>'
    )
    task = only(file(body)).nodes["x"]
    assert task.default.id == "x-e"
    assert [(taken.id, taken.condition and taken.condition.text) for taken in task.outgoing] == [
        ("x-e", None),
        ("x-f", "big"),
    ]


def test_flows_without_an_id_get_one():
    body = '<bpmn:startEvent id="s"/><bpmn:sequenceFlow sourceRef="s" targetRef="e"/>' * 1
    twice = body + '<bpmn:sequenceFlow sourceRef="s" targetRef="e"/><bpmn:endEvent id="e"/>'
    assert found(file(twice)) == []
    assert only(file(twice)).nodes["e"].incoming == ("s->e", "s->e#2")
