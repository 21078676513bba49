"""Every store: what people and screens ask."""

from __future__ import annotations

import pytest

from procession.storage import Batch, InstanceFilter, TaskFilter
from tests.contracts.rows import (
    MINUTE,
    NOON,
    audit,
    call,
    definition,
    failed_start,
    found,
    history,
    incident,
    instance,
    job,
    message,
    new_id,
    record,
    start_timer,
    started,
    stepped,
    subscription,
    task,
    timer,
    token,
    variable,
)


class QueryContract:
    """What people and screens ask."""

    def pages(self, ask, limit=2):
        """Follow the cursor to the end."""
        rows, before = [], None
        while page := ask(limit, before):
            assert len(page) <= limit
            rows += page
            before = page[-1].id
        return rows

    def ids(self, store, **where):
        return [row.id for row in store.instances(InstanceFilter(**where))]

    def test_instances_come_newest_first_a_page_at_a_time(self, store):
        orders = [
            instance(status="STARTED" if n % 3 else "FINISHED", name="order" if n % 2 else "bill") for n in range(9)
        ]
        store.commit(Batch(new=orders[4:] + orders[:4]))
        newest = orders[::-1]
        for where in (
            InstanceFilter(),
            InstanceFilter(definition="order"),
            InstanceFilter(statuses=["STARTED"]),
            InstanceFilter(statuses=["FINISHED", "STARTED", "FAILED"]),
            InstanceFilter(definition="bill", statuses=["STARTED", "STARTED"]),
        ):
            expected = [
                row
                for row in newest
                if where.definition in (None, row.name) and (not where.statuses or row.status in where.statuses)
            ]
            assert self.pages(lambda limit, before, where=where: store.instances(where, limit, before)) == expected
            assert store.instances(where, 1) == expected[:1]

    def test_instances_are_found_by_what_they_are(self, store):
        root = instance(business_key="K-1", version=2, started=NOON + 1)
        child = instance(parent=root.id, root=root.id, name="delivery", incidents=1)
        grandchild = instance(parent=child.id, root=root.id, name="delivery", status="FAILED", ended=NOON)
        other = instance(business_key="K-1", status="FINISHED", ended=NOON + 5, started=NOON + 5)
        store.commit(Batch(new=[root, child, grandchild, other], tokens=[token(child.id, node="ship"), token(root.id)]))
        assert self.ids(store, business_key="K-1") == [other.id, root.id]
        assert self.ids(store, business_key="K-1", definition="order", statuses=["STARTED"]) == [root.id]
        assert self.ids(store, business_key="K-1", version=2) == [root.id]
        assert self.ids(store, definition="order", version=1) == [other.id]
        assert self.ids(store, parent=root.id) == [child.id]
        assert self.ids(store, root=root.id) == [grandchild.id, child.id, root.id]
        assert self.ids(store, root=root.id, statuses=["FAILED", "FINISHED"]) == [grandchild.id]
        assert self.ids(store, started_after=NOON + 1) == [other.id, root.id]
        assert self.ids(store, started_after=NOON + 1, started_before=NOON + 5) == [root.id]
        assert self.ids(store, node="ship") == [child.id]
        assert self.ids(store, incidents=True) == [child.id]
        assert self.ids(store, incidents=True, definition="order") == []
        assert self.ids(store, incidents=False, definition="delivery") == [grandchild.id]
        assert self.ids(store, incidents=True, parent=root.id) == [child.id]

    def test_text_is_looked_for_as_it_is_written(self, store):
        percent = instance(business_key="100%_A\\B")
        plain = instance(business_key="100xyA-B", name="Ordering")
        store.commit(Batch(new=[percent, plain]))
        assert self.ids(store, text="100%") == [percent.id]
        assert self.ids(store, text="_A\\") == [percent.id]
        assert self.ids(store, text="100") == [plain.id, percent.id]
        assert self.ids(store, text="ordering") == [plain.id]
        assert self.ids(store, text=str(percent.id)[2:]) == [percent.id]
        assert self.ids(store, text="100", definition="order") == [percent.id]
        assert self.ids(store, text="nowhere") == []

    @pytest.mark.parametrize(
        ("stored", "where", "fits"),
        [
            (b"500", {"order": 500}, True),
            (b"500.0", {"order": 500}, True),
            (b"500", {"order": "500"}, False),
            (b"1", {"order": True}, False),
            (b"true", {"order": True}, True),
            (b"0.1", {"order": 0.1}, True),
            (b"12345678901234567890.12", {"order": 12345678901234567890.25}, False),
            (b'{"total":{"amount":7}}', {"order.total.amount": 7}, True),
            (b'{"total":{"amount":7}}', {"order.total.amount": 8}, False),
            (b'{"total":{"amount":7}}', {"order.total.amount.x": 7}, False),
            (b'{"total":{"amount":7}}', {"order.sum": 7}, False),
            (b'{"total":{"amount":7}}', {"order.sum": None}, False),
            (b'{"total":null}', {"order.total": None}, True),
            (b'{"a":1,"b":[1,2]}', {"order": {"b": [1, 2], "a": 1}}, True),
            (b'{"a":1,"b":[1,2]}', {"order": {"b": [2, 1], "a": 1}}, False),
            (b'{"a":1,"b":[1,2]}', {"order.a": 1, "order.b": [1, 2]}, True),
            (b'{"a":1,"b":[1,2]}', {"order.a": 1, "order.b": []}, False),
            (b"500", {"orders": 500}, False),
            ('"größe"'.encode(), {"order": "größe"}, True),
        ],
    )
    def test_instances_are_found_by_their_data(self, store, stored, where, fits):
        order, other = instance(), instance()
        local = variable(other.id, "order", stored, scope=3)
        store.commit(Batch(new=[order, other], variables=[variable(order.id, "order", stored), local]))
        assert self.ids(store, variables=where) == ([order.id] if fits else [])
        assert self.ids(store, variables=where, definition="order") == ([order.id] if fits else [])

    def test_history_is_read_oldest_first(self, store):
        order, other = instance(), instance()
        events = [history(order.id, position, at=NOON + position) for position in range(1, 6)]
        store.commit(Batch(new=[order, other], history=[events[0], history(other.id)]))
        for event in events[1:]:
            store.commit(Batch(history=[event]))
        assert store.history(order.id) == events
        assert store.history(order.id, after=2, limit=2) == events[2:4]
        assert store.history(order.id, after=5) == []
        assert store.history(new_id()) == []

    def test_recent_history_is_read_newest_first_across_instances(self, store):
        one, two = instance(), instance()
        events = [history([one, two][n % 2].id, n // 2 + 1, at=NOON + n // 3) for n in range(8)]
        store.commit(Batch(new=[one, two]))
        for event in events:
            store.commit(Batch(history=[event]))
        assert store.recent_history() == events[::-1]
        read, before = [], None
        while page := store.recent_history(3, before):
            read += page
            before = page[-1].at, page[-1].instance, page[-1].position
        assert read == events[::-1]
        store.commit(Batch(history=[history(two.id, 9, at=NOON + 9), history(two.id, 10, at=NOON + 9)]))
        assert store.recent_history(before=(NOON + 9, two.id)) == events[::-1]  # both of one moment are passed over

    def test_history_is_read_in_the_order_of_the_commits(self, store):
        assert store.last_history() == 0
        assert store.history_after(0, 10) == []
        one, two = instance(), instance()
        store.commit(Batch(new=[one, two]))
        events = [history([one, two][n % 2].id, n // 2 + 1, at=NOON + n) for n in range(6)]
        for event in events:
            store.commit(Batch(history=[event]))
        read = store.history_after(0, 100)
        assert [row for _, row in read] == events
        numbers = [number for number, _ in read]
        assert numbers == sorted(set(numbers))
        assert numbers[-1] == store.last_history()
        assert store.history_after(numbers[1], 2) == read[2:4]
        assert store.history_number(two.id, 2) == numbers[3]
        assert store.history_number(two.id, 4) is None
        assert store.history_number(two.id, 0) is None
        assert store.history_number(new_id(), 1) is None
        assert store.history_after(numbers[-1], 10) == []
        assert [store.history_number(row.instance, row.position) for row in events] == numbers
        store.commit(Batch(history=[history(one.id, 8), history(one.id, 9), history(two.id, 4)]))
        rest = store.history_after(numbers[-1], 10)
        assert [row[:2] for _, row in rest] == [(one.id, 8), (one.id, 9), (two.id, 4)], "in the order of their batch"
        assert store.history_number(one.id, 9) == rest[1][0]
        assert store.history_number(one.id, 7) is None

    def test_the_heads_of_instances_are_read_together(self, store):
        one, two = instance(), instance()
        store.commit(Batch(new=[one, two]))
        assert store.instance_heads([two.id, one.id, new_id(), one.id]) == sorted([one, two])
        assert store.instance_heads([]) == []

    def test_tasks_are_found_by_whose_they_are(self, store):
        def tasks(**where):
            return [seen.task for seen in store.tasks(TaskFilter(**where))]

        order, bill = instance(), instance(name="bill")
        free, mine, other = task(order.id), task(order.id, assignee="ada", node="check"), task(bill.id, process="bill")
        store.commit(Batch(new=[order, bill], tasks=[other, mine, free]))
        everything = self.pages(lambda limit, before: store.tasks(TaskFilter(), limit, before), 1)
        assert [seen.task for seen in everything] == [other, mine, free]
        assert tasks(instance=order.id) == [mine, free]
        assert tasks(definition="bill") == [other]
        assert tasks(node="check") == [mine]
        assert tasks(assignee="ada") == [mine]
        assert tasks(free=True) == [other, free]
        assert tasks(free=True, instance=order.id) == [free]
        assert tasks(free=True, assignee="ada") == []
        assert store.task(mine.id).task == mine
        assert store.task(new_id()) is None
        store.commit(
            stepped(order._replace(position=2), tasks=[free._replace(assignee="ada")], tasks_gone=[(mine.id,)])
        )
        assert tasks(assignee="ada") == [free._replace(assignee="ada")]

    def test_tasks_come_by_their_due_date_the_soonest_first(self, store):
        order, bill = instance(), instance(name="bill")
        late, soon, never, also_late = (task(order.id, due=due) for due in (NOON + 9, NOON, None, NOON + 9))
        other = task(bill.id, process="bill", due=NOON + 1, assignee="ada")
        store.commit(Batch(new=[order, bill], tasks=[late, soon, never, also_late, other]))

        def due(limit=50, after=None, **where):
            return [seen.task for seen in store.due_tasks(TaskFilter(**where), limit, after)]

        everything = [soon, other, also_late, late]
        assert due() == everything
        for size in (1, 2, 3):
            read, after = [], None
            while part := due(size, after):
                read += part
                after = part[-1].due, part[-1].id
            assert read == everything
        assert due(instance=order.id) == [soon, also_late, late]
        assert due(definition="bill") == due(assignee="ada") == [other]
        assert due(node="approve", free=True) == [soon, also_late, late]
        assert [seen.task for seen in store.tasks(TaskFilter(undated=True))] == [never]
        store.commit(Batch(tasks=[task(new_id(), due=NOON)]))
        assert due() == everything, "no instance, no task"

    def test_instances_are_found_by_who_started_them(self, store):
        mine, other = instance(started_by="ada"), instance(started_by="bo")
        child = instance(started_by="ada", parent=other.id, root=other.id)
        store.commit(Batch(new=[mine, other, child]))
        assert self.ids(store, started_by="ada") == [child.id, mine.id]
        assert self.ids(store, started_by="ad") == []
        assert self.ids(store, started_by="ada", parent=other.id) == [child.id]
        assert self.ids(store, started_by="bo", definition="order", statuses=["STARTED"]) == [other.id]

    def test_the_places_of_instances_are_read_together(self, store):
        order, bill, over = instance(), instance(name="bill"), instance(status="FINISHED", ended=NOON)
        tokens = [
            token(order.id, 1, node="fork"),
            token(order.id, 2, node="pack", parent=1),
            token(order.id, 3, node="loop", parent=1),
            token(order.id, 4, node="loop", parent=3),
            token(order.id, 5, node="loop", parent=3),
            token(bill.id, 1, node="pay"),
            token(bill.id, 2, node="pay"),
        ]
        store.commit(Batch(new=[order, bill, over], tokens=tokens))
        assert store.places([bill.id, order.id, over.id, new_id()]) == {
            order.id: [("fork", 0), ("loop", 2), ("pack", 1)],
            bill.id: [("pay", 2)],
        }
        assert store.places([]) == {}

    def test_incidents_are_open_until_they_are_resolved(self, store):
        def incidents(*asked, **given):
            return [seen.incident for seen in store.incidents(*asked, **given)]

        order, other = instance(), instance()
        first, second, third = incident(order.id), incident(other.id), incident(order.id)
        store.commit(Batch(new=[order, other], incidents=[first, second, third]))
        everything = self.pages(lambda limit, before: store.incidents(limit=limit, before=before))
        assert [seen.incident for seen in everything] == [third, second, first]
        store.commit(stepped(order._replace(position=2), incidents_resolved=[(NOON + 1, first.id)]))
        assert incidents() == [third, second]
        assert incidents(order.id) == [third]
        assert incidents(order.id, open_only=False) == [third, first._replace(resolved=NOON + 1)]
        assert found(store, order.id).incidents == [third]

    def test_tasks_and_incidents_come_with_the_stand_of_their_instances(self, store):
        order, bill = instance(position=7), instance(position=3, status="ON_HOLD")
        rows = [task(order.id), task(bill.id)]
        store.commit(Batch(new=[order, bill], tasks=rows, incidents=[incident(order.id), incident(bill.id)]))
        for seen in (store.tasks(TaskFilter()), store.incidents()):
            assert [each[1:3] for each in seen] == [(3, "ON_HOLD"), (7, "STARTED")]
        store.commit(stepped(order._replace(position=8, status="ON_HOLD")))
        head = (order.version, order.business_key, order.started_by, order.started)
        assert store.task(rows[0].id) == (rows[0], 8, "ON_HOLD", *head)
        assert store.incidents(order.id)[0][1:] == (8, "ON_HOLD")
        store.commit(Batch(tasks=[lost := task(new_id())], incidents=[incident(lost.instance)]))
        assert store.task(lost.id) is None
        assert [seen.task for seen in store.tasks(TaskFilter())] == rows[::-1]
        assert len(store.incidents()) == 2

    def test_messages_and_who_waits_for_them_are_listed(self, store):
        order = instance()
        waits = [subscription(order.id, "paid"), subscription(order.id, "sent")]
        come = [message("paid"), message("sent"), message("paid", None)]
        store.commit(started(order, subscriptions=waits, messages=come))
        assert store.subscriptions() == waits[::-1]
        assert store.subscriptions("paid") == waits[:1]
        assert store.subscriptions(limit=1) == waits[1:]
        assert store.messages() == come[::-1]
        assert store.messages("paid") == [come[2], come[0]]
        assert store.messages("paid", limit=1) == [come[2]]

    def test_failed_starts_and_the_audit_are_listed(self, store):
        failures, acts = [failed_start() for _ in range(5)], [audit() for _ in range(5)]
        store.commit(Batch(failed_starts=failures, audit=acts))
        assert self.pages(lambda limit, before: store.failed_starts(limit, before)) == failures[::-1]
        assert self.pages(lambda limit, before: store.audit(limit, before)) == acts[::-1]

    def test_an_instance_that_waits_for_nothing_is_stuck(self, store):
        lost, lost_too, expires = instance(), instance(status="CREATED"), instance()
        repaired = instance()
        not_stuck = {
            "jobs": [job(instance().id)],
            "tasks": [task(instance().id)],
            "timers": [timer(instance().id)],
            "subscriptions": [subscription(instance().id)],
            "calls": [call(instance().id, new_id())],
            "incidents": [incident(instance().id)],
        }
        waiting = [instance(rows[0].instance) for rows in not_stuck.values()]
        fine = [instance(status="ON_HOLD"), instance(ready=1), instance(status="FINISHED", ended=NOON)]
        store.commit(Batch(new=[lost, lost_too, expires, repaired, *waiting, *fine], **not_stuck))
        store.commit(Batch(timers=[timer(expires.id, token=0)], incidents=[incident(repaired.id, resolved=NOON)]))
        assert store.stuck() == [lost.id, lost_too.id, expires.id, repaired.id]
        assert store.stuck(1) == [lost.id]

    def test_what_is_live_is_counted_by_status(self, store):
        live = [instance(), instance(), instance(status="ON_HOLD"), instance(status="CREATED")]
        over = [instance(status=status, ended=NOON) for status in ("FINISHED", "FAILED", "TERMINATED")]
        waits = {"tasks": [task(live[0].id)], "jobs": [job(live[1].id), job(live[1].id)], "timers": [timer(live[2].id)]}
        incidents = [incident(live[3].id), incident(live[3].id, resolved=NOON)]
        store.commit(Batch(new=[*live, *over], incidents=incidents, **waits))
        assert store.totals() == ({"STARTED": 2, "ON_HOLD": 1, "CREATED": 1}, 1, 2, 1, 1)

    def test_what_could_be_done_is_counted(self, store):
        assert store.backlog(NOON) == (0, None, 0, 0, None, 0)
        order, paused, daily = instance(), instance(), definition()
        jobs = [
            job(order.id, created=NOON - 5),
            job(order.id, type="pack", created=NOON - 7),
            job(order.id, due=NOON + 1),
        ]
        given_up, kept = job(order.id, retries=0), job(paused.id, created=NOON - 9)
        timers = [timer(order.id, NOON), timer(order.id, NOON + 1), timer(paused.id, NOON - 1)]
        records = [record(order.id, created=NOON - 3), record(order.id)]
        store.commit(started(order, jobs=[*jobs, given_up], timers=timers[:2], outbox=records))
        store.commit(started(paused, jobs=[kept], timers=timers[2:]))
        store.commit(stepped(paused._replace(position=2, status="ON_HOLD")))
        assert store.backlog(NOON) == (2, NOON - 7, 1, 2, NOON - 3, 0)
        assert store.backlog(NOON + 1) == (3, NOON - 7, 2, 2, NOON - 3, 0)
        store.add_definitions([daily], [])
        store.publish(daily.id, [start_timer(daily.id, NOON)], [], [])
        (packing,) = store.lease_jobs("pack", "w", 1, NOON, NOON + MINUTE)
        store.commit(Batch(outbox_gone=[(store.outbox(1)[0][0],)]))
        assert store.backlog(NOON) == (1, NOON - 5, 2, 1, NOON, 0)
        assert store.backlog(NOON + MINUTE).jobs == 3, "the lease is over"
        assert store.release_lease(packing.job.id, packing.lease.fence)
        assert store.backlog(NOON).jobs_since == NOON - 7

    def test_every_table_is_counted(self, store):
        store.commit(started(instance()))
        counts = store.counts()
        assert (counts["instance"], counts["history"], counts["job"]) == (1, 1, 0)
