"""Whatever is done to them, the stores answer alike: random batches against memory, a SQLite file and a PostgreSQL server with
two openers each."""

from __future__ import annotations

import secrets
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from procession.errors import StorageError
from procession.storage import Batch, InstanceFilter, Need, TaskFilter
from procession.storage.memory import MemoryStorage
from procession.storage.postgres import PostgresStorage
from procession.storage.sqlite import SqliteStorage
from tests.contracts import rows as make
from tests.contracts.rows import Driven

NAMES = ("order", "bill", "delivery")
STATUSES = ("STARTED", "ON_HOLD", "CREATED", "FINISHED", "FAILED")
KEYS = ("A", "B", "")
SESSIONS = ("s1", "s2", "s3")
PEOPLE = st.sampled_from(["ada", "bob"])
SMALL = st.integers(0, 5)
MOMENTS = st.integers(0, 8)

# A list of a batch, what makes one of its rows, and what is drawn for it.
WAITS = {
    "jobs": (make.job, {"type": st.sampled_from("xy"), "retries": SMALL, "due": MOMENTS, "created": MOMENTS}),
    "tasks": (make.task, {"assignee": st.sampled_from([None, "ada"]), "node": st.sampled_from("ab")}),
    "timers": (make.timer, {"due": MOMENTS, "token": st.sampled_from([0, 1])}),
    "subscriptions": (make.subscription, {"name": st.sampled_from("pq"), "key": st.sampled_from(KEYS)}),
    "calls": (lambda instance, **given: make.call(instance, make.new_id(), **given), {"token": SMALL}),
    "incidents": (make.incident, {"token": SMALL, "resolved": st.sampled_from([None, None, 3])}),
}


class Agreement(RuleBasedStateMachine):
    @initialize()
    def empty(self):
        self.memory = Driven(MemoryStorage())
        self.files = self.open_files()
        for store in (self.memory, *self.files):
            store.open()
        self.caches = [{}, {}] if self.files[0] is not self.files[1] else [{}] * 2  # id → position that an opener knows
        self.instances = {}  # the truth, id → row
        self.waits = {name: {} for name in WAITS}  # id → row
        self.others = {"messages": [], "keys": [], "definitions": [], "starts": [], "letters": []}
        self.taken = {}  # group, topic, partition → next

    def open_files(self):
        """Two openers of one file; here they are the same, and the file is in memory."""
        return [Driven(SqliteStorage(":memory:"))] * 2

    def teardown(self):
        for store in self.files:
            store.close()

    # -- helpers ------------------------------------------------------------------------------------------------------

    def both(self, opener, method, *args, **kwargs):
        """The same answer, or the same kind of error, from memory and from the file."""
        answers = []
        for store in (self.memory, self.files[opener]):
            try:
                answers.append(getattr(store, method)(*args, **kwargs))
            except StorageError as error:
                answers.append(type(error))
        assert answers[0] == answers[1], (method, args, kwargs)
        return answers[0]

    def catch_up(self, opener):
        """A node that does not know the latest definitions is refused once; a file has no such thing."""

    def some(self, data, ids, most=3):
        ids = sorted(ids)
        return data.draw(st.lists(st.sampled_from(ids), max_size=most, unique=True)) if ids else []

    # -- a batch ------------------------------------------------------------------------------------------------------

    @rule(data=st.data(), opener=st.integers(0, 1), started=st.integers(0, 2), spoilt=st.integers(0, 12))
    def transact(self, data, opener, started, spoilt):
        """A few instances start or take a step, with whatever rows; sometimes the batch must be refused."""
        batch = Batch()
        for _ in range(started):
            older = sorted(self.instances)[:3]
            row = make.instance(parent=data.draw(st.sampled_from([None, *older])))
            row = self.drawn(
                data, row._replace(root=row.id if row.parent is None else data.draw(st.sampled_from(older)))
            )
            batch.new.append(row)
            self.fill(data, batch, row.id)
        live = [id for id, row in self.instances.items() if row.ended is None]
        for id in self.some(data, live):
            before = self.instances[id]
            batch.changed.append((self.drawn(data, before._replace(position=before.position + 1)), before.position))
            self.fill(data, batch, id)
            self.empty_some(data, batch, id)
        batch.history += [make.history(row.id, row.position, at=data.draw(MOMENTS)) for row in batch.new]
        batch.history += [make.history(row.id, row.position, at=data.draw(MOMENTS)) for row, _ in batch.changed]
        batch.messages = [
            make.message(
                data.draw(st.sampled_from("pq")),
                data.draw(st.sampled_from([None, "A"])),
                expires=data.draw(MOMENTS),
                node=data.draw(st.sampled_from([None, "a"])),
                record=data.draw(st.sampled_from([None, b"{}"])),
            )
            for _ in range(data.draw(st.integers(0, 1)))
        ]
        batch.messages_gone = [(id,) for id in self.some(data, self.others["messages"], 1)]
        batch.inbox = [make.taken(f"k{make.new_id()}")] if data.draw(st.booleans()) else []
        batch.outbox = [make.record(row.id, topic=data.draw(st.sampled_from("xy"))) for row in batch.new]
        self.take_records(data, batch)
        batch.failed_starts = [make.failed_start()] if data.draw(st.booleans()) else []
        batch.audit = [make.audit()] if data.draw(st.booleans()) else []
        self.spoil(spoilt, batch)
        if self.both(opener, "commit", batch) is None:
            self.remember(opener, batch)
        else:
            assert spoilt <= 7

    def take_records(self, data, batch):
        """Groups go on, and letters come, change and go."""
        for place in self.some(data, [("core", "a", 0), ("core", "a", 1), ("audit", "b", 0)]):
            read = self.taken.get(place)
            batch.positions.append(make.advance((read or 0) + data.draw(st.integers(1, 3)), read, *place))
        batch.letters_gone = [(id,) for id in self.some(data, self.others["letters"], 1)]
        for id in [*self.some(data, self.others["letters"], 1), *data.draw(st.lists(st.just(None), max_size=1))]:
            state = data.draw(st.sampled_from(["waiting", "waiting", "dead", "replayed"]))
            row = make.letter(state=state, due=data.draw(st.none() | MOMENTS), attempts=data.draw(SMALL))
            batch.letters.append(row if id is None else row._replace(id=id))

    def drawn(self, data, row):
        status = data.draw(st.sampled_from(STATUSES))
        return row._replace(
            status=status,
            ended=9 if status in ("FINISHED", "FAILED") else None,
            name=data.draw(st.sampled_from(NAMES)),
            version=data.draw(st.integers(1, 2)),
            business_key=data.draw(st.sampled_from([None, "K_1", "k%2"])),
            started=data.draw(MOMENTS),
            ready=data.draw(st.integers(0, 1)),
            incidents=data.draw(st.integers(0, 2)),
        )

    def fill(self, data, batch, id):
        """Rows of one instance: new ones, and replacements of those that are there."""
        for name, (maker, columns) in WAITS.items():
            for _ in range(data.draw(st.integers(0, 1))):
                row = maker(id, **{column: data.draw(values) for column, values in columns.items()})
                mine = [there.id for there in self.waits[name].values() if there.instance == id]
                if mine and name != "incidents" and data.draw(st.booleans()):
                    row = row._replace(id=data.draw(st.sampled_from(mine)))
                getattr(batch, name).append(row)
        if data.draw(st.booleans()):
            value = data.draw(st.sampled_from([b"1", b"1.0", b"true", b'"1"', b'{"a":{"b":1}}', b"null"]))
            batch.variables.append(
                make.variable(id, data.draw(st.sampled_from("vw")), value, data.draw(st.integers(0, 2)))
            )
            batch.tokens.append(make.token(id, data.draw(SMALL), node=data.draw(st.sampled_from("ab"))))
        if data.draw(st.booleans()):
            batch.loops.append(make.loop(id, data.draw(st.integers(1, 2))))
            batch.outputs.append(make.output(id, data.draw(st.integers(1, 2)), data.draw(SMALL)))
            batch.kept.append(make.kept(id, data.draw(SMALL)))

    def empty_some(self, data, batch, id):
        for name in WAITS:
            mine = [there.id for there in self.waits[name].values() if there.instance == id]
            gone = self.some(data, mine, 1)
            if name == "incidents":
                batch.incidents_resolved += [(5, id) for id in gone]
            else:
                getattr(batch, f"{name}_gone").extend((id,) for id in gone)
        if data.draw(st.booleans()):
            batch.tokens_gone.append((id, data.draw(SMALL)))
            batch.variables_gone.append((id, 0, data.draw(st.sampled_from("vw"))))
            batch.scopes_gone.append((id, data.draw(st.integers(1, 2))))
        if data.draw(st.booleans()):
            batch.loops_gone.append((id, data.draw(st.integers(1, 2))))
            batch.kept_gone.append((id,))

    def spoil(self, how, batch):
        """Make it a batch that must be refused, if `how` says so and it can be."""
        if how == 0 and batch.changed:
            row, position = batch.changed[-1]
            batch.changed[-1] = row, position - 1
        elif how == 1 and self.instances:
            batch.new.append(next(iter(self.instances.values())))
        elif how == 2 and self.others["keys"]:
            batch.inbox.append(make.taken(self.others["keys"][0]))
        elif how == 3 and batch.history:
            batch.history.append(batch.history[0])
        elif how == 4 and batch.new:
            batch.new.append(batch.new[0])
        elif how == 5 and batch.changed:
            batch.changed.append(batch.changed[0])
        elif how == 6 and batch.positions:
            row, read = batch.positions[0]
            batch.positions[0] = row, 99 if read is None else None
        elif how == 7 and batch.positions:
            batch.positions.append(batch.positions[0])

    def remember(self, opener, batch):
        for row in (*batch.new, *(row for row, _ in batch.changed)):
            self.instances[row.id] = row
            self.caches[opener][row.id] = row.position
        for name in WAITS:
            for (gone,) in getattr(batch, f"{name}_gone", ()):
                self.waits[name].pop(gone, None)
            self.waits[name].update((row.id, row) for row in getattr(batch, name))
        for (gone,) in batch.messages_gone:
            self.others["messages"].remove(gone)
        self.others["messages"] += [row.id for row in batch.messages]
        self.others["keys"] += [row.key for row in batch.inbox]
        self.taken.update((row[:3], row.next) for row, _ in batch.positions)
        gone = {id for (id,) in batch.letters_gone}
        kept = {row.id for row in batch.letters}
        self.others["letters"] = sorted((set(self.others["letters"]) - gone) | kept)

    # -- what a processor asks ----------------------------------------------------------------------------------------

    @rule(data=st.data(), opener=st.integers(0, 1))
    def load(self, data, opener):
        """With what it has read and written before, an opener gets all that it must hear, and nothing else."""
        cache = self.caches[opener]
        wanted = [*self.some(data, self.instances), 1]
        need = Need(
            instances={id: cache.get(id, -1) for id in wanted},
            known=cache,
            jobs=[*self.some(data, self.waits["jobs"]), 1],
            tasks=self.some(data, self.waits["tasks"]),
            timers=self.some(data, self.waits["timers"]),
            inbox=self.some(data, self.others["keys"]),
            messages=[("p", None), ("q", "A"), ("s", "A")],
            buffered=[("p", "A"), ("q", "B")],
            children=self.some(data, self.instances),
            positions=[("core", "a", 0), ("audit", "b", 0), ("audit", "a", 0)],
            letters=self.some(data, self.others["letters"]),
        )
        found = self.both(opener, "load", need)
        cache.update((id, rows.instance.position) for id, rows in found.instances.items() if rows is not None)
        owners = {instance for instance, _ in found.jobs.values()} | {*found.tasks.values(), *found.timers.values()}
        for id in {*wanted, *owners} - {1}:
            assert cache[id] == self.instances[id].position

    @rule(data=st.data(), opener=st.integers(0, 1), now=MOMENTS, limit=st.integers(0, 3))
    def work(self, data, opener, now, limit):
        leased = self.both(
            opener, "lease_jobs", data.draw(st.sampled_from("xy")), "w", limit, now, now + data.draw(SMALL)
        )
        jobs = [(row.job.id, row.lease.fence) for row in leased]
        for job, fence in jobs + [(id, 1) for id in self.some(data, self.waits["jobs"])]:
            self.both(opener, "job", job)
            if data.draw(st.booleans()):
                self.both(opener, "extend_lease", job, fence, data.draw(MOMENTS), now + data.draw(SMALL))
            if data.draw(st.booleans()):
                self.both(opener, "release_lease", job, fence)

    @rule(opener=st.integers(0, 1), now=MOMENTS, limit=SMALL)
    def look_at_the_clock(self, opener, now, limit):
        self.both(opener, "due", now, limit)
        self.both(opener, "next_due")
        self.both(opener, "ready", limit)
        self.both(opener, "letters_due", now, limit)
        self.both(opener, "lost_answers", now, limit)

    @rule(opener=st.integers(0, 1), who=st.sampled_from("ab"), now=MOMENTS, long=SMALL, keeps=st.booleans())
    def want_a_role(self, opener, who, now, long, keeps):
        self.both(opener, "hold_role", "publish", who, now, now + long)
        if not keeps:
            self.both(opener, "release_role", "publish", who)

    @rule(opener=st.integers(0, 1), now=MOMENTS)
    def expire(self, opener, now):
        self.both(opener, "expire_messages", now)
        self.others["messages"] = [row.id for row in self.memory.messages(limit=1000)]

    # -- definitions and users ----------------------------------------------------------------------------------------

    @rule(data=st.data(), opener=st.integers(0, 1))
    def deploy(self, data, opener):
        row = make.definition(data.draw(st.sampled_from(NAMES)), data.draw(st.integers(1, 4)))
        forms = [make.form(row.id, key) for key in self.some(data, ("a.json", "b.json"))]
        if self.both(opener, "add_definitions", [row], [make.audit()], forms) is None:
            self.others["definitions"].append(row.id)
        self.both(opener, "forms", row.id)
        self.both(opener, "form", row.id, "a.json")

    @precondition(lambda self: self.others["definitions"])
    @rule(data=st.data(), opener=st.integers(0, 1))
    def publish(self, data, opener):
        id = data.draw(st.sampled_from(self.others["definitions"]))
        starts = [make.start_timer(id, data.draw(MOMENTS))]
        messages = [make.start_subscription(id, name) for name in self.some(data, "pq")]
        self.both(opener, "publish", id, starts, messages, [make.audit()])

    @precondition(lambda self: self.others["definitions"])
    @rule(data=st.data(), opener=st.integers(0, 1))
    def deprecate(self, data, opener):
        self.both(opener, "deprecate", data.draw(st.sampled_from([*self.others["definitions"], 1])), [])

    @rule(opener=st.integers(0, 1), name=PEOPLE, password=st.sampled_from("12"), stays=st.booleans())
    def users(self, opener, name, password, stays):
        if stays:
            self.both(opener, "put_user", make.user(name, password=password), [make.audit()])
        else:
            self.both(opener, "remove_user", name, [make.audit()])
        self.both(opener, "sessions", SESSIONS)

    @rule(opener=st.integers(0, 1), name=PEOPLE, id=st.sampled_from(SESSIONS), expires=MOMENTS, now=MOMENTS)
    def log_in_and_out(self, opener, name, id, expires, now):
        if (user := self.both(opener, "user", name)) is not None:
            self.both(opener, "put_session", make.session(id, user, expires=expires))
        self.both(opener, "expire_sessions", now)
        self.both(opener, "session", id)
        self.both(opener, "sessions", SESSIONS)

    @rule(data=st.data(), opener=st.integers(0, 1), name=PEOPLE, stays=st.booleans())
    def type_something(self, data, opener, name, stays):
        for task in [*self.some(data, self.waits["tasks"]), 1]:
            self.both(opener, "draft", task, name)
            if stays:
                self.both(opener, "put_draft", make.draft(task, name, saved=data.draw(MOMENTS)))
            else:
                self.both(opener, "remove_draft", task, name)

    @rule(opener=st.integers(0, 1), name=PEOPLE, id=st.sampled_from(SESSIONS), everywhere=st.booleans())
    def log_out(self, opener, name, id, everywhere):
        if everywhere:
            self.both(opener, "remove_sessions", name)
        else:
            self.both(opener, "remove_session", id)

    # -- queries ------------------------------------------------------------------------------------------------------

    @rule(data=st.data(), opener=st.integers(0, 1), limit=st.integers(1, 4))
    def find_instances(self, data, opener, limit):
        def maybe(values):
            return data.draw(st.none() | st.none() | values)

        ids = st.sampled_from(sorted(self.instances) or [1])
        where = InstanceFilter(
            definition=maybe(st.sampled_from(NAMES)),
            version=maybe(st.integers(1, 2)),
            statuses=data.draw(st.lists(st.sampled_from(STATUSES), max_size=3)),
            business_key=maybe(st.sampled_from(["K_1", "nobody"])),
            parent=maybe(ids),
            root=maybe(ids),
            started_by=maybe(st.sampled_from(["ada", "nobody"])),
            started_after=maybe(MOMENTS),
            started_before=maybe(MOMENTS),
            node=maybe(st.sampled_from("ab")),
            incidents=maybe(st.booleans()),
            text=maybe(st.sampled_from(["order", "K_", "%", "ILL", "7"])),
            variables=maybe(st.sampled_from([{"v": 1}, {"v.a.b": 1, "w": True}, {"w": None}])) or {},
        )
        self.both(opener, "instances", where, limit, maybe(ids))

    @rule(data=st.data(), opener=st.integers(0, 1), limit=st.integers(1, 4))
    def ask_everything(self, data, opener, limit):
        ids = st.sampled_from(sorted(self.instances) or [1])
        id, before = data.draw(ids), data.draw(st.none() | ids)
        self.both(opener, "instance", id)
        self.both(opener, "history", id, data.draw(SMALL), limit)
        log = self.both(opener, "recent_history", limit)
        if log:
            last = log[-1]
            self.both(opener, "recent_history", limit, (last.at, last.instance, last.position))
            self.both(opener, "recent_history", limit, (last.at, last.instance))
        self.both(opener, "last_history")
        numbered = self.both(opener, "history_after", data.draw(SMALL), limit)
        for number, row in numbered:
            assert self.both(opener, "history_number", row.instance, row.position) == number
        self.both(opener, "history_number", id, data.draw(SMALL))
        self.both(opener, "instance_heads", [id, 1, *self.some(data, self.instances)])
        self.both(opener, "users", data.draw(st.lists(PEOPLE)))
        for given in (
            {},
            {"instance": id},
            {"free": True},
            {"assignee": "ada"},
            {"node": "a", "definition": "order"},
            {"undated": True},
        ):
            for seen in self.both(opener, "tasks", TaskFilter(**given), limit, before):
                assert self.both(opener, "task", seen.id) == seen
                owner = self.instances[seen.task.instance]
                assert (seen.position, seen.status) == (owner.position, owner.status)
            dated = self.both(opener, "due_tasks", TaskFilter(**given), limit)
            if dated:
                self.both(opener, "due_tasks", TaskFilter(**given), limit, (dated[0].task.due, dated[0].id))
        self.both(opener, "places", [id, 1, *self.some(data, self.instances)])
        for instance in (None, id):
            for open_only in (True, False):
                self.both(opener, "incidents", instance, open_only, limit, before)
        for name in (None, "p"):
            self.both(opener, "messages", name, limit)
            self.both(opener, "subscriptions", name, limit)
        self.both(
            opener,
            "definitions",
            data.draw(st.sampled_from([None, *NAMES])),
            data.draw(st.sampled_from([(), ("published",)])),
        )
        for method in ("failed_starts", "audit"):
            self.both(opener, method, limit, before)
        self.both(opener, "stuck", limit)
        for states in ((), ("dead",), ("waiting", "replayed")):
            for row in self.both(opener, "letters", states, limit, before):
                self.both(opener, "letter", row.id)
        self.both(opener, "positions", "core")
        self.both(opener, "backlog", data.draw(MOMENTS))
        for method in ("definitions_changed", "counts", "users"):
            self.both(opener, method)

    @rule(data=st.data(), opener=st.integers(0, 1), limit=st.integers(1, 4), topic=st.sampled_from([None, "x", "y"]))
    def publish_records(self, data, opener, limit, topic):
        """The numbers of a server have gaps."""
        self.catch_up(opener)
        topics = None if topic is None else [topic]
        answers = [store.outbox(limit, topics) for store in (self.memory, self.files[opener])]
        assert [row for _, row in answers[0]] == [row for _, row in answers[1]]
        out = self.some(data, range(len(answers[0])))
        for store, found in zip((self.memory, self.files[opener]), answers, strict=True):
            store.commit(Batch(outbox_gone=[(found[index][0],) for index in out]))


class AgreementOfTwo(Agreement):
    """Two openers of one file, as two processes would be."""

    def open_files(self):
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "orders.db"
        return [Driven(SqliteStorage(path)), Driven(SqliteStorage(path))]

    def teardown(self):
        super().teardown()
        self.folder.cleanup()

    @rule(opener=st.integers(0, 1))
    def reopen(self, opener):
        """An opener that comes back knows nothing."""
        self.files[opener].close()
        self.files[opener].open()
        self.caches[opener].clear()


class AgreementWithServer(Agreement):
    """Two nodes on one schema of a PostgreSQL server. Its numbers of history grow with gaps."""

    database = ""

    def open_files(self):
        url = f"{self.database}?schema=s{secrets.token_hex(6)}&connections=2"
        return [Driven(PostgresStorage(url)), Driven(PostgresStorage(url))]

    def both(self, opener, method, *args, **kwargs):
        memory, server = self.memory, self.files[opener]
        if method == "history_after":
            after = memory.history_after(*args)
            number = 0
            if args[0]:
                [(_, row)] = memory.history_after(args[0] - 1, 1) or [(0, None)]
                number = server.history_number(row.instance, row.position) if row is not None else server.last_history()
            assert [row for _, row in server.history_after(number, args[1])] == [row for _, row in after]
            return after
        if method in ("history_number", "last_history"):
            answer = getattr(memory, method)(*args)
            assert bool(getattr(server, method)(*args)) == bool(answer)
            return answer
        if method == "commit":
            self.catch_up(opener)
        if method == "definitions_changed":
            return memory.definitions_changed()  # a node may not know it yet; a commit would tell it
        return super().both(opener, method, *args, **kwargs)

    def catch_up(self, opener):
        self.files[opener].look()


@pytest.fixture(scope="module", autouse=True)
def database(request):
    """Asked for by the test of the server only; the others need none."""
    if any("Server" in item.nodeid for item in request.session.items if item.path == request.path):
        AgreementWithServer.database = request.getfixturevalue("postgresql").url()


TestAgreement = Agreement.TestCase
TestAgreement.settings = settings(max_examples=50, stateful_step_count=25)
TestAgreementOfTwo = AgreementOfTwo.TestCase
TestAgreementOfTwo.settings = settings(max_examples=12, stateful_step_count=25)
TestAgreementWithServer = pytest.mark.timeout(300)(AgreementWithServer.TestCase)
TestAgreementWithServer.settings = settings(max_examples=6, stateful_step_count=25)
