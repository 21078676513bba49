"""Lists: pages of what their reader may see, and what is said about a definition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from procession import CommandRejected, Engine, VirtualClock
from procession.runtime.drive import drive
from procession.runtime.queries.paging import READS
from procession.runtime.views import Page, to_dict
from procession.storage import InstanceFilter, TaskFilter
from procession.testing import process

OPEN = process("open").start().user_task("fill").end()
SECRET = process("secret").start().user_task("fill").end().lane("L", "start", "fill", execute="boss", view="boss")
LONER = process("loner").start().user_task("fill", groups="boss").end()
BAD = process("bad").start().exclusive("x").when("=n > 0").end()


@pytest.fixture(params=["memory", "sqlite"])
def engine(request, tmp_path):
    url = "memory:" if request.param == "memory" else f"sqlite:///{tmp_path}/orders.db"
    with Engine(url, clock=VirtualClock()) as found:
        found.deploy(*[(f"{each.name}.bpmn", each.build()) for each in (OPEN, SECRET, LONER, BAD)], publish=True)
        yield found


@pytest.fixture
def eve(engine):
    return engine.as_user("eve")


def all_of(read: Callable[[str | None], Page[Any]], most: int = 200) -> list[Any]:
    found: list[Any] = []
    cursor = None
    for _ in range(most):
        part = read(cursor)
        found += part.items
        cursor = part.next
        if cursor is None:
            return found
    raise AssertionError("the list has no end")


class Counted:
    """How many rows the store was asked for, and how often."""

    def __init__(self, monkeypatch, storage, method):
        self.reads: list[int] = []
        real = getattr(storage, method)

        async def asked(where, limit=50, before=None):
            self.reads.append(limit)
            return await real(where, limit, before)

        monkeypatch.setattr(storage, method, asked)


# -- instances --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("pattern", ["osososos", "ssssssso", "osssssss", "sssssooossss", "oooo", "ssss", ""])
def test_pages_of_what_may_be_seen(engine, eve, limit, pattern):
    started = [engine.start("open" if kind == "o" else "secret").id for kind in pattern]
    wanted = [id for id, kind in zip(started, pattern, strict=True) if kind == "o"][::-1]
    pages: list[Page[Any]] = []

    def read(cursor):
        pages.append(eve.instances(limit=limit, cursor=cursor))
        return pages[-1]

    assert [line.id for line in all_of(read)] == wanted
    assert all(len(page.items) == limit for page in pages[:-1]), "every page but the last one is full"
    assert len(pages) == max(1, -(-len(wanted) // limit)), "and none is empty that need not be"


def test_what_may_not_be_seen_costs_a_bounded_effort(engine, eve, monkeypatch):
    mine = eve.start("open").id
    asks = [engine.submit(engine.ask_start("secret")) for _ in range(5000)]
    for ask in asks:
        engine.wait(ask)
    counted = Counted(monkeypatch, engine.storage, "instances")
    monkeypatch.setattr("procession.runtime.queries.paging.READS", 4)
    first = eve.instances(limit=1)
    assert first.items == [] and first.next is not None, "not the end: there was much that eve may not see"
    assert counted.reads == [2, 4, 8, 16], "the store is asked for more each time"
    monkeypatch.setattr("procession.runtime.queries.paging.READS", READS)
    assert [line.id for line in all_of(lambda cursor: eve.instances(limit=1, cursor=cursor or first.next))] == [mine]
    assert max(counted.reads) == 1000
    with pytest.raises(CommandRejected):
        engine.instance(first.next)  # it names nothing that may not be seen


def test_who_sees_everything_causes_one_read(engine, monkeypatch):
    for _ in range(3):
        engine.start("secret")
    counted = Counted(monkeypatch, engine.storage, "instances")
    assert len(engine.instances(limit=2).items) == 2
    assert counted.reads == [3]


def test_who_started_it_sees_it(engine):
    boss = engine.as_user("eve", ["boss"])
    mine = boss.start("secret").id
    engine.start("secret")
    assert [line.id for line in engine.as_user("eve").instances().items] == [mine]


def test_filters(engine):
    calling = process("calling").start().call("sub", "open").end()
    engine.deploy(("calling.bpmn", calling.build()), publish=True)
    one = engine.start("open", {"a": {"b": 1}}, business_key="k-1").id
    bad = engine.start("bad", {"n": 0}).id
    parent = engine.start("calling").id
    child = engine.instance(parent).sub_processes[0]

    def found(**filters: Any) -> set[str]:
        return {line.id for line in engine.instances(**filters).items}

    assert found(definition="open") == {one, child}
    assert found(status="STARTED") == {one, bad, parent, child}
    assert found(status=["FINISHED", "FAILED"]) == set()
    assert found(business_key="k-1") == found(text="K-1") == found(variables={"a.b": 1}) == {one}
    assert found(parent=parent) == {child}
    assert found(node="fill") == {one, child}
    assert found(node="sub") == {parent}
    assert found(exceptions=True) == {bad}
    assert found(exceptions=False) == {one, parent, child}
    now = engine.clock.now()
    assert found(started_after=now) == {one, bad, parent, child}
    assert found(started_after=now + 1) == found(started_before=now) == set()
    assert found(definition="open", node="fill", started_before=now + 1, variables={"a": {"b": 1}}) == {one}


# -- tasks ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", ["free", "all"])
@pytest.mark.parametrize("limit", [1, 2, 5])
def test_pages_of_tasks(engine, eve, scope, limit):
    wanted = []
    for name in ("open", "secret", "loner", "open", "loner", "loner", "secret", "open", "secret"):
        instance = engine.start(name).id
        if name == "open":
            wanted.insert(0, instance)
    found = all_of(lambda cursor: eve.tasks(scope=scope, limit=limit, cursor=cursor))
    assert [task.instance for task in found] == wanted


def test_my_tasks(engine, eve):
    engine.start("open")
    mine = engine.tasks(instance=engine.start("loner").id).items[0].id
    assert eve.tasks(scope="mine").items == []
    engine.assign(mine, "eve")
    assert [task.id for task in eve.tasks(scope="mine").items] == [mine], "also where it is for others by the drawing"
    with pytest.raises(CommandRejected, match="scope must be mine, free or all"):
        eve.tasks(scope="yours")


def test_what_somebody_did_to_a_task_is_answered_though_they_see_it_no_more(engine):
    boss, carl = engine.as_user("boss", ["boss"]), engine.as_user("carl")
    task = engine.tasks(instance=engine.start("secret").id).items[0].id
    engine.assign(task, "carl")
    assert carl.release(task).assignee is None
    with pytest.raises(CommandRejected) as refused:
        carl.task(task)
    assert refused.value.status == 404
    assert boss.task(task).assignee is None


def test_who_finds_a_task(engine):
    """Besides those whose it is: who may take it, give it or take it away, or view its lane. Names in it are a bound."""
    lane = {"view": "viewer", "selfAssign": "taker", "assign": "giver", "unassign": "remover", "hold": "holder"}
    lanes = process("lanes").start("s").user_task("fill").user_task("own", groups="taker").end()
    engine.deploy(("lanes.bpmn", lanes.lane("Front", "s", "fill", "own", **lane).build()), publish=True)
    instance = engine.start("lanes").id
    for finders in (
        {"viewer", "taker", "giver", "remover", "operator", "admin"},
        {"taker", "giver", "remover", "operator", "admin"},
    ):
        (task,) = engine.tasks(instance=instance).items
        for role in (*lane.values(), "operator", "admin", "worker", "editor"):
            asked = engine.as_user(f"some {role}", [role])
            assert (asked.tasks(instance=instance).items != []) == (role in finders), role
            if role in finders:
                assert asked.task(task.id).id == task.id
            else:
                with pytest.raises(CommandRejected):
                    asked.task(task.id)
        engine.complete_task(task.id)


@pytest.mark.parametrize("ask", ["tasks", "task", "incidents"])
def test_nothing_claims_a_position_that_it_has_not_seen(engine, monkeypatch, ask):
    """Who goes on from `seq` would miss what was written while the answer was made."""
    order = engine.start("open").id
    stuck = engine.start("bad", {"n": 0}).id
    task = engine.tasks(instance=order).items[0].id
    real = getattr(engine.storage, ask)
    between = [lambda: engine.claim(task), lambda: engine.set_variables(stuck, {"n": 1}), lambda: engine.retry(stuck)]

    async def answered(*given, **named):
        found = await real(*given, **named)
        while between:
            between.pop(0)()
        return found

    def look():
        if ask == "incidents":
            (exception,) = engine.exceptions()
            return exception.seq, exception.resolved
        view = engine.task(task) if ask == "task" else engine.tasks(instance=order).items[0]
        return view.seq, view.assignee

    before = engine.instance(stuck if ask == "incidents" else order).seq
    monkeypatch.setattr(engine.storage, ask, answered)
    assert look() == (before, None)
    assert not between
    seq, changed = look()
    assert seq > before and changed is not None


def test_what_is_new_in_between_is_for_the_next_time(engine, monkeypatch):
    started = [engine.start("bad", {"n": 0}).id for _ in range(3)]
    real = engine.storage.incidents

    async def answered(*given, **named):
        found = await real(*given, **named)
        engine.start("bad", {"n": 0})
        return found

    monkeypatch.setattr(engine.storage, "incidents", answered)
    found = all_of(lambda cursor: drive(engine._queries.exceptions(None, False, 1, cursor)))
    assert [each.instance for each in found] == started[::-1]


# -- exceptions and failed starts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_pages_of_exceptions(engine, limit):
    started = [engine.start("bad", {"n": 0}).id for _ in range(5)]
    engine.set_variables(started[2], {"n": 1})
    engine.retry(started[2])
    queries = engine._queries
    found = all_of(lambda cursor: drive(queries.exceptions(None, False, limit, cursor)))
    assert [each.instance for each in found] == started[::-1]
    found = all_of(lambda cursor: drive(queries.exceptions(None, True, limit, cursor)))
    assert [each.instance for each in found] == [id for id in started[::-1] if id != started[2]]
    (one,) = drive(queries.exceptions(int(started[2]), False, limit, None)).items
    assert one.resolved is not None
    assert drive(queries.exceptions(int(started[2]), True, limit, None)).items == []


def test_exceptions_of_everything_are_for_operators_and_those_of_an_instance_for_who_sees_it(engine, eve):
    mine, other = eve.start("bad", {"n": 0}).id, engine.start("secret").id
    assert len(eve.exceptions(mine)) == 1
    with pytest.raises(CommandRejected, match="only operator or admin may see every exception"):
        eve.exceptions()
    with pytest.raises(CommandRejected) as refused:
        eve.exceptions(other)
    assert refused.value.status == 404
    assert len(engine.as_user("olga", ["operator"]).exceptions()) == 1


def test_failed_starts_are_for_operators(engine, eve):
    for _ in range(3):
        with pytest.raises(CommandRejected):
            engine.start("nothing", {"a": 1})
    olga = engine.as_user("olga", ["operator"])
    found = all_of(lambda cursor: olga.failed_starts(2, cursor))
    assert [(each.process_definition_name, each.data) for each in found] == [("nothing", {"a": "***"})] * 3, (
        "nobody says what is sensitive in it"
    )
    assert [each.data for each in engine.failed_starts().items] == [{"a": 1}] * 3
    with pytest.raises(CommandRejected, match="only operator or admin may see failed starts"):
        eve.failed_starts()


def test_a_failed_start_keeps_what_it_was_to_begin_with(engine):
    with pytest.raises(CommandRejected):
        engine.start("nowhere", {"a": 1}, start_condition="PF", business_key="o-1")
    (found,) = engine.failed_starts().items
    assert (found.start_condition, found.business_key, found.data) == ("PF", "o-1", {"a": 1})


# -- history, tokens, the data of a node ----------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 2, 3, 1000])
def test_pages_of_history(engine, limit):
    order = engine.start("open").id
    for number in range(4):
        engine.set_variables(order, {"n": number})
    queries = engine._queries
    found = all_of(lambda after: drive(queries.history_page(int(order), int(after or 0), limit)))
    assert found == engine.history(order)
    assert [row.position for row in found] == [1, 2, 3, 4, 5]
    assert [row.position for row in drive(queries.history_page(int(order), 3)).items] == [4, 5]


def test_tokens_are_one_page(engine):
    order = engine.start("open").id
    page = drive(engine._queries.tokens(int(order)))
    assert (page.items, page.next) == (engine.tokens(order), None)


def test_what_the_screen_of_a_node_gets(engine):
    loop = (
        process("loop")
        .start()
        .user_task("fill", name="Fill it in", inputs={"mine": "=item.name"})
        .multi_instance("=items", element="item")
        .service_task("pack", job="pack", inputs={"box": '="big"'})
        .end()
    )
    engine.deploy(("loop.bpmn", loop.build()), publish=True)
    data = {"items": [{"name": "a"}, {"name": "b"}]}
    order = engine.start("loop", data).id
    first, second = sorted(engine.tasks(instance=order).items, key=lambda task: int(task.id))
    view = engine.data(order, "fill")
    assert (view.instance, view.node, view.name, view.type) == (order, "fill", "Fill it in", "userTask")
    assert (view.task, view.seq, view.actions) == (first.id, engine.instance(order).seq, [])
    assert view.data["mine"] == "a" and view.data["items"] == data["items"]
    assert view.token in {token.id for token in engine.tokens(order)}
    engine.complete_task(first.id)
    assert (engine.data(order, "fill").task, engine.data(order, "fill").data["mine"]) == (second.id, "b")
    pack = engine.data(order, "pack")
    assert (pack.token, pack.task, pack.data) == (None, None, data), "nobody is there: the variables of the instance"
    assert set(pack.allowed.values()) == {"no user task is open on the node"}
    engine.complete_task(second.id)
    assert engine.data(order, "pack").data == {**data, "box": "big"}
    engine.terminate(order)
    assert engine.data(order, "fill").data == data
    assert set(engine.data(order, "fill").allowed.values()) == {"the instance is TERMINATED"}


def test_the_data_of_a_node_needs_the_right_to_see_its_lane(engine):
    lanes = (
        process("lanes")
        .start()
        .user_task("fill")
        .user_task("check")
        .end()
        .lane("Front", "start", "fill", execute="clerk")
        .lane("Back", "check", execute="boss", view="clerk2")
    )
    engine.deploy(("lanes.bpmn", lanes.build()), publish=True)
    order = engine.as_user("ana", ["clerk"]).start("lanes", {"a": 1}).id

    def status(name: str, role: str, node: str) -> int:
        try:
            engine.as_user(name, [role]).data(order, node)
        except CommandRejected as refused:
            return refused.status
        return 200

    assert [status("carl", "clerk", node) for node in ("fill", "check", "end", "nothing")] == [200, 403, 403, 404]
    assert [status("bob", "boss", node) for node in ("fill", "check")] == [403, 200]
    assert [status("olga", "operator", node) for node in ("fill", "check", "end")] == [200] * 3
    assert [status("ana", "none", node) for node in ("fill", "check", "end")] == [200] * 3, "who started it sees it"
    assert [status("eve", "none", node) for node in ("fill", "nothing")] == [404, 404]


# -- definitions ------------------------------------------------------------------------------------------------------

CARD = (
    process("card", "New card")
    .start("front", name="At the counter", condition="F", params={"client.id": "string", "x": None}, mandatory=["client.id"])
    .user_task("fill", name="Fill")
    .sub_process("sub", process("inner").start("begin").user_task("deep").end())
    .end()
    .start("nightly", cycle="R/P1D")
    .to("fill")
    .start("asked", message="begin")
    .to("fill")
    .lane("Front", "front", "fill", execute="clerk manager", view="auditor")
    .settings(expiry="P30D", generalData='{"app": "cards"}')
    .data_model('{"properties": {"pin": {"sensitive": true}}}')
)  # fmt: skip


def test_everything_about_a_definition(engine):
    engine.deploy(("card.bpmn", CARD.build()), publish=True)
    clerk = engine.as_user("carl", ["clerk"])
    found = to_dict(clerk.definition("card"))
    listed = to_dict(clerk.definitions("card")[0])
    assert {name: value for name, value in found.items() if name in listed} == listed
    assert listed["seq"] == drive(engine.storage.definitions_changed())
    assert (found["name"], found["version"], found["title"], found["state"]) == ("card", 1, "New card", "published")
    assert found["starts"] == [
        {
            "node": "front",
            "name": "At the counter",
            "description": "",
            "condition": "F",
            "trigger": "none",
            "parameters": [
                {"name": "client.id", "type": "string", "mandatory": True},
                {"name": "x", "type": None, "mandatory": False},
            ],
            "form": None,
            "schema": {
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "type": "object",
                "properties": {
                    "client": {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]},
                    "x": {},
                },
                "required": ["client"],
            },
            "allowed": True,
        },
        {"node": "nightly", "name": "", "description": "", "condition": None, "trigger": "timer", "parameters": [],
         "form": None, "schema": None, "allowed": "it is started by its event, not by request"},
        {"node": "asked", "name": "", "description": "", "condition": None, "trigger": "message", "parameters": [],
         "form": None, "schema": None, "allowed": "it is started by its event, not by request"},
    ]  # fmt: skip
    (lane,) = found["lanes"]
    assert (lane["name"], lane["access"]) == ("Front", {"execute": ["clerk", "manager"], "view": ["auditor"]})
    assert found["dataModel"] == {"properties": {"pin": {"sensitive": True}}}
    assert found["settings"] == {"expiry": "P30D", "zone": "UTC", "generalData": {"app": "cards"}}
    nodes = {node["id"]: node for node in found["nodes"]}
    assert nodes["fill"] == {
        "id": "fill",
        "name": "Fill",
        "description": "",
        "type": "userTask",
        "lane": lane["id"],
        "parent": None,
        "stage": None,
    }
    assert found["stages"] == []
    assert (nodes["deep"]["type"], nodes["deep"]["parent"]) == ("userTask", "sub")
    assert {nodes["sub"]["type"], nodes["front"]["type"]} == {"subProcess", "startEvent"}


def test_versions(engine):
    engine.deploy(("open.bpmn", OPEN.build().replace(b"fill", b"fill2")))
    assert [(view.version, view.state) for view in engine.definitions("open")] == [(2, "draft"), (1, "published")]
    assert engine.definition("open").version == 2, "the newest, if none is named"
    assert {node.id for node in engine.definition("open", 1).nodes} >= {"fill"}
    assert engine.definition_file("open", 1) == OPEN.build()
    assert b"fill2" in engine.definition_file("open")
    before = engine.definitions("open")[0].seq
    assert engine.publish("open").seq > before
    for name, version in (("open", 3), ("nothing", None), ("nothing", 1)):
        for ask in (engine.definition, engine.definition_file):
            with pytest.raises(CommandRejected) as refused:
                ask(name, version)
            assert refused.value.status == 404


@pytest.mark.parametrize("limit", [1, 2, 3, 1000])
@pytest.mark.parametrize("roles", [(), ("editor",), ("boss",)])
def test_pages_of_definitions(engine, limit, roles):
    for number in range(3):
        engine.deploy(("open.bpmn", OPEN.build().replace(b"fill", b"fill%d" % number)))
        engine.deploy(("secret.bpmn", SECRET.build().replace(b"fill", b"fill%d" % number)))
    odd = process("o.2.x").start().user_task("t").end()
    engine.deploy(("odd.bpmn", odd.build()))
    queries = engine.as_user("eve", roles)._queries
    found = all_of(lambda cursor: drive(queries.definitions(None, None, limit, cursor)))
    told = [(view.name, view.version) for view in found]
    every = [("bad", 1), ("loner", 1), ("o.2.x", 1), *(("open", v) for v in (4, 3, 2, 1))]
    assert told == every + ([("secret", v) for v in (4, 3, 2, 1)] if roles else [])
    states = {state: drive(queries.definitions("open", state, limit)).items for state in ("published", "draft")}
    assert [view.version for view in states["published"]] == [1]
    assert [view.version for view in states["draft"]] == [4, 3, 2][:limit]


@pytest.mark.parametrize("cursor", ["", "1", "x.open", ".open", "-1.open"])
def test_what_is_no_cursor_of_definitions(engine, cursor):
    with pytest.raises(CommandRejected, match="is no cursor"):
        drive(engine._queries.definitions(cursor=cursor))


def test_what_is_no_state_of_definitions(engine):
    with pytest.raises(CommandRejected, match="state must be draft, published or deprecated"):
        drive(engine._queries.definitions(state="old"))


def test_a_guarded_process_is_hidden_from_who_may_see_nothing_of_it(engine, eve):
    assert "secret" not in {view.name for view in eve.definitions()}
    for ask in (eve.definition, eve.definition_file):
        with pytest.raises(CommandRejected) as refused:
            ask("secret")
        with pytest.raises(CommandRejected) as missing:
            ask("nothing")
        assert refused.value.detail.replace("secret", "nothing") == missing.value.detail, "as if it were not there"
    for role in ("boss", "operator", "editor", "admin"):
        assert engine.as_user("eve", [role]).definition("secret").name == "secret"


@pytest.mark.parametrize("version", [-1, 2**63, 10**30])
def test_what_is_no_version(engine, version):
    with pytest.raises(CommandRejected, match="version must be a whole number"):
        engine.instances(version=version)


@pytest.mark.parametrize("limit", [0, -1, 1001, 10**9])
def test_limits(engine, limit):
    queries = engine._queries
    order = int(engine.start("open").id)
    for ask in (
        lambda: queries.instances(InstanceFilter(), limit),
        lambda: queries.tasks("all", TaskFilter(), limit),
        lambda: queries.definitions(limit=limit),
        lambda: queries.exceptions(limit=limit),
        lambda: queries.failed_starts(limit),
        lambda: queries.audit(limit),
        lambda: queries.instance_audit(order, limit),
        lambda: queries.history_page(order, 0, limit),
    ):
        with pytest.raises(CommandRejected, match="limit must be 1 to 1000"):
            drive(ask())


def staged(build, **stages):
    """A file with stages written on some of its nodes."""
    data = build.build()
    for node, stage in stages.items():
        assert data.count(f'id="{node}"'.encode()) == 1
        data = data.replace(f'id="{node}"'.encode(), f'id="{node}" procession:stage="{stage}"'.encode())
    return data


STAGED = (
    process("staged", "A staged one")
    .start("begin").user_task("fill", name="Fill in").exclusive("which").when("=quick = true").user_task("sign").end("done")
    .back_to("which").otherwise().sub_process("look", process("inner").start("in").user_task("deep").end("out")).to("sign")
    .lane("Front", "begin", "fill", "which", execute="clerk", selfAssign="clerk")
    .lane("Back", "look", "sign", "done", view="boss", execute="boss", assign="helper")
)  # fmt: skip


def test_titles_stages_and_whose_it_is(engine):
    data = staged(STAGED, fill="Application", sign="Contract", deep="Review")
    engine.deploy(("staged.bpmn", data), publish=True)
    detail = engine.definition("staged")
    assert detail.stages == ["Application", "Review", "Contract"], "a stage comes after those that lead to it"
    assert {node.id: node.stage for node in detail.nodes if node.stage} == {
        "fill": "Application", "sign": "Contract", "deep": "Review",
    }  # fmt: skip
    clerk = engine.as_user("carl", ["clerk"])
    started = clerk.start("staged", business_key="K-1")
    assert started.process_title == "A staged one"
    (task,) = clerk.tasks(definition="staged").items
    assert (task.process_title, task.stage, task.version, task.business_key, task.started_by, task.date_started) == (
        "A staged one", "Application", 1, "K-1", "carl", started.date_started,
    )  # fmt: skip
    (line,) = clerk.instances(definition="staged").items
    assert [to_dict(place) for place in line.waiting_at] == [
        {"node": "fill", "name": "Fill in", "stage": "Application", "count": 1}
    ]
    assert (line.process_title, line.waiting_at_more) == ("A staged one", 0)
    engine.complete_task(task.id)
    (line,) = clerk.instances(definition="staged").items
    assert [(place.node, place.stage, place.count) for place in line.waiting_at] == [("deep", "Review", 1)]
    (deep,) = engine.tasks(definition="staged").items
    engine.complete_task(deep.id)
    helper = engine.as_user("hal", ["helper"])
    (task,) = helper.tasks(definition="staged").items
    assert (task.node, task.business_key, task.started_by) == ("sign", None, None), "hal may not see the instance"
    assert helper.instances(definition="staged").items == []
    boss = engine.as_user("bob", ["boss"])
    (task,) = boss.tasks(definition="staged").items
    assert (task.business_key, task.started_by) == ("K-1", "carl")
    boss.complete_task(task.id)
    (line,) = boss.instances(definition="staged").items
    assert (line.state, line.waiting_at) == ("FINISHED", [])


def test_a_line_names_five_places_and_counts_the_others(engine):
    wide = process("wide").start("s").parallel("fork")
    for number in range(8):
        wide = wide.back_to("fork").user_task(f"t{number}")
    engine.deploy(("wide.bpmn", wide.build()), publish=True)
    for _ in range(2):
        engine.start("wide")
    asked = []
    places = engine.storage.places

    async def watched(ids):
        asked.append(list(ids))
        return await places(ids)

    engine.storage.places = watched
    lines = engine.instances(definition="wide").items
    assert len(asked) == 1, "one question for the whole page"
    for line in lines:
        assert [place.node for place in line.waiting_at] == ["t0", "t1", "t2", "t3", "t4"]
        assert line.waiting_at_more == 3
        assert [place.node for place in line.waiting_at] == engine.instance(line.id).waiting_at[:5]


# -- by urgency, and by a text ----------------------------------------------------------------------------------------


DATED = process("dated", "Dated Ones").start().user_task("fill", name="Fill in", due="=due").end()
SECRETLY = process("secretly").start("s").user_task("fill", due="=due").end()
SECRETLY = SECRETLY.lane("L", "s", "fill", execute="boss", view="boss")


def dated(engine, *days, name="dated"):
    """Tasks with these days as their due dates (None: without), by the ids of their instances."""
    return [engine.start(name, {"due": None if day is None else f"2030-01-{day:02}T00:00:00Z"}).id for day in days]


@pytest.mark.parametrize("limit", [1, 2, 3, 1000])
def test_the_most_urgent_comes_first(engine, eve, limit):
    engine.deploy(("dated.bpmn", DATED.build()), ("secretly.bpmn", SECRETLY.build()), publish=True)
    a, b, c, d, e, f = dated(engine, 9, None, 3, 9, None, 1)
    dated(engine, 1, 2, 9, None, 9, name="secretly")
    (g,) = dated(engine, 2)
    pages = []

    def read(cursor):
        pages.append(eve.tasks(sort="due", limit=limit, cursor=cursor))
        return pages[-1]

    assert [task.instance for task in all_of(read)] == [f, g, c, d, a, e, b]
    assert all(len(page.items) == limit for page in pages[:-1])
    assert [task.instance for task in eve.tasks().items] == [g, f, e, d, c, b, a]
    with pytest.raises(CommandRejected, match="sort must be newest or due"):
        eve.tasks(sort="oldest")
    for cursor in ("x", "1.2.3", ".5", "5.", "--1.2"):
        with pytest.raises(CommandRejected):
            eve.tasks(sort="due", cursor=cursor)


@pytest.mark.parametrize("sort", ["newest", "due"])
def test_a_list_that_ends_early_loses_and_repeats_nothing(engine, eve, monkeypatch, sort):
    engine.deploy(("dated.bpmn", DATED.build()), ("secretly.bpmn", SECRETLY.build()), publish=True)
    monkeypatch.setattr("procession.runtime.queries.paging.READS", 1)
    wanted = []
    for number in range(30):
        if number % 5 == 0:
            wanted += dated(engine, 1 + number % 3 if number % 2 else None)
        dated(engine, 1 + number % 3 if number % 2 else None, name="secretly")
        if number % 4 == 0:
            engine.clock.advance(1)
    found = [task.instance for task in all_of(lambda cursor: eve.tasks(sort=sort, limit=2, cursor=cursor))]
    assert len(found) == len(set(found)) == len(wanted)
    assert set(found) == set(wanted)


def test_tasks_are_found_by_what_is_seen_of_them(engine):
    engine.deploy(("dated.bpmn", DATED.build()), publish=True)
    data = staged(STAGED, fill="Application")
    engine.deploy(("staged.bpmn", data), publish=True)
    one = engine.start("dated", {"due": "2030-01-01T00:00:00Z"}, business_key="Straße 7").id
    two = engine.start("staged", {"quick": True}, business_key="KEY-8").id

    def found(text, who=engine):
        return {task.instance for task in who.tasks(text=text).items}

    assert found("fill IN") == {one, two}
    assert found("dated o") == found("DATED") == found("strasse") == {one}
    assert found("STAGED ONE") == found("key-8") == {two}
    assert found("nothing") == found("%") == set()
    (task,) = engine.tasks(instance=two).items
    engine.complete_task(task.id)
    helper = engine.as_user("hal", ["helper"])
    assert found("sign", helper) == {two}
    assert found("key-8", helper) == set(), "hal may not see the instance, and finds nothing out about it"


def test_looking_for_a_text_is_a_bounded_effort(engine, monkeypatch):
    for _ in range(40):
        engine.start("open")
    monkeypatch.setattr("procession.runtime.queries.paging.READS", 2)
    page = engine.tasks(text="nothing", limit=3)
    assert page.items == [] and page.next is not None
    assert all_of(lambda cursor: engine.tasks(text="nothing", limit=3, cursor=cursor)) == []


def test_instances_by_who_started_them(engine):
    ana, bo = engine.as_user("ana"), engine.as_user("bo")
    one, two, three = ana.start("open").id, bo.start("open").id, ana.start("loner").id
    assert [line.id for line in engine.instances(started_by="ana").items] == [three, one]
    assert [line.id for line in ana.instances(started_by="bo", definition="open").items] == [two]
    assert engine.instances(started_by="me").items == []


def test_history_of_some_kinds(engine):
    order = engine.start("open", {"n": 1}).id
    engine.set_variables(order, {"n": 2}, "because")
    engine.complete_task(engine.tasks(instance=order).items[0].id)
    everything = engine.history(order)
    for kinds in (["task-created"], ["task-completed", "instance-started"], ["variables-patched"], ["incident-raised"]):
        some = engine.history(order, kinds=kinds)
        assert [(row.position, row.command, row.reason) for row in some] == [
            (row.position, row.command, row.reason) for row in everything
        ]
        assert [row.events for row in some] == [
            [event for event in row.events if event[0] in kinds] for row in everything
        ]
    assert any(row.events for row in engine.history(order, kinds=["variables-patched"]))
    with pytest.raises(CommandRejected, match="'nonsense' is no kind of event"):
        engine.history(order, kinds=["nonsense"])
