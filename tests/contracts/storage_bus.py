"""Every store: what the bus asks of it. `other` is another opener of the same store, where there can be one."""

from __future__ import annotations

import pytest

from procession.errors import StorageError, VersionConflict
from procession.storage import Batch, Need
from tests.contracts.rows import (
    MINUTE,
    NOON,
    SECOND,
    advance,
    instance,
    letter,
    message,
    new_id,
    record,
    rows_in,
    started,
    stepped,
)

PLACE = ("core", "orders", 0)


class PositionContract:
    """A record takes effect once: how far a group is, is checked where its effect is written."""

    def test_positions_move_with_what_was_taken(self, store):
        order = instance()
        assert store.load(Need(positions=[PLACE])).positions == {}
        store.commit(started(order, positions=[advance(5), advance(8, partition=1)]))
        store.commit(stepped(order._replace(position=2), positions=[advance(6, 5)]))
        asked = [PLACE, ("core", "orders", 1), ("core", "orders", 2), ("other", "orders", 0)]
        assert store.load(Need(positions=asked)).positions == {PLACE: 6, ("core", "orders", 1): 8}

    def test_each_group_has_positions_of_its_own(self, store):
        moves = [advance(1, topic="paid"), advance(2, group="audit"), advance(3, partition=1), advance(4)]
        store.commit(Batch(positions=moves))
        assert store.positions("core") == [moves[3][0], moves[2][0], moves[0][0]]
        assert store.positions("audit") == [moves[1][0]]
        assert store.positions("nobody") == []

    def test_whoever_was_read_behind_is_refused_as_a_whole(self, store, other):
        store.commit(Batch(positions=[advance(5), advance(1, partition=1)]))
        other.commit(Batch(positions=[advance(7, 5)]))
        late = [advance(2, 1, partition=1), advance(6, 5)]
        with pytest.raises(VersionConflict, match=r"group 'core' is at 7 of orders/0, not at 5") as refused:
            store.commit(started(instance(), positions=late, letters=[letter()], outbox=[record(1)]))
        assert not refused.value.instances
        assert rows_in(store) == {"position": 2}
        assert store.load(Need(positions=[PLACE, ("core", "orders", 1)])).positions == {
            PLACE: 7,
            ("core", "orders", 1): 1,
        }

    def test_a_beginning_is_made_once(self, store, other):
        store.commit(Batch(positions=[advance(5)]))
        with pytest.raises(VersionConflict, match="is at 5 of orders/0, not at the beginning"):
            other.commit(started(instance(), positions=[advance(9)]))
        with pytest.raises(VersionConflict, match="is at the beginning of orders/3, not at 4"):
            other.commit(started(instance(), positions=[advance(5, 4, partition=3)]))
        assert rows_in(store) == {"position": 1}

    def test_a_position_moves_once_in_a_batch(self, store):
        store.commit(Batch(positions=[advance(5)]))
        for twice in (
            [advance(6, 5), advance(7, 6)],
            [advance(6, 5), advance(6, 5)],
            [advance(6, 5), advance(7)],
            [advance(1, partition=1), advance(2, partition=1)],
            [advance(1, partition=1), advance(2, 1, partition=1)],
        ):
            with pytest.raises(VersionConflict):
                store.commit(started(instance(), positions=twice))
        assert store.positions("core") == [advance(5)[0]]
        assert rows_in(store) == {"position": 1}

    def test_a_position_stays_where_the_rest_is_refused(self, store):
        order = instance()
        store.commit(started(order, positions=[advance(5)]))
        with pytest.raises(VersionConflict, match=f"{order.id} is at 1"):
            store.commit(stepped(order._replace(position=3), positions=[advance(6, 5)]))
        with pytest.raises(StorageError):
            store.commit(Batch(outbox=[record(1, id=7), record(1, id=7)], positions=[advance(6, 5)]))
        assert store.load(Need(positions=[PLACE])).positions == {PLACE: 5}

    def test_many_partitions_move_in_one_batch(self, store):
        moves = [advance(number, partition=number) for number in range(60, 0, -1)]
        store.commit(Batch(positions=moves))
        store.commit(Batch(positions=[advance(row.next + 1, row.next, partition=row.partition) for row, _ in moves]))
        assert [row.next for row in store.positions("core")] == list(range(2, 62))


class OutboxContract:
    """Records to publish, in the order of their numbers."""

    def test_records_come_in_the_order_of_the_commits_and_not_of_their_ids(self, store, other):
        order = instance()
        ids = [new_id() for _ in range(4)]
        fast, slow = (record(order.id, id=id) for id in (ids[3], ids[0]))  # the clocks of two nodes
        last, first = (record(order.id, id=id) for id in (ids[2], ids[1]))
        store.commit(started(order, outbox=[fast]))
        other.commit(stepped(order._replace(position=2), outbox=[slow]))
        store.commit(stepped(order._replace(position=3), outbox=[last, first]))
        for opener in (store, other):
            numbers, records = zip(*opener.outbox(), strict=True)
            assert list(records) == [fast, slow, last, first]
            assert sorted(set(numbers)) == list(numbers)
            assert [row for _, row in opener.outbox(2)] == [fast, slow]

    def test_records_are_there_until_they_are_out(self, store, other):
        records = [record(1) for _ in range(4)]
        store.commit(Batch(outbox=records))
        numbers = [number for number, _ in store.outbox()]
        store.commit(Batch(outbox_gone=[(numbers[0],), (numbers[2],), (max(numbers) + 1000,)]))
        assert [row for _, row in other.outbox()] == [records[1], records[3]]
        other.commit(Batch(outbox_gone=[(number,) for number in numbers]))
        other.commit(Batch(outbox_gone=[(number,) for number in numbers]))
        assert store.outbox() == []
        assert rows_in(store) == {}

    def test_a_number_is_never_used_again(self, store):
        seen = []
        for _ in range(3):
            store.commit(Batch(outbox=[record(1)]))
            [(number, _)] = store.outbox()
            seen.append(number)
            store.commit(Batch(outbox_gone=[(number,)]))
        assert sorted(set(seen)) == seen

    def test_records_of_some_topics_are_found_among_others(self, store):
        records = [record(1, topic=topic) for topic in ("a", "b", "a", "c")]
        store.commit(Batch(outbox=records))
        assert [row for _, row in store.outbox(topics=["a"])] == [records[0], records[2]]
        assert [row for _, row in store.outbox(2, ("c", "b", "b"))] == [records[1], records[3]]
        assert [row for _, row in store.outbox(1, {"a", "none"})] == records[:1]
        assert store.outbox(topics=[]) == []
        assert [row for _, row in store.outbox(without=["a"])] == [records[1], records[3]]
        assert [row for _, row in store.outbox(1, {"a", "b"}, {"a", "none"})] == [records[1]]

    def test_what_is_refused_publishes_nothing(self, store):
        order = instance()
        kept = record(order.id)
        store.commit(started(order, outbox=[kept]))
        [(number, _)] = store.outbox()
        with pytest.raises(VersionConflict):
            store.commit(
                stepped(order._replace(position=3), outbox=[record(order.id)], outbox_gone=[(number,)]),
            )
        assert store.outbox() == [(number, kept)]

    def test_it_is_known_which_records_are_out(self, store):
        order = instance()
        records = [record(order.id) for _ in range(3)]
        store.commit(started(order, outbox=records))
        [(first, _), *_] = store.outbox()
        store.commit(Batch(outbox_gone=[(first,)]))
        assert store.unpublished([each.id for each in records] + [new_id()]) == {each.id for each in records[1:]}
        assert store.unpublished([]) == set()

    def test_what_waits_is_counted_by_topic(self, store):
        assert store.topic_backlog() == []
        sent = [record(1, topic="b", created=NOON), record(1, topic="b", created=NOON - SECOND), record(1, topic="a")]
        kept = [letter(topic=topic, state=state) for topic, state in (("b", "dead"), ("c", "dead"), ("a", "waiting"))]
        store.commit(Batch(outbox=sent, letters=kept))
        assert store.topic_backlog() == [("a", 1, NOON, 0), ("b", 2, NOON - SECOND, 1), ("c", 0, None, 1)]

    def test_the_oldest_record_is_known(self, store):
        store.commit(Batch(outbox=[record(1, id=9, created=NOON - 5), record(1, id=8, created=NOON)]))
        assert (store.backlog(NOON).records, store.backlog(NOON).records_since) == (2, NOON - 5)


class LetterContract:
    """Records that could not be handled."""

    def test_a_letter_comes_back_as_it_was(self, store):
        full = letter(key="ä", instance=5, closed=NOON, closed_by="ada", due=NOON, value=b"\0\xff")
        plain = letter()
        store.commit(Batch(letters=[full, plain]))
        assert store.letter(full.id) == full
        assert store.letter(new_id()) is None
        assert store.load(Need(letters=[full.id, plain.id, new_id()])).letters == {full.id: full, plain.id: plain}

    def test_letters_are_replaced_and_taken_away(self, store):
        one, two = letter(), letter()
        store.commit(Batch(letters=[one, two]))
        again = one._replace(attempts=2, state="dead", due=None, detail="It failed again.")
        store.commit(Batch(letters=[again], letters_gone=[(two.id,), (new_id(),)]))
        assert store.letters() == [again]
        store.commit(Batch(letters=[again._replace(attempts=3), again, one], letters_gone=[(one.id,)]))
        assert store.letters() == [one], "the last one of a batch counts"

    def test_letters_are_listed_by_state_newest_first(self, store):
        states = ("waiting", "dead", "replayed", "dead", "dismissed", "dead")
        letters = [letter(state=state) for state in states]
        store.commit(Batch(letters=letters))
        newest = letters[::-1]
        assert store.letters() == newest
        assert store.letters(limit=2, before=newest[1].id) == newest[2:4]
        dead = [row for row in newest if row.state == "dead"]
        assert store.letters(["dead"]) == dead
        assert store.letters(("dead", "dead"), 1, dead[0].id) == dead[1:2]
        assert store.letters(("waiting", "dead"), 3) == dead
        assert store.letters({"waiting", "replayed"}) == [letters[2], letters[0]]
        assert store.letters(["none"]) == []
        assert store.backlog(NOON).letters == 3

    def test_letters_of_an_instance_are_found_among_others(self, store):
        order, other = instance(), instance()
        states = ("waiting", "dead", "dead")
        mine = [letter(instance=order.id, state=state) for state in states]
        store.commit(Batch(letters=[*mine, letter(), letter(instance=other.id, state="dead")]))
        assert store.letters(instance=order.id) == mine[::-1]
        assert store.letters(["dead"], instance=order.id) == mine[:0:-1]
        assert store.letters(limit=1, before=mine[2].id, instance=order.id) == [mine[1]]
        assert store.letters(instance=new_id()) == []

    def test_letters_come_due_in_their_order(self, store):
        late, later, not_yet = letter(due=NOON - 2), letter(due=NOON), letter(due=NOON + 1)
        earliest = letter(due=NOON - 3)
        others = [letter(due=None), letter(due=NOON - 9, state="dead"), letter(due=NOON - 9, state="replayed")]
        store.commit(Batch(letters=[late, later, not_yet, earliest, *others]))
        assert store.letters_due(NOON, 10) == [earliest, late, later]
        assert store.letters_due(NOON, 2) == [earliest, late]
        moved, done = earliest._replace(due=NOON + MINUTE), late._replace(state="replayed")
        store.commit(Batch(letters=[moved, done], letters_gone=[(later.id,)]))
        assert store.letters_due(NOON, 10) == []
        assert store.letters_due(NOON + MINUTE, 10) == [not_yet, moved]

    def test_letters_of_a_batch_that_is_refused_stay_as_they_were(self, store):
        known = letter()
        store.commit(Batch(letters=[known]))
        with pytest.raises(VersionConflict):
            store.commit(Batch(letters=[letter()], letters_gone=[(known.id,)], positions=[advance(6, 5)]))
        assert store.letters() == [known]


class AnswerContract:
    """Messages for one node, and those that are answers of integrations."""

    def test_a_message_keeps_for_whom_it_is_and_with_what_it_came(self, store):
        plain, answer = message(), message(node="wait", record=b'{"topic":"x"}')
        store.commit(Batch(messages=[plain, answer]))
        assert store.load(Need(buffered=[("paid", "A-1")])).buffered == [plain, answer]
        assert store.messages() == [answer, plain]
        store.commit(Batch(messages=[answer._replace(record=None), plain._replace(node="wait")]))
        assert store.messages() == [answer._replace(record=None), plain._replace(node="wait")]

    def test_answers_do_not_just_expire(self, store):
        late, later = message(expires=NOON, record=b"{}"), message(expires=NOON - 1, record=b"{}")
        store.commit(Batch(messages=[late, later, message(expires=NOON), message(expires=NOON + 1, record=b"{}")]))
        assert store.lost_answers(NOON - 2, 10) == []
        assert store.lost_answers(NOON, 10) == [later, late]
        assert store.lost_answers(NOON, 1) == [later]
        assert store.expire_messages(NOON) == 1
        assert store.lost_answers(NOON, 10) == [later, late]
        store.commit(Batch(messages=[later._replace(record=None)], messages_gone=[(late.id,)]))
        assert store.lost_answers(NOON, 10) == []
        assert store.expire_messages(NOON) == 1


class RoleContract:
    """One node at a time has a role."""

    def test_a_role_is_of_one_until_its_time_is_over(self, store, other):
        until = NOON + SECOND
        assert store.hold_role("publish", "one", NOON, until)
        assert not other.hold_role("publish", "two", NOON, until)
        assert other.hold_role("sweep", "two", NOON, until), "another role"
        assert store.hold_role("publish", "one", NOON, until + 1), "it keeps it"
        assert not other.hold_role("publish", "two", until, until + SECOND)
        assert other.hold_role("publish", "two", until + 1, until + SECOND)
        assert not store.hold_role("publish", "one", until + 1, until + SECOND)
        assert rows_in(store) == {"role": 2}

    def test_a_role_that_was_released_is_free(self, store, other):
        assert store.hold_role("publish", "one", NOON, NOON + SECOND)
        other.release_role("publish", "two")
        assert not other.hold_role("publish", "two", NOON, NOON + SECOND), "it was not theirs"
        store.release_role("publish", "one")
        assert other.hold_role("publish", "two", NOON, NOON + SECOND)
        store.release_role("nothing", "one")


class BusContract(PositionContract, OutboxContract, LetterContract, AnswerContract, RoleContract):
    """The whole of it."""
