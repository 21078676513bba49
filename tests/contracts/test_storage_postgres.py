"""The PostgreSQL store keeps the contract; and what only a server and many nodes can do to it."""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import asyncpg
import pytest

from procession.errors import StorageBusy, StorageError, VersionConflict
from procession.storage import (
    Batch,
    InstanceFilter,
    Need,
    UserRow,
    migrations,
    postgres_ear,
    postgres_link,
    postgres_schema,
)
from procession.storage.postgres import PostgresStorage
from tests.conftest import start_postgresql
from tests.contracts.rows import (
    NOON,
    SECOND,
    Driven,
    advance,
    audit,
    definition,
    draft,
    found,
    history,
    instance,
    job,
    new_id,
    record,
    start_timer,
    started,
    stepped,
    taken,
    task,
    timer,
    token,
    variable,
)
from tests.contracts.storage import StorageContract


@pytest.fixture(scope="module")
def database(postgresql):
    return postgresql.url()


@pytest.fixture
def url(database):
    """A schema of its own for each test."""
    return f"{database}?schema=s{secrets.token_hex(6)}&connections=4"


def opened(url) -> Driven:
    store = Driven(PostgresStorage(url))
    store.open()
    return store


@pytest.fixture
def store(url):
    store = opened(url)
    yield store
    store.close()


@pytest.fixture
def other(store, url):
    """Another node."""
    other = opened(url)
    yield other
    other.close()


class TestPostgres(StorageContract):
    @pytest.fixture
    def store(self, url):
        store = opened(url)
        yield store
        store.close()


def sql(url, *statements):
    """As an administrator would say it, in the schema of the store; the rows of the last one."""
    name, _, options = url.partition("?")

    async def run():
        connection = await asyncpg.connect(name)
        try:
            await connection.execute(f"SET search_path TO {options.split('&')[0].removeprefix('schema=')}")
            rows = []
            for statement in statements:
                rows = await connection.fetch(statement)
            return [tuple(row) for row in rows]
        finally:
            await connection.close()

    return asyncio.run(run())


def schema_of(url):
    return url.partition("schema=")[2].partition("&")[0]


def wait_for(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it does not come about"
        time.sleep(0.01)


# -- two nodes --------------------------------------------------------------------------------------------------------


def test_the_second_of_two_nodes_decides_again(store, other):
    order = instance()
    store.commit(started(order))
    assert found(other, order.id).instance == order
    other.commit(stepped(order._replace(position=2, steps=1)))
    with pytest.raises(VersionConflict, match=f"{order.id} is at 2, not at 1"):
        store.commit(stepped(order._replace(position=2, steps=5)))
    assert found(store, order.id).instance.steps == 1


def test_what_another_node_changed_is_always_noticed(store, other):
    order, bystander = instance(), instance()
    charge = job(order.id)
    store.commit(Batch(new=[order, bystander], jobs=[charge]))
    known = {order.id: 1, bystander.id: 1}
    assert store.load(Need(instances=known)).instances == {}
    assert store.load(Need(jobs=[charge.id], known=known)).instances == {}
    moved = order._replace(position=2)
    other.commit(stepped(moved))
    assert list(store.load(Need(instances=known)).missed) == [order.id]
    assert list(store.load(Need(jobs=[charge.id], known=known)).missed) == [order.id]
    assert store.load(Need(jobs=[charge.id])).instances[order.id].instance == moved


def test_nodes_that_change_the_same_instances_in_another_order_do_not_block_each_other(store, other):
    """Locks are taken in the order of the ids: nobody waits for somebody who waits for him."""
    orders = [instance() for _ in range(20)]
    store.commit(Batch(new=orders))
    done, told = [], []

    def run(node, turned):
        for _ in range(40):
            rows = [found(node, order.id).instance for order in orders[::turned]]
            changed = [(row._replace(position=row.position + 1), row.position) for row in rows]
            try:
                node.commit(Batch(changed=changed, history=[history(row.id, row.position) for row, _ in changed]))
                done.append(turned)
            except VersionConflict as conflict:
                told.append(str(conflict))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(run, (store, other), (1, -1)))
    assert {found(store, order.id).instance.position for order in orders} == {1 + len(done)}
    assert not [conflict for conflict in told if "deadlock" in conflict]


def test_jobs_are_handed_out_once_however_many_ask(store, other):
    order = instance()
    store.commit(started(order, jobs=[job(order.id) for _ in range(300)]))
    taken_ids = []

    def take(node):
        while leased := node.lease_jobs("charge-card", "w", 7, NOON, NOON + SECOND):
            taken_ids.extend(each.job.id for each in leased)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(take, (store, other, store, other)))
    assert len(taken_ids) == len(set(taken_ids)) == 300


def test_timers_that_are_due_are_shared_among_the_nodes(store, other):
    order = instance()
    timers = [timer(order.id, due=NOON + number) for number in range(10)]
    store.commit(started(order, timers=timers))
    now, until = NOON + 100, NOON + 100 + SECOND
    mine, theirs = store.due(now, 4, until).timers, other.due(now, 100, until).timers
    assert [each.id for each in (*mine, *theirs)] == [each.id for each in timers]
    assert store.due(now + 1, 100, until + 1).timers == [], "somebody is at them"
    assert len(store.due(now, 100).timers) == 10, "who only looks sees them all"
    assert len(other.due(until, 100, until + SECOND).timers) == 10, "whoever has claimed them has died"
    hour = 3_600 * SECOND
    assert len(store.due(until + hour, 100, until + hour + SECOND).timers) == 10, "by a clock that is an hour ahead"
    assert len(other.due(until + SECOND, 100, until + 2 * SECOND).timers) == 10, "which keeps nobody from them"


def test_a_timer_that_is_set_anew_is_free(store, other):
    order = instance()
    late = timer(order.id)
    store.commit(started(order, timers=[late]))
    assert store.due(NOON, 10, NOON + SECOND).timers == [late]
    store.commit(stepped(order._replace(position=2), timers=[late._replace(number=2)]))
    assert other.due(NOON, 10, NOON + SECOND).timers == [late._replace(number=2)]


def test_a_run_that_somebody_is_at_is_left_alone(store):
    runner = instance(ready=1)
    store.commit(started(runner))
    assert store.ready(10) == [runner.id]
    assert store.ready(10, NOON - 1) == [], "it took a step a moment ago"
    assert store.ready(10, NOON - 3_600 * SECOND) == [runner.id], "by a clock that is an hour ahead"
    assert store.ready(10, NOON) == [runner.id]


def test_a_key_that_two_nodes_take_at_one_moment_is_one_nodes(store, other):
    """The second waits for the first to be done, and then is refused."""
    results, refused = [], []

    def run(node):
        for number in range(30):
            try:
                node.commit(Batch(inbox=[taken(f"k{number}"), taken(f"a{99 - number}")]))
                results.append(number)
            except VersionConflict:
                refused.append(number)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(run, (store, other)))
    assert sorted(results) == sorted(refused) == list(range(30))


def test_an_id_that_two_nodes_made_is_one_nodes(store, other):
    one, two = instance(), instance()
    number = new_id()
    store.commit(started(one, jobs=[job(one.id)._replace(id=number)]))
    with pytest.raises(VersionConflict):
        other.commit(started(two, jobs=[job(two.id)._replace(id=number)]))
    assert store.job(number).job.instance == one.id
    assert other.instance(two.id) is None


def test_a_commit_that_is_refused_though_instances_are_held_says_why(store, other):
    """Somebody was faster with another instance, or with a key."""
    held, moved = instance(), instance()
    store.commit(started(held))
    store.commit(started(moved))
    other.commit(stepped(moved._replace(position=2)))
    other.commit(Batch(inbox=[taken("k")]))

    async def run():
        await store.storage.attach()
        for late, why in (
            (stepped(moved._replace(position=2)), f"instance {moved.id} is at 2, not at 1"),
            (Batch(inbox=[taken("k")]), "the key 'k' is taken"),
        ):
            with pytest.raises(VersionConflict, match=why):
                async with store.storage.exclusively([held.id]):
                    await store.storage.commit(late)
        async with store.storage.exclusively([held.id]):
            await store.storage.commit(stepped(held._replace(position=2)))
        await store.storage.detach()

    asyncio.run(run())
    assert found(other, held.id).instance.position == 2


def test_a_draft_of_a_task_that_is_being_done_is_not_left_behind(store, url):
    """Whoever types waits for the commit that takes the task away, and is told that it is gone."""
    order = instance()
    review = task(order.id)
    store.commit(started(order, tasks=[review]))
    name, _, options = url.partition("?")
    schema = options.split("&")[0].removeprefix("schema=")
    kept = []

    async def run():
        connection = await asyncpg.connect(name)
        async with connection.transaction():
            await connection.execute(f"DELETE FROM {schema}.task WHERE id = {review.id}")
            typing = threading.Thread(target=lambda: kept.append(store.put_draft(draft(review.id))))
            typing.start()
            await asyncio.sleep(0.3)
            assert not kept
        await asyncio.to_thread(typing.join)
        await connection.close()

    asyncio.run(run())
    assert kept == [False]


# -- nodes tell each other ------------------------------------------------------------------------------------------------


def test_a_commit_is_told_to_the_other_nodes_and_to_nobody_here(store, other):
    here, there = [], []
    store.storage.others.append(here.append)
    other.storage.others.append(there.append)
    order = instance()
    store.commit(started(order, jobs=[job(order.id, type="pack"), job(order.id, type="charge")]))
    wait_for(lambda: any(types for types in there))
    assert [types for types in there if types] == [["charge", "pack"]]
    assert here == []


def test_each_node_has_a_number_of_its_own(url, store):
    nodes = [opened(url) for _ in range(5)]
    numbers = {node.storage.number for node in (store, *nodes)}
    assert len(numbers) == 6
    for node in nodes:
        node.close()


def test_a_node_that_was_not_told_of_a_new_definition_is_refused_and_learns_of_it(store, other):
    other.storage.learn = lambda definitions: None  # it hears nothing
    seen = other.storage._definitions
    order = definition()
    store.add_definitions([order], [audit()])
    store.publish(order.id, [start_timer(order.id)], [], [audit()])
    assert other.definitions_changed() == seen
    del other.storage.learn
    with pytest.raises(VersionConflict, match="Definitions were published since"):
        other.commit(started(instance()))
    assert other.definitions_changed() == store.definitions_changed() == seen + 2
    other.commit(started(instance()))


def test_a_node_hears_of_new_definitions(store, other):
    store.add_definitions([definition()], [])
    wait_for(lambda: other.definitions_changed() == store.definitions_changed())


# -- the order of the commits -----------------------------------------------------------------------------------------------


def test_history_is_told_in_an_order_that_never_changes(store, url):
    """What a transaction that is not done yet will bring comes before what is there: so that is not told before it is done."""
    first, second = instance(), instance()
    store.commit(started(first))
    before = store.last_history()
    name, _, options = url.partition("?")
    schema = options.split("&")[0].removeprefix("schema=")

    async def run():
        connection = await asyncpg.connect(name)
        async with connection.transaction():
            await connection.execute(
                f"INSERT INTO {schema}.history "
                f"SELECT (pg_current_xact_id()::text::bigint << 20) + 1, 7, 1, {NOON}, '', '', '', ''"
            )
            await asyncio.to_thread(store.commit, started(second))
            assert await asyncio.to_thread(store.history_after, before, 10) == []
            assert await asyncio.to_thread(store.last_history) == before
        await connection.close()

    asyncio.run(run())
    wait_for(lambda: store.last_history() > before)
    assert [row.instance for _, row in store.history_after(before, 10)] == [7, second.id]


def test_numbers_go_on_where_the_store_is_restored_on_another_server(store, url):
    """Transactions of the new server are numbered anew, lower than what history has."""
    order = instance()
    store.commit(started(order))
    store.close()
    sql(url, "UPDATE history SET number = number + (1::bigint << 50)")
    [(last,)] = sql(url, "SELECT max(number) FROM history")
    again = opened(url)
    again.commit(stepped(order._replace(position=2)))
    assert [row.position for _, row in again.history_after(0, 10)] == [1, 2]
    assert again.history_number(order.id, 2) > last
    again.close()


def test_history_has_a_part_for_each_month_and_one_for_the_rest(store, url):
    now = int(time.time() * SECOND)
    order, odd = instance(), instance()
    store.commit(Batch(new=[order, odd], history=[history(order.id, at=now), history(odd.id, at=now * 3)]))
    rows = sql(url, "SELECT tableoid::regclass::text, instance FROM history")
    month = time.strftime("history_%Y_%m", time.gmtime(now / SECOND))
    assert set(rows) == {(month, order.id), ("history_rest", odd.id)}
    assert [row.at for row in store.history(order.id)] == [now]


def test_a_node_that_runs_for_months_makes_the_parts_of_history(url, monkeypatch):
    monkeypatch.setattr(postgres_ear, "DAY", 0.05)
    store = opened(url)
    month = sql(url, "SELECT 'history_' || to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM')")[0][0]
    sql(url, f"DROP TABLE {month}")
    wait_for(lambda: sql(url, f"SELECT to_regclass('{month}') IS NOT NULL") == [(True,)])
    store.close()


def test_a_part_of_history_is_made_later_where_somebody_reads_it_for_long(url):
    """As a dump does. Who waits for its end keeps everybody waiting who has something to write: so nobody waits."""
    opened(url).close()
    month = sql(url, "SELECT 'history_' || to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM')")[0][0]
    sql(url, f"DROP TABLE {month}")

    async def run():
        connection = await asyncpg.connect(url.partition("?")[0])
        async with connection.transaction():
            await connection.execute(f"LOCK TABLE {schema_of(url)}.history IN ACCESS SHARE MODE")
            began = time.monotonic()
            store = await asyncio.to_thread(opened, url)
            order = instance()
            await asyncio.to_thread(store.commit, started(order))
            assert time.monotonic() - began < 5.0
            await asyncio.to_thread(store.close)
        await connection.close()

    asyncio.run(run())
    assert sql(url, "SELECT tableoid::regclass::text FROM history") == [("history_rest",)]


# -- searching -------------------------------------------------------------------------------------------------------------


def test_a_text_that_postgresql_cannot_hold_is_found_all_the_same(store):
    order = instance()
    data = rb'{"a":"x\u0000\u0000y","b":1,"c":"\\u0000"}'
    store.commit(started(order, variables=[variable(order.id, "note", data)]))
    for path, value in {"note.b": 1, "note.a": "x\0\0y", "note.c": "\\u0000"}.items():
        assert store.instances(InstanceFilter(variables={path: value})) == [order], path
    for path, value in {"note.b": 2, "note.a": "x\0y", "note.c": "\0"}.items():
        assert store.instances(InstanceFilter(variables={path: value})) == [], path


# -- the schema -------------------------------------------------------------------------------------------------------------

OURS = ["0001_initial", "0002_bus"]


def test_many_nodes_may_open_a_new_schema_at_once(url):
    stores = [Driven(PostgresStorage(url)) for _ in range(5)]
    with ThreadPoolExecutor(5) as pool:
        list(pool.map(lambda store: store.open(), stores))
    stores[0].commit(started(instance()))
    assert stores[4].counts()["instance"] == 1
    for store in stores:
        store.close()


def test_records_that_were_there_before_come_first_by_their_ids(url, monkeypatch):
    """And a node of the version before goes on writing some."""
    records = [record(1) for _ in range(4)]
    with monkeypatch.context() as patch:
        patch.setattr(postgres_schema, "MIGRATIONS", OURS[:1])
        old = opened(url)
        old.commit(Batch(outbox=records[1::-1]))
    new = opened(url)
    old.commit(Batch(outbox=[records[3]]))
    new.commit(Batch(outbox=[records[2]]))
    numbers, rows = zip(*new.outbox(), strict=True)
    assert list(rows) == [records[0], records[1], records[3], records[2]]
    assert sorted(set(numbers)) == list(numbers)
    new.commit(Batch(outbox_gone=[(number,) for number in numbers[:3]]))
    assert [row for _, row in new.outbox()] == [records[2]]
    new.close()
    old.close()


def test_what_is_changed_all_the_time_stays_on_its_page(store, url):
    """No index grows by it, and no page is left behind."""
    for number in range(300):
        store.commit(Batch(positions=[advance(number + 1, number or None)]))
        assert store.hold_role("publish", "one", NOON, NOON + number)
    for table in ("position", "role"):
        size = f"SELECT pg_relation_size('{table}'), pg_relation_size('{table}_pkey')"
        [(rows, keys)] = sql(url, size)
        assert rows <= 2 * 8192, table
        assert keys == 2 * 8192, table


def test_of_many_nodes_that_want_a_role_one_has_it(store, other):
    def want(number):
        return (store, other)[number % 2].hold_role("publish", f"n{number}", NOON, NOON + SECOND)

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(want, range(30))) == 1


def test_records_take_effect_once_however_many_nodes_have_them(store, other):
    """Two nodes take the same records of two partitions, in another order: none waits for who waits for it."""
    places = [("core", "orders", number) for number in range(2)]
    told = []

    def run(node, turned):
        done = 0
        while done < 60:
            read = node.load(Need(positions=places)).positions
            order = instance()
            moves = [advance(read.get(place, 0) + 1, read.get(place), *place) for place in places[::turned]]
            try:
                node.commit(started(order, positions=moves))
                done += 1
            except VersionConflict as conflict:
                told.append(str(conflict))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(run, (store, other), (1, -1)))
    assert store.load(Need(positions=places)).positions == dict.fromkeys(places, 120)
    assert store.counts()["instance"] == 120
    assert not [conflict for conflict in told if "deadlock" in conflict]


def test_a_newer_schema_is_refused(store, url):
    store.close()
    sql(url, "INSERT INTO migration VALUES (99, '0099_of_tomorrow', 'abc')")
    refused(url, "0099_of_tomorrow, which this version of procession does not know")


def test_a_changed_migration_is_refused(store, url):
    store.close()
    sql(url, "UPDATE migration SET checksum = 'abcdef'")
    refused(url, "0001_initial.* is not the one")


def test_a_schema_of_another_program_is_refused_and_left_alone(database):
    schema = f"s{secrets.token_hex(6)}"
    sql(f"{database}?schema={schema}", f"CREATE SCHEMA {schema}", f"CREATE TABLE {schema}.theirs (x int)")
    refused(f"{database}?schema={schema}", "tables of another program")


def test_what_would_be_done_is_told_and_not_done(url):
    store = Driven(PostgresStorage(url))
    assert [step.name for step in store.migrate(dry_run=True)] == OURS
    assert [step.name for step in store.migrate(dry_run=True)] == OURS
    assert [step.name for step in store.migrate()] == OURS
    assert store.migrate(dry_run=True) == []
    store.close()


def test_a_schema_that_was_made_beforehand_asks_for_no_right_to_make_one(database):
    role = f"r{secrets.token_hex(6)}"
    sql(f"{database}?schema=public", f"CREATE ROLE {role} LOGIN", f"CREATE SCHEMA {role} AUTHORIZATION {role}")
    theirs = f"{database.replace('procession@', f'{role}@')}?schema={role}"
    store = opened(theirs)
    store.commit(started(instance()))
    store.close()
    refused(theirs.replace(f"schema={role}", f"schema={role}x"), "permission denied for database .* grant the rights")
    nobody = f"r{secrets.token_hex(6)}"
    sql(f"{database}?schema=public", f"CREATE ROLE {nobody} LOGIN")
    refused(theirs.replace(f"{role}@", f"{nobody}@"), "lets us not in .* grant the rights")


def test_a_url_that_cannot_be_right_is_said_so():
    for given in ("connections=0", "connections=1", "connections=many", "connections="):
        with pytest.raises(StorageError, match="no number of connections"):
            PostgresStorage(f"postgresql://127.0.0.1/orders?{given}")
    refused("postgresql://127.0.0.1:many/orders", "is not right: .*many")


def test_a_step_of_the_schema_that_commits_are_in_the_way_of_is_tried_again(url, monkeypatch, caplog):
    """It waits for a commit that waits for it, and gives way first."""
    opened(url).close()
    later = migrations.Migration(
        99, "0099_later", "ALTER TABLE task ADD effort bigint; ALTER TABLE instance ADD effort bigint", ""
    )
    load = migrations.load
    monkeypatch.setattr(migrations, "load", lambda *given: [*load(*given), later])

    async def run():
        connection = await asyncpg.connect(url.partition("?")[0])
        await connection.execute(f"SET search_path TO {schema_of(url)}; SET deadlock_timeout TO '1min'")
        async with connection.transaction():
            await connection.execute("LOCK TABLE instance IN ROW SHARE MODE")
            opening = asyncio.create_task(asyncio.to_thread(opened, url))
            while not await connection.fetch(
                "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'instance'::regclass"
            ):
                await asyncio.sleep(0.01)
            await connection.execute("LOCK TABLE task IN ROW EXCLUSIVE MODE")
        await connection.close()
        return await opening

    store = asyncio.run(run())
    assert "could not be changed" in caplog.text
    assert [step.name for step in store.migrate(dry_run=True)] == []
    assert [name for (name,) in sql(url, "SELECT name FROM migration ORDER BY version")] == [*OURS, "0099_later"]
    store.close()


def test_a_statement_that_was_planned_for_an_older_schema_is_planned_anew(store, url):
    """Alone, and in a transaction, which has to begin again."""
    store.put_user(UserRow("ada", "x", b"[]", NOON), [])
    store.add_definitions([definition()], [])
    sql(url, "ALTER TABLE revision ALTER definitions TYPE numeric")
    store.add_definitions([definition()._replace(version=2)], [])
    assert store.definitions_changed() == 2
    assert [user.name for user in store.users()] == ["ada"]
    sql(url, 'ALTER TABLE "user" ALTER created TYPE numeric')
    assert [user.name for user in store.users()] == ["ada"]


def refused(url, match) -> None:
    store = Driven(PostgresStorage(url))
    with pytest.raises(StorageError, match=match):
        store.open()
    store.close()


# -- the server goes away ---------------------------------------------------------------------------------------------------


def test_a_server_that_is_not_there_is_said_so_without_the_password():
    store = Driven(PostgresStorage("postgresql://me:hidden@127.0.0.1:1/db"))
    with pytest.raises(StorageError, match="cannot be reached") as refused:
        store.open()
    assert "hidden" not in str(refused.value)


def test_a_database_that_is_not_there_is_said_so(database):
    refused(database.rpartition("/")[0] + "/nowhere", "does not exist")


def test_the_store_goes_on_when_the_server_is_back():
    with start_postgresql() as server:
        url = server.url()
        store = opened(url)
        other = opened(url)
        order = instance()
        store.commit(started(order, tokens=[token(order.id)]))
        for end in (server.stop, server.kill):
            end()
            with pytest.raises(StorageError, match=r"lost|reached"):
                store.commit(started(instance()))
            with pytest.raises(StorageError, match=r"lost|reached"):
                store.ping()
            server.start()
            assert found(store, order.id).instance == order
            store.commit(started(instance()))
        wait_for(lambda: store.counts()["instance"] == 3)
        heard = []
        other.storage.others.append(heard.append)
        wait_for(lambda: store.commit(started(instance())) or heard)
        assert store.storage.number != other.storage.number
        store.close()
        other.close()


def test_a_commit_whose_connection_is_cut_took_effect_or_not(store, url):
    """It is said that it is not known; nothing of it is there by halves."""
    order = instance()
    store.commit(started(order))
    locked, cut = threading.Event(), threading.Event()

    def lock():
        async def run():
            connection = await asyncpg.connect(url.partition("?")[0])
            schema = url.partition("schema=")[2].partition("&")[0]
            async with connection.transaction():
                await connection.execute(f"SELECT 1 FROM {schema}.instance WHERE id = {order.id} FOR UPDATE")
                locked.set()
                await asyncio.to_thread(cut.wait, 10)
            await connection.close()

        asyncio.run(run())

    locking = threading.Thread(target=lock)
    locking.start()
    locked.wait(10)
    failures = []

    def commit():
        try:
            store.commit(stepped(order._replace(position=2), variables=[variable(order.id)]))
        except StorageError as error:
            failures.append(error)

    committing = threading.Thread(target=commit)
    committing.start()
    wait_for(
        lambda: sql(
            url, "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%commit_batch%'"
        )
    )
    sql(
        url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%commit_batch%'",
    )
    committing.join(10)
    cut.set()
    locking.join(10)
    assert "as a whole or not at all" in str(failures[0])
    rows = found(store, order.id)
    assert (rows.instance.position, len(rows.variables)) in ((1, 0), (2, 1))


def test_what_somebody_holds_for_long_is_said_so_and_not_waited_for_again_and_again(url, monkeypatch):
    monkeypatch.setitem(postgres_link.SETTINGS, "lock_timeout", "200ms")
    store = opened(url)
    order = instance()
    store.commit(started(order))

    async def run():
        connection = await asyncpg.connect(url.partition("?")[0])
        async with connection.transaction():
            await connection.execute(f"SELECT 1 FROM {schema_of(url)}.instance WHERE id = {order.id} FOR UPDATE")
            with pytest.raises(StorageBusy, match="holds tables or rows"):
                await asyncio.to_thread(store.commit, stepped(order._replace(position=2)))
        await connection.close()

    asyncio.run(run())
    store.commit(stepped(order._replace(position=2)))
    store.close()


def test_it_is_used_from_an_event_loop_and_from_threads_at_once(store):
    async def run():
        await store.storage.attach()
        orders = [instance() for _ in range(20)]

        async def here(order):
            await store.storage.commit(started(order))

        await asyncio.gather(
            *(here(order) for order in orders[:10]),
            *(asyncio.to_thread(store.commit, started(order)) for order in orders[10:]),
        )
        assert len(await store.storage.instances(InstanceFilter(), 100)) == 20
        await store.storage.detach()

    asyncio.run(run())
    assert store.counts()["instance"] == 20


def test_a_store_that_is_not_open_says_so(url):
    store = Driven(PostgresStorage(url))
    with pytest.raises(StorageError, match="is not open"):
        store.counts()


# -- an instance that all want ----------------------------------------------------------------------------------------------


def test_what_others_did_a_little_ago_is_told_and_not_the_whole_instance(store, other):
    order = instance()
    store.commit(started(order))
    for position in range(2, 5):
        other.commit(stepped(order._replace(position=position)))
    answer = store.load(Need(instances={order.id: 2}))
    assert answer.instances == {}
    assert [row.position for row in answer.missed[order.id]] == [3, 4]
    for position in range(5, 60):
        other.commit(stepped(order._replace(position=position)))
    answer = store.load(Need(instances={order.id: 2}))
    assert answer.missed == {}
    assert answer.instances[order.id].instance.position == 59


def test_history_that_is_not_kept_any_more_is_made_up_for_by_the_whole_instance(store, other, url):
    order = instance()
    store.commit(started(order))
    for position in range(2, 5):
        other.commit(stepped(order._replace(position=position)))
    sql(url, "DELETE FROM history WHERE position = 3")
    answer = store.load(Need(instances={order.id: 2}))
    assert answer.missed == {}
    assert answer.instances[order.id].instance.position == 4


def test_who_holds_an_instance_is_not_overtaken(store, other):
    """A commit of another node waits until the block has ended, and then finds that it came too late."""
    order = instance()
    bystander = instance(new_id())  # the ids of a test follow each other: it is in another part
    store.commit(Batch(new=[order, bystander]))
    results = []

    def late():
        try:
            other.commit(stepped(order._replace(position=2, steps=7)))
        except VersionConflict as conflict:
            results.append(conflict)

    async def held():
        async with store.storage.exclusively([order.id]):
            thread = threading.Thread(target=late)
            thread.start()
            time.sleep(0.3)
            assert not results and thread.is_alive()
            other.commit(stepped(bystander._replace(position=2)))
            found = await store.storage.load(Need(instances={order.id: -1}))
            assert found.instances[order.id].instance == order
            await store.storage.commit(stepped(order._replace(position=2, steps=1)))
            assert other.instance(order.id).instance.position == 1, "not before the block has ended"
        return thread

    store._run(held()).join(10)
    assert len(results) == 1
    assert store.instance(order.id).instance.steps == 1


def test_a_block_that_fails_leaves_nothing_and_lets_go(store, other):
    order = instance()
    store.commit(started(order))

    async def failing():
        async with store.storage.exclusively([order.id]):
            await store.storage.commit(stepped(order._replace(position=2)))
            raise KeyError("a defect")

    with pytest.raises(KeyError):
        store._run(failing())
    other.commit(stepped(order._replace(position=2, steps=3)))
    assert store.instance(order.id).instance.steps == 3


def test_a_block_whose_end_is_lost_took_effect_or_not(store, url):
    order = instance()
    store.commit(started(order))

    async def cut_off():
        async with store.storage.exclusively([order.id]):
            await store.storage.commit(stepped(order._replace(position=2)))
            sql(url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction'")

    with pytest.raises(StorageError, match="as a whole or not at all"):
        store._run(cut_off())
    assert store.instance(order.id).instance.position == 1
    store.commit(stepped(order._replace(position=2)))


def test_a_block_whose_connection_is_lost_says_that(store, url):
    order = instance()

    async def cut_off():
        async with store.storage.exclusively([order.id]):
            sql(url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction'")
            await store.storage.load(Need(instances={order.id: -1}))

    with pytest.raises(StorageError, match="was lost"):
        store._run(cut_off())
    store.commit(started(order))


# -- whatever comes ---------------------------------------------------------------------------------------------------------


def test_a_schema_may_have_the_name_of_a_word_of_sql(database):
    for schema in ("order", "user"):
        store = opened(f"{database}?schema={schema}")
        store.commit(started(instance()))
        assert store.counts()["instance"] == 1
        store.close()


def test_a_node_goes_on_hearing_after_a_defect(store, other, monkeypatch, caplog):
    heard = []
    other.storage.others.append(heard.append)

    def broken(types):
        monkeypatch.undo()
        raise RuntimeError("a defect of ours")

    monkeypatch.setattr(store.storage._ear, "_news", broken)
    store.commit(started(instance()))
    wait_for(lambda: "a defect of ours" in caplog.text)
    heard.clear()
    wait_for(lambda: store.commit(started(instance())) or heard)
