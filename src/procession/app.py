"""The one place that chooses and wires: a store by its URL, and an engine on it for programs that embed it."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from procession.bus import Bus
from procession.engine import commands as c
from procession.engine.access import SYSTEM, Principal, require_role
from procession.engine.codec import encode
from procession.engine.state import FAILED, LIVE
from procession.errors import CommandRejected, ProcessionError
from procession.runtime import checks
from procession.runtime import views as v
from procession.runtime.asks import Ask, Inherit, Publish, Settle, Start
from procession.runtime.chores import run_due
from procession.runtime.clock import Clock, SystemClock
from procession.runtime.drive import drive
from procession.runtime.files import gathered
from procession.runtime.machine import Machine
from procession.runtime.queries import Queries
from procession.storage import InstanceFilter, Storage, TaskFilter

if TYPE_CHECKING:
    from procession.runtime.exchange.exchange import Exchange

Span = float | timedelta
"""Seconds, or a timedelta."""

START_LIMIT = 1_000_000
"""Bytes of start data, as JSON."""


def open_storage(url: str) -> Storage:
    """The store that a URL names: `memory:`, `sqlite:///relative.db`, `sqlite:////absolute.db`, `postgresql://…/database`."""
    if url in ("memory:", "memory://"):
        from procession.storage.memory import MemoryStorage

        return MemoryStorage()
    if url.startswith("sqlite:"):
        from procession.storage.sqlite import SqliteStorage

        path = unquote(urlsplit(url).path)
        if not path.startswith("/") or path == "/":
            raise ProcessionError(f"{url!r} names no file; write sqlite:///file.db")
        return SqliteStorage(path[1:])
    if url.startswith(("postgresql:", "postgres:")):
        from procession.storage.postgres import PostgresStorage

        return PostgresStorage(url)
    raise ProcessionError(f"{url!r} is no store; write memory:, sqlite:///file.db or postgresql://user@host/database")


def open_bus(url: str) -> Bus:
    """The bus that a URL names: `memory:`, `kafka://host:9092`, `kafkas://user:password@host:9093?setting=value`."""
    if url in ("memory:", "memory://"):
        from procession.bus.memory import MemoryBus

        return MemoryBus()
    scheme = url.partition(":")[0]  # the rest may hold a password
    if scheme in ("kafka", "kafkas"):
        try:
            from procession.bus.kafka import KafkaBus
        except ImportError as error:
            raise ProcessionError(
                f"A bus on Kafka takes confluent-kafka, which cannot be loaded ({error}). Install it: pip install confluent-kafka"
            ) from error
        return KafkaBus(url)
    raise ProcessionError(
        f"'{scheme}:' is no bus; write memory:, kafka://host:9092 or kafkas://user:password@host:9093"
    )


class Engine:
    """A process engine in this program. Thread-safe: commands of several threads share a commit.

    What is refused raises `CommandRejected`, what the store cannot do `StorageError`; then nothing was written.
    Ids are decimal strings. With the clock of the machine, timers fire by themselves; a virtual clock waits for `run_due`.
    """

    def __init__(
        self,
        store: str = "memory:",
        *,
        clock: Clock | None = None,
        principal: Principal = SYSTEM,
        node: int | None = None,
        bus: str | None = None,
    ) -> None:
        self.url = store
        self.clock: Clock = clock if clock is not None else SystemClock()
        self.principal = principal
        self._machine = Machine(open_storage(store), self.clock, node)
        self.storage = self._machine.storage
        self._definitions, self._intake = self._machine.definitions, self._machine.intake
        self._owner = True
        self._wires = _Wires(self._machine)
        if bus is not None:
            try:
                self._wires.connect(open_bus(bus), bus)
            except BaseException:
                self.close()
                raise

    @property
    def exchange(self) -> Exchange:
        """The bus that the engine is on: what it sends goes there, and what is published there reaches it.

        Unless the engine was made with another one, it is a bus in this program, from the first time that somebody asks for it.
        """
        return self._wires.exchange()

    def as_user(self, name: str, roles: Iterable[str] = ()) -> Engine:
        """The same engine, asked by somebody with these roles."""
        other = object.__new__(Engine)
        other.__dict__.update(self.__dict__)
        other.principal = Principal(checks.text(name, "The name of a user"), frozenset(roles))
        other._owner = False
        return other

    def as_principal(self, principal: Principal) -> Engine:
        """The same engine, asked by a principal."""
        other = self.as_user(principal.name)
        other.principal = principal
        return other

    def close(self) -> None:
        """Finish what is queued and release the store. A long run stops between two transactions, to go on later."""
        if self._owner:
            self._owner = False
            self._wires.close()
            self._machine.close()

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- definitions --------------------------------------------------------------------------------------------------

    def deploy(self, *files: str | Path | tuple[str, bytes], publish: bool = False) -> list[v.DefinitionView]:
        """Add BPMN files with their forms, all or none (`InvalidDefinition` lists every problem).

        The forms that lie beside a file are taken along; of names and bytes all are given. The same bytes keep their version.
        """
        contents = [(checks.remark(file.name), file.data) for file in gathered(files)]
        rows = self._intake.alone(self._definitions.deploy(contents, self.principal, publish=publish))
        if publish:
            self._machine.published()
        return drive(self._queries.deployed(rows))

    def publish(self, name: str, version: int | None = None) -> v.DefinitionView:
        """Make a version (the newest) the one that is started."""
        row = self._intake.alone(self._definitions.publish(checks.text(name, "The process"), version, self.principal))
        self._machine.published()
        return drive(self._queries.deployed([row]))[0]

    def deprecate(self, name: str, version: int | None = None) -> v.DefinitionView:
        """Start no more instances of a version."""
        name = checks.text(name, "The process")
        row = self._intake.alone(self._definitions.deprecate(name, version, self.principal))
        return drive(self._queries.deployed([row]))[0]

    def definitions(self, name: str | None = None) -> list[v.DefinitionView]:
        """Every version of every process (or of one), newest first."""
        name, found, cursor = checks.maybe_text(name, "The process"), [], None
        while True:
            page = drive(self._queries.definitions(name, None, 1000, cursor))
            found += page.items
            cursor = page.next
            if cursor is None:
                return found

    def definition(self, name: str, version: int | None = None) -> v.DefinitionDetail:
        """One version (the newest) with its start nodes, lanes, nodes and data model."""
        return drive(self._queries.definition(checks.text(name, "The process"), version))

    def definition_file(self, name: str, version: int | None = None) -> bytes:
        """The file of a version, byte for byte as it was added."""
        return drive(self._queries.file(checks.text(name, "The process"), version))

    def definition_form(self, name: str, key: str, version: int | None = None) -> bytes:
        """A form of a version, byte for byte as it was added; `key` is what the process calls it."""
        return drive(self._queries.form(checks.text(name, "The process"), version, checks.text(key, "The form")))

    # -- instances ----------------------------------------------------------------------------------------------------

    def start(
        self,
        name: str,
        variables: Mapping[str, Any] | None = None,
        *,
        start_condition: str | None = None,
        business_key: str | None = None,
        idempotency_key: str | None = None,
        inherit_from: str | int | None = None,
        params_to_copy: Sequence[str] = (),
        without_params: Sequence[str] = (),
    ) -> v.InstanceView:
        """Start the published version; answers when the instance waits or has ended. Refusals are those of the contract."""
        inherit = None
        if inherit_from is not None:
            inherit = Inherit(
                checks.identity(inherit_from, "Process instance"), tuple(params_to_copy), tuple(without_params)
            )
        ask = self.ask_start(
            name, variables, start_condition=start_condition, business_key=business_key, inherit=inherit
        )
        ask.key = self._key("start", idempotency_key)
        ask.render = self._render
        return self._run(ask)  # type: ignore[no-any-return]

    def ask_start(
        self,
        name: str,
        variables: Mapping[str, Any] | None = None,
        *,
        start_condition: str | None = None,
        business_key: str | None = None,
        inherit: Inherit | None = None,
    ) -> Ask:
        """A start for `submit`: its answer is the id of the instance."""
        data = checks.document(variables, START_LIMIT)
        start = Start(
            checks.text(name, "The process"),
            data,
            start_condition=checks.maybe_text(start_condition, "The start condition"),
            business_key=checks.maybe_text(business_key, "The business key"),
            inherit=inherit,
        )
        return Ask(start, self.principal)

    def submit(self, ask: Ask) -> Ask:
        """Queue a command without waiting; many are then decided and committed together by the first `wait`."""
        return self._intake.submit(ask)

    def wait(self, ask: Ask) -> Any:
        """The answer to a command that was submitted."""
        return self._machine.wait(ask)

    def instance(self, id: str | int) -> v.InstanceView:
        """Everything about an instance."""
        return drive(self._queries.instance(checks.identity(id, "Process instance")))

    def instances(
        self,
        *,
        definition: str | None = None,
        version: int | None = None,
        status: str | Sequence[str] = (),
        business_key: str | None = None,
        parent: str | int | None = None,
        node: str | None = None,
        text: str | None = None,
        started_by: str | None = None,
        started_after: int | None = None,
        started_before: int | None = None,
        exceptions: bool | None = None,
        variables: Mapping[str, Any] | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> v.Page[v.InstanceSummary]:
        """Search, newest first."""
        where = InstanceFilter(
            definition=checks.maybe_text(definition, "The process"),
            version=version,
            statuses=(status,) if isinstance(status, str) else tuple(status),
            business_key=checks.maybe_text(business_key, "The business key"),
            parent=None if parent is None else checks.identity(parent, "Process instance"),
            node=checks.maybe_text(node, "The node"),
            text=checks.maybe_text(text, "The text to look for"),
            started_by=checks.maybe_text(started_by, "The user"),
            started_after=started_after,
            started_before=started_before,
            incidents=exceptions,
            variables=checks.document(variables),
        )
        return drive(self._queries.instances(where, limit, cursor))

    def history(
        self, id: str | int, after: int = 0, limit: int = 1000, kinds: Sequence[str] = ()
    ) -> list[v.HistoryView]:
        """The event log of an instance, oldest first; with `kinds` only the events of these."""
        number = checks.identity(id, "Process instance")
        return drive(self._queries.history_page(number, after, limit, kinds)).items

    def tokens(self, id: str | int, finished: bool = True) -> list[v.TokenView]:
        """Tokens with the nodes they visited; of those that ended the latest 1,000."""
        return drive(self._queries.tokens(checks.identity(id, "Process instance"), finished)).items

    def progress(self, id: str | int) -> v.ProgressView:
        """How far an instance is, in stages and steps: for the person who started it."""
        return drive(self._queries.progress(checks.identity(id, "Process instance")))

    def data(self, id: str | int, node: str) -> v.NodeDataView:
        """What a screen of a node needs: the data that its token sees, and what can be done there."""
        return drive(self._queries.data(checks.identity(id, "Process instance"), checks.text(node, "The node")))

    def exceptions(
        self, id: str | int | None = None, open_only: bool = False, limit: int = 100
    ) -> list[v.ExceptionView]:
        """Exceptions of an instance, or of all, newest first."""
        number = None if id is None else checks.identity(id, "Process instance")
        return drive(self._queries.exceptions(number, open_only, limit)).items

    def records(self, id: str | int, limit: int = 50, cursor: str | None = None) -> v.Page[v.RecordView]:
        """What an instance sent and received on topics, and letters about it, oldest first."""
        return drive(self._queries.records(checks.identity(id, "Process instance"), limit, cursor))

    def state_at(self, id: str | int, position: int) -> v.InstanceView:
        """The instance as it was at a position of its history."""
        return drive(self._queries.state_at(checks.identity(id, "Process instance"), position))

    def failed_starts(self, limit: int = 50, cursor: str | None = None) -> v.Page[v.FailedStartView]:
        """Starts that were refused, newest first."""
        return drive(self._queries.failed_starts(limit, cursor))

    def letters(self, states: Sequence[str] = (), limit: int = 50, cursor: str | None = None) -> v.Page[v.LetterView]:
        """Records that could not be handled, newest first: waiting, dead, replayed, dismissed, or all."""
        return drive(self._queries.letters(states, limit, cursor))

    def letter(self, id: str | int) -> v.LetterView:
        """One of them."""
        return drive(self._queries.letter(checks.identity(id, "Letter")))

    def replay_letter(self, id: str | int) -> v.LetterView:
        """Publish the record of a letter anew on its topic, after the repair."""
        return self._settle(id, replay=True)

    def dismiss_letter(self, id: str | int) -> v.LetterView:
        """Leave it at that: the record is kept, and nothing is done with it."""
        return self._settle(id, replay=False)

    def _settle(self, id: str | int, *, replay: bool) -> v.LetterView:
        row = self._run(Ask(Settle(checks.identity(id, "Letter"), replay=replay), self.principal))
        return v.letter_view(row, self._machine.naming, self.principal)

    def audit(self, id: str | int | None = None, limit: int = 50, cursor: str | None = None) -> v.Page[v.AuditView]:
        """Who did what to an instance, or to anything at all, newest first."""
        if id is None:
            return drive(self._queries.audit(limit, cursor))
        return drive(self._queries.instance_audit(checks.identity(id, "Process instance"), limit, cursor))

    def hold(self, id: str | int, reason: str = "") -> v.InstanceView:
        """Nothing goes on until it is resumed."""
        return self._view(c.HoldInstance(checks.identity(id, "Process instance"), checks.remark(reason)))

    def unhold(self, id: str | int, reason: str = "") -> v.InstanceView:
        """Resume; what came in the meantime takes effect."""
        return self._view(c.UnholdInstance(checks.identity(id, "Process instance"), checks.remark(reason)))

    def terminate(self, id: str | int, reason: str = "") -> v.InstanceView:
        """End an instance and its children."""
        return self._view(c.EndInstance(checks.identity(id, "Process instance"), "TERMINATED", checks.remark(reason)))

    def dismiss(self, id: str | int, reason: str = "") -> v.InstanceView:
        """Give up a child instance; its parent goes on without a result."""
        return self._view(c.EndInstance(checks.identity(id, "Process instance"), "DISMISSED", checks.remark(reason)))

    def set_variables(self, id: str | int, patch: Mapping[str, Any], reason: str = "") -> v.InstanceView:
        """Apply a JSON merge patch to the root variables."""
        number = checks.identity(id, "Process instance")
        return self._view(c.SetVariables(number, checks.document(patch), checks.remark(reason)))

    def retry(
        self, id: str | int, token: str | int | None = None, *, retries: int = 1, reason: str = ""
    ) -> v.InstanceView:
        """Let a token with an exception (or every one) go on after the repair."""
        number, reason = checks.identity(id, "Process instance"), checks.remark(reason)
        checks.number(retries, "retries", 1)
        if token is not None:
            return self._view(c.RetryToken(number, checks.identity(token, "Token"), retries, reason))
        view = self.instance(number)
        stuck = sorted({int(exception.token_id) for exception in view.exceptions})
        if not stuck:
            raise CommandRejected(
                409, "Token has no exception.", "There is nothing to retry.", key="error.state.no_exception"
            )
        for item in stuck:
            view = self._view(c.RetryToken(number, item, retries, reason))
        return view

    def preview(
        self,
        id: str | int,
        operation: str,
        *,
        token: str | int | None = None,
        retries: int | None = None,
        variables: Mapping[str, Any] | None = None,
    ) -> v.PreviewView:
        """What HOLD, UNHOLD, TERMINATE, DISMISS, RETRY (of a `token`) or SET_VARIABLES would do. Nothing is done."""
        from procession.runtime import preview

        number = checks.identity(id, "Process instance")
        command = preview.operation(number, operation, token=token, retries=retries, variables=variables)
        return self._intake.alone(preview.preview(self._intake.processor, command, self.principal))

    # -- people -------------------------------------------------------------------------------------------------------

    def tasks(
        self,
        *,
        scope: str = "all",
        instance: str | int | None = None,
        definition: str | None = None,
        node: str | None = None,
        text: str | None = None,
        sort: str = "newest",
        limit: int = 50,
        cursor: str | None = None,
    ) -> v.Page[v.TaskView]:
        """Open user tasks: mine, free, or all that one may see; newest first, or by `due` date."""
        where = TaskFilter(
            instance=None if instance is None else checks.identity(instance, "Process instance"),
            definition=checks.maybe_text(definition, "The process"),
            node=checks.maybe_text(node, "The node"),
        )
        text = checks.maybe_text(text, "The text to look for")
        return drive(self._queries.tasks(scope, where, limit, cursor, sort=sort, text=text))

    def task(self, id: str | int) -> v.TaskView:
        """An open user task."""
        return drive(self._queries.task(checks.identity(id, "Task")))

    def task_form(self, task: str | int) -> v.TaskFormView:
        """What a screen of an open task needs: its form, the data that it sees, instructions."""
        return drive(self._queries.task_form(checks.identity(task, "Task")))

    def claim(self, task: str | int) -> v.TaskView:
        """Take a task."""
        return self._task(c.ClaimTask(checks.identity(task, "Task")))

    def release(self, task: str | int) -> v.TaskView:
        """Give a task back."""
        return self._task(c.ReleaseTask(checks.identity(task, "Task")))

    def assign(self, task: str | int, user: str | None) -> v.TaskView:
        """Give a task to somebody (None: to nobody)."""
        return self._task(c.AssignTask(checks.identity(task, "Task"), checks.maybe_text(user, "The user")))

    def _task(self, command: c.ClaimTask | c.ReleaseTask | c.AssignTask) -> v.TaskView:
        self._run(Ask(command, self.principal))
        return drive(self._queries.task_after(command.task))

    def complete_task(self, task: str | int, variables: Mapping[str, Any] | None = None) -> v.InstanceView:
        """Finish a task with its result; answers when the instance waits again or has ended."""
        ask = self.ask_complete_task(task, variables)
        ask.render = self._render
        return self._run(ask)  # type: ignore[no-any-return]

    def ask_complete_task(self, task: str | int, variables: Mapping[str, Any] | None = None) -> Ask:
        """A completion for `submit`: its answer is the id of the instance."""
        return Ask(c.CompleteTask(checks.identity(task, "Task"), checks.document(variables)), self.principal)

    # -- workers ------------------------------------------------------------------------------------------------------

    def activate_jobs(
        self,
        type: str,
        *,
        worker: str = "worker",
        max_jobs: int = 1,
        lock: Span = 300.0,
        fetch: Sequence[str] | None = None,
    ) -> list[v.JobView]:
        """Take jobs of a type for as long as `lock`. Each carries a fencing number that its result must carry too.

        `fetch` names the variables that the worker needs; None gives it all that the job sees, however big they are.
        """
        require_role(self.principal, "take jobs", "worker")
        asked = checks.text(type, "The type of a job"), checks.text(worker, "The name of a worker")
        limit, length = checks.number(max_jobs, "max_jobs", 0), checks.span(lock, "lock")
        return self._intake.alone(self._intake.processor.activate_jobs(*asked, limit, length, fetch))

    def complete_job(self, id: str | int, token: int | None, variables: Mapping[str, Any] | None = None) -> str:
        """Hand in the result of a job; the id of its instance."""
        return str(self._run(self.ask_complete_job(id, token, variables)))

    def ask_complete_job(self, id: str | int, token: int | None, variables: Mapping[str, Any] | None = None) -> Ask:
        """A completion for `submit`: its answer is the id of the instance."""
        return Ask(c.CompleteJob(checks.identity(id, "Job"), checks.document(variables)), self.principal, fence=token)

    def fail_job(
        self, id: str | int, token: int | None, message: str, *, retries: int | None = None, backoff: Span = 0.0
    ) -> str:
        """A job could not be done: it is handed out again after `backoff`, or needs a repair once no retries are left."""
        if retries is not None:
            checks.number(retries, "retries", 0)
        length = checks.span(backoff, "backoff")
        return self._job(c.FailJob(checks.identity(id, "Job"), checks.remark(message), retries, length), token)

    def throw_error(
        self,
        id: str | int,
        token: int | None,
        code: str,
        message: str = "",
        variables: Mapping[str, Any] | None = None,
    ) -> str:
        """A job ends with a BPMN error, for a boundary event to catch."""
        number, code = checks.identity(id, "Job"), checks.text(code, "The code of an error")
        return self._job(c.ThrowJobError(number, code, checks.remark(message), checks.document(variables)), token)

    def extend_job(self, id: str | int, token: int, lock: Span) -> bool:
        """Keep a job longer; False if it is not the caller's any more."""
        require_role(self.principal, "keep jobs", "worker")
        job, fence = checks.identity(id, "Job"), checks.identity(token, "Lease")
        now, length = self.clock.now(), checks.span(lock, "lock")
        return self._intake.alone(self.storage.extend_lease(job, fence, now, now + length))

    def release_job(self, id: str | int, token: int) -> bool:
        """Give a job back untouched; False if it is not the caller's any more."""
        require_role(self.principal, "give jobs back", "worker")
        job, fence = checks.identity(id, "Job"), checks.identity(token, "Lease")
        return self._intake.alone(self.storage.release_lease(job, fence))

    def _job(self, command: c.FailJob | c.ThrowJobError, fence: int | None) -> str:
        return str(self._run(Ask(command, self.principal, fence=fence)))

    # -- messages, time, people, care -----------------------------------------------------------------------------------

    def publish_message(
        self,
        name: str,
        key: str | float | Decimal | None = None,
        variables: Mapping[str, Any] | None = None,
        *,
        message_id: str | None = None,
        ttl: Span = 3600.0,
        idempotency_key: str | None = None,
    ) -> v.MessageView:
        """Publish a BPMN message; nobody waiting, it is kept for `ttl`. One with an id takes effect once.

        An id is the message's, whoever sends it; a key is the request's: a repetition gets the first answer again.
        """
        message = Publish(
            checks.text(name, "The name of a message"),
            checks.correlation(key),
            checks.document(variables),
            checks.maybe_text(message_id, "The id of a message"),
            checks.span(ttl, "ttl"),
        )
        ask = Ask(message, self.principal, key=self._key("publish", idempotency_key))
        return v.MessageView(**self._run(ask))

    def run_due(self) -> int:
        """Do what has come due by the clock; how many commands that took."""
        return run_due(self._intake)

    def clean_up(self, older_than: Span, limit: int = 1000) -> int:
        """End live instances that were started longer ago than this as FAILED, `limit` at most; how many that were.

        A run from time to time (a cron job) keeps forgotten instances from living for ever. Children end with their parents.
        """
        where = InstanceFilter(
            statuses=sorted(LIVE), started_before=self.clock.now() - checks.span(older_than, "older_than")
        )
        before, count = None, 0
        while count < limit and (rows := drive(self.storage.instances(where, 1000, before))):
            for row in [row for row in rows if row.parent is None][: limit - count]:
                self._run(Ask(c.EndInstance(row.id, FAILED, "clean-up"), self.principal))
                count += 1
            before = rows[-1].id
        return count

    @property
    def users(self) -> EngineUsers:
        """The built-in identity."""
        return EngineUsers(self)

    def counts(self) -> Mapping[str, int]:
        """Rows of each table."""
        return drive(self.storage.counts())

    def stuck(self) -> list[str]:
        """Live instances that wait for nothing at all: there should be none."""
        return [str(instance) for instance in drive(self.storage.stuck())]

    # -- inside -------------------------------------------------------------------------------------------------------

    @property
    def _queries(self) -> Queries:
        return self._machine.queries(self.principal)

    def _key(self, kind: str, key: str | None) -> str | None:
        """By which a repetition of a request is known: a key belongs to who sent it."""
        if key is None:
            return None
        return f"{kind}:" + encode([self.principal.name, checks.text(key, "The idempotency key")]).decode()

    def _render(self, state: Any, definition: Any) -> v.InstanceView:
        return v.instance_view(state, definition, self.principal)

    def _view(self, command: c.Command) -> v.InstanceView:
        return self._run(Ask(command, self.principal, render=self._render))  # type: ignore[no-any-return]

    def _run(self, ask: Ask) -> Any:
        return self._machine.run(ask)


class _Wires:
    """What an engine and those that were made of it are connected to."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._lock = threading.Lock()
        self._exchange: Exchange | None = None

    def exchange(self) -> Exchange:
        with self._lock:
            if self._exchange is None:
                self._connect(open_bus("memory:"), "memory:")
            assert self._exchange is not None
            return self._exchange

    def connect(self, bus: Bus, url: str) -> None:
        with self._lock:
            self._connect(bus, url)

    def close(self) -> None:
        with self._lock:
            exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.close()

    def _connect(self, bus: Bus, url: str) -> None:
        from procession.runtime.exchange.exchange import Exchange

        self._exchange = Exchange(self._machine, bus, url=url).start()


class EngineUsers:
    """Users of the built-in identity: names, roles and passwords, of which only hashes are kept."""

    def __init__(self, engine: Engine) -> None:
        from procession.runtime.users import Users

        self._users = Users(engine.storage, engine._machine.new_id, engine.clock.now)
        self._engine = engine

    def add(self, name: str, password: str, roles: Iterable[str]) -> None:
        """Add a user, or give one a new password and roles."""
        self._engine._intake.alone(self._users.add(name, password, roles, self._engine.principal))

    def set_roles(self, name: str, roles: Iterable[str]) -> None:
        """Give a user other roles; whoever is logged in stays so."""
        self._engine._intake.alone(self._users.set_roles(name, roles, self._engine.principal))

    def remove(self, name: str) -> None:
        self._engine._intake.alone(self._users.remove(name, self._engine.principal))

    def list(self) -> list[Principal]:
        return drive(self._users.list())

    def verify(self, name: str, password: str) -> Principal | None:
        """The principal that logs in with this password, or None."""
        return drive(self._users.verify(name, password))
