"""Messages: who gets one, what is kept, and in which order."""

from __future__ import annotations

import pytest

from procession import CommandRejected, Engine, VirtualClock
from procession.runtime.asks import Publish
from procession.testing import process

RECEIVE = process("receive").start().catch_message("got", "go", "=k").user_task("fill").end().build()
OTHER = process("other").start().receive("got", "go", "=k").user_task("fill").end().build()
LOOP = process("loop").start().exclusive("x").catch_message("got", "go", "=k").to("x").build()
BEGIN = process("begin").start(message="begin").user_task("fill").end().build()
LISTEN = (
    process("listen")
    .start()
    .user_task("fill")
    .end()
    .boundary_message("fill", "go", "=k", "heard", interrupting=False)
    .script("count", "=if n = null then 1 else n + 1", "n")
    .end()
    .build()
)
FILES = [(f"{number}.bpmn", data) for number, data in enumerate([RECEIVE, OTHER, LOOP, BEGIN, LISTEN])]


@pytest.fixture(params=["memory", "sqlite"])
def engine(request, tmp_path):
    url = "memory:" if request.param == "memory" else f"sqlite:///{tmp_path}/orders.db"
    with Engine(url, clock=VirtualClock()) as found:
        found.deploy(*FILES, publish=True)
        yield found


def got(engine: Engine, *ids: str) -> list[bool]:
    """Which instances have received their message."""
    return [engine.instance(each).waiting_at == ["fill"] for each in ids]


# -- who gets it ------------------------------------------------------------------------------------------------------------


def test_the_one_that_waits_gets_it_with_its_data(engine):
    one, two = (engine.start("receive", {"k": key}).id for key in ("1", "2"))
    message = engine.publish_message("go", "2", {"sum": 5})
    assert (message.instances, message.buffered, message.duplicate) == ([two], False, False)
    assert got(engine, one, two) == [False, True]
    assert engine.instance(two).variables == {"k": "2", "sum": 5}


def test_of_several_of_one_process_the_one_that_has_waited_longest_gets_it(engine):
    waiting = [engine.start("receive", {"k": "1"}).id for _ in range(3)]
    for turn in range(3):
        assert engine.publish_message("go", "1").instances == [waiting[turn]]
    assert engine.publish_message("go", "1").buffered


def test_one_instance_of_each_process_gets_it(engine):
    one = engine.start("receive", {"k": "1"}).id
    two = engine.start("other", {"k": "1"}).id
    engine.start("receive", {"k": "1"})
    assert set(engine.publish_message("go", "1").instances) == {one, two}


def test_a_message_without_a_key_is_for_whoever_waits(engine):
    one = engine.start("receive", {"k": "1"}).id
    two = engine.start("receive", {"k": "2"}).id
    assert engine.publish_message("go").instances == [one]
    assert engine.publish_message("go").instances == [two]
    engine.publish_message("go")
    three = engine.start("receive", {"k": "3"}).id
    assert got(engine, three) == [True]


def test_keys_of_numbers(engine):
    for published, waited in ((7, "7"), ("7", 7), (7.0, 7), (7, "7"), (1.50, 1.5)):
        order = engine.start("receive", {"k": waited})
        assert engine.publish_message("go", published).instances == [order.id]


def test_another_name_or_key_is_another_message(engine):
    order = engine.start("receive", {"k": "1"}).id
    assert engine.publish_message("go", "2").buffered
    assert engine.publish_message("stop", "1").buffered
    assert got(engine, order) == [False]


# -- what is kept -------------------------------------------------------------------------------------------------------------


def test_what_comes_early_is_kept_and_handed_out_in_the_order_in_which_it_came(engine):
    for number in range(3):
        assert engine.publish_message("go", "1", {"number": number}).buffered
    orders = [engine.start("receive", {"k": "1"}) for _ in range(4)]
    assert [order.variables.get("number") for order in orders] == [0, 1, 2, None]
    assert got(engine, *(order.id for order in orders)) == [True, True, True, False]
    assert engine.counts()["message"] == 0


def test_one_that_waits_again_gets_the_next_one(engine):
    for number in range(3):
        engine.publish_message("go", "1", {"number": number})
    order = engine.start("loop", {"k": "1"})
    received = [event for row in engine.history(order.id) for event in row.events if event[0] == "message-received"]
    assert len(received) == 3
    assert engine.instance(order.id).variables["number"] == 2


def test_one_that_keeps_listening_gets_everything_that_is_there(engine):
    for _ in range(3):
        engine.publish_message("go", "1")
    order = engine.start("listen", {"k": "1"})
    assert order.variables["n"] == 3
    assert engine.publish_message("go", "1").instances == [order.id]
    assert engine.instance(order.id).variables["n"] == 4
    assert engine.instance(order.id).waiting_at == ["fill"]


def test_in_one_batch_too(engine):
    def message(number: int, ttl: int = 10**9):
        ask = engine.ask_start("receive")
        ask.command = Publish("go", "1", {"number": number}, ttl=ttl)
        return engine.submit(ask)

    first = message(0)
    starts = [engine.submit(engine.ask_start("receive", {"k": "1"})) for _ in range(3)]
    asks = [first, *starts, message(1, ttl=0), message(2)]
    answers = [engine.wait(ask) for ask in asks]
    assert [answer["buffered"] for answer in (answers[0], *answers[-2:])] == [True, False, False]
    assert [engine.instance(identity).variables.get("number") for identity in answers[1:4]] == [0, 1, 2]
    assert engine.counts()["message"] == 0


def test_a_message_without_a_key_in_one_batch_with_whoever_waits(engine):
    ask = engine.ask_start("receive")
    ask.command = Publish("go", None, {})
    engine.submit(ask)
    order = engine.wait(engine.submit(engine.ask_start("receive", {"k": "1"})))
    assert got(engine, order) == [True]
    assert engine.counts()["message"] == 0


def test_it_is_kept_for_its_time_to_live(engine):
    engine.publish_message("go", "1", ttl=60)
    engine.clock.advance(59.9)
    assert got(engine, engine.start("receive", {"k": "1"}).id) == [True]
    engine.publish_message("go", "1", ttl=60)
    engine.clock.advance(60)
    assert got(engine, engine.start("receive", {"k": "1"}).id) == [False], "also where nobody has tidied up yet"
    assert engine.counts()["message"] == 1
    engine.run_due()
    assert engine.counts()["message"] == 0


def test_it_is_not_kept_without_time_to_live(engine):
    message = engine.publish_message("go", "1", ttl=0)
    assert (message.instances, message.buffered) == ([], False)
    assert engine.counts()["message"] == 0
    order = engine.start("receive", {"k": "1"}).id
    assert engine.publish_message("go", "1", ttl=0).instances == [order]


def test_a_time_to_live_beyond_all_time_is_for_ever(engine):
    throw = process("throw").start().throw_message("t", "go", "=k", ttl="=ttl", variables="={}").end().build()
    engine.deploy(("throw.bpmn", throw), publish=True)
    assert engine.start("throw", {"k": "1", "ttl": "P9999999Y"}).state == "FINISHED"
    engine.clock.advance("P100Y")
    assert got(engine, engine.start("receive", {"k": "1"}).id) == [True]


# -- once ---------------------------------------------------------------------------------------------------------------------


def test_a_message_with_an_id_takes_effect_once(engine):
    order = engine.start("listen", {"k": "1"}).id
    first = engine.publish_message("go", "1", message_id="m")
    again = engine.publish_message("go", "1", message_id="m")
    assert (first.duplicate, again.duplicate) == (False, True)
    assert again.id == first.id
    assert engine.instance(order).variables["n"] == 1
    engine.publish_message("go", "1", message_id="m2")
    engine.publish_message("go", "1")
    engine.publish_message("go", "1")
    assert engine.instance(order).variables["n"] == 4


def test_also_where_it_was_kept_and_is_gone(engine):
    engine.publish_message("go", "1", message_id="m", ttl=1)
    engine.clock.advance(2)
    engine.run_due()
    assert engine.publish_message("go", "1", message_id="m").duplicate


def test_an_id_belongs_to_a_name_and_a_key(engine):
    for name, key in (("a", "b:c"), ("a:b", "c"), ("a", None), ("a", ""), ('a","b', "c")):
        assert not engine.publish_message(name, key, message_id="m").duplicate
        assert engine.publish_message(name, key, message_id="m").duplicate


def test_an_instance_that_throws_a_message_with_an_id_throws_it_once(engine):
    throw = process("throw").start().throw_message("t", "go", "=k", message_id='="m"', variables="={}").end().build()
    engine.deploy(("throw.bpmn", throw), publish=True)
    order = engine.start("listen", {"k": "1"}).id
    for _ in range(3):
        assert engine.start("throw", {"k": "1"}).state == "FINISHED"
    assert engine.instance(order).variables["n"] == 1
    assert engine.publish_message("go", "1", message_id="m").duplicate


# -- on hold --------------------------------------------------------------------------------------------------------------------


def test_one_on_hold_gets_it_when_it_goes_on(engine):
    order = engine.start("receive", {"k": "1"}).id
    engine.hold(order)
    first = engine.publish_message("go", "1", {"number": 1})
    engine.publish_message("go", "1", {"number": 2})
    assert first.buffered
    assert got(engine, order) == [False]
    assert engine.run_due() == 0
    assert engine.unhold(order).variables["number"] == 1
    assert engine.counts()["message"] == 1


def test_another_one_that_waits_gets_it_instead(engine):
    held, free = (engine.start("receive", {"k": "1"}).id for _ in range(2))
    engine.hold(held)
    assert engine.publish_message("go", "1").instances == [free]


# -- messages that start -------------------------------------------------------------------------------------------------------


def test_a_message_starts_a_process(engine):
    message = engine.publish_message("begin", variables={"a": 1})
    (started,) = message.instances
    view = engine.instance(started)
    assert (view.process_definition_name, view.variables, view.business_key) == ("begin", {"a": 1}, None)
    assert engine.publish_message("begin").instances != [started]


def test_its_key_becomes_the_business_key_and_is_started_once_at_a_time(engine):
    (one,) = engine.publish_message("begin", "order-1").instances
    assert engine.instance(one).business_key == "order-1"
    again = engine.publish_message("begin", "order-1", ttl=0)
    assert (again.instances, again.buffered) == ([], False)
    (other,) = engine.publish_message("begin", "order-2").instances
    engine.terminate(one)
    (new,) = engine.publish_message("begin", "order-1").instances
    assert len({one, other, new}) == 3


def test_also_within_one_batch(engine):
    asks = []
    for _ in range(3):
        ask = engine.ask_start("receive")
        ask.command = Publish("begin", "order-1", {}, ttl=0)
        asks.append(engine.submit(ask))
    assert sorted(len(engine.wait(ask)["instances"]) for ask in asks) == [0, 0, 1]


def test_a_version_that_is_not_published_any_more_is_not_started(engine):
    engine.deploy(("begin.bpmn", BEGIN + b"<!-- 2 -->"), publish=True)
    (started,) = engine.publish_message("begin").instances
    assert engine.instance(started).version == 2
    engine.deprecate("begin", 2)
    assert engine.publish_message("begin").buffered


def test_one_that_waits_and_one_that_is_started(engine):
    both = process("both").start(message="go").user_task("fill").end().build()
    engine.deploy(("both.bpmn", both), publish=True)
    order = engine.start("receive", {"k": "1"}).id
    message = engine.publish_message("go", "1")
    assert order in message.instances
    assert len(message.instances) == 2


def test_a_message_has_a_name(engine):
    with pytest.raises(CommandRejected):
        engine.publish_message(None)
