"""From a record to what it asks for. What cannot be read is kept as a letter that says what is wrong with it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from procession.bus import Received
from procession.bus.topics import MESSAGES, OPERATIONS, RECEIVE, RECEIVE_JOB, START, Naming
from procession.engine import commands as c
from procession.engine.access import Principal
from procession.engine.codec import decode, encode
from procession.engine.triggers.message import DEFAULT_TTL
from procession.engine.triggers.stream import TOPIC
from procession.errors import CommandRejected
from procession.runtime import checks
from procession.runtime.asks import TRACEPARENT, Ask, Operate, Park, Publish, Source, Start
from procession.runtime.exchange import answers
from procession.runtime.exchange.headers import DESTINATION, EVENT_ID, EVENT_SOURCE, JWT, TRACE, header, instance_of
from procession.runtime.exchange.shapes import JobResult, MessageEvent, Operation, Operations, StartRequest

if TYPE_CHECKING:
    from procession.storage import LetterRow

T = TypeVar("T")

LARGEST_START = 1_000_000
"""Bytes of start data, as over HTTP."""

BUS = Principal("bus", frozenset({"admin"}))
"""Who acts where a record does not say: whoever may write to the topic. The broker's access rules decide who that is."""

Identify = Callable[[str], Principal]
"""Whose access token it is; `CommandRejected` (401) where it is nobody's."""


class Unreadable(Exception):
    """A record that says nothing that could be done."""

    def __init__(self, title: str, detail: str) -> None:
        self.title, self.detail = title, detail
        super().__init__(f"{title} {detail}")


class Orders:
    """Reads the records of one group."""

    def __init__(self, group: str, naming: Naming, identify: Identify | None = None) -> None:
        self.group, self.naming, self._identify = group, naming, identify
        self._readers: dict[str, Callable[[Received], Ask]] = {
            START: self._start,
            OPERATIONS: self._operations,
            MESSAGES: self._message,
            RECEIVE_JOB: self._job,
        }

    def ask(self, record: Received, letter: LetterRow | None = None) -> Ask:
        """What a record asks for."""
        name = self.naming.short(record.topic)
        read = self._readers.get(name)
        try:
            if read is None:
                if not name.startswith(RECEIVE):
                    raise Unreadable(
                        "Nobody reads this topic.", f"'{name}' is none of the topics that the engine reads."
                    )
                read = self._answer
            ask = read(record)
        except Unreadable as error:
            ask = Ask(Park(error.title, error.detail))
        except CommandRejected as error:
            ask = Ask(Park(error.title, error.detail))
        ask.source = Source(self.group, record, letter)
        if (trace := header(record.headers, TRACE)) is not None:
            ask.context = copy_context()
            ask.context.run(TRACEPARENT.set, trace)
        return ask

    # -- one for each kind of topic --------------------------------------------------------------------------------------

    def _start(self, record: Received) -> Ask:
        """An answer goes out also where it cannot be read, as long as it is clear what was to be started."""
        request = _read(record, StartRequest)
        name = checks.text(request.process_definition_name, "The process")
        respond = answers.start(name)
        try:
            start = Start(
                name,
                checks.document(request.data, LARGEST_START),
                start_condition=checks.maybe_text(request.start_condition, "The start condition"),
                business_key=checks.maybe_text(request.business_key, "The business key"),
            )
            principal = self._principal(record)
        except CommandRejected as refused:
            return Ask(Operate([refused]), BUS, respond=answers.refused_start(name))
        return Ask(start, principal, key=_once(record), respond=respond)

    def _operations(self, record: Received) -> Ask:
        document = _decoded(record)
        many = isinstance(document, dict) and "operations" in document
        found = _converted(document, Operations).operations if many else [_converted(document, Operation)]
        try:
            principal = self._principal(record)
            commands = [_operation(each) for each in found]
        except CommandRejected as refused:
            principal, commands = BUS, [refused for _ in found]
        return Ask(Operate(commands), principal, respond=answers.operations(found, many=many))

    def _message(self, record: Received) -> Ask:
        event = _read(record, MessageEvent)
        message = Publish(
            checks.text(event.name, "The name of the message"),
            checks.maybe_text(event.correlation_key, "The correlation key"),
            checks.document(event.variables),
            checks.maybe_text(event.message_id, "The message id") or _once(record),
            DEFAULT_TTL if event.ttl is None else checks.duration(event.ttl, "The time to live"),
        )
        return Ask(message, self._principal(record))

    def _answer(self, record: Received) -> Ask:
        """What an integration or a plugin says. A repetition says the same of the same request."""
        instance = instance_of(record.headers)
        if instance is None:
            detail = (
                "An answer needs the header processInstanceId of its request: return all headers that you received."
            )
            raise Unreadable("No instance.", detail)
        value = checks.document({"value": _decoded(record)})["value"]
        destination = header(record.headers, DESTINATION)
        node = checks.text(destination, "The header destinationId") if destination else None
        name = TOPIC + self.naming.short(record.topic)
        return Ask(
            Publish(name, str(instance), {}, _once(record), node=node, value=value, record=record),
            self._principal(record),
        )

    def _job(self, record: Received) -> Ask:
        result = _read(record, JobResult)
        job = checks.identity(result.id, "Job")
        variables, message = checks.document(result.variables), checks.remark(result.message)
        command: c.Command
        if result.error_code is not None:
            command = c.ThrowJobError(job, checks.text(result.error_code, "errorCode"), message, variables)
        elif result.failure is not None:
            retries = None if result.retries is None else checks.number(result.retries, "retries", 0)
            pause = checks.number(result.backoff_ms, "backoffMs", 0) * 1000
            command = c.FailJob(job, checks.remark(result.failure), retries, pause)
        else:
            command = c.CompleteJob(job, variables)
        return Ask(command, self._principal(record), fence=result.token)

    def _principal(self, record: Received) -> Principal:
        token = header(record.headers, JWT)
        if token is None:
            return BUS
        if self._identify is None:
            raise CommandRejected(401, "Unauthorized", "There is nobody here who could check the header jwt.")
        return self._identify(token)


def _operation(asked: Operation) -> c.Command | CommandRejected:
    """The command of one operation, or why there is none."""
    by = f" (asked for by {checks.remark(asked.author)})" if asked.author else ""
    reason = f"{checks.remark(asked.reason or '')}{by}".strip()
    try:
        match asked.operation_type:
            case "HOLD":
                return c.HoldInstance(_instance(asked), reason)
            case "UNHOLD":
                return c.UnholdInstance(_instance(asked), reason)
            case "TERMINATE":
                return c.EndInstance(_instance(asked), "TERMINATED", reason)
            case "DISMISS":
                return c.EndInstance(_instance(asked), "DISMISSED", reason)
            case "ASSIGN":
                if asked.owner is None:
                    raise checks.not_valid("ASSIGN needs an owner with a username.", "/owner")
                return c.AssignTask(_task(asked), checks.text(asked.owner.username, "The username"))
            case "UNASSIGN":
                return c.AssignTask(_task(asked), None)
        known = "HOLD, UNHOLD, TERMINATE, DISMISS, ASSIGN and UNASSIGN"
        raise checks.not_valid(
            f"There are the operations {known}, and no {asked.operation_type[:50]!r}.", "/operationType"
        )
    except CommandRejected as refused:
        return refused


def _instance(asked: Operation) -> int:
    given = asked.process_instance_uuid or asked.process_instance_id
    if given is None:
        raise checks.not_valid(f"{asked.operation_type} needs a processInstanceUuid.", "/processInstanceUuid")
    return checks.identity(given, "Process instance")


def _task(asked: Operation) -> int:
    if asked.task_id is None:
        raise checks.not_valid(f"{asked.operation_type} needs a taskId.", "/taskId")
    return checks.identity(asked.task_id, "Task")


def _once(record: Received) -> str | None:
    """By which it is known that the same event says the same again; who names no event sends what counts each time.

    The value is a part of it: whoever returns all headers that he received names his partner's event, however often he answers.
    """
    event = header(record.headers, EVENT_ID)
    if event is None:
        return None
    said = [header(record.headers, EVENT_SOURCE), event, record.value]
    return f"event:{hashlib.sha256(encode(said)).hexdigest()}"


def _decoded(record: Received) -> Any:
    try:
        return decode(record.value)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Unreadable("Not JSON.", f"The value of the record cannot be read: {error}") from None


def _converted(document: Any, kind: type[T]) -> T:
    try:
        return msgspec.convert(document, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        raise Unreadable("Not valid.", str(error).replace("`", "'")) from None


def _read(record: Received, kind: type[T]) -> T:
    return _converted(_decoded(record), kind)
