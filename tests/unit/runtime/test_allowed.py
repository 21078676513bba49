"""What is shown as allowed is not refused, and what is shown as not allowed is: for everybody, in every state."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest

from procession import CommandRejected, Engine, VirtualClock
from procession.engine.access import Principal, granted, knows
from procession.runtime.drive import drive
from procession.runtime.views import ExceptionView, TaskView, to_dict
from procession.testing import process

ROLES = {
    "sam": (),  # starts the instances
    "eve": (),
    "carl": ("clerk",),
    "mary": ("manager",),
    "aud": ("auditor",),
    "wim": ("worker",),
    "olga": ("operator",),
    "edna": ("editor",),
    "root": ("admin",),
    "all": ("clerk", "manager", "operator"),
}
GUARDED = (
    process("guarded")
    .start()
    .user_task("fill")
    .script("go", "=amount + 1", "n")
    .exclusive("enough")
    .when("=amount > 0")
    .user_task("approve", groups="manager")
    .end()
    .lane("Front", "start", "fill", "go", execute="clerk guest", view="auditor", hold="clerk", unhold="clerk")
    .lane("Back", "enough", "approve", execute="manager", selfAssign="manager", assign="manager", unassign="manager",
          hold="manager")
)  # fmt: skip
OPEN = process("open").start().user_task("fill").exclusive("enough").when("=amount > 0").user_task("approve").end()
PARENT = process("parent").start().call("sub", "open").end()


@pytest.fixture
def engine():
    with Engine(clock=VirtualClock()) as found:
        files = [(f"{each.name}.bpmn", each.build()) for each in (GUARDED, OPEN, PARENT)]
        found.deploy(*files, publish=True)
        yield found


def as_user(engine: Engine, name: str) -> Engine:
    return engine.as_user(name, ROLES[name])


# -- states to be in --------------------------------------------------------------------------------------------------


def begun(engine: Engine, name: str) -> str:
    sam = engine.as_user("sam", ["guest"])
    return sam.start(name, {"amount": 5}).id


def task_of(engine: Engine, instance: str) -> str:
    (task,) = engine.tasks(instance=instance).items
    return task.id


def further(engine: Engine, name: str) -> str:
    instance = begun(engine, name)
    engine.complete_task(task_of(engine, instance))
    return instance


def held(engine: Engine, name: str) -> str:
    instance = begun(engine, name)
    engine.hold(instance)
    return instance


def stuck(engine: Engine, name: str) -> str:
    instance = begun(engine, name)
    engine.complete_task(task_of(engine, instance), {"amount": 0})
    return instance


def held_and_stuck(engine: Engine, name: str) -> str:
    instance = stuck(engine, name)
    engine.hold(instance)
    return instance


def ended(engine: Engine, name: str) -> str:
    instance = begun(engine, name)
    engine.terminate(instance)
    return instance


def called(engine: Engine, name: str) -> str:
    engine.start("parent", {"amount": 5})
    (child,) = engine.instances(definition="open", status="STARTED", limit=1).items
    return child.id


TASK_STATES = [*product(("guarded", "open"), (begun, further, held))]
INSTANCE_STATES = [
    *product(("guarded", "open"), (begun, further, held, stuck, held_and_stuck, ended)),
    ("open", called),
]
COMMANDS: dict[str, Callable[[Engine, str], object]] = {
    "hold": lambda engine, id: engine.hold(id),
    "unhold": lambda engine, id: engine.unhold(id),
    "terminate": lambda engine, id: engine.terminate(id),
    "dismiss": lambda engine, id: engine.dismiss(id),
    "setVariables": lambda engine, id: engine.set_variables(id, {"amount": 7}),
    "retry": lambda engine, id: engine.retry(id, engine.tokens(id)[0].id),
}


def refused(command: Callable[[], object]) -> CommandRejected | None:
    try:
        command()
    except CommandRejected as error:
        return error
    return None


@pytest.mark.parametrize(("name", "state"), INSTANCE_STATES, ids=lambda value: getattr(value, "__name__", value))
@pytest.mark.parametrize("user", ROLES)
def test_on_instances(engine, user, name, state):
    asked = as_user(engine, user)
    for action, command in COMMANDS.items():
        instance = state(engine, name)
        if refused(lambda i=instance: asked.instance(i)) is not None:
            continue  # they do not see it
        view = asked.instance(instance)
        (summary,) = [line for line in asked.instances().items if line.id == instance]
        assert summary.seq == view.seq
        assert {a: v is True for a, v in summary.allowed.items()} == {a: v is True for a, v in view.allowed.items()}
        error = refused(lambda c=command, i=instance: c(asked, i))
        assert (view.allowed[action] is True) is (error is None), (action, view.allowed[action], error)


def test_somebody_may_and_somebody_may_not(engine):
    instance = begun(engine, "guarded")
    assert as_user(engine, "carl").instance(instance).allowed["hold"] is True
    assert as_user(engine, "aud").instance(instance).allowed == {
        "hold": "only clerk may put work on hold in Front",
        "unhold": "the instance is not on hold",
        "terminate": "only operator or admin may end an instance",
        "dismiss": "only a subprocess can be dismissed",
        "setVariables": "only operator or admin may repair an instance",
        "retry": "no token has an exception",
    }
    assert as_user(engine, "sam").instance(instance).allowed["terminate"] is True, "who started it may give it up"
    engine.hold(instance)
    assert engine.instance(instance).allowed["hold"] == "the instance is on hold already"


def test_nothing_can_be_done_to_the_past(engine):
    instance = further(engine, "open")
    assert set(engine.state_at(instance, 1).allowed.values()) == {"this is how it was, not how it is"}
    assert engine.state_at(instance, 2).allowed == engine.instance(instance).allowed


@pytest.mark.parametrize("user", ROLES)
@pytest.mark.parametrize("state", [begun, stuck, held_and_stuck], ids=lambda state: state.__name__)
@pytest.mark.parametrize("name", ["guarded", "open"])
def test_on_exceptions(engine, user, name, state):
    asked = as_user(engine, user)
    instance = state(engine, name)
    if refused(lambda: asked.instance(instance)) is not None:
        return
    listed = asked.exceptions(instance)
    assert to_dict(asked.instance(instance).exceptions) == to_dict(listed)
    assert all(each.seq == asked.instance(instance).seq for each in listed)
    for exception in listed:
        error = refused(lambda e=exception: asked.retry(instance, e.token_id))
        assert (exception.allowed["retry"] is True) is (error is None), (exception.allowed, error)


def test_of_an_exception_that_is_over(engine):
    def retry(instance: str) -> bool | str:
        (exception,) = engine.exceptions(instance)
        assert isinstance(exception, ExceptionView)
        return exception.allowed["retry"]

    instance = stuck(engine, "open")
    assert retry(instance) is True
    engine.set_variables(instance, {"amount": 1})
    engine.retry(instance)
    assert retry(instance) == "it is resolved"
    other = stuck(engine, "open")
    engine.terminate(other)
    assert retry(other) in ("it is resolved", "the instance is TERMINATED")


TASK_COMMANDS: dict[str, Callable[[Engine, str], object]] = {
    "complete": lambda engine, id: engine.complete_task(id),
    "claim": lambda engine, id: engine.claim(id),
    "release": lambda engine, id: engine.release(id),
    "assign": lambda engine, id: engine.assign(id, "zoe"),
}


@pytest.mark.parametrize("assignee", [None, "own", "zoe"])
@pytest.mark.parametrize(("name", "state"), TASK_STATES, ids=lambda value: getattr(value, "__name__", value))
@pytest.mark.parametrize("user", ROLES)
def test_on_tasks(engine, user, name, state, assignee):
    asked = as_user(engine, user)
    for action, command in TASK_COMMANDS.items():
        instance = state(engine, name)
        if state is held:
            engine.unhold(instance)
        task = task_of(engine, instance)
        engine.assign(task, user if assignee == "own" else assignee)
        if state is held:
            engine.hold(instance)
        if refused(lambda t=task: asked.task(t)) is not None:
            continue
        view = asked.task(task)
        assert isinstance(view, TaskView)
        assert view.seq == engine.instance(instance).seq
        error = refused(lambda c=command, t=task: c(asked, t))
        shown = view.allowed[action]
        if shown == "the task is yours already":
            assert error is None, "claiming twice is no mistake"
        else:
            assert (shown is True) is (error is None), (action, shown, error)
        if state is held:
            assert shown == "the instance is on hold"


def test_what_the_screen_of_a_node_allows_is_what_its_task_allows(engine):
    mary = as_user(engine, "mary")
    instance = further(engine, "guarded")
    task = mary.tasks(instance=instance).items[0]
    data = mary.data(instance, "approve")
    assert (data.task, data.allowed, data.seq) == (task.id, task.allowed, task.seq)


# -- definitions ------------------------------------------------------------------------------------------------------

STARTS = (
    process("starts")
    .start("front", condition="F")
    .user_task("fill")
    .end()
    .start("back", condition="B")
    .to("fill")
    .start("nightly", cycle="R/P1D")
    .to("fill")
    .start("called", message="begin")
    .to("fill")
    .lane("Front", "front", "fill", execute="clerk")
    .lane("Back", "back", "nightly", "called", execute="manager")
)


@pytest.mark.parametrize("user", ROLES)
def test_on_definitions(engine, user):
    engine.deploy(("starts.bpmn", STARTS.build()), publish=True)
    asked = as_user(engine, user)
    if refused(lambda: asked.definition("starts")) is not None:
        assert user in ("sam", "eve", "aud", "wim")
        return
    detail = asked.definition("starts")
    (line,) = asked.definitions("starts")
    assert line.allowed == detail.allowed
    errors = []
    for start in detail.starts:
        if start.trigger == "none":
            error = refused(lambda s=start: asked.start("starts", {}, start_condition=s.condition))
            assert (start.allowed is True) is (error is None), (start, error)
            errors.append(error)
        else:
            assert start.allowed == "it is started by its event, not by request"
    assert (detail.allowed["start"] is True) is (None in errors)
    for action, command in (("deprecate", asked.deprecate), ("publish", asked.publish)):
        error = refused(lambda c=command: c("starts"))
        shown = asked.definition("starts").allowed[action] if error is None else detail.allowed[action]
        if error is None:
            assert shown in ("it is published already", "it is deprecated already"), "now it is done"
        else:
            assert isinstance(shown, str) and "only editor" in shown


def test_only_the_published_version_can_be_started(engine):
    def start() -> list[bool | str]:
        return [view.allowed["start"] for view in engine.definitions("open")]

    assert start() == [True]
    engine.deploy(("open.bpmn", OPEN.build().replace(b"fill", b"fill_in")))
    assert start() == ["it is a draft; only the published version can be started", True]
    engine.publish("open", 2)
    assert start() == [True, "it is deprecated; only the published version can be started"]
    assert engine.definition("open", 1).starts[0].allowed == start()[1]


def test_a_process_that_no_request_can_start(engine):
    engine.deploy(("m.bpmn", process("m").start(message="go").user_task("t").end().build()), publish=True)
    assert engine.definitions("m")[0].allowed["start"] == "no start node can be started by request"


# -- outside of a process ----------------------------------------------------------------------------------------------


def test_who_am_i():
    from procession.runtime.views import me_view

    def allowed(*roles: str) -> set[str]:
        view = me_view(Principal("ana", frozenset(roles)), watches=False)
        return {what for what, answer in view.allowed.items() if answer is True}

    assert allowed() == allowed("clerk") == set()
    assert [allowed(role) for role in ("editor", "operator", "worker")] == [{"deploy"}, {"operate"}, {"work"}]
    assert allowed("admin") == {"deploy", "operate", "work", "admin"}
    assert to_dict(me_view(Principal("ana", frozenset({"b", "a"})), 1_000_000, watches=False)) == {
        "name": "ana",
        "roles": ["a", "b"],
        "expires": "1970-01-01T00:00:01.000000Z",
        "allowed": {
            "deploy": "only editor or admin may change definitions",
            "operate": "only operator or admin may operate the platform",
            "work": "only worker or admin may take jobs",
            "admin": "only admin may manage users",
            "monitor": "none of the processes is yours to watch",
        },
    }


def test_who_has_something_to_watch(engine):
    def monitor(*roles: str) -> bool | str:
        return drive(engine.as_user("ana", roles)._queries.me()).allowed["monitor"]

    for lane in ({"view": "smith"}, {"hold": "smith"}, {"selfAssign": "smith"}):
        engine.deploy(
            ("w.bpmn", process("w").start("s").user_task("t").end().lane("L", "s", **lane).build()), publish=True
        )
        for name in ("open", "parent"):
            for version in engine.definitions(name):
                engine.deprecate(name, version.version)
        assert monitor() == monitor("baker") == "none of the processes is yours to watch"
        assert [monitor(role) for role in ("smith", "operator", "editor", "admin")] == [True] * 4
        (latest, *_) = engine.definitions("w")
        definition = drive(engine._definitions.compiled(int(latest.id)))
        for role in ("smith", "baker"):
            assert knows(Principal("ana", frozenset({role})), definition, owner="bo") == (role in granted(definition))
    engine.deploy(("free.bpmn", process("free").start().end().build()), publish=True)
    assert monitor() is True, "it is open to everybody"


def test_what_is_there_to_watch_is_worked_out_once_for_each_change(engine, monkeypatch):
    asked: list[int] = []
    compiled = engine._definitions.compiled

    async def counted(definition: int):
        asked.append(definition)
        return await compiled(definition)

    monkeypatch.setattr(engine._definitions, "compiled", counted)
    for name in ("open", "parent"):
        engine.deprecate(name)
    for change in (lambda: None, lambda: engine.publish("open"), lambda: engine.deprecate("open")):
        change()
        asked.clear()
        for _ in range(5):
            drive(engine.as_user("ana")._queries.me())
        assert 0 < len(asked) == len(set(asked)), "each published process once"
