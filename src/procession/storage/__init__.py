"""The store: one async contract, a few calls a batch, and the rows that every store keeps.

A store is opened once and used by one processor at a time; queries may run beside it. Everything a batch changes is
written in one transaction, or not at all. Rows are tuples in the order of the columns below, so that nothing is copied on
the way; times are microseconds since the epoch, UTC; documents are JSON bytes. Embedded stores (memory, SQLite in the
caller's thread) never suspend: their coroutines can be driven without an event loop (`runtime.drive`).

Errors: `VersionConflict` (somebody else was faster: load and decide again), `StorageBusy`, `StorageFull`, `StorageError`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from hashlib import sha256
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from procession.storage.migrations import Migration

# -- rows -------------------------------------------------------------------------------------------------------------


class InstanceRow(NamedTuple):
    """`ready` is 1 while a token can go on by itself (a bounded transaction ended); `incidents` counts the open ones."""

    id: int
    definition: int
    name: str
    version: int
    status: str
    position: int
    business_key: str | None
    started_by: str
    started: int
    ended: int | None
    parent: int | None
    parent_token: int | None
    root: int
    next_token: int
    next_order: int
    steps: int
    ready: int
    incidents: int


class TokenRow(NamedTuple):
    instance: int
    id: int
    parent: int | None
    scope: int
    node: str
    start_node: str
    flow: str | None
    state: str
    status: str
    version: int
    updated: int
    holding: str
    count: int  # type: ignore[assignment]
    finished: int
    joined: int
    item: int | None


class VariableRow(NamedTuple):
    """One name of one scope (0: the root); `value` is JSON."""

    instance: int
    scope: int
    name: str
    value: bytes


class LoopRow(NamedTuple):
    instance: int
    token: int
    items: bytes


class OutputRow(NamedTuple):
    instance: int
    token: int
    index: int  # type: ignore[assignment]
    value: bytes


class KeptRow(NamedTuple):
    instance: int
    number: int
    command: bytes


class JobRow(NamedTuple):
    id: int
    instance: int
    token: int
    node: str
    type: str
    retries: int
    headers: bytes
    created: int
    due: int


class TaskRow(NamedTuple):
    """`groups` and `users` are JSON lists; `process` and `definition` are the definition's name and id."""

    id: int
    instance: int
    token: int
    process: str
    node: str
    name: str
    lane: str | None
    assignee: str | None
    groups: bytes
    users: bytes
    created: int
    due: int | None
    follow_up: int | None
    priority: int
    form: str | None
    definition: int


class TimerRow(NamedTuple):
    id: int
    instance: int
    token: int
    node: str
    due: int
    kind: str
    rule: str
    zone: str
    number: int
    anchor: int


class SubscriptionRow(NamedTuple):
    id: int
    instance: int
    token: int
    process: str
    node: str
    name: str
    key: str


class CallRow(NamedTuple):
    """A call activity that waits for a child instance; `id` is the child's."""

    id: int
    instance: int
    token: int
    node: str
    process: str


class IncidentRow(NamedTuple):
    id: int
    instance: int
    process: str
    token: int
    node: str
    source: str
    type: str
    cause: str
    message: str
    details: str
    raised: int
    job: int | None
    resolved: int | None


class HistoryRow(NamedTuple):
    """One transaction of one instance: `events` is a JSON array of tagged arrays (`engine.events`)."""

    instance: int
    position: int
    at: int
    actor: str
    command: str
    reason: str
    events: bytes


class MessageRow(NamedTuple):
    """A buffered message. `correlated` is a JSON list of the processes that have received it.

    With a `node` it is only for who waits there. `record` is JSON, of the record with which an answer of an integration came.
    """

    id: int
    name: str
    key: str | None
    variables: bytes
    message_id: str | None
    published: int
    expires: int
    correlated: bytes
    node: str | None = None
    record: bytes | None = None


class OutboxRow(NamedTuple):
    id: int
    instance: int
    topic: str
    key: str
    headers: bytes
    value: bytes
    created: int


class PositionRow(NamedTuple):
    """How far a group has taken in the records of a partition: `next` is the offset of the first that is not."""

    group: str
    topic: str
    partition: int
    next: int


class LetterRow(NamedTuple):
    """A record that could not be handled.

    `headers` is a JSON list of names and values (base64); `published`: when it came to the bus; `at`: when it was last
    tried; `due`: when it is tried again (None: not by itself); `state`: waiting, dead, replayed, dismissed.
    """

    id: int
    topic: str
    partition: int
    offset: int
    key: str | None
    headers: bytes
    value: bytes
    published: int
    at: int
    attempts: int
    due: int | None
    state: str
    instance: int | None
    title: str
    detail: str
    closed: int | None
    closed_by: str | None


class InboxRow(NamedTuple):
    """What was taken in once (idempotency key, message id) and what came of it; `key` is unique."""

    key: str
    at: int
    result: bytes


class FailedStartRow(NamedTuple):
    id: int
    process: str
    at: int
    actor: str
    status: int
    title: str
    detail: str
    data: bytes
    start_condition: str | None = None
    business_key: str | None = None


class AuditRow(NamedTuple):
    """What somebody did that is not in the history of one instance."""

    id: int
    at: int
    actor: str
    subject: str
    event: str
    identifier: str
    status: str
    detail: str


class DefinitionRow(NamedTuple):
    """`state`: draft, published, deprecated. `data` is the file as it came.

    `digest`, hex: the SHA-256 of the file, or of the file and its forms (`runtime.definitions.digest_of`).
    """

    id: int
    name: str
    version: int
    title: str
    state: str
    digest: str
    file: str
    data: bytes
    deployed: int
    deployed_by: str


class FormRow(NamedTuple):
    """A form of a definition, by the key with which the process refers to it; `data` is the file as it came."""

    definition: int
    key: str
    data: bytes


class StartTimerRow(NamedTuple):
    """When a published definition is started next by one of its timer start events."""

    id: int
    definition: int
    node: str
    due: int
    kind: str
    rule: str
    zone: str
    number: int
    anchor: int


class StartSubscriptionRow(NamedTuple):
    """A message that starts a published definition."""

    definition: int
    process: str
    node: str
    name: str


class UserRow(NamedTuple):
    """`password` is an argon2 hash; `roles` a JSON list; `created`: since when this password counts."""

    name: str
    password: str
    roles: bytes
    created: int

    @property
    def stamp(self) -> str:
        """Another one with each new password, also where it is the same word; it says nothing about the password."""
        return sha256(self.password.encode()).hexdigest()[:32]


class SessionRow(NamedTuple):
    """A person in a browser. `id` is the SHA-256, in hex, of what their cookie says; `csrf` goes with unsafe requests.

    It counts as long as `stamp` is that of the user.
    """

    id: str
    user: str
    stamp: str
    csrf: str
    created: int
    expires: int


class DraftRow(NamedTuple):
    """What somebody has typed for a task and not sent yet: theirs alone, and gone with the task or the user."""

    task: int
    user: str
    data: bytes
    saved: int


# -- what a processor reads and writes --------------------------------------------------------------------------------


@dataclass(slots=True)
class InstanceRows:
    """Everything live of one instance."""

    instance: InstanceRow
    tokens: list[TokenRow] = field(default_factory=list)
    variables: list[VariableRow] = field(default_factory=list)
    loops: list[LoopRow] = field(default_factory=list)
    outputs: list[OutputRow] = field(default_factory=list)
    kept: list[KeptRow] = field(default_factory=list)
    jobs: list[JobRow] = field(default_factory=list)
    tasks: list[TaskRow] = field(default_factory=list)
    timers: list[TimerRow] = field(default_factory=list)
    subscriptions: list[SubscriptionRow] = field(default_factory=list)
    calls: list[CallRow] = field(default_factory=list)
    incidents: list[IncidentRow] = field(default_factory=list)  # the open ones


@dataclass(slots=True)
class Batch:
    """The changes of one transaction. `changed` rows carry the position that was read: the commit checks it.

    `put` lists insert or replace by key; `gone` lists delete by key, before anything is put. Replacing a job releases its
    lease and keeps its fencing number. The drafts of a task go with it.
    """

    new: list[InstanceRow] = field(default_factory=list)
    changed: list[tuple[InstanceRow, int]] = field(default_factory=list)
    history: list[HistoryRow] = field(default_factory=list)
    tokens: list[TokenRow] = field(default_factory=list)
    tokens_gone: list[tuple[int, int]] = field(default_factory=list)  # instance, token
    variables: list[VariableRow] = field(default_factory=list)
    variables_gone: list[tuple[int, int, str]] = field(default_factory=list)  # instance, scope, name
    scopes_gone: list[tuple[int, int]] = field(default_factory=list)  # instance, scope: all its variables
    loops: list[LoopRow] = field(default_factory=list)
    loops_gone: list[tuple[int, int]] = field(default_factory=list)  # with their outputs
    outputs: list[OutputRow] = field(default_factory=list)
    kept: list[KeptRow] = field(default_factory=list)
    kept_gone: list[tuple[int]] = field(default_factory=list)  # instance: all
    jobs: list[JobRow] = field(default_factory=list)
    jobs_gone: list[tuple[int]] = field(default_factory=list)
    tasks: list[TaskRow] = field(default_factory=list)
    tasks_gone: list[tuple[int]] = field(default_factory=list)
    timers: list[TimerRow] = field(default_factory=list)
    timers_gone: list[tuple[int]] = field(default_factory=list)
    subscriptions: list[SubscriptionRow] = field(default_factory=list)
    subscriptions_gone: list[tuple[int]] = field(default_factory=list)
    calls: list[CallRow] = field(default_factory=list)
    calls_gone: list[tuple[int]] = field(default_factory=list)
    incidents: list[IncidentRow] = field(default_factory=list)
    incidents_resolved: list[tuple[int, int]] = field(default_factory=list)  # resolved at, id
    messages: list[MessageRow] = field(default_factory=list)
    messages_gone: list[tuple[int]] = field(default_factory=list)
    outbox: list[OutboxRow] = field(default_factory=list)
    outbox_gone: list[tuple[int]] = field(default_factory=list)  # by number; those that are out already are no mistake
    # each with the `next` that was read (None: there was no row); another one now: VersionConflict
    positions: list[tuple[PositionRow, int | None]] = field(default_factory=list)
    letters: list[LetterRow] = field(default_factory=list)
    letters_gone: list[tuple[int]] = field(default_factory=list)
    inbox: list[InboxRow] = field(default_factory=list)  # a key that is there: VersionConflict
    # jobs and their fencing numbers; handed out again since: VersionConflict
    fences: list[tuple[int, int]] = field(default_factory=list)
    failed_starts: list[FailedStartRow] = field(default_factory=list)
    audit: list[AuditRow] = field(default_factory=list)
    start_timers: list[StartTimerRow] = field(default_factory=list)
    start_timers_gone: list[tuple[int]] = field(default_factory=list)


class Lease(NamedTuple):
    """A job that was handed out: `fence` grows with each time, `deadline` is when the lease ends (0: free)."""

    fence: int
    worker: str | None
    deadline: int


class LeasedJob(NamedTuple):
    job: JobRow
    lease: Lease

    @classmethod
    def of(cls, row: Sequence[Any]) -> LeasedJob:
        """From one row: the columns of the job, then those of the lease."""
        return cls(JobRow._make(row[:9]), Lease._make(row[9:]))


class SeenTask(NamedTuple):
    """A user task, with the position and the status of its instance at the moment when it was read, and whose that is."""

    task: TaskRow
    position: int
    status: str
    version: int
    business_key: str | None
    started_by: str
    started: int

    @classmethod
    def of(cls, row: Sequence[Any]) -> SeenTask:
        """From one row: the columns of the task, then the others."""
        return cls(TaskRow._make(row[:-6]), *row[-6:])

    @property
    def id(self) -> int:
        """By which it stands in a list."""
        return self.task.id


class SeenIncident(NamedTuple):
    """An incident, with the position and the status of its instance at the moment when it was read."""

    incident: IncidentRow
    position: int
    status: str

    @classmethod
    def of(cls, row: Sequence[Any]) -> SeenIncident:
        """From one row: the columns of the incident, then the others."""
        return cls(IncidentRow._make(row[:-2]), *row[-2:])

    @property
    def id(self) -> int:
        """By which it stands in a list."""
        return self.incident.id


class Known(Protocol):
    """Positions that are known, by instance. Asked one by one: it may be a whole cache."""

    def get(self, instance: int, default: int, /) -> int: ...


class Need(NamedTuple):
    """What a processor wants to know before it decides.

    A known position is the latest that was read or written through this store: the store may take it as right while
    nobody else writes. A message without a key is for everybody: all who wait for its name, whatever their key.
    """

    instances: Mapping[int, int] = MappingProxyType({})  # id → the position that is known (-1: none)
    jobs: Collection[int] = ()
    tasks: Collection[int] = ()
    timers: Collection[int] = ()
    inbox: Collection[str] = ()
    messages: Collection[tuple[str, str | None]] = ()  # name and key: who waits for it?
    buffered: Collection[tuple[str, str | None]] = ()  # name and key: what has come already?
    children: Collection[int] = ()  # of these instances
    positions: Collection[tuple[str, str, int]] = ()  # group, topic, partition
    letters: Collection[int] = ()
    known: Known = MappingProxyType({})  # of any instance, for the owners of jobs, tasks and timers


@dataclass(slots=True)
class Found:
    """The answer to a `Need`. `instances` has the ids whose position differs from the known one; None: there is none.

    Where only a little was missed, a store may give just that, oldest first: then the instance is in `missed`, and not in
    `instances`.

    Jobs, tasks and timers that are not there are absent. The instances that own them are in `instances` by the same rule
    (`known` positions of the need count for them too).
    """

    instances: dict[int, InstanceRows | None] = field(default_factory=dict)
    missed: dict[int, list[HistoryRow]] = field(default_factory=dict)
    jobs: dict[int, tuple[int, Lease]] = field(default_factory=dict)  # job → instance, lease
    tasks: dict[int, int] = field(default_factory=dict)
    timers: dict[int, int] = field(default_factory=dict)
    inbox: dict[str, bytes] = field(default_factory=dict)
    subscriptions: list[tuple[SubscriptionRow, str]] = field(
        default_factory=list
    )  # oldest first, status of its instance
    starts: list[StartSubscriptionRow] = field(default_factory=list)  # of the message names asked for
    buffered: list[MessageRow] = field(default_factory=list)  # oldest first
    children: dict[int, list[tuple[int, str]]] = field(default_factory=dict)  # parent → live children, their statuses
    positions: dict[tuple[str, str, int], int] = field(default_factory=dict)  # → `next`; absent: nothing was taken yet
    letters: dict[int, LetterRow] = field(default_factory=dict)


class Totals(NamedTuple):
    """How much there is to do: live instances by status, and what they wait for."""

    instances: Mapping[str, int]
    tasks: int
    jobs: int
    timers: int
    incidents: int  # the open ones


class Backlog(NamedTuple):
    """What could be done at a moment, and nobody has done yet. `…_since` None: there is nothing."""

    jobs: int  # that a worker would be given
    jobs_since: int | None  # when the first of them could be had
    timers: int  # that are due; with start timers, without those of instances on hold
    records: int  # of the outbox, not published
    records_since: int | None  # when the first of them was made
    letters: int  # dead ones


class TopicBacklog(NamedTuple):
    """What waits of one topic, by the name that records have: not published, and not handled."""

    topic: str
    records: int  # of the outbox
    since: int | None  # when the first of them was made
    letters: int  # dead ones


class Due(NamedTuple):
    """What time has come for. Timers of instances on hold are not due."""

    timers: Sequence[TimerRow]
    starts: Sequence[StartTimerRow]


@dataclass(slots=True, kw_only=True)
class InstanceFilter:
    """`variables` maps dotted paths to JSON values; `text` is looked for in id, business key and name."""

    definition: str | None = None
    version: int | None = None
    statuses: Sequence[str] = ()
    business_key: str | None = None
    parent: int | None = None
    root: int | None = None
    started_by: str | None = None
    started_after: int | None = None
    started_before: int | None = None
    node: str | None = None
    incidents: bool | None = None
    text: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class TaskFilter:
    """`free`: without an assignee. `undated`: without a due date."""

    instance: int | None = None
    definition: str | None = None
    node: str | None = None
    assignee: str | None = None
    free: bool = False
    undated: bool = False


class Storage(Protocol):
    """What every store does. Lists come newest first, at most `limit`, before the id `before` (a cursor)."""

    shared: bool
    """Whether other nodes are expected to work on the same store at the same time."""

    @property
    def number(self) -> int | None:
        """By which the ids of this node differ from those of all others on a shared store; None: whoever opens it chooses one."""

    others: list[Callable[[Collection[str]], None]]
    """Told, in any thread, that another node has committed, and of which types the jobs are that came of it.

    A store that is not shared tells nobody: look from time to time.
    """

    async def open(self) -> None:
        """Create or migrate the schema; refuse a newer one or a changed migration with a `StorageError`."""

    async def close(self) -> None: ...
    async def migrate(self, *, dry_run: bool = False) -> list[Migration]:
        """Bring the schema up to date, or only say what would be done; `open` does it too."""

    async def attach(self) -> None:
        """From now on, what is asked in the running event loop may wait in it; whoever has no loop waits in a thread."""

    async def detach(self) -> None:
        """The running event loop asks no more."""

    async def ping(self) -> None:
        """Answers when the store does; else a `StorageError`."""

    # the processor
    async def load(self, need: Need) -> Found: ...
    async def commit(self, batch: Batch) -> None: ...
    def exclusively(self, instances: Collection[int]) -> AbstractAsyncContextManager[None]:
        """For who has lost these instances to others: nobody else changes them in the block, which loads and commits.

        What is committed in it is there once the block has ended. Where no others are expected, it does nothing.
        """

    async def lease_jobs(self, type: str, worker: str, limit: int, now: int, deadline: int) -> list[LeasedJob]:
        """Hand out jobs of a type: retries left, due, not leased (or the lease is over), instance not on hold, oldest first."""

    async def extend_lease(self, job: int, fence: int, now: int, deadline: int) -> bool:
        """False: the lease is not the caller's any more."""

    async def release_lease(self, job: int, fence: int) -> bool:
        """Give a job back untouched, for another worker."""

    async def due(self, now: int, limit: int, until: int = 0) -> Due:
        """On a shared store the timers are this node's alone until the moment `until`, if that is to come."""

    async def next_due(self) -> int | None:
        """When the next timer of a live instance that is not on hold, or the next start timer, comes due."""

    async def ready(self, limit: int, since: int | None = None) -> list[int]:
        """Instances whose tokens can go on by themselves (a node died between two transactions of one command).

        Without those that took a step since that moment: somebody is at it.
        """

    async def overlooked(self, after: int, limit: int) -> list[tuple[int, str, str | None]]:
        """Buffered messages that somebody waits for, or that start a process: id, name and key, by id, greater than `after`."""

    async def expire_messages(self, now: int) -> int:
        """Remove those whose time is over, without answers (`record`); how many there were."""

    async def lost_answers(self, now: int, limit: int) -> list[MessageRow]:
        """Answers whose time is over, the first one first: somebody waits for each, so they are not just removed."""

    async def hold_role(self, role: str, holder: str, now: int, until: int) -> bool:
        """Take or keep a role that one node at a time has: whether the caller has it now.

        It may if it had it, if nobody has, or if the time of whoever had it is over.
        """

    async def release_role(self, role: str, holder: str) -> None:
        """Somebody else may take it now; a role of another holder stays theirs."""

    # records and letters
    async def outbox(
        self, limit: int = 1000, topics: Collection[str] | None = None, without: Collection[str] = ()
    ) -> list[tuple[int, OutboxRow]]:
        """Not yet published, of these topics or of all, by their numbers: those of an instance in the order of its history.

        Not by id, which comes from the clock of a node. A number is never used again.
        """

    async def unpublished(self, records: Collection[int]) -> set[int]:
        """Those of these records, by their ids, that are in the outbox."""

    async def topic_backlog(self) -> list[TopicBacklog]:
        """Of each topic with records in the outbox or dead letters, by name. It counts all of them: ask from time to time."""

    async def positions(self, group: str) -> list[PositionRow]:
        """How far a group is, by topic and partition."""

    async def letters(
        self, states: Collection[str] = (), limit: int = 50, before: int | None = None, instance: int | None = None
    ) -> list[LetterRow]:
        """In one of these states, or all; of an instance, or all."""

    async def letter(self, letter: int) -> LetterRow | None: ...
    async def letters_due(self, now: int, limit: int) -> list[LetterRow]:
        """Those that wait and are to be tried again, the oldest due date first."""

    # definitions
    async def add_definitions(
        self, rows: Sequence[DefinitionRow], audit: Sequence[AuditRow], forms: Sequence[FormRow] = ()
    ) -> None:
        """With their forms. `VersionConflict` when a (name, version) is there already."""

    async def publish(
        self,
        definition: int,
        timers: Sequence[StartTimerRow],
        subscriptions: Sequence[StartSubscriptionRow],
        audit: Sequence[AuditRow],
    ) -> None:
        """Publish one version: the published one of the same name is deprecated, its start timers and messages end."""

    async def deprecate(self, definition: int, audit: Sequence[AuditRow]) -> None: ...
    async def definition(self, definition: int) -> DefinitionRow | None: ...
    async def definitions(self, name: str | None = None, states: Sequence[str] = ()) -> list[DefinitionRow]:
        """By name, then newest version first; `data` is empty."""

    async def forms(self, definition: int) -> list[FormRow]:
        """Those of one version, by key."""

    async def form(self, definition: int, key: str) -> FormRow | None: ...
    async def definitions_changed(self) -> int:
        """A number that grows with each change to the definitions, also by other processes."""

    # queries
    async def instance(self, instance: int) -> InstanceRows | None: ...
    async def instances(
        self, where: InstanceFilter, limit: int = 50, before: int | None = None
    ) -> list[InstanceRow]: ...
    async def places(self, instances: Collection[int]) -> dict[int, list[tuple[str, int]]]:
        """The nodes that have tokens of an instance, by id, each with how many of them no child token runs for."""

    async def history(self, instance: int, after: int = 0, limit: int = 1000) -> list[HistoryRow]:
        """Oldest first, positions greater than `after`."""

    async def recent_history(
        self, limit: int = 50, before: tuple[int, int] | tuple[int, int, int] | None = None
    ) -> list[HistoryRow]:
        """Across instances, newest first (the audit log); `before`: (at, instance, position) of the last one seen.

        Without the position, all rows of that instance and moment count as seen.
        """

    async def history_after(self, number: int, limit: int) -> list[tuple[int, HistoryRow]]:
        """Across instances, in the order of the commits: rows whose number in that order is greater than `number`."""

    async def history_number(self, instance: int, position: int) -> int | None:
        """The place of a position of an instance in the order of the commits."""

    async def last_history(self) -> int:
        """The number of the latest row of history in that order (0: there is none). Numbers grow, with gaps."""

    async def is_long(self, number: int, rows: int) -> bool:
        """Whether more than so many rows of history follow a number."""

    async def instance_heads(self, ids: Collection[int]) -> list[InstanceRow]:
        """The rows of instances, without what is in them, by id; those that are not there are left out."""

    async def tasks(self, where: TaskFilter, limit: int = 50, before: int | None = None) -> list[SeenTask]: ...
    async def due_tasks(
        self, where: TaskFilter, limit: int = 50, after: tuple[int, int] | None = None
    ) -> list[SeenTask]:
        """Those with a due date, the soonest first, of the same date the newest; `after` a due date and an id."""

    async def task(self, task: int) -> SeenTask | None: ...
    async def job(self, job: int) -> LeasedJob | None: ...
    async def incidents(
        self, instance: int | None = None, open_only: bool = True, limit: int = 50, before: int | None = None
    ) -> list[SeenIncident]: ...
    async def messages(self, name: str | None = None, limit: int = 50) -> list[MessageRow]: ...
    async def subscriptions(self, name: str | None = None, limit: int = 50) -> list[SubscriptionRow]: ...
    async def failed_starts(self, limit: int = 50, before: int | None = None) -> list[FailedStartRow]: ...
    async def audit(self, limit: int = 50, before: int | None = None) -> list[AuditRow]: ...
    async def stuck(self, limit: int = 50) -> list[int]:
        """Live instances that wait for nothing at all: there should be none."""

    async def totals(self) -> Totals:
        """What is live."""

    async def backlog(self, now: int) -> Backlog:
        """What could be done now."""

    async def counts(self) -> Mapping[str, int]:
        """Rows of each table, for tests and `status`."""

    # drafts
    async def put_draft(self, draft: DraftRow) -> bool:
        """Keep it in place of the one before; False: there is no such task (any more)."""

    async def draft(self, task: int, user: str) -> DraftRow | None: ...
    async def remove_draft(self, task: int, user: str) -> bool: ...

    # users and their sessions
    async def put_user(self, user: UserRow, audit: Sequence[AuditRow]) -> None:
        """Add or replace one. Sessions with another stamp end."""

    async def remove_user(self, name: str, audit: Sequence[AuditRow]) -> bool:
        """With their sessions and drafts; False: there is no such user."""

    async def user(self, name: str) -> UserRow | None: ...
    async def users(self, only: Collection[str] | None = None) -> list[UserRow]:
        """Everybody, or those of these names; by name."""

    async def put_session(self, session: SessionRow) -> None: ...
    async def session(self, id: str) -> SessionRow | None: ...
    async def sessions(self, ids: Collection[str]) -> list[SessionRow]:
        """Those of them that are there, by id."""

    async def remove_session(self, id: str) -> bool: ...
    async def remove_sessions(self, user: str) -> int:
        """All of one user; how many there were."""

    async def expire_sessions(self, now: int) -> int:
        """Remove those that are over; how many there were."""
