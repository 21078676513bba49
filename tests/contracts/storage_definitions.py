"""Every store: what can run, and who may log in."""

from __future__ import annotations

import pytest

from procession.errors import StorageError, VersionConflict
from procession.storage import Need
from tests.contracts.rows import (
    NOON,
    audit,
    definition,
    draft,
    form,
    instance,
    new_id,
    session,
    start_subscription,
    start_timer,
    started,
    stepped,
    task,
    user,
)


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

    def test_a_version_has_its_own_forms(self, store):
        one, two, bare = definition("order", 1), definition("order", 2), definition("bill", 1)
        first = [form(one.id, "a.json", b'{"a": 1}'), form(one.id, "b.json", b"{}")]
        second = form(two.id, "a.json", b'{"a": 2}\n')
        store.add_definitions([one, two, bare], [], [first[1], first[0], second])
        assert store.forms(one.id) == first
        assert store.forms(two.id) == [second]
        assert store.forms(bare.id) == store.forms(new_id()) == []
        assert store.form(one.id, "b.json") == first[1]
        assert store.form(two.id, "b.json") is store.form(new_id(), "a.json") is None
        assert store.counts()["form"] == 3

    def test_a_version_that_is_there_already_brings_no_forms(self, store):
        store.add_definitions([definition("order", 1)], [])
        again = definition("order", 1)
        with pytest.raises(VersionConflict, match="order version 1"):
            store.add_definitions([again], [], [form(again.id)])
        assert store.counts()["form"] == 0

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

    def test_users_are_found_by_name(self, store):
        ada, bob, eve = user("ada"), user("bob"), user("Ada")
        for row in (bob, ada, eve):
            store.put_user(row, [])
        assert store.user("ada") == ada
        assert store.user("Ada") == eve
        assert store.user("nobody") is None
        assert store.users(["bob", "nobody", "ada", "bob"]) == [ada, bob]
        assert store.users([]) == []

    def test_a_stamp_changes_with_the_password_only(self, store):
        ada = user()
        assert ada._replace(roles=b"[]", created=NOON + 5).stamp == ada.stamp
        assert ada._replace(password="$argon2id$another").stamp != ada.stamp
        assert ada.password not in ada.stamp

    def test_a_draft_is_of_one_task_and_one_user(self, store):
        order = instance()
        todo, other = task(order.id), task(order.id)
        store.commit(started(order, tasks=[todo, other]))
        assert store.draft(todo.id, "ada") is None
        assert store.put_draft(draft(todo.id, "ada", data=b'{"a":1}'))
        assert store.put_draft(draft(todo.id, "bob", data=b'{"b":2}'))
        assert store.put_draft(draft(todo.id, "ada", data=b'{"a":3}', saved=NOON + 1))
        assert store.draft(todo.id, "ada") == draft(todo.id, "ada", data=b'{"a":3}', saved=NOON + 1)
        assert store.draft(todo.id, "bob").data == b'{"b":2}'
        assert store.draft(todo.id, "Ada") is store.draft(other.id, "ada") is None
        assert store.remove_draft(todo.id, "ada")
        assert not store.remove_draft(todo.id, "ada")
        assert not store.remove_draft(new_id(), "ada")
        assert store.counts()["draft"] == 1

    def test_a_draft_stays_with_another_assignee_and_goes_with_the_task(self, store):
        order = instance()
        todo, other = task(order.id), task(order.id)
        store.commit(started(order, tasks=[todo, other]))
        for number in (todo.id, other.id):
            for name in ("ada", "bob"):
                store.put_draft(draft(number, name))
        order = order._replace(position=2)
        store.commit(stepped(order, tasks=[todo._replace(assignee="eve")]))
        assert store.draft(todo.id, "ada") is not None
        store.commit(stepped(order._replace(position=3), tasks_gone=[(todo.id,)]))
        assert store.draft(todo.id, "ada") is store.draft(todo.id, "bob") is None
        assert store.draft(other.id, "ada") is not None
        assert not store.put_draft(draft(todo.id)), "there is no such task any more"
        assert store.counts()["draft"] == 2

    def test_a_draft_goes_with_its_user(self, store):
        order = instance()
        todo = task(order.id)
        store.commit(started(order, tasks=[todo]))
        for name in ("ada", "bob"):
            store.put_user(user(name), [])
            store.put_draft(draft(todo.id, name))
        assert store.remove_user("ada", [])
        assert store.draft(todo.id, "ada") is None
        assert store.draft(todo.id, "bob") is not None

    def test_sessions_are_opened_and_ended(self, store):
        ada = user()
        store.put_user(ada, [])
        first, second = session("a", ada), session("b", ada)
        store.put_session(second)
        store.put_session(first)
        assert store.session("a") == first
        assert store.session("c") is None
        assert store.sessions(["b", "c", "a"]) == [first, second]
        assert store.sessions([]) == []
        store.put_session(first._replace(csrf="other"))
        assert store.session("a").csrf == "other"
        assert store.remove_session("a")
        assert not store.remove_session("a")
        assert store.sessions(["a", "b"]) == [second]

    def test_sessions_end_with_their_time(self, store):
        ada = user()
        for id, expires in (("a", NOON), ("b", NOON + 1), ("c", NOON + 2)):
            store.put_session(session(id, ada, expires=expires))
        assert store.expire_sessions(NOON + 1) == 2
        assert store.expire_sessions(NOON + 1) == 0
        assert [row.id for row in store.sessions("abc")] == ["c"]

    def test_sessions_end_with_the_password(self, store):
        ada, bob = user("ada"), user("bob", password="$argon2id$bob")
        store.put_user(ada, [])
        store.put_user(bob, [])
        for row in (session("a", ada), session("b", ada), session("c", bob)):
            store.put_session(row)
        store.put_user(ada._replace(roles=b'["admin"]', created=NOON + 5), [])
        assert len(store.sessions("ab")) == 2, "other roles are no other password"
        changed = ada._replace(password="$argon2id$new")
        store.put_user(changed, [audit()])
        assert [row.id for row in store.sessions("abc")] == ["c"]
        store.put_session(session("d", changed))
        store.put_user(changed, [])
        assert store.session("d") is not None

    def test_sessions_end_with_their_user(self, store):
        ada, bob = user("ada"), user("bob")
        store.put_user(ada, [])
        for row in (session("a", ada), session("b", ada), session("c", bob)):
            store.put_session(row)
        assert store.remove_user("ada", [audit()])
        assert [row.id for row in store.sessions("abc")] == ["c"]
        assert not store.remove_user("bob", [])
        assert store.session("c") is not None
        store.put_session(session("d", bob))
        assert store.remove_sessions("bob") == 2
        assert store.remove_sessions("bob") == 0
