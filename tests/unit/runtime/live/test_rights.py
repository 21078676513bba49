"""Nobody is told what they may not see."""

from __future__ import annotations

import pytest

from procession import CommandRejected
from procession.definition import MASK
from procession.engine import commands as c
from procession.engine.access import SYSTEM, Principal
from procession.engine.state import UserTaskItem
from procession.runtime.asks import Start
from procession.testing import process
from tests.unit.runtime.live.world import brief, data, person

LOAN = (
    process("loan")
    .start("begin")
    .user_task("fill")
    .user_task("approve")
    .parallel("fork")
    .user_task("tell")
    .end("told")
    .back_to("fork")
    .user_task("pay")
    .end("paid")
    .lane("Front", "begin", "fill", "tell", "told", execute="clerk", view="clerk teller")
    .lane("Back", "approve", "fork", "pay", "paid", execute="boss", view="boss clerk")
)
OPEN = process("open").start("begin").user_task("fill").end("end")
PICKED = (
    process("picked")
    .start("begin")
    .user_task("named", users="=someone")
    .user_task("grouped", groups="judges")
    .user_task("given", assignee="=someone")
    .end("end")
)
HELPED = process("helped", "Helped").start("begin").user_task("fill").end("end")
HELPED = HELPED.lane("Front", "begin", "fill", "end", assign="helper", view="boss")
IBAN, PIN = "RO49AAAA1B31007593840000", "8526417"
MODEL = """{"properties": {"client": {"properties": {"iban": {"sensitive": true}, "name": {}}}, "pin": {"sensitive": true},
            "cards": {"items": {"properties": {"number": {"sensitive": true}}}}}}"""
CARD = process("card").start("begin").user_task("fill").end("end").data_model(MODEL)

ANA, BO = person("ana", "clerk"), person("bo", "boss")


def test_an_instance_is_told_to_those_who_may_see_it(run):
    async def story(world):
        people = {
            name: await world.listen(person(name, *roles), kinds=["status", "progress", "data", "exception"])
            for name, roles in {
                "clerk": ["clerk"],
                "teller": ["teller"],
                "operator": ["operator"],
                "admin": ["admin"],
                "stranger": ["guest"],
                "ana": [],
            }.items()
        }
        await world.start("loan", {"x": 1}, ANA)
        told = {name: await world.told(listener) for name, listener in people.items()}
        assert brief(told["clerk"])[:2] == [("status", "STARTED"), ("data", "x", 1)]
        for name in ("teller", "operator", "admin"):
            assert told[name] == told["clerk"], name
        assert told["ana"] == told["clerk"] + [], "it is hers, whatever her roles are by now"
        assert told["stranger"] == []
        assert await world.again(person("stranger", "guest")) == []

    run(story, LOAN)


def test_without_rules_everybody_is_told(run):
    async def story(world):
        stranger = await world.listen(person("stranger"))
        await world.start("open")
        assert brief(await world.told(stranger))[0] == ("status", "STARTED")

    run(story, OPEN)


def test_a_role_that_changes_counts_from_the_next_message_on(run):
    async def story(world):
        listener = await world.listen(person("eva"), definition="loan", kinds=["status"])
        inbox = await world.listen(person("eva"), tasks="mine")
        await world.start("loan")
        assert await world.told(listener) == await world.told(inbox) == []
        for each in (listener, inbox):
            each.principal = person("eva", "clerk")
        loan = await world.start("loan")
        assert brief(await world.told(listener))[1:] == [("status", "STARTED")]
        assert brief(await world.told(inbox))[1:] == [("task", "created", "fill", None)]
        for each in (listener, inbox):
            each.principal = person("eva", "guest")
        await world.do(c.EndInstance(loan, "TERMINATED"))
        for each in (listener, inbox):
            assert [message.event for message in await world.told(each)] == ["resync"]

    run(story, LOAN)


def test_an_instance_that_may_not_be_seen_is_none(run):
    async def story(world):
        loan = await world.start("loan")
        for who, instance in ((person("eva"), loan), (SYSTEM, 7)):
            with pytest.raises(CommandRejected) as refused:
                await world.listen(who, instance=instance)
            assert (refused.value.status, refused.value.title) == (404, "Process instance not found.")
        assert len(world.hub.audience) == 1, "only the one who follows the story"
        await world.listen(ANA, instance=loan)

    run(story, LOAN)


def test_tasks_are_told_like_the_list_of_tasks(run):
    async def story(world):
        people = {
            name: await world.listen(person(name, *roles), kinds=["task"])
            for name, roles in {"clerk": ["clerk"], "teller": ["teller"], "bo": ["boss"], "eva": []}.items()
        }
        loan = await world.start("loan")
        fill = await world.wait(loan, UserTaskItem)
        await world.do(c.AssignTask(fill.id, "eva"))
        await world.do(c.AssignTask(fill.id, None))
        await world.fill(loan)
        told = {name: brief(await world.told(listener)) for name, listener in people.items()}
        front = [
            ("task", "created", "fill", None),
            ("task", "assigned", "fill", "eva"),
            ("task", "assigned", "fill", None),
            ("task", "completed", "fill", None),
        ]
        back = ("task", "created", "approve", None)
        assert told["clerk"] == [*front, back], "clerks may look into the back office"
        assert told["teller"] == front
        assert told["bo"] == [back]
        assert told["eva"] == front[1:3], "given to her, and taken from her"

    run(story, LOAN)


def test_my_tasks_are_those_that_i_have_or_may_take(run):
    async def story(world):
        people = {
            name: await world.listen(person(name, *roles), tasks="mine")
            for name, roles in {"ana": ["clerk"], "bo": ["clerk"], "eva": [], "teller": ["teller"]}.items()
        }
        loan = await world.start("loan")
        fill = await world.wait(loan, UserTaskItem)
        here = await world.listen(person("eva"), tasks="mine", instance=loan)
        looking = await world.listen(person("tom", "teller"), tasks="mine", instance=loan)
        await world.do(c.ClaimTask(fill.id), person("ana", "clerk"))
        await world.do(c.AssignTask(fill.id, "eva"))
        await world.do(c.AssignTask(fill.id, "ana"))
        await world.fill(loan, who=person("ana", "clerk"))
        told = {name: brief(await world.told(listener)) for name, listener in people.items()}
        created, taken = ("task", "created", "fill", None), ("task", "assigned", "fill", "ana")
        given, done = ("task", "assigned", "fill", "eva"), ("task", "completed", "fill", "ana")
        assert told["ana"] == [created, taken, given, taken, done]
        assert told["bo"] == [created, taken], "free, then gone; what becomes of it is not theirs to know"
        assert told["eva"] == [given, taken], "hers, then not"
        assert brief(await world.told(here)) == told["eva"], "though she may not see the instance as a whole"
        assert told["teller"] == await world.told(looking) == [], "to look is not to work"

    run(story, LOAN)


def test_tasks_for_certain_people_are_told_to_them(run):
    async def story(world):
        people = {
            name: await world.listen(person(name, *roles), tasks="mine", definition="picked")
            for name, roles in {"eva": [], "ian": ["judges"], "ana": ["clerk"]}.items()
        }
        away = await world.listen(person("eva"), tasks="mine", definition="another")
        here = await world.start("picked", {"someone": "eva"})
        one = await world.listen(person("eva"), tasks="mine", instance=here)
        for _ in range(3):
            await world.fill(here)
        told = {name: brief(await world.told(listener)) for name, listener in people.items()}
        assert told["eva"] == [
            ("task", "created", "named", None),
            ("task", "completed", "named", None),
            ("task", "created", "given", "eva"),
            ("task", "completed", "given", "eva"),
        ]
        assert told["ian"] == [("task", "created", "grouped", None), ("task", "completed", "grouped", None)]
        assert told["ana"] == [] and await world.told(away) == []
        assert brief(await world.told(one)) == told["eva"][1:]
        assert brief(await world.again(person("eva"), tasks="mine")) == told["eva"]

    run(story, PICKED)


@pytest.mark.parametrize("roles", [("admin",), ("operator",), ()])
def test_what_is_sensitive_is_masked(run, roles):
    async def story(world):
        listener, system = await world.listen(person("ana", *roles)), await world.listen(kinds=["data"])
        secret = {
            "client": {"iban": IBAN, "name": "Ana"},
            "pin": PIN,
            "cards": [{"number": IBAN, "kind": "gold"}],
            "n": 1,
        }
        card = await world.start("card", secret)
        await world.do(c.SetVariables(card, {"client": {"age": 30}, "pin": None}))
        await world.fill(card, variables={"pin": PIN})
        told = await world.told(listener)
        assert [each for each in brief(told) if each[0] == "data"] == [
            ("data", "client", {"iban": MASK, "name": "Ana"}),
            ("data", "pin", MASK),
            ("data", "cards", [{"number": MASK, "kind": "gold"}]),
            ("data", "n", 1),
            ("data", "client", {"iban": MASK, "name": "Ana", "age": 30}),
            ("data", "pin", MASK),
            ("data", "pin", MASK),
        ]
        assert await world.again(person("ana", *roles)) == told
        whole = b"".join(each.data for each in told)
        assert IBAN.encode() not in whole and PIN.encode() not in whole
        assert dict(each[1:] for each in brief(await world.told(system)))["client"]["iban"] == IBAN

    run(story, CARD)


def test_a_token_that_goes_to_another_lane_takes_rights_with_it(run):
    async def story(world):
        loan = await world.start("loan", None, ANA)
        kinds = ["access"]
        ana, bo = [await world.listen(who, instance=loan, kinds=kinds) for who in (ANA, BO)]
        teller = await world.listen(person("tom", "teller"), instance=loan, kinds=kinds)
        owner = await world.listen(person("ana", "teller"), instance=loan, kinds=kinds)
        everything = await world.listen(ANA, kinds=kinds)
        admin = await world.listen(person("root", "admin"), instance=loan, kinds=kinds)
        await world.fill(loan, "fill")
        moved = await world.told(ana)
        assert brief(moved) == [("access", "1", "Back", False, True)]
        assert data(moved[0])["node"] == "approve" and data(moved[0])["seq"] == 2
        assert brief(await world.told(bo)) == [("access", "1", "Back", True, True)]
        assert brief(await world.told(teller)) == [("access", "1", "Back", False, False)]
        await world.fill(loan, "approve")
        assert brief(await world.told(ana)) == [("access", "2", "Front", True, True)], (
            "a branch comes back, one does not"
        )
        assert brief(await world.told(bo)) == [("access", "2", "Front", False, False)]
        assert brief(await world.told(teller)) == [("access", "2", "Front", False, True)]
        for nobody in (owner, everything, admin):
            assert await world.told(nobody) == [], "they have the same rights everywhere, or follow no one instance"
        assert brief(await world.again(BO, instance=loan, kinds=kinds)) == [
            ("access", "1", "Back", True, True),
            ("access", "2", "Front", False, False),
        ]

    run(story, LOAN)


def test_a_token_that_ends_elsewhere_takes_nothing_with_it(run):
    short = process("short").start("begin").user_task("fill").end("end")
    short.lane("Front", "begin", "fill", execute="clerk").lane("Back", "end", execute="boss")

    async def story(world):
        instance = await world.start("short")
        boss = await world.listen(person("bo", "boss"), instance=instance)
        await world.fill(instance)
        assert {each.event for each in await world.told(boss)} == {"progress", "status"}

    run(story, short)


def test_the_system_is_a_principal_of_its_own(run):
    async def story(world):
        named = await world.listen(Principal("system", frozenset({"admin"})), kinds=["data"])
        await world.start("card", {"pin": PIN})
        assert brief(await world.told(named)) == [("data", "pin", MASK)]

    run(story, CARD)


def test_who_may_do_a_task_and_not_see_the_instance_is_not_told_its_business_key(run):
    async def story(world):
        helper, boss = person("hal", "helper"), person("bob", "boss")
        people = [await world.listen(who, kinds=["task"]) for who in (helper, boss, helper, SYSTEM)]
        for key in ("K-1", None):
            await world.do(Start("helped", {}, business_key=key))
        told = [[data(message) for message in await world.told(listener)] for listener in people]
        assert [[each["businessKey"] for each in mine] for mine in told] == [
            [None, None], ["K-1", None], [None, None], ["K-1", None],
        ]  # fmt: skip
        assert {(each["processTitle"], each["stage"]) for mine in told for each in mine} == {("Helped", None)}

    run(story, HELPED)
