"""What every store does. A new one subclasses `StorageContract` and provides the fixture `store`, open and empty."""

from __future__ import annotations

import pytest

from procession.errors import StorageError, VersionConflict
from procession.storage import Batch, InstanceFilter, InstanceRows, Lease, Need, TaskFilter
from tests.contracts.rows import (
    MINUTE,
    NOON,
    SECOND,
    Driven,
    audit,
    call,
    definition,
    failed_start,
    history,
    incident,
    instance,
    job,
    kept,
    loop,
    message,
    new_id,
    output,
    record,
    start_subscription,
    start_timer,
    started,
    stepped,
    subscription,
    taken,
    task,
    timer,
    token,
    user,
    variable,
)


def found(store: Driven, row_id: int) -> InstanceRows:
    rows = store.load(Need(instances={row_id: -1})).instances[row_id]
    assert rows is not None
    return rows


def rows_in(store: Driven) -> dict[str, int]:
    return {table: number for table, number in store.counts().items() if number}


class TransactionContract:
    """A batch: what one processor reads, decides and writes."""

    def test_an_instance_is_found_with_everything_that_lives_of_it(self, store):
        order = instance()
        lists = {
            "tokens": [token(order.id, 1, holding="split", count=2), token(order.id, 2, parent=1)],
            "variables": [variable(order.id, "amount", b"500"), variable(order.id, "item", b'"pen"', scope=2)],
            "loops": [loop(order.id, 2)],
            "outputs": [output(order.id, 2, 0), output(order.id, 2, 1)],
            "kept": [kept(order.id, 1), kept(order.id, 2)],
            "jobs": [job(order.id)],
            "tasks": [task(order.id, assignee="ada", due=NOON + MINUTE)],
            "timers": [timer(order.id)],
            "subscriptions": [subscription(order.id)],
            "calls": [call(order.id, new_id())],
            "incidents": [incident(order.id)],
        }
        store.commit(started(order, **lists))
        assert found(store, order.id) == InstanceRows(order, **lists)
        assert store.instance(order.id) == InstanceRows(order, **lists)

    def test_rows_come_in_the_order_of_their_keys(self, store):
        order = instance()
        first, second = job(order.id), job(order.id)
        store.commit(
            started(
                order,
                tokens=[token(order.id, 3), token(order.id, 1)],
                variables=[variable(order.id, "b", scope=1), variable(order.id, "z"), variable(order.id, "a")],
                outputs=[output(order.id, 1, 10), output(order.id, 1, 9)],
                jobs=[second, first],
            )
        )
        rows = found(store, order.id)
        assert [row.id for row in rows.tokens] == [1, 3]
        assert [(row.scope, row.name) for row in rows.variables] == [(0, "a"), (0, "z"), (1, "b")]
        assert [row.index for row in rows.outputs] == [9, 10]
        assert rows.jobs == [first, second]

    def test_one_load_serves_many_instances(self, store):
        orders = [instance() for _ in range(300)]
        store.commit(Batch(new=orders, variables=[variable(order.id, value=b"%d" % order.id) for order in orders]))
        answer = store.load(Need(instances={order.id: -1 for order in orders})).instances
        assert [rows.instance for rows in answer.values()] == orders
        assert all(rows.variables == [variable(id, value=b"%d" % id)] for id, rows in answer.items())

    def test_what_is_known_already_is_not_sent_again(self, store):
        same, moved = instance(), instance()
        store.commit(Batch(new=[same, moved]))
        store.commit(stepped(moved._replace(position=2)))
        answer = store.load(Need(instances={same.id: 1, moved.id: 2}))
        assert answer.instances == {}
        answer = store.load(Need(instances={same.id: 1, moved.id: -1}))
        assert list(answer.instances) == [moved.id]

    def test_an_instance_that_is_not_there_is_none(self, store):
        nobody = new_id()
        assert store.load(Need(instances={nobody: -1})).instances == {nobody: None}
        assert store.instance(nobody) is None

    def test_a_need_for_nothing_finds_nothing(self, store):
        answer = store.load(Need())
        assert answer.instances == {} and answer.jobs == {} and answer.subscriptions == []

    def test_an_empty_batch_changes_nothing(self, store):
        store.commit(Batch())
        assert rows_in(store) == {}

    def test_a_step_writes_what_it_names_and_leaves_the_rest(self, store):
        order = instance()
        waits = job(order.id), timer(order.id)
        store.commit(
            started(
                order,
                tokens=[token(order.id, 1), token(order.id, 2)],
                variables=[variable(order.id, "amount"), variable(order.id, "note", b'"x"')],
                jobs=[waits[0]],
                timers=[waits[1]],
            )
        )
        order = order._replace(position=2, steps=3)
        moved = token(order.id, 2, node="ship", version=2)
        store.commit(
            stepped(
                order,
                tokens=[moved],
                variables=[variable(order.id, "amount", b"700")],
                variables_gone=[(order.id, 0, "note")],
                jobs_gone=[(waits[0].id,)],
            )
        )
        assert found(store, order.id) == InstanceRows(
            order,
            tokens=[token(order.id, 1), moved],
            variables=[variable(order.id, "amount", b"700")],
            timers=[waits[1]],
        )

    def test_a_scope_goes_with_its_variables_and_a_loop_with_its_outputs(self, store):
        order = instance()
        store.commit(
            started(
                order,
                variables=[variable(order.id, "a"), variable(order.id, "b", scope=2), variable(order.id, "c", scope=2)],
                loops=[loop(order.id, 2), loop(order.id, 3)],
                outputs=[output(order.id, 2, 0), output(order.id, 2, 1), output(order.id, 3, 0)],
                kept=[kept(order.id, 1), kept(order.id, 2)],
            )
        )
        order = order._replace(position=2)
        store.commit(stepped(order, scopes_gone=[(order.id, 2)], loops_gone=[(order.id, 2)], kept_gone=[(order.id,)]))
        assert found(store, order.id) == InstanceRows(
            order, variables=[variable(order.id, "a")], loops=[loop(order.id, 3)], outputs=[output(order.id, 3, 0)]
        )

    def test_what_is_gone_makes_room_for_what_is_put(self, store):
        order = instance()
        store.commit(started(order, loops=[loop(order.id)], outputs=[output(order.id)], kept=[kept(order.id, 1)]))
        order = order._replace(position=2)
        again = {
            "loops": [loop(order.id, items=b"[9]")],
            "outputs": [output(order.id, index=4)],
            "kept": [kept(order.id, 7)],
        }
        store.commit(stepped(order, loops_gone=[(order.id, 1)], kept_gone=[(order.id,)], **again))
        assert found(store, order.id) == InstanceRows(order, **again)

    def test_taking_away_what_is_not_there_is_no_mistake(self, store):
        order = instance()
        store.commit(started(order))
        gone = [(new_id(),)]
        store.commit(
            stepped(
                order._replace(position=2),
                tokens_gone=[(order.id, 9)],
                variables_gone=[(order.id, 0, "x")],
                scopes_gone=[(order.id, 9)],
                loops_gone=[(order.id, 9)],
                kept_gone=[(order.id,)],
                jobs_gone=gone,
                tasks_gone=gone,
                timers_gone=gone,
                subscriptions_gone=gone,
                calls_gone=gone,
                messages_gone=gone,
                start_timers_gone=gone,
                incidents_resolved=[(NOON, new_id())],
            )
        )
        assert rows_in(store) == {"instance": 1, "history": 2}

    def test_of_an_ended_instance_data_history_and_incidents_stay(self, store):
        order = instance(incidents=1)
        broken, charge = incident(order.id), job(order.id)
        store.commit(
            started(order, tokens=[token(order.id)], variables=[variable(order.id)], incidents=[broken], jobs=[charge])
        )
        order = order._replace(position=2, status="FINISHED", ended=NOON, incidents=0)
        store.commit(
            stepped(
                order, tokens_gone=[(order.id, 1)], jobs_gone=[(charge.id,)], incidents_resolved=[(NOON, broken.id)]
            )
        )
        assert store.instance(order.id) == InstanceRows(order, variables=[variable(order.id)])
        assert rows_in(store) == {"instance": 1, "variable": 1, "history": 2, "incident": 1}
        assert store.incidents(order.id, open_only=False) == [broken._replace(resolved=NOON)]

    def test_every_kind_of_row_comes_back_as_it_was(self, store):
        order = instance(business_key="Ä-1", parent=new_id(), parent_token=4, root=new_id(), ready=1, incidents=2)
        child = call(order.id, new_id())
        lists = {
            "tokens": [token(order.id, 1, parent=0, flow=None, item=3, joined=7, state="ON_HOLD")],
            "variables": [variable(order.id, "größe", '{"a":[1.10,null,"ß"]}'.encode())],
            "jobs": [job(order.id, due=NOON + 1)],
            "tasks": [task(order.id, lane=None, assignee="bob", due=1, follow_up=2, priority=0, form="f")],
            "timers": [timer(order.id, kind="cycle", number=4, anchor=5)],
            "calls": [child],
            "incidents": [incident(order.id, job=9, details="line 1\nline 2")],
        }
        store.commit(started(order, **lists))
        assert found(store, order.id) == InstanceRows(order, **lists)

    # -- all or nothing -----------------------------------------------------------------------------------------------

    def test_whoever_missed_a_step_decides_again(self, store):
        order = instance()
        store.commit(started(order))
        store.commit(stepped(order._replace(position=2)))
        with pytest.raises(VersionConflict, match=f"{order.id}"):
            store.commit(stepped(order._replace(position=2, steps=9)))
        assert found(store, order.id).instance == order._replace(position=2)

    def test_one_that_moved_refuses_the_whole_batch(self, store):
        orders = [instance() for _ in range(100)]
        store.commit(Batch(new=orders))
        moved = orders[42]
        store.commit(stepped(moved._replace(position=2)))
        before = store.counts()
        with pytest.raises(VersionConflict, match=f"{moved.id} is at 2, not at 1") as refused:
            store.commit(
                Batch(
                    new=[instance()],
                    changed=[(order._replace(position=2), 1) for order in orders],
                    history=[history(order.id, 2) for order in orders],
                    variables=[variable(order.id) for order in orders],
                    outbox=[record(moved.id)],
                )
            )
        assert str(orders[0].id) not in str(refused.value)
        assert store.counts() == before
        assert found(store, orders[0].id).instance == orders[0]

    def test_an_instance_that_was_never_there_cannot_change(self, store):
        with pytest.raises(VersionConflict, match="is not there"):
            store.commit(stepped(instance(position=2), tokens=[token(1)]))
        assert rows_in(store) == {}

    def test_an_id_is_started_once(self, store):
        order = instance()
        store.commit(started(order))
        with pytest.raises(VersionConflict, match=f"{order.id}"):
            store.commit(Batch(new=[instance(), order._replace(status="FAILED")], audit=[audit()]))
        twin = instance()
        with pytest.raises(VersionConflict):
            store.commit(Batch(new=[twin, twin]))
        assert rows_in(store) == {"instance": 1, "history": 1}

    def test_a_place_in_history_is_taken_once(self, store):
        order = instance()
        store.commit(started(order))
        with pytest.raises(VersionConflict):
            store.commit(Batch(new=[instance()], history=[history(order.id, 1, actor="eve")]))
        assert rows_in(store) == {"instance": 1, "history": 1}

    def test_a_key_is_taken_in_once(self, store):
        order, again = instance(), instance()
        store.commit(started(order, inbox=[taken("k-1", b"7")]))
        with pytest.raises(VersionConflict, match="k-1"):
            store.commit(started(again, inbox=[taken("k-0"), taken("k-1", b"8")]))
        with pytest.raises(VersionConflict):
            store.commit(started(again, inbox=[taken("k-2"), taken("k-2")]))
        assert store.load(Need(inbox=["k-0", "k-1", "k-2"])).inbox == {"k-1": b"7"}
        assert rows_in(store) == {"instance": 1, "history": 1, "inbox": 1}

    @pytest.mark.parametrize("kind", ["outbox", "failed_starts", "audit"])
    def test_what_is_only_ever_added_has_a_new_id(self, store, kind):
        row = {"outbox": record(1), "failed_starts": failed_start(), "audit": audit()}[kind]
        store.commit(Batch(**{kind: [row]}))
        before = store.counts()
        with pytest.raises(StorageError) as refused:
            store.commit(started(instance(), **{kind: [row]}))
        assert not isinstance(refused.value, VersionConflict)
        assert store.counts() == before

    def test_after_a_refusal_the_store_goes_on(self, store):
        order = instance()
        for _ in range(3):
            with pytest.raises(VersionConflict):
                store.commit(stepped(order))
        store.commit(started(order))
        assert found(store, order.id).instance == order

    # -- who is meant -------------------------------------------------------------------------------------------------

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


class LeaseContract:
    """Jobs are handed out to one worker at a time."""

    def hand_out(self, store, limit=10, now=NOON, minutes=1, type="charge-card", worker="w"):
        return store.lease_jobs(type, worker, limit, now, now + minutes * MINUTE)

    def queued(self, store, *jobs, **given):
        order = instance(**given)
        jobs = [row._replace(instance=order.id) for row in jobs]
        store.commit(started(order, jobs=jobs))
        return order, *jobs

    def test_a_job_is_handed_out_once_oldest_first(self, store):
        _, one, two, three = self.queued(store, job(0), job(0), job(0))
        first = self.hand_out(store, limit=2, worker="w1")
        assert [leased.job for leased in first] == [one, two]
        assert [leased.lease for leased in first] == [Lease(1, "w1", NOON + MINUTE)] * 2
        assert [leased.job for leased in self.hand_out(store, worker="w2")] == [three]
        assert self.hand_out(store) == []

    def test_only_of_the_type_that_was_asked_for(self, store):
        self.queued(store, job(0, type="pack"))
        assert self.hand_out(store, type="charge-card") == []
        assert len(self.hand_out(store, type="pack")) == 1

    def test_not_before_it_is_due(self, store):
        self.queued(store, job(0, due=NOON + MINUTE))
        assert self.hand_out(store, now=NOON + MINUTE - 1) == []
        assert len(self.hand_out(store, now=NOON + MINUTE)) == 1

    def test_not_without_retries(self, store):
        self.queued(store, job(0, retries=0))
        assert self.hand_out(store) == []

    def test_a_lease_that_is_over_is_handed_out_again_with_a_higher_fence(self, store):
        _, charge = self.queued(store, job(0))
        fences = []
        for minute in range(4):
            (leased,) = self.hand_out(store, now=NOON + minute * MINUTE)
            fences.append(leased.lease.fence)
            assert self.hand_out(store, now=NOON + minute * MINUTE + 1) == []
        assert fences == [1, 2, 3, 4]
        assert store.load(Need(jobs=[charge.id])).jobs[charge.id][1] == Lease(4, "w", NOON + 4 * MINUTE)
        assert store.job(charge.id) == (charge, Lease(4, "w", NOON + 4 * MINUTE))

    def test_who_comes_back_queues_with_the_others_and_is_not_starved(self, store):
        _, lost, fresh = self.queued(store, job(0), job(0, created=NOON + 2 * MINUTE))
        self.hand_out(store, limit=1)
        (leased,) = self.hand_out(store, limit=1, now=NOON + 3 * MINUTE)
        assert leased.job == lost
        (leased,) = self.hand_out(store, limit=1, now=NOON + 3 * MINUTE)
        assert leased.job == fresh

    def test_a_lease_is_extended_by_its_owner_while_it_lasts(self, store):
        _, charge = self.queued(store, job(0))
        (leased,) = self.hand_out(store)
        fence = leased.lease.fence
        assert store.extend_lease(charge.id, fence, NOON + SECOND, NOON + 2 * MINUTE)
        assert self.hand_out(store, now=NOON + MINUTE) == []
        assert not store.extend_lease(charge.id, fence - 1, NOON + SECOND, NOON + 9 * MINUTE)
        assert not store.extend_lease(charge.id, fence, NOON + 2 * MINUTE, NOON + 9 * MINUTE)
        assert not store.extend_lease(new_id(), fence, NOON, NOON + MINUTE)
        (again,) = self.hand_out(store, now=NOON + 2 * MINUTE)
        assert not store.extend_lease(charge.id, fence, NOON + 2 * MINUTE, NOON + 9 * MINUTE)
        assert again.lease.fence == fence + 1

    def test_a_job_is_given_back_untouched(self, store):
        _, charge = self.queued(store, job(0))
        (leased,) = self.hand_out(store)
        assert not store.release_lease(charge.id, leased.lease.fence + 1)
        assert store.release_lease(charge.id, leased.lease.fence)
        assert not store.release_lease(charge.id, leased.lease.fence)
        assert store.job(charge.id) == (charge, Lease(1, None, 0))
        (again,) = self.hand_out(store)
        assert (again.job, again.lease.fence) == (charge, 2)

    def test_a_failed_job_loses_its_lease_and_keeps_its_fence(self, store):
        order, charge = self.queued(store, job(0))
        self.hand_out(store)
        failed = charge._replace(retries=2, due=NOON + MINUTE)
        store.commit(stepped(order._replace(position=2), jobs=[failed]))
        assert store.job(charge.id) == (failed, Lease(1, None, 0))
        assert self.hand_out(store, now=NOON + SECOND) == []
        (again,) = self.hand_out(store, now=NOON + MINUTE)
        assert (again.job, again.lease.fence) == (failed, 2)

    def test_a_job_that_changes_its_type_changes_its_queue(self, store):
        order, charge = self.queued(store, job(0))
        store.commit(stepped(order._replace(position=2), jobs=[charge._replace(type="pack")]))
        assert self.hand_out(store, type="charge-card") == []
        assert len(self.hand_out(store, type="pack")) == 1

    def test_a_job_that_is_done_is_gone(self, store):
        order, charge = self.queued(store, job(0))
        self.hand_out(store)
        store.commit(stepped(order._replace(position=2), jobs_gone=[(charge.id,)]))
        assert store.job(charge.id) is None
        assert store.load(Need(jobs=[charge.id])).jobs == {}
        assert not store.extend_lease(charge.id, 1, NOON, NOON + MINUTE)
        assert not store.release_lease(charge.id, 1)
        assert self.hand_out(store, now=NOON + 5 * MINUTE) == []

    def test_jobs_of_an_instance_on_hold_wait(self, store):
        order, charge, pack = self.queued(store, job(0), job(0))
        other, third = self.queued(store, job(0))
        self.hand_out(store, limit=1)
        order = order._replace(position=2, status="ON_HOLD")
        store.commit(stepped(order))
        assert [leased.job for leased in self.hand_out(store, now=NOON + MINUTE)] == [third]
        store.commit(stepped(order._replace(position=3, status="STARTED")))
        assert [leased.job for leased in self.hand_out(store, now=NOON + MINUTE)] == [charge, pack]
        assert store.job(charge.id).lease.fence == 2
        assert other.status == "STARTED"

    def test_a_job_that_comes_or_changes_on_hold_waits_too(self, store):
        order, charge = self.queued(store, job(0))
        born = job(order.id)
        order = order._replace(position=2, status="ON_HOLD")
        store.commit(stepped(order, jobs=[born]))
        order = order._replace(position=3)
        store.commit(stepped(order, jobs=[charge._replace(retries=1)]))
        assert self.hand_out(store) == []
        store.commit(stepped(order._replace(position=4, status="STARTED")))
        assert [leased.job.id for leased in self.hand_out(store)] == [charge.id, born.id]

    def test_on_hold_a_lease_can_still_be_extended_and_given_back(self, store):
        order, charge = self.queued(store, job(0))
        self.hand_out(store)
        store.commit(stepped(order._replace(position=2, status="ON_HOLD")))
        assert store.extend_lease(charge.id, 1, NOON + 1, NOON + 2 * MINUTE)
        assert store.release_lease(charge.id, 1)
        assert self.hand_out(store) == []


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


class DefinitionContract:
    """What can run."""

    def test_definitions_are_listed_by_name_newest_version_first_without_their_files(self, store):
        order, newer, bill = definition("order", 1), definition("order", 2), definition("bill", 1)
        store.add_definitions([order, newer, bill], [audit()])
        assert store.definitions() == [row._replace(data=b"") for row in (bill, newer, order)]
        assert store.definitions("order") == [row._replace(data=b"") for row in (newer, order)]
        assert store.definition(order.id) == order
        assert store.definition(new_id()) is None
        assert len(store.audit()) == 1

    def test_a_version_is_added_once(self, store):
        store.add_definitions([definition("order", 1)], [])
        with pytest.raises(VersionConflict, match="order version 1"):
            store.add_definitions([definition("bill", 1), definition("order", 1)], [audit()])
        assert [row.name for row in store.definitions()] == ["order"]
        assert store.audit() == []

    def test_publishing_a_version_retires_the_one_before(self, store):
        one, two, bill = definition("order", 1), definition("order", 2), definition("bill", 1)
        store.add_definitions([one, two, bill], [])
        store.publish(bill.id, [start_timer(bill.id)], [], [])
        store.publish(one.id, [start_timer(one.id)], [start_subscription(one.id)], [audit()])
        fresh = start_timer(two.id)
        store.publish(two.id, [fresh], [start_subscription(two.id)], [audit()])
        assert [(row.version, row.state) for row in store.definitions("order")] == [(2, "published"), (1, "deprecated")]
        assert [row.name for row in store.definitions(states=["published"])] == ["bill", "order"]
        assert [row.definition for row in store.due(NOON, 10).starts] == [bill.id, two.id]
        assert store.load(Need(messages=[("ordered", None)])).starts == [start_subscription(two.id)]

    def test_publishing_again_replaces_the_starts(self, store):
        one = definition()
        store.add_definitions([one], [])
        store.publish(one.id, [start_timer(one.id)], [start_subscription(one.id, "a")], [])
        again = start_timer(one.id, NOON + 1)
        store.publish(one.id, [again], [start_subscription(one.id, "b")], [])
        assert store.due(NOON + 1, 10).starts == [again]
        assert [row.name for row in store.load(Need(messages=[("a", None), ("b", None)])).starts] == ["b"]

    def test_a_deprecated_version_starts_nothing(self, store):
        one = definition()
        store.add_definitions([one], [])
        store.publish(one.id, [start_timer(one.id)], [start_subscription(one.id)], [])
        store.deprecate(one.id, [audit()])
        assert [row.state for row in store.definitions("order", ["deprecated"])] == ["deprecated"]
        assert store.due(NOON, 10).starts == []
        assert store.load(Need(messages=[("ordered", None)])).starts == []

    def test_what_is_not_there_cannot_be_published(self, store):
        for change in (lambda id: store.publish(id, [], [], [audit()]), lambda id: store.deprecate(id, [audit()])):
            with pytest.raises(StorageError, match="no definition"):
                change(new_id())
        assert store.audit() == []

    def test_every_change_is_counted(self, store):
        seen = [store.definitions_changed()]
        one = definition()
        for change in (
            lambda: store.add_definitions([one], []),
            lambda: store.publish(one.id, [], [], []),
            lambda: store.deprecate(one.id, []),
        ):
            change()
            seen.append(store.definitions_changed())
        assert seen == sorted(set(seen))
        store.commit(started(instance()))
        assert store.definitions_changed() == seen[-1]


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

    def test_tasks_are_found_by_whose_they_are(self, store):
        order, bill = instance(), instance(name="bill")
        free, mine, other = task(order.id), task(order.id, assignee="ada", node="check"), task(bill.id, process="bill")
        store.commit(Batch(new=[order, bill], tasks=[other, mine, free]))
        everything = [other, mine, free]
        assert self.pages(lambda limit, before: store.tasks(TaskFilter(), limit, before), 1) == everything
        assert store.tasks(TaskFilter(instance=order.id)) == [mine, free]
        assert store.tasks(TaskFilter(definition="bill")) == [other]
        assert store.tasks(TaskFilter(node="check")) == [mine]
        assert store.tasks(TaskFilter(assignee="ada")) == [mine]
        assert store.tasks(TaskFilter(free=True)) == [other, free]
        assert store.tasks(TaskFilter(free=True, instance=order.id)) == [free]
        assert store.tasks(TaskFilter(free=True, assignee="ada")) == []
        assert store.task(mine.id) == mine
        assert store.task(new_id()) is None
        store.commit(
            stepped(order._replace(position=2), tasks=[free._replace(assignee="ada")], tasks_gone=[(mine.id,)])
        )
        assert store.tasks(TaskFilter(assignee="ada")) == [free._replace(assignee="ada")]

    def test_incidents_are_open_until_they_are_resolved(self, store):
        order, other = instance(), instance()
        first, second, third = incident(order.id), incident(other.id), incident(order.id)
        store.commit(Batch(new=[order, other], incidents=[first, second, third]))
        assert self.pages(lambda limit, before: store.incidents(limit=limit, before=before)) == [third, second, first]
        store.commit(stepped(order._replace(position=2), incidents_resolved=[(NOON + 1, first.id)]))
        assert store.incidents() == [third, second]
        assert store.incidents(order.id) == [third]
        assert store.incidents(order.id, open_only=False) == [third, first._replace(resolved=NOON + 1)]
        assert found(store, order.id).incidents == [third]

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

    def test_the_outbox_is_read_oldest_first_until_it_is_published(self, store):
        order = instance()
        records = [record(order.id) for _ in range(4)]
        store.commit(started(order, outbox=records))
        assert store.outbox() == records
        assert store.outbox(2) == records[:2]
        store.published([records[0].id, records[2].id])
        store.published([])
        assert store.outbox() == [records[1], records[3]]

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

    def test_every_table_is_counted(self, store):
        store.commit(started(instance()))
        counts = store.counts()
        assert (counts["instance"], counts["history"], counts["job"]) == (1, 1, 0)
        assert set(counts) == set(TABLES)


class UserContract:
    """Who may log in."""

    def test_users_are_added_changed_and_removed(self, store):
        ada, bob = user("ada"), user("bob")
        store.put_user(bob, [audit()])
        store.put_user(ada, [])
        assert store.users() == [ada, bob]
        store.put_user(ada._replace(roles=b'["admin"]'), [audit()])
        assert store.users() == [ada._replace(roles=b'["admin"]'), bob]
        assert store.remove_user("bob", [audit()])
        assert not store.remove_user("bob", [audit()])
        assert [row.name for row in store.users()] == ["ada"]
        assert len(store.audit()) == 3


class StorageContract(
    TransactionContract, LeaseContract, TimeContract, DefinitionContract, QueryContract, UserContract
):
    """The whole of it."""


TABLES = [
    "instance",
    "token",
    "variable",
    "loop",
    "output",
    "kept",
    "job",
    "task",
    "timer",
    "subscription",
    "call",
    "incident",
    "history",
    "message",
    "outbox",
    "inbox",
    "failed_start",
    "audit",
    "definition",
    "start_timer",
    "start_subscription",
    "user",
]


class OnlyAsked(dict[int, int]):
    """A cache too large to be walked through."""

    def __iter__(self):
        raise AssertionError("the whole cache was walked through")

    keys = items = values = __len__ = __iter__
