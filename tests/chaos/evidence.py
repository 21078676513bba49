"""What must be true of a store after bad luck: what was acknowledged is there once, and everything can go on to its end."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, NamedTuple

import apsw

from procession import CommandRejected, Engine
from procession.definition.iso8601 import parse_instant
from procession.engine import events as e
from procession.engine.codec import decode_command, decode_events
from procession.engine.commands import CompleteJob
from procession.runtime.drive import drive
from procession.runtime.replay import replay
from procession.storage import InstanceFilter, InstanceRow
from procession.storage.rows import restore
from procession.testing import broken_rules
from procession.testing.guardian import differences

LIVE = ("CREATED", "STARTED", "ON_HOLD")
LIVE_TABLES = ("token", "loop", "output", "kept", "job", "task", "draft", "timer", "subscription", "call")


def rows(engine: Engine, **where: object) -> Iterator[InstanceRow]:
    """Every instance, newest first."""
    before = None
    while found := drive(engine.storage.instances(InstanceFilter(**where), 1000, before)):
        yield from found
        before = found[-1].id


def past(engine: Engine, instance: int) -> list[tuple[int, e.Event]]:
    """Everything that happened to an instance, with the position; positions have no gap."""
    result: list[tuple[int, e.Event]] = []
    position = 0
    while found := drive(engine.storage.history(instance, position, 1000)):
        for row in found:
            position += 1
            assert row.position == position, f"instance {instance}: position {row.position} follows {position - 1}"
            result += [(position, event) for event in decode_events(row.events)]
    return result


def history(engine: Engine, instance: int) -> list[e.Event]:
    """Everything that happened to an instance."""
    return [event for _, event in past(engine, instance)]


def check_state(engine: Engine, instance: int) -> None:
    """The rows of an instance are what its history says, and its tokens keep their rules."""
    found = drive(engine.storage.instance(instance))
    assert found is not None
    # up to the position of the rows: a timer may fire between the two looks
    past = drive(replay(engine.storage, instance, found.instance.position))
    assert past is not None
    stored = restore(found)
    wrong = differences(stored, past.state) + broken_rules(stored)
    assert not wrong, f"instance {instance}:\n" + "\n".join(wrong)


def check_live(engine: Engine) -> int:
    """Every live instance is whole, and says what it waits for; how many there are."""
    assert engine.stuck() == []
    live = [row.id for row in rows(engine, statuses=LIVE)]
    for instance in live:
        check_state(engine, instance)
        view = engine.instance(str(instance))
        assert view.waits or view.state != "STARTED", f"instance {instance} waits for nothing that it can name"
    return len(live)


def check_outbox(engine: Engine) -> None:
    """One record for each event that sent one, as it was sent."""
    check_sent(engine, (event for row in rows(engine) for event in history(engine, row.id)))


def check_sent(engine: Engine, events: Iterable[e.Event]) -> int:
    """The same, of events that are known; how many records there are."""
    sent: dict[int, tuple[str, str]] = {}
    for event in events:
        if isinstance(event, e.RecordSent):
            assert event.record not in sent, f"record {event.record} was sent twice"
            sent[event.record] = event.topic, event.value
    stored = {row.id: (row.topic, row.value.decode()) for _, row in drive(engine.storage.outbox(1_000_000))}
    assert stored == sent, f"the outbox and history differ in {sorted(stored.keys() ^ sent.keys())[:5]}"
    return len(sent)


def check_nothing_left(engine: Engine) -> None:
    """No live row outlives its instance."""
    counts = engine.counts()
    assert {name: counts[name] for name in LIVE_TABLES if counts[name]} == {}
    kept = {row.key for row in drive(engine.storage.messages(limit=100_000))}
    late = {row.business_key for row in rows(engine, statuses=("TERMINATED",))}
    assert kept <= late, "a message is still there though an instance waited for it"
    assert engine.exceptions(open_only=True) == []
    assert engine.stuck() == []


def check_file(path: str) -> None:
    """SQLite itself has nothing to complain of."""
    connection = apsw.Connection(path)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    finally:
        connection.close()


def at_once(calls: Iterable[Callable[[], Any]]) -> list[Any]:
    """Call all of them, several at a time, so that they share commits."""
    with ThreadPoolExecutor(16) as pool:
        return [done.result() for done in [pool.submit(call) for call in calls]]


def drive_to_the_end(engine: Engine, jobs: Iterable[str], message: str, seconds: float = 60.0) -> None:
    """Do everything that anybody waits for, until no instance is live."""
    end = time.monotonic() + seconds

    def take_on(row: InstanceRow) -> None:
        if row.status == "ON_HOLD" and row.parent is None:
            engine.unhold(row.id)
        if row.parent is not None or row.business_key is None:
            return
        for wait in engine.instance(row.id).waits:
            if wait["kind"] == "task":
                engine.complete_task(wait["id"], {"checked": str(row.id)})
            elif wait["kind"] == "message":
                key = wait["correlationKey"]
                engine.publish_message(message, key, {message: key}, message_id=f"pay-{key}")

    while live := list(rows(engine, statuses=LIVE)):
        assert time.monotonic() < end, f"{len(live)} instances do not end, such as {engine.instance(live[0].id)}"
        at_once([lambda row=row: take_on(row) for row in live])
        asks = []
        for type in jobs:
            for job in engine.activate_jobs(type, max_jobs=10_000, lock=30.0):
                name = {"charge": "charged", "pack": "packed"}[type]
                asks.append((job.id, engine.ask_complete_job(job.id, job.token, {name: job.variables["id"]})))
        for _, ask in asks:
            engine.submit(ask)
        for job_id, ask in asks:
            try:
                engine.wait(ask)
            except CommandRejected as refused:
                raise AssertionError(f"job {job_id} is handed out, and cannot be done: {refused}") from None
        engine.run_due()
        time.sleep(0.05)


class Command(NamedTuple):
    """What was acknowledged to a client about an instance, and between which moments (nanoseconds of one monotonic clock)."""

    kind: str  # start, note, job, task
    what: str  # the key, the note, the id of the wait
    before: int
    after: int
    client: str


class Lease(NamedTuple):
    """A job that somebody got. Times are the node's, in microseconds; `right`: its clock was never set off."""

    job: str
    fence: int
    worker: str
    begin: int
    deadline: int
    right: bool


class Facts:
    """The lines that clients and victims said."""

    def __init__(self) -> None:
        self.tried: set[str] = set()
        self.started: dict[str, str] = {}  # key → instance
        self.paid: dict[str, str] = {}  # key → message
        self.done: dict[str, set[str]] = defaultdict(set)  # job and task → the id of the wait
        self.notes: list[tuple[str, str]] = []
        self.terminated: set[str] = set()
        self.spun: dict[str, str] = {}
        self.commands: dict[str, list[Command]] = defaultdict(list)  # instance → what was acknowledged
        self.leases: list[Lease] = []
        self.given_back: set[tuple[str, int]] = set()  # job and fence; it may or may not have taken effect
        self.completed: dict[
            str, tuple[str, int]
        ] = {}  # job → worker and fence of the completion that was acknowledged
        self.faults: list[str] = []  # what may not happen at all
        self.broken: list[str] = []  # what may, where the store cannot be had
        self.kinds: Counter[str] = Counter()

    @property
    def acknowledged(self) -> int:
        """How many commands were."""
        silent = {"try", "lease", "back", "ready", "trap", "storage", "conflict", "listening"}
        return sum(count for kind, count in self.kinds.items() if kind not in silent)

    def read(self, lines: Iterable[str]) -> None:
        for line in lines:
            if not line.endswith("\n"):
                continue  # cut off: nobody was told
            kind, *rest = line.split()
            self.kinds[kind] += 1
            if rest and rest[-1].startswith("@"):
                before, after, client = rest.pop()[1:].split(":")
                instance, what = (rest[0], rest[1]) if kind == "note" else (rest[1], rest[0])
                self.commands[instance].append(Command(kind, what, int(before), int(after), client))
            if kind == "try":
                self.tried.add(rest[0])
            elif kind == "start":
                assert self.started.setdefault(rest[0], rest[1]) == rest[1], f"{rest[0]} started {rest[1]} as well"
            elif kind == "spun":
                assert self.spun.setdefault(rest[0], rest[1]) == rest[1], f"{rest[0]} started {rest[1]} as well"
                assert rest[2] == "FINISHED", line
            elif kind == "paid":
                assert self.paid.setdefault(rest[0], rest[1]) == rest[1], f"message pay-{rest[0]} was taken twice"
            elif kind in ("job", "task"):
                assert rest[0] not in self.done[kind], f"{kind} {rest[0]} was done twice"
                self.done[kind].add(rest[0])
                if kind == "job":
                    self.completed[rest[0]] = rest[2], int(rest[3])
            elif kind == "note":
                self.notes.append((rest[0], rest[1]))
            elif kind == "terminated":
                self.terminated.add(rest[0])
            elif kind == "lease":
                job, fence, worker, deadline, lock, clock = rest
                until = parse_instant(deadline)
                begin = until - round(float(lock) * 1_000_000)
                self.leases.append(Lease(job, int(fence), worker, begin, until, clock == "right"))
            elif kind == "back":
                self.given_back.add((rest[0], int(rest[1])))
            elif kind in ("refused", "broken"):
                self.faults.append(line.strip())
            elif kind in ("storage", "conflict"):
                self.broken.append(line.strip())


def check_leases(facts: Facts) -> int:
    """A job is had by one worker at a time, and a completion counts for whoever had it last; how many leases there were.

    Fencing numbers are given once, whatever the clocks say. Where the clocks of both nodes were right, the one lease ended
    before the next one began, unless the worker gave it back.
    """
    by_job: dict[str, list[Lease]] = defaultdict(list)
    for lease in facts.leases:
        by_job[lease.job].append(lease)
    for job, leases in by_job.items():
        leases.sort(key=lambda lease: lease.fence)
        for one, two in pairwise(leases):
            assert one.fence != two.fence, f"job {job} was handed out twice under number {one.fence}: {one}, {two}"
            if one.right and two.right and (job, one.fence) not in facts.given_back:
                assert one.deadline <= two.begin, f"two had job {job} at one time: {one}, {two}"
        if job in facts.completed:
            assert leases[-1].fence <= facts.completed[job][1], (
                f"job {job} was completed by one that had lost it: {leases}"
            )
    return len(facts.leases)


def check_order(instance: str, commands: Iterable[Command], happened: Iterable[tuple[int, e.Event]]) -> int:
    """What was acknowledged about an instance is in its history, once, in the order in which it was asked for and answered.

    Of two commands, whoever gave them, of which the one was answered before the other was asked for, the one comes first.
    """
    places: dict[tuple[str, str], list[int]] = defaultdict(list)
    kept: dict[str, int] = {}
    for position, event in happened:
        if isinstance(event, e.InstanceStarted):
            places["start", ""].append(position)
        elif isinstance(event, e.VariablesPatched):
            for note in event.patch.get("notes", ()):
                places["note", note].append(position)
        elif isinstance(event, e.JobCompleted):
            places["job", str(event.job)].append(position)
        elif isinstance(event, e.TaskCompleted):
            places["task", str(event.task)].append(position)
        elif isinstance(event, e.CommandKept) and isinstance(
            late := decode_command(event.command.encode()), CompleteJob
        ):
            kept.setdefault(str(late.job), position)  # it was answered here, and takes effect when all is resumed
    for (kind, what), positions in places.items():
        assert len(positions) == 1, (
            f"instance {instance}: {kind} {what} took effect {len(positions)} times, at {positions}"
        )
    placed: list[tuple[int, Command]] = []
    for command in commands:
        found = places.get((command.kind, "" if command.kind == "start" else command.what))
        assert found, f"instance {instance}: {command} was acknowledged and is not in history"
        placed.append((kept.get(command.what, found[0]) if command.kind == "job" else found[0], command))
    placed.sort(key=lambda each: each[0])
    latest: Command | None = None
    for _, command in placed:
        assert latest is None or command.after >= latest.before, (
            f"instance {instance}: in history {command} comes after {latest}, which was asked for later"
        )
        # a start that is repeated is answered again, however late that is
        if command.kind != "start" and (latest is None or command.before > latest.before):
            latest = command
    return len(placed)
