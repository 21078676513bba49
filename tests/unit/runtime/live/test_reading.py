"""Nothing is missed and nothing comes twice, wherever one begins; who is too slow is told so."""

from __future__ import annotations

import asyncio
import logging
import threading

import pytest

from procession import CommandRejected, Engine
from procession.engine import commands as c
from procession.engine.access import SYSTEM
from procession.errors import StorageError
from procession.runtime.live import Hub, hub, listener
from procession.runtime.live.messages import LAST
from procession.runtime.live.reporter import Reporter
from procession.storage import Batch, HistoryRow
from procession.testing import process
from tests.unit.runtime.live.world import PATIENCE, World, brief, data, marks, sent

FORM = process("form").start("begin").user_task("fill").end("end")
PARENT = process("parent").start("begin").call("ask", "form").end("end")


def test_from_every_id_on_the_rest_comes(run):
    async def story(world):
        first = await world.start("form", {"a": 1, "b": 2})
        second = await world.start("form")
        for instance in (second, first):
            await world.fill(instance)
        whole = await world.again()
        assert len(whole) == 18
        for place, message in enumerate(whole):
            assert sent(await world.again(after=message.id)) == sent(whole[place + 1 :])
        of_first = await world.again(instance=first)
        assert sent(of_first) == sent(each for each in whole if data(each)["instance"] == str(first))
        assert sent(await world.again(instance=first, after=of_first[3].id)) == sent(of_first[4:])

    run(story, FORM)


def test_what_happens_while_one_reads_what_was_comes_once_and_in_order(run, monkeypatch):
    monkeypatch.setattr(listener, "PAGE", 3)
    monkeypatch.setattr(hub, "PAGE", 3)

    async def story(world):
        for _ in range(10):
            await world.start("form")
        readers = [await world.listen(after=f"{number}.0") for number in range(0, 11, 2)]
        last = await world.listen()

        async def work():
            for number in range(30):
                await world.start("form", {"n": number})
                if number % 7 == 0:
                    await asyncio.sleep(0)

        working = asyncio.create_task(work())
        told = [[] for _ in readers]
        while not working.done():
            for mine, reader in zip(told, readers, strict=True):
                async with asyncio.timeout(PATIENCE):
                    mine += await reader.get()
        await working
        whole = await world.again()
        for number, mine, reader in zip(range(0, 11, 2), told, readers, strict=True):
            mine += await world.told(reader)
            assert sent(mine) == sent(each for each in whole if marks([each])[0] > (number, 0))
        assert sent(await world.told(last)) == sent(each for each in whole if marks([each])[0][0] > 10)

    run(story, FORM)


def test_a_row_that_was_left_out_just_before_somebody_wanted_it_is_read_for_them(url, monkeypatch):
    left_out, go_on = threading.Event(), threading.Event()
    report = Reporter.report

    async def slow(reporter, each, interest):
        found = await report(reporter, each, interest)
        if reporter in of_hub:
            assert found is None
            left_out.set()
            assert go_on.wait(PATIENCE)
        return found

    async def story():
        async with World(url, FORM) as world:
            of_hub.append(world.hub._reporter)
            other = await world.start("form")
            await world.listen(instance=other)
            monkeypatch.setattr(Reporter, "report", slow)
            form = await world.start("form")
            assert await asyncio.to_thread(left_out.wait, PATIENCE)
            assert world.hub.number == 1
            reader = await world.listen(instance=form, after=f"1.{LAST}")
            go_on.set()
            assert len(await world.told(reader)) == 4

    of_hub = []
    asyncio.run(story())


def test_what_happened_before_somebody_came_is_not_told_to_them_as_new(url, monkeypatch):
    reading, go_on = threading.Event(), threading.Event()
    report = Reporter.report

    async def slow(*given):
        reading.set()
        assert go_on.wait(PATIENCE)
        return await report(*given)

    async def story():
        async with World(url, FORM) as world:
            other = await world.listen()
            monkeypatch.setattr(Reporter, "report", slow)
            await world.start("form")
            assert await asyncio.to_thread(reading.wait, PATIENCE)
            reader = await world.listen()
            go_on.set()
            assert len(await world.told(other)) == 4
            assert await world.told(reader) == []
            await world.start("form")
            assert len(await world.told(reader)) == 4

    asyncio.run(story())


def test_a_row_that_is_told_while_somebody_comes_is_told_to_them(url, monkeypatch):
    async def story():
        async with World(url, FORM) as world:
            storage, loop = world.node.storage, asyncio.get_running_loop()
            last_history = storage.last_history

            async def meanwhile():
                await world.start("form")
                await world.told(other)

            async def late():
                last = await last_history()
                monkeypatch.undo()
                asyncio.run_coroutine_threadsafe(meanwhile(), loop).result(PATIENCE)
                return last

            other = await world.listen()
            monkeypatch.setattr(storage, "last_history", late)
            reader = await world.listen()
            assert len(await world.told(reader)) == 4

    asyncio.run(story())


def test_after_a_position_of_an_instance(run):
    async def story(world):
        await world.start("form")
        form = await world.start("form")
        await world.start("form")
        await world.fill(form)
        whole = await world.again(instance=form)
        assert [data(each)["seq"] for each in whole] == [1, 1, 1, 1, 2, 2, 2, 2]
        assert sent(await world.again(instance=form, after=0)) == sent(whole)
        assert sent(await world.again(instance=form, after="1")) == sent(whole[4:])
        assert await world.again(instance=form, after="2") == []

    run(story, FORM)


def test_a_list_and_what_happens_after_it(run):
    async def story(world):
        await world.start("form")
        await world.told(await world.listen())
        last = world.hub.last_event_id()
        assert last == f"1.{LAST}"
        form = await world.start("form")
        told = await world.again(after=last)
        assert {data(each)["instance"] for each in told} == {str(form)}

    run(story, FORM)


def test_a_hub_that_nobody_listens_to_knows_how_far_it_is(url):
    async def story():
        async with World(url, FORM) as world:
            assert world.hub.last_event_id() == f"0.{LAST}"
            await world.start("form")
            async with asyncio.timeout(PATIENCE):
                while world.hub.last_event_id() != f"1.{LAST}":
                    await asyncio.sleep(0.001)

    asyncio.run(story())


@pytest.mark.parametrize(
    ("after", "of_instance", "message"),
    [
        ("9.0", False, "9.0 is the id of no event that has happened; the last one has 1."),
        ("9.0", True, "9.0 is the id of no event that has happened"),
        ("1", False, "'1' is no id of an event: two numbers with a dot"),
        ("2", True, "has no position 2 yet."),
        ("9" * 30, True, "has no position 99999999999999999999 yet."),
        ("", False, "'' is no id of an event"),
        ("1.", False, "'1.' is no id of an event"),
        (".1", True, "'.1' is no id of an event"),
        ("1.0.0", False, "'1.0.0' is no id"),
        ("-1.0", False, "'-1.0' is no id"),
        ("1.9999999999", False, "is no id"),
        (f"{2**63}.0", False, "is no id"),
        ("٣.0", False, "is no id"),
        ("x" * 1000, False, "is no id"),
    ],
)
def test_ids_that_are_none(run, after, of_instance, message):
    async def story(world):
        form = await world.start("form")
        with pytest.raises(CommandRejected) as refused:
            await world.listen(after=after, **({"instance": form} if of_instance else {}))
        assert refused.value.status == 422 and message in refused.value.detail and len(refused.value.detail) < 250
        assert len(world.hub.audience) == 1

    run(story, FORM)


def test_who_has_missed_too_much_reads_everything_again(run, monkeypatch):
    monkeypatch.setattr(hub, "LONGEST", 5)

    async def story(world):
        for _ in range(7):
            await world.start("form")
        reader = await world.listen(after="1.0")
        form = await world.start("form")
        told = await world.told(reader)
        assert (told[0].event, told[0].id, data(told[0])) == ("resync", None, {"lastEventId": f"7.{LAST}"})
        assert {data(each)["instance"] for each in told[1:]} == {str(form)}
        assert len(await world.again(after="3.0")) == 3 + 5 * 4

    run(story, FORM, witnessed=False)


def test_an_instance_in_which_nothing_went_on_misses_nothing(run, monkeypatch):
    async def story(world):
        parent = await world.start("parent")
        form = (await world.again())[-1]
        calm = await world.start("form")
        for _ in range(7):
            await world.start("form")
        monkeypatch.setattr(hub, "LONGEST", 5)
        assert await world.again(instance=parent, after=form.id) == []
        assert await world.again(instance=calm, after=1) == []
        assert brief(await world.again(instance=calm, after=0))[0][0] == "resync"
        await world.fill(int(data(form)["instance"]))
        assert await world.again(instance=parent, after=2) == []
        told = await world.again(instance=parent, after=form.id)
        assert [each.event for each in told] == ["resync"], "its child went on"
        monkeypatch.undo()

    run(story, FORM, PARENT)


def test_a_slow_reader_holds_no_memory_and_is_told_what_it_missed(run, monkeypatch):
    async def story(world):
        monkeypatch.setattr(listener, "MOST", 10)
        slow, quick = await world.listen(), await world.listen()
        seen = []
        for number in range(20):
            await world.start("form", {"n": number})
            seen += await world.told(quick)
            assert len(slow._buffer) <= 10
        told = await slow.get()
        assert told[0].event == "resync" and "resync" not in [each.event for each in told[1:]]
        at = [each.mark for each in seen].index(data(told[0])["lastEventId"])
        assert sent(seen[at + 1 :]) == sent(told[1:])

    run(story, FORM, witnessed=False)


def test_large_values_are_not_kept_for_slow_readers(run):
    async def story(world):
        slow = await world.listen(kinds=["data"])
        for number in range(3):
            await world.start("form", {"n": number, "text": "x" * 500_000})
        await world.told(await world.listen())
        assert [each.event for each in await slow.get()] == ["resync"]
        small = await world.listen(kinds=["data"])
        await world.start("form", {"text": "x" * 2_000_000})
        assert [each.event for each in await world.told(small)] == ["resync"]

    run(story, FORM, witnessed=False)


def test_what_was_is_read_in_parts_however_much_it_is(run):
    async def story(world):
        for number in range(6):
            await world.start("form", {"n": number, "text": "x" * 300_000})
        reader = await world.listen(after="0.0", kinds=["data"])
        told, parts = [], 0
        while len(told) < 12:
            part = await reader.get()
            assert sum(each.size for each in part) < (1 << 20) + 700_000
            told += part
            parts += 1
        assert parts > 1 and marks(told) == sorted(set(marks(told)))

    run(story, FORM, witnessed=False)


def test_for_who_does_not_fetch_what_was_read_nothing_else_is_kept(run, monkeypatch):
    monkeypatch.setattr(listener, "PAGE", 2)
    monkeypatch.setattr(listener, "KEPT", 0.01)

    async def story(world):
        for _ in range(3):
            await world.start("form")
        quick, slow, gone = [await world.listen(after="0.0") for _ in range(3)]
        first = [await each.get() for each in (quick, slow, gone)]
        gone.close()
        assert gone._missed is None and slow._missed is not None
        async with asyncio.timeout(PATIENCE):
            while slow._missed is not None:
                await asyncio.sleep(0.001)
        assert sent(first[0] + await world.told(quick)) == sent(first[1] + await world.told(slow))
        assert quick._missed is slow._missed is None, "they hear what happens"

    run(story, FORM)


def test_who_gives_up_waiting_loses_nothing(run):
    async def story(world):
        reader = await world.listen()
        for _ in range(20):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.001):
                    await reader.get()
        await world.start("form")
        assert len(await world.told(reader)) == 4

    run(story, FORM)


def test_a_listener_that_is_closed_ends(run):
    async def story(world):
        reader = await world.listen()
        waiting = asyncio.create_task(reader.get())
        await asyncio.sleep(0)
        reader.close()
        reader.close()
        assert await waiting == [] and await reader.get() == []
        reader.principal = SYSTEM
        await world.start("form")
        assert await reader.get() == []
        assert len(world.hub.audience) == 1

    run(story, FORM)


def test_a_hub_that_is_closed_ends_everybody(url):
    async def story():
        async with World(url, FORM) as world:
            await world.start("form")
            live, reading = await world.listen(), await world.listen(after="0.0")
            waiting = [asyncio.create_task(each.get()) for each in (live, reading)]
            await asyncio.sleep(0)
            async with asyncio.timeout(PATIENCE):
                await world.hub.close()
                for each in waiting:
                    await each
            assert await live.get() == await reading.get() == []
            await world.start("form")
            with pytest.raises(StorageError, match="shutting down"):
                await world.listen()

    asyncio.run(story())


def test_another_process_writes_to_the_same_store(tmp_path):
    async def story(url):
        async with World(url, FORM) as world:
            reader = await world.listen(kinds=["status"])
            with Engine(url) as other:
                await asyncio.to_thread(other.start, "form")
            async with asyncio.timeout(PATIENCE):
                assert brief(await reader.get()) == [("status", "STARTED")]

    asyncio.run(story(f"sqlite:///{tmp_path}/shared.db"))


def test_a_store_that_cannot_be_read_now_is_read_later(url, monkeypatch, caplog):
    monkeypatch.setattr(hub, "LOOK", 0.01)
    monkeypatch.setattr(listener, "AGAIN", 0.01)

    async def story():
        async with World(url, FORM) as world:
            storage, read = world.node.storage, world.node.storage.history_after
            left = [None] * 3

            async def busy(*given):
                if left:
                    left.pop()
                    raise StorageError("The disk is away.")
                return await read(*given)

            live = await world.listen()
            monkeypatch.setattr(storage, "history_after", busy)
            await world.start("form")
            told = await world.told(live)
            assert len(told) == 4 and not left
            left.append(None)
            assert sent(await world.again()) == sent(told)
            assert not left

    with caplog.at_level(logging.WARNING, "procession"):
        asyncio.run(story())
    assert "cannot read history now: The disk is away." in caplog.text


def test_how_late_listeners_are_told(url, monkeypatch):
    monkeypatch.setattr(hub, "LOOK", 0.01)

    async def story():
        async with World(url, FORM) as world:
            storage, read = world.node.storage, world.node.storage.history_after
            away = True

            async def moody(*given):
                if away:
                    raise StorageError("The disk is away.")
                return await read(*given)

            await world.start("form")
            assert world.hub.lag == 0, "nobody listens"
            live = await world.listen()
            monkeypatch.setattr(storage, "history_after", moody)
            await world.start("form")
            await asyncio.sleep(0.1)
            assert 0.1 <= world.hub.lag < 5
            away = False
            await world.told(live)
            async with asyncio.timeout(5):
                while world.hub.lag:
                    await asyncio.sleep(0.01)

    asyncio.run(story())


def test_a_page_that_was_read_by_half_is_read_again(url, monkeypatch):
    monkeypatch.setattr(listener, "AGAIN", 0.01)
    twice = process("twice").start("begin").user_task("fill").user_task("check").end("end")
    report, calls = Reporter.report, []

    async def breaks(*given):
        calls.append(given)
        if len(calls) == 2:
            raise StorageError("The disk is away.")
        return await report(*given)

    async def story():
        async with World(url, twice) as world:
            instance = await world.start("twice")
            for node in ("fill", "check"):
                await world.fill(instance, node)
            rest = await world.again(after=f"1.{LAST}")
            monkeypatch.setattr(Reporter, "report", breaks)
            assert sent(await world.again(after=f"1.{LAST}")) == sent(rest)
            assert len(calls) == 2 + 2

    asyncio.run(story())


def test_a_row_that_cannot_be_told_is_no_end(url, monkeypatch, caplog):
    monkeypatch.setattr(hub, "LOOK", 0.01)

    async def story():
        async with World(url, FORM) as world:
            read = world.node.definitions.compiled
            live = await world.listen()
            await world.start("form")
            before = await world.told(live)
            broken = await world.start("form")

            async def fails(definition):
                raise LookupError("no such definition")

            await world.told(live)
            monkeypatch.setattr(world.node.definitions, "compiled", fails)
            await world.node.alone(_complete(world, broken))
            assert brief(await world.told(live)) == [("resync", {"lastEventId": f"3.{LAST}"})]
            assert brief(await world.again()) == [("resync", {"lastEventId": f"3.{LAST}"})]
            monkeypatch.setattr(world.node.definitions, "compiled", read)
            await world.start("form")
            assert [each.event for each in await world.told(live)] == [each.event for each in before]

    asyncio.run(story())
    assert [record.message.partition("; ")[0] for record in caplog.records] == [
        "a row of history could not be told",
        "what a listener missed could not be told",
    ]


async def _complete(world, instance):
    """A row of history that the engine itself did not have to decide."""
    rows = await world.node.storage.instance(instance)
    row = rows.instance
    history = HistoryRow(instance, row.position + 1, row.started, "ana", "hold", "", b'[["instance-held"]]')
    changed = row._replace(position=row.position + 1, status="ON_HOLD")
    await world.node.storage.commit(Batch(changed=[(changed, row.position)], history=[history]))


def test_an_instance_is_met_in_the_middle_of_its_life(run):
    async def story(world):
        form = await world.start("form", {"a": {"b": 1}})
        await world.do(c.SetVariables(form, {"a": {"c": 2}}))
        late = Hub(world.node)
        await late.open()
        reader = await world.listen(hub=late, instance=form)
        await world.do(c.SetVariables(form, {"a": {"d": 3}}))
        await world.fill(form)
        assert brief(await world.told(reader)) == [
            ("data", "a", {"b": 1, "c": 2, "d": 3}),
            ("progress", "1", "fill", "ACTIVE", "EXECUTED_COMPLETE"),
            ("task", "completed", "fill", None),
            ("progress", "1", "end", "INACTIVE", "EXECUTED_COMPLETE"),
            ("status", "FINISHED"),
        ]
        await late.close()

    run(story, FORM)
