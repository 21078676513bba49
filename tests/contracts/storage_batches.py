"""Every store: batches are read and written as they are given, or not at all."""

from __future__ import annotations

import pytest

from procession.errors import StorageError, VersionConflict
from procession.storage import Batch, InstanceRows, Need
from tests.contracts.rows import (
    MINUTE,
    NOON,
    audit,
    call,
    failed_start,
    found,
    history,
    incident,
    instance,
    job,
    kept,
    loop,
    new_id,
    output,
    record,
    rows_in,
    started,
    stepped,
    subscription,
    taken,
    task,
    timer,
    token,
    variable,
)


class BatchContract:
    """What one processor reads, decides and writes."""

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
        (known,) = store.incidents(order.id, open_only=False)
        assert known.incident == broken._replace(resolved=NOON)

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


class AtomicityContract:
    """All of a batch or nothing of it."""

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
