"""Every store: what a processor wants to know before it decides, and what time has come for."""

from __future__ import annotations

from procession.storage import Batch, Lease, Need
from tests.contracts.rows import (
    MINUTE,
    NOON,
    SECOND,
    definition,
    instance,
    job,
    message,
    new_id,
    start_subscription,
    start_timer,
    started,
    stepped,
    subscription,
    task,
    timer,
)


class NeedContract:
    """Who is meant by a job, a task, a timer or a message."""

    def test_jobs_tasks_and_timers_lead_to_their_instances(self, store):
        one, two, three = instance(), instance(), instance()
        charge, approve, late = job(one.id), task(two.id), timer(three.id)
        store.commit(Batch(new=[one, two, three], jobs=[charge], tasks=[approve], timers=[late]))
        nobody = new_id()
        answer = store.load(Need(jobs=[charge.id, nobody], tasks=[approve.id, nobody], timers=[late.id, nobody]))
        assert answer.jobs == {charge.id: (one.id, Lease(0, None, 0))}
        assert answer.tasks == {approve.id: two.id}
        assert answer.timers == {late.id: three.id}
        assert {id: rows.instance for id, rows in answer.instances.items()} == {
            one.id: one,
            two.id: two,
            three.id: three,
        }

    def test_owners_that_are_known_are_not_sent_again(self, store):
        one, two = instance(), instance()
        charge, approve = job(one.id), task(two.id)
        store.commit(Batch(new=[one, two], jobs=[charge], tasks=[approve]))
        cache = OnlyAsked({one.id: 1})
        answer = store.load(Need(jobs=[charge.id], tasks=[approve.id], known=cache))
        assert list(answer.instances) == [two.id]
        answer = store.load(Need(instances={two.id: 1}, jobs=[charge.id], tasks=[approve.id], known=cache))
        assert answer.instances == {}

    def test_a_message_finds_who_waits_for_it_oldest_first(self, store):
        one, two, three = instance(), instance(status="ON_HOLD"), instance()
        waits = [subscription(two.id, "paid", "A-1"), subscription(one.id, "paid", "A-1")]
        others = [subscription(three.id, "paid", "A-2"), subscription(three.id, "sent", "A-1")]
        store.commit(Batch(new=[one, two, three], subscriptions=[*others, *reversed(waits)]))
        answer = store.load(Need(messages=[("paid", "A-1"), ("paid", "none"), ("paid", "A-1")]))
        assert answer.subscriptions == [(waits[0], "ON_HOLD"), (waits[1], "STARTED")]
        assert answer.instances == {}

    def test_a_message_without_a_key_is_for_everybody(self, store):
        one = instance()
        waits = [
            subscription(one.id, "paid", "A-1"),
            subscription(one.id, "paid", ""),
            subscription(one.id, "sent", ""),
        ]
        store.commit(started(one, subscriptions=waits))
        answer = store.load(Need(messages=[("paid", None), ("paid", "A-1")]))
        assert [row for row, _ in answer.subscriptions] == waits[:2]

    def test_a_message_finds_what_it_starts(self, store):
        order, bill = definition("order"), definition("bill")
        store.add_definitions([order, bill], [])
        starts = [start_subscription(order.id, "ordered"), start_subscription(bill.id, "ordered", process="bill")]
        store.publish(order.id, [], [starts[0], start_subscription(order.id, "other")], [])
        store.publish(bill.id, [], [starts[1]], [])
        assert store.load(Need(messages=[("ordered", "x"), ("nothing", None)])).starts == starts

    def test_a_subscription_finds_what_has_come_already(self, store):
        early = [message("paid", "A-1"), message("paid", None), message("paid", "A-1")]
        store.commit(Batch(messages=[*early, message("paid", "A-2"), message("sent", "A-1")]))
        assert store.load(Need(buffered=[("paid", "A-1")])).buffered == early
        first = early[0]._replace(correlated=b'["order"]')
        store.commit(Batch(messages=[first], messages_gone=[(early[1].id,)]))
        assert store.load(Need(buffered=[("paid", "A-1"), ("paid", "A-1")])).buffered == [first, early[2]]

    def test_a_parent_finds_its_running_children(self, store):
        parent, other = instance(), instance()
        running = instance(parent=parent.id, parent_token=1)
        paused = instance(parent=parent.id, status="ON_HOLD")
        done = instance(parent=parent.id, status="FINISHED", ended=NOON)
        store.commit(Batch(new=[parent, other, running, paused, done, instance(parent=new_id())]))
        answer = store.load(Need(children=[parent.id, other.id]))
        assert answer.children == {parent.id: [(running.id, "STARTED"), (paused.id, "ON_HOLD")], other.id: []}


class OnlyAsked(dict[int, int]):
    """A cache too large to be walked through."""

    def __iter__(self):
        raise AssertionError("the whole cache was walked through")

    keys = items = values = __len__ = __iter__


class TimeContract:
    """What time has come for."""

    def test_timers_come_due_in_their_order(self, store):
        order = instance()
        late, later, not_yet = timer(order.id, NOON - 2), timer(order.id, NOON), timer(order.id, NOON + 1)
        earliest = timer(order.id, NOON - 3)
        store.commit(started(order, timers=[late, later, not_yet, earliest]))
        assert store.due(NOON, 10).timers == [earliest, late, later]
        assert store.due(NOON, 2).timers == [earliest, late]
        assert store.due(NOON, 10).timers == [earliest, late, later]  # looking changes nothing

    def test_messages_that_somebody_waits_for_are_overlooked(self, store):
        order, starter = instance(), definition()
        for_one, other, for_all, elsewhere = (
            message("paid", "A-1"), message("paid", "A-2"), message("paid", None), message("packed", "A-1"),
        )  # fmt: skip
        ordered, again = message("ordered", "x"), message("paid", "A-1")
        store.commit(started(order, messages=[for_one, other, for_all, elsewhere, ordered, again]))
        assert store.overlooked(0, 10) == []
        store.commit(
            stepped(order._replace(position=2), subscriptions=[subscription(order.id, name="paid", key="A-1")])
        )
        waited = [(row.id, row.name, row.key) for row in (for_one, for_all, again)]
        assert store.overlooked(0, 10) == waited
        assert store.overlooked(0, 2) == waited[:2]
        assert store.overlooked(for_all.id, 10) == waited[2:]
        store.add_definitions([starter], [])
        store.publish(starter.id, [], [start_subscription(starter.id, "ordered")], [])
        assert store.overlooked(for_all.id, 10) == [(ordered.id, "ordered", "x"), waited[2]]

    def test_the_next_moment_is_known(self, store):
        assert store.next_due() is None
        order, daily = instance(), definition()
        late = timer(order.id, NOON + MINUTE)
        store.commit(started(order, timers=[late, timer(order.id, NOON + 2 * MINUTE)]))
        assert store.next_due() == NOON + MINUTE
        store.add_definitions([daily], [])
        store.publish(daily.id, [start_timer(daily.id, NOON + SECOND)], [], [])
        assert store.next_due() == NOON + SECOND
        store.deprecate(daily.id, [])
        assert store.next_due() == NOON + MINUTE
        order = order._replace(position=2)
        store.commit(stepped(order, timers=[late._replace(due=NOON + 3 * MINUTE)]))
        assert store.next_due() == NOON + 2 * MINUTE

    def test_a_timer_that_fired_or_moved_is_not_due_any_more(self, store):
        order = instance()
        fired, moved = timer(order.id, NOON), timer(order.id, NOON)
        store.commit(started(order, timers=[fired, moved]))
        order = order._replace(position=2)
        store.commit(stepped(order, timers_gone=[(fired.id,)], timers=[moved._replace(due=NOON + MINUTE)]))
        assert store.due(NOON, 10).timers == []
        assert store.next_due() == NOON + MINUTE

    def test_timers_of_an_instance_on_hold_wait(self, store):
        order = instance()
        late = timer(order.id, NOON)
        store.commit(started(order, timers=[late]))
        order = order._replace(position=2, status="ON_HOLD")
        born = timer(order.id, NOON + 1)
        store.commit(stepped(order, timers=[born]))
        assert store.due(NOON + 1, 10).timers == []
        assert store.next_due() is None
        store.commit(stepped(order._replace(position=3, status="STARTED")))
        assert store.due(NOON + 1, 10).timers == [late, born]
        assert store.next_due() == NOON

    def test_start_timers_come_due_and_move_on(self, store):
        daily = definition()
        store.add_definitions([daily], [])
        due, other = start_timer(daily.id, NOON), start_timer(daily.id, NOON + 1)
        store.publish(daily.id, [due, other], [], [])
        assert store.due(NOON, 10).starts == [due]
        moved = due._replace(due=NOON + MINUTE, number=2)
        store.commit(Batch(new=[instance()], start_timers=[moved]))
        assert store.due(NOON + MINUTE, 10).starts == [other, moved]
        store.commit(Batch(start_timers_gone=[(other.id,)]))
        assert store.due(NOON + MINUTE, 10).starts == [moved]

    def test_what_can_go_on_by_itself_is_found_after_a_crash(self, store):
        going, held, waiting = instance(ready=1), instance(ready=1, status="ON_HOLD"), instance()
        store.commit(Batch(new=[going, held, waiting]))
        assert store.ready(10) == [going.id]
        store.commit(stepped(going._replace(position=2, ready=0)))
        store.commit(stepped(held._replace(position=2, status="STARTED")))
        assert store.ready(10) == [held.id]
        assert store.ready(0) == []

    def test_messages_expire(self, store):
        old, new = message(expires=NOON), message(expires=NOON + 1)
        store.commit(Batch(messages=[old, new]))
        assert store.expire_messages(NOON - 1) == 0
        assert store.expire_messages(NOON) == 1
        assert store.messages() == [new]
        assert store.load(Need(buffered=[("paid", "A-1")])).buffered == [new]
