"""What is told of a process while it runs."""

from __future__ import annotations

from decimal import Decimal

from procession.bus import Received
from procession.engine import commands as c
from procession.engine.state import Call, Incident, Job, Timer, UserTaskItem
from procession.engine.triggers.stream import TOPIC
from procession.runtime.asks import Publish
from procession.runtime.live import socket_text, sse_bytes
from procession.testing import process
from tests.unit.runtime.live.world import brief, data, person

ORDER = (
    process("order")
    .start("begin")
    .parallel("fork")
    .service_task("pack")
    .parallel("join")
    .user_task("check", name="Check it", assignee="=checker", groups="clerk", users="bo", due="=due", form="order")
    .end("done")
    .back_to("fork")
    .user_task("bill")
    .to("join")
)
CHECK = process("check").start("begin").exclusive("which").when("=amount > 5").user_task("look").end("end")
WATCHED = process("watched").start("begin").user_task("fill").end("end")
WATCHED.boundary_timer("fill", duration="PT1H").user_task("remind").end("late")
PARENT = process("parent").start("begin").call("ask", "child").end("end")
CRM = "engine.receive.crm"
ASKS = process("asks").start("begin").receive("hear", streams={CRM: "crm"}, response_timeout="PT30S")
ASKS.user_task("use").data_stream(CRM, "crm").end("end")
CHILD = process("child").start("born").user_task("answer").end("gone")


def test_an_order_from_its_start_to_its_end(run):
    async def story(world):
        listener = await world.listen()
        order = await world.start("order", {"checker": "ana", "due": "2030-02-01T00:00:00Z"})
        assert brief(await world.told(listener)) == [
            ("status", "STARTED"),
            ("data", "checker", "ana"),
            ("data", "due", "2030-02-01T00:00:00Z"),
            ("progress", "1", "begin", "ACTIVE", "ARRIVED"),
            ("progress", "1", "fork", "ON_HOLD", "EXECUTING"),
            ("progress", "2", "pack", "ACTIVE", "EXECUTING"),
            ("progress", "3", "bill", "ACTIVE", "EXECUTED_PARTIAL"),
            ("task", "created", "bill", None),
        ]
        await world.work(order, "pack", {"boxes": 2})
        assert brief(await world.told(listener)) == [
            ("progress", "2", "pack", "ACTIVE", "EXECUTED_COMPLETE"),
            ("data", "boxes", 2),
            ("progress", "2", "join", "ACTIVE", "ARRIVED"),
        ]
        bill = await world.wait(order, UserTaskItem, "bill")
        await world.do(c.ClaimTask(bill.id), person("bo"))
        await world.do(c.ReleaseTask(bill.id), person("bo"))
        assert brief(await world.told(listener)) == [
            ("task", "assigned", "bill", "bo"),
            ("task", "assigned", "bill", None),
        ]
        await world.fill(order, "bill")
        assert brief(await world.told(listener)) == [
            ("progress", "3", "bill", "ACTIVE", "EXECUTED_COMPLETE"),
            ("task", "completed", "bill", None),
            ("progress", "3", "join", "INACTIVE", "EXECUTED_COMPLETE"),
            ("progress", "2", "join", "INACTIVE", "EXECUTED_COMPLETE"),
            ("progress", "1", "join", "ACTIVE", "EXECUTED_COMPLETE"),
            ("progress", "1", "check", "ACTIVE", "EXECUTED_PARTIAL"),
            ("task", "created", "check", "ana"),
        ]
        await world.fill(order, "check")
        assert brief(await world.told(listener)) == [
            ("progress", "1", "check", "ACTIVE", "EXECUTED_COMPLETE"),
            ("task", "completed", "check", "ana"),
            ("progress", "1", "done", "INACTIVE", "EXECUTED_COMPLETE"),
            ("status", "FINISHED"),
        ]

    run(story, ORDER)


def test_every_message_says_of_what_it_is(run):
    async def story(world):
        listener = await world.listen(kinds=["progress", "task"])
        order = await world.start("order", {"checker": "ana", "due": "2030-02-01T00:00:00Z"})
        await world.work(order)
        await world.fill(order)
        told = await world.told(listener)
        of = {"instance": str(order), "rootInstance": str(order), "processDefinitionName": "order", "version": 1}
        at = {"at": "2030-01-01T00:00:00.000000Z"}
        place = {"node": "pack", "state": "ACTIVE", "statusCurrentNode": "EXECUTING"}
        assert data(told[2]) == {**of, **at, "seq": 1, "token": "2", "parentToken": "1", **place}
        task = await world.wait(order, UserTaskItem, "check")
        assert data(told[-1]) == {
            **of,
            **at,
            "seq": 3,
            "processTitle": "order",
            "businessKey": None,
            "task": str(task.id),
            "change": "created",
            "token": "1",
            "node": "check",
            "stage": None,
            "name": "Check it",
            "lane": None,
            "assignee": "ana",
            "candidateRoles": ["clerk"],
            "candidateUsers": ["bo"],
            "dateCreated": at["at"],
            "due": "2030-02-01T00:00:00.000000Z",
            "followUp": None,
            "priority": 50,
            "form": "order",
        }

    run(story, ORDER)


def test_messages_as_they_go_out(run):
    async def story(world):
        listener = await world.listen(kinds=["data"])
        await world.start("check", {"amount": 1.10, "text": "a\r\nb\u2028c"})
        amount, text = await world.told(listener)
        assert data(amount)["value"] == Decimal("1.1")
        assert sse_bytes(amount) == b"id: 1.1\nevent: data\ndata: %b\n\n" % amount.data
        assert amount.data.endswith(b'"key":"amount","value":1.1}')
        assert sse_bytes(text).count(b"\n") == 4 and b"\r" not in sse_bytes(text)
        assert socket_text(text) == f'{{"id":"1.2","event":"data","data":{text.data.decode()}}}'

    run(story, CHECK)


def test_branches_that_meet_at_once(run):
    both = process("both").start("begin").parallel("fork").task("left").parallel("join").end("end")
    both.back_to("fork").to("join")

    async def story(world):
        listener = await world.listen(kinds=["progress"])
        await world.start("both")
        assert [told[1:4] for told in brief(await world.told(listener))] == [
            ("1", "begin", "ACTIVE"),
            ("1", "fork", "ON_HOLD"),
            ("2", "left", "ACTIVE"),
            ("3", "join", "INACTIVE"),
            ("2", "join", "INACTIVE"),
            ("1", "join", "ACTIVE"),
            ("1", "end", "INACTIVE"),
        ]

    run(story, both)


def test_branches_of_which_some_meet(run):
    some = process("some").start("begin").parallel("fork").task("left").parallel("join").end("end")
    some.back_to("fork").to("join").back_to("fork").user_task("apart").end("over")

    async def story(world):
        listener = await world.listen(kinds=["progress"])
        instance = await world.start("some")
        told = brief(await world.told(listener))
        assert [each[1:] for each in told if each[2] in ("join", "end")] == [
            ("3", "join", "INACTIVE", "EXECUTED_COMPLETE"),
            ("2", "join", "ACTIVE", "EXECUTED_COMPLETE"),
            ("2", "end", "INACTIVE", "EXECUTED_COMPLETE"),
        ]
        await world.fill(instance)

    run(story, some)


def test_a_token_that_comes_by_a_node_again(run):
    again = process("again").start("begin").user_task("fill").when("=more").to("fill")
    again.back_to("fill").otherwise().end("end")

    async def story(world):
        listener = await world.listen(kinds=["progress"])
        instance = await world.start("again")
        await world.told(listener)
        await world.fill(instance, variables={"more": True})
        assert brief(await world.told(listener)) == [
            ("progress", "1", "fill", "ACTIVE", "EXECUTED_COMPLETE"),
            ("progress", "1", "fill", "ACTIVE", "EXECUTED_PARTIAL"),
        ]

    run(story, again)


def test_a_hold_an_exception_a_retry_and_an_end(run):
    async def story(world):
        listener = await world.listen(kinds=["status", "exception", "data", "progress"])
        check = await world.start("check", {"amount": "much"})
        raised = (await world.told(listener))[-1]
        incident = await world.wait(check, Incident)
        assert brief([raised]) == [("exception", "raised", "which", "GatewayEvaluation")]
        assert data(raised)["exception"] == str(incident.id) and data(raised)["token"] == "1"
        assert data(raised)["message"] == incident.message

        await world.do(c.HoldInstance(check))
        await world.do(c.UnholdInstance(check))
        await world.do(c.SetVariables(check, {"amount": 7, "gone": None}))
        await world.do(c.RetryToken(check, 1))
        await world.do(c.EndInstance(check, "TERMINATED"))
        assert brief(await world.told(listener)) == [
            ("status", "ON_HOLD"),
            ("status", "STARTED"),
            ("data", "amount", 7),
            ("data", "gone", None),
            ("exception", "resolved", "which", "GatewayEvaluation"),
            ("progress", "1", "look", "ACTIVE", "EXECUTED_PARTIAL"),
            ("progress", "1", "look", "TERMINATED", "EXECUTED_PARTIAL"),
            ("status", "TERMINATED"),
        ]

    run(story, CHECK)


def test_what_ends_with_an_instance_is_told(run):
    async def story(world):
        listener = await world.listen(kinds=["task", "exception"])
        watched, check = await world.start("watched"), await world.start("check", {"amount": None})
        await world.told(listener)
        for instance in (watched, check):
            await world.do(c.EndInstance(instance, "TERMINATED"))
        assert brief(await world.told(listener)) == [
            ("task", "cancelled", "fill", None),
            ("exception", "resolved", "which", "GatewayEvaluation"),
        ]

    run(story, WATCHED, CHECK)


def test_data_is_told_as_it_is_now_and_once(run):
    chain = process("chain").start("begin")
    for number in range(3):
        chain.script(f"step{number}", "={x: n + 1}", "order").script(f"count{number}", "=n + 1", "n")
    chain.service_task("wait").end()

    async def story(world):
        listener = await world.listen(kinds=["data"])
        instance = await world.start("chain", {"n": 0, "order": {"kept": True}})
        assert brief(await world.told(listener)) == [
            ("data", "n", 3),
            ("data", "order", {"kept": True, "x": 3}),
        ]
        await world.do(c.SetVariables(instance, {"order": {"kept": None}}))
        assert brief(await world.told(listener)) == [("data", "order", {"x": 3})]

    run(story, chain)


def test_variables_inside_of_a_sub_process_are_nobody_elses(run):
    inner = process("inner").start().script("make", "=own + 1", "own").service_task("wait").end()
    outer = process("outer").start("begin").sub_process("sub", inner, inputs={"own": "=n"}).end()

    async def story(world):
        listener = await world.listen(kinds=["data"])
        await world.start("outer", {"n": 1})
        assert brief(await world.told(listener)) == [("data", "n", 1)]

    run(story, outer)


def test_an_instance_with_what_it_calls(run):
    async def story(world):
        mine, another = await world.start("parent"), await world.start("parent")
        child = (await world.wait(mine, Call)).id
        family = await world.listen(instance=str(mine))
        only = await world.listen(instance=child, kinds=["status"])
        by_name = await world.listen(definition="child", kinds=["status", "data"])
        for instance in (mine, another):
            await world.fill((await world.wait(instance, Call)).id, "answer", {"x": 1})
        told = await world.told(family)
        assert brief(told) == [
            ("progress", "1", "answer", "ACTIVE", "EXECUTED_COMPLETE"),
            ("task", "completed", "answer", None),
            ("data", "x", 1),
            ("progress", "1", "gone", "INACTIVE", "EXECUTED_COMPLETE"),
            ("status", "FINISHED"),
            ("progress", "1", "ask", "ACTIVE", "EXECUTED_COMPLETE"),
            ("data", "x", 1),
            ("progress", "1", "end", "INACTIVE", "EXECUTED_COMPLETE"),
            ("status", "FINISHED"),
        ]
        assert [data(each)["instance"] for each in told] == [str(child)] * 5 + [str(mine)] * 4
        assert {data(each)["rootInstance"] for each in told} == {str(mine)}
        assert [data(each)["seq"] for each in told] == [2] * 5 + [2] * 4
        assert brief(await world.told(only)) == [("status", "FINISHED")]
        assert brief(await world.told(by_name)) == [("data", "x", 1), ("status", "FINISHED")] * 2

    run(story, PARENT, CHILD)


def test_a_job_that_fails_until_somebody_repairs_it(run):
    async def story(world):
        listener = await world.listen(kinds=["exception", "progress"])
        order = await world.start("order", {"checker": None, "due": None})
        await world.told(listener)
        job = await world.wait(order, Job)
        await world.do(c.FailJob(job.id, "no paper", 1))
        assert await world.told(listener) == [], "it is tried again; its token is where it was"
        await world.do(c.FailJob(job.id, "no paper", 0))
        await world.do(c.RetryToken(order, 2))
        await world.work(order)
        assert [told[:3] for told in brief(await world.told(listener))] == [
            ("exception", "raised", "pack"),
            ("exception", "resolved", "pack"),
            ("progress", "2", "pack"),
            ("progress", "2", "join"),
        ]

    run(story, ORDER)


def test_a_task_is_cancelled_by_a_timer(run):
    async def story(world):
        listener = await world.listen(kinds=["task", "progress"])
        watched = await world.start("watched")
        await world.told(listener)
        world.node.clock.advance("PT1H")
        await world.do(c.FireTimer((await world.wait(watched, Timer)).id))
        assert brief(await world.told(listener)) == [
            ("task", "cancelled", "fill", None),
            ("progress", "1", "fill_timer", "ACTIVE", "EXECUTED_COMPLETE"),
            ("progress", "1", "remind", "ACTIVE", "EXECUTED_PARTIAL"),
            ("task", "created", "remind", None),
        ]

    run(story, WATCHED)


def test_an_answer_and_one_that_does_not_come(run):
    async def story(world):
        listener = await world.listen()
        one, two = [await world.start("asks") for _ in range(2)]
        record = Received(CRM, 0, 0, None, b"", (), 0)
        await world.told(listener)
        await world.do(Publish(TOPIC + CRM, str(one), {}, value={"a": 1}, record=record))
        assert brief(await world.told(listener)) == [
            ("progress", "1", "hear", "ACTIVE", "EXECUTED_COMPLETE"),
            ("data", "crm", {"a": 1}),
            ("progress", "1", "use", "ACTIVE", "EXECUTED_PARTIAL"),
            ("task", "created", "use", None),
        ]
        await world.do(Publish(TOPIC + CRM, str(one), {}, value={"b": 2}, record=record))
        assert brief(await world.told(listener)) == [("data", "crm", {"b": 2})]
        timer = await world.wait(two, Timer)
        world.node.clock.advance("PT30S")
        await world.do(c.FireTimer(timer.id))
        assert brief(await world.told(listener)) == [
            ("progress", "1", "hear", "ACTIVE", "MESSAGE_RESPONSE_TIMED_OUT"),
            ("progress", "1", "use", "ACTIVE", "EXECUTED_PARTIAL"),
            ("task", "created", "use", None),
        ]

    run(story, ASKS)


def test_of_a_very_long_run_is_told_where_it_ends(run):
    loop = (
        process("loop")
        .start("begin")
        .exclusive("merge")
        .script("count", "=n + 1", "n")
        .exclusive("enough")
        .when("=n < 200")
        .to("merge")
        .back_to("enough")
        .otherwise()
        .service_task("wait")
        .end("end")
    )

    async def story(world):
        listener = await world.listen()
        await world.start("loop", {"n": 0})
        assert brief(await world.told(listener)) == [
            ("status", "STARTED"),
            ("data", "n", 200),
            ("progress", "1", "wait", "ACTIVE", "EXECUTING"),
        ]

    run(story, loop)
