"""Rows for tests: plausible ones, of which a test says only what it is about. And a store without `await`."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from itertools import count
from typing import Any

from procession.storage import (
    AuditRow,
    Batch,
    CallRow,
    DefinitionRow,
    DraftRow,
    FailedStartRow,
    FormRow,
    HistoryRow,
    InboxRow,
    IncidentRow,
    InstanceRow,
    InstanceRows,
    JobRow,
    KeptRow,
    LetterRow,
    LoopRow,
    MessageRow,
    Need,
    OutboxRow,
    OutputRow,
    PositionRow,
    SessionRow,
    StartSubscriptionRow,
    StartTimerRow,
    Storage,
    SubscriptionRow,
    TaskRow,
    TimerRow,
    TokenRow,
    UserRow,
    VariableRow,
)

NOON = 1_767_268_800_000_000  # 2026-01-01 12:00 UTC
SECOND = 1_000_000
MINUTE = 60 * SECOND

_numbers = count(7_312_546_978_000_000)


def new_id() -> int:
    """Ids grow with time."""
    return next(_numbers)


def instance(id: int | None = None, **given: Any) -> InstanceRow:
    id = new_id() if id is None else id
    row = InstanceRow(
        id=id,
        definition=1,
        name="order",
        version=1,
        status="STARTED",
        position=1,
        business_key=None,
        started_by="ada",
        started=NOON,
        ended=None,
        parent=None,
        parent_token=None,
        root=id,
        next_token=2,
        next_order=1,
        steps=0,
        ready=0,
        incidents=0,
    )
    return row._replace(**given)


def token(instance: int, id: int = 1, **given: Any) -> TokenRow:
    row = TokenRow(instance, id, None, 0, "pack", "start", "to-pack", "ACTIVE", "EXECUTING", 1, NOON, "", 0, 0, 0, None)
    return row._replace(**given)


def variable(instance: int, name: str = "amount", value: bytes = b"500", scope: int = 0) -> VariableRow:
    return VariableRow(instance, scope, name, value)


def loop(instance: int, token: int = 1, items: bytes = b"[1,2]") -> LoopRow:
    return LoopRow(instance, token, items)


def output(instance: int, token: int = 1, index: int = 0, value: bytes = b"1") -> OutputRow:
    return OutputRow(instance, token, index, value)


def kept(instance: int, number: int = 1, command: bytes = b'["complete-job"]') -> KeptRow:
    return KeptRow(instance, number, command)


def job(instance: int, **given: Any) -> JobRow:
    return JobRow(new_id(), instance, 1, "charge", "charge-card", 3, b'{"x":"1"}', NOON, 0)._replace(**given)


def task(instance: int, **given: Any) -> TaskRow:
    row = TaskRow(
        id=new_id(),
        instance=instance,
        token=1,
        process="order",
        node="approve",
        name="Approve the order",
        lane="clerks",
        assignee=None,
        groups=b'["clerks"]',
        users=b"[]",
        created=NOON,
        due=None,
        follow_up=None,
        priority=50,
        form=None,
        definition=1,
    )
    return row._replace(**given)


def timer(instance: int, due: int = NOON, **given: Any) -> TimerRow:
    return TimerRow(new_id(), instance, 1, "late", due, "duration", "PT1H", "UTC", 1, NOON)._replace(**given)


def subscription(instance: int, name: str = "paid", key: str = "A-1", **given: Any) -> SubscriptionRow:
    return SubscriptionRow(new_id(), instance, 1, "order", "wait", name, key)._replace(**given)


def call(instance: int, child: int, **given: Any) -> CallRow:
    return CallRow(child, instance, 1, "deliver", "delivery")._replace(**given)


def incident(instance: int, **given: Any) -> IncidentRow:
    row = IncidentRow(
        id=new_id(),
        instance=instance,
        process="order",
        token=1,
        node="charge",
        source="charge-card",
        type="job",
        cause="no retries left",
        message="The card was refused.",
        details="",
        raised=NOON,
        job=None,
        resolved=None,
    )
    return row._replace(**given)


def history(instance: int, position: int = 1, **given: Any) -> HistoryRow:
    return HistoryRow(instance, position, NOON, "ada", "start", "", b'[["started"]]')._replace(**given)


def message(name: str = "paid", key: str | None = "A-1", **given: Any) -> MessageRow:
    return MessageRow(new_id(), name, key, b"{}", None, NOON, NOON + MINUTE, b"[]")._replace(**given)


def record(instance: int, **given: Any) -> OutboxRow:
    return OutboxRow(new_id(), instance, "procession.dev.order.v1", str(instance), b"{}", b"{}", NOON)._replace(**given)


def advance(
    next: int, read: int | None = None, group: str = "core", topic: str = "orders", partition: int = 0
) -> tuple[PositionRow, int | None]:
    """A group goes on in a partition, from where it was read."""
    return PositionRow(group, topic, partition, next), read


def letter(**given: Any) -> LetterRow:
    row = LetterRow(
        id=new_id(),
        topic="orders",
        partition=0,
        offset=7,
        key=None,
        headers=b"[]",
        value=b"{}",
        published=NOON,
        at=NOON,
        attempts=1,
        due=NOON + MINUTE,
        state="waiting",
        instance=None,
        title="It cannot be read.",
        detail="",
        closed=None,
        closed_by=None,
    )
    return row._replace(**given)


def taken(key: str, result: bytes = b"1") -> InboxRow:
    return InboxRow(key, NOON, result)


def failed_start(**given: Any) -> FailedStartRow:
    row = FailedStartRow(
        new_id(), "order", NOON, "ada", 422, "Missing parameter.", "amount is missing", b"{}", "PF", "o-1"
    )
    return row._replace(**given)


def audit(**given: Any) -> AuditRow:
    return AuditRow(new_id(), NOON, "ada", "definition", "published", "order", "200", "")._replace(**given)


def definition(name: str = "order", version: int = 1, **given: Any) -> DefinitionRow:
    row = DefinitionRow(new_id(), name, version, name.title(), "draft", "ab12", f"{name}.bpmn", b"<xml/>", NOON, "ada")
    return row._replace(**given)


def form(definition: int, key: str = "forms/order.schema.json", data: bytes = b"{}") -> FormRow:
    return FormRow(definition, key, data)


def draft(task: int, user: str = "ada", **given: Any) -> DraftRow:
    return DraftRow(task, user, b'{"amount":1.10}', NOON)._replace(**given)


def start_timer(definition: int, due: int = NOON, **given: Any) -> StartTimerRow:
    return StartTimerRow(new_id(), definition, "daily", due, "cycle", "R/P1D", "UTC", 1, NOON)._replace(**given)


def start_subscription(definition: int, name: str = "ordered", **given: Any) -> StartSubscriptionRow:
    return StartSubscriptionRow(definition, "order", "received", name)._replace(**given)


def user(name: str = "ada", **given: Any) -> UserRow:
    return UserRow(name, "$argon2id$…", b'["clerk"]', NOON)._replace(**given)


def session(id: str, user: UserRow, **given: Any) -> SessionRow:
    """A session that was opened with the password of a user."""
    return SessionRow(id, user.name, user.stamp, f"csrf of {id}", NOON, NOON + MINUTE)._replace(**given)


def started(row: InstanceRow, **lists: Any) -> Batch:
    """The batch of a start."""
    return Batch(new=[row], history=[history(row.id, row.position)], **lists)


def stepped(row: InstanceRow, **lists: Any) -> Batch:
    """The batch of one transaction of an instance that was read one position before `row`."""
    return Batch(changed=[(row, row.position - 1)], history=[history(row.id, row.position)], **lists)


def drive(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run what never suspends, without an event loop."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    coroutine.close()
    raise AssertionError("an embedded store suspended")


class Driven:
    """A store whose methods are called without `await`."""

    def __init__(self, storage: Storage, run: Callable[[Coroutine[Any, Any, Any]], Any] = drive) -> None:
        self.storage = storage
        self._run = run

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self.storage, name)
        return lambda *args, **kwargs: self._run(method(*args, **kwargs))


def found(store: Driven, id: int) -> InstanceRows:
    """An instance as a processor loads it that knows nothing of it."""
    rows = store.load(Need(instances={id: -1})).instances[id]
    assert rows is not None
    return rows


def rows_in(store: Driven) -> dict[str, int]:
    """The tables that are not empty, and how many rows they have."""
    return {table: number for table, number in store.counts().items() if number}
