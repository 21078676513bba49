"""What must be true of a store after bad luck: what was acknowledged is there once, and everything can go on to its end."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

import apsw

from procession import CommandRejected, Engine
from procession.engine import events as e
from procession.engine.codec import decode_events
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


def history(engine: Engine, instance: int) -> list[e.Event]:
    """Everything that happened to an instance; its positions have no gap."""
    result: list[e.Event] = []
    position = 0
    while found := drive(engine.storage.history(instance, position, 1000)):
        for row in found:
            position += 1
            assert row.position == position, f"instance {instance}: position {row.position} follows {position - 1}"
            result += decode_events(row.events)
    return result


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
    sent: dict[int, tuple[str, str]] = {}
    for row in rows(engine):
        for event in history(engine, row.id):
            if isinstance(event, e.RecordSent):
                assert event.record not in sent, f"record {event.record} was sent twice"
                sent[event.record] = event.topic, event.value
    stored = {row.id: (row.topic, row.value.decode()) for row in drive(engine.storage.outbox(1_000_000))}
    assert stored == sent


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


def drive_to_the_end(engine: Engine, jobs: Iterable[str], message: str, seconds: float = 60.0) -> None:
    """Do everything that anybody waits for, until no instance is live."""
    end = time.monotonic() + seconds
    while live := list(rows(engine, statuses=LIVE)):
        assert time.monotonic() < end, f"{len(live)} instances do not end, such as {engine.instance(live[0].id)}"
        for row in live:
            if row.status == "ON_HOLD" and row.parent is None:
                engine.unhold(row.id)
        asks = []
        for row in live:
            if row.parent is None and row.business_key is not None:
                for wait in engine.instance(row.id).waits:
                    if wait["kind"] == "task":
                        asks.append(engine.ask_complete_task(wait["id"], {"checked": str(row.id)}))
                    elif wait["kind"] == "message":
                        key = wait["correlationKey"]
                        engine.publish_message(message, key, {message: key}, message_id=f"pay-{key}")
        for type in jobs:
            for job in engine.activate_jobs(type, max_jobs=10_000, lock=30.0):
                name = {"charge": "charged", "pack": "packed"}[type]
                asks.append(engine.ask_complete_job(job.id, job.token, {name: job.variables["id"]}))
        for ask in asks:
            engine.submit(ask)
        for ask in asks:
            try:
                engine.wait(ask)
            except CommandRejected as refused:
                if refused.status != 404:  # a lease ran out, and the job was done by somebody else
                    raise
        engine.run_due()
        time.sleep(0.05)


class Facts:
    """The lines that victims printed."""

    def __init__(self) -> None:
        self.tried: set[str] = set()
        self.started: dict[str, str] = {}  # key → instance
        self.paid: dict[str, str] = {}  # key → message
        self.done: dict[str, set[str]] = defaultdict(set)  # job and task → the id of the wait
        self.notes: list[tuple[str, str]] = []
        self.terminated: set[str] = set()
        self.spun: dict[str, str] = {}
        self.faults: list[str] = []
        self.kinds: Counter[str] = Counter()

    def read(self, lines: Iterable[str]) -> None:
        for line in lines:
            if not line.endswith("\n"):
                continue  # cut off: nobody was told
            kind, *rest = line.split()
            self.kinds[kind] += 1
            if kind == "try":
                self.tried.add(rest[0])
            elif kind == "start":
                assert self.started.setdefault(rest[0], rest[1]) == rest[1], f"{rest[0]} started {rest[1]} as well"
            elif kind == "spun":
                assert self.spun.setdefault(rest[0], rest[1]) == rest[1]
                assert rest[2] == "FINISHED", line
            elif kind == "paid":
                assert self.paid.setdefault(rest[0], rest[1]) == rest[1], f"message pay-{rest[0]} was taken twice"
            elif kind in ("job", "task"):
                assert rest[0] not in self.done[kind], f"{kind} {rest[0]} was done twice"
                self.done[kind].add(rest[0])
            elif kind == "note":
                self.notes.append((rest[0], rest[1]))
            elif kind == "terminated":
                self.terminated.add(rest[0])
            elif kind in ("refused", "broken", "storage"):
                self.faults.append(line.strip())
