"""What is handed to the processor: a command with who asks, and a place for the answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import Context, ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple

from procession.bus import Received
from procession.definition import ProcessDefinition
from procession.engine.access import SYSTEM, Principal
from procession.engine.codec import encode
from procession.engine.commands import Command
from procession.engine.state import ProcessInstance
from procession.errors import CommandRejected
from procession.storage import LetterRow, MessageRow, PositionRow, StartTimerRow

if TYPE_CHECKING:
    from procession.runtime.work import Work

TRACEPARENT: ContextVar[str] = ContextVar("traceparent", default="")
"""The trace that is followed, as W3C's header of this name says it; "": none. Records that come of a command carry it along."""


class Source(NamedTuple):
    """The record that a command came with: read by a group, or kept as a `letter` since it could not be handled."""

    group: str
    record: Received
    letter: LetterRow | None = None

    @property
    def place(self) -> tuple[str, str, int]:
        """By which it is known how far the group has taken records in."""
        return self.group, self.record.topic, self.record.partition

    @property
    def attempts(self) -> int:
        """How often it was tried before."""
        return 0 if self.letter is None else self.letter.attempts


class Ask:
    """One command on its way. `done` is set after the commit that carries it, with a `result` or an `error`.

    `key` makes it idempotent: the same key gets the first answer again. `fence` is the fencing number of the job's lease.
    `render` makes the result of the instance as the commit left it; without it the result is the instance's id. `told` is
    called once it is done, in the thread that turned the crank. `context` is where it was asked: its log lines and its trace
    belong there. One with a `source` takes effect once, however often its record is read; `respond` answers such a record, in the
    same transaction, whether it was done or refused.
    """

    __slots__ = (
        "command", "context", "done", "error", "fence", "key", "principal", "render", "respond", "result", "source", "told",
    )  # fmt: skip

    def __init__(
        self,
        command: Command | Start | Publish | Match | Operate | Park | Published | Lost | Settle | StartTimerRow,
        principal: Principal = SYSTEM,
        *,
        key: str | None = None,
        fence: int | None = None,
        render: Callable[[ProcessInstance, ProcessDefinition], Any] | None = None,
        told: Callable[[Ask], None] | None = None,
        source: Source | None = None,
        respond: Callable[[Work, Ask], None] | None = None,
    ) -> None:
        self.command, self.principal, self.key, self.fence, self.render = command, principal, key, fence, render
        self.told, self.source, self.respond = told, source, respond
        self.context: Context | None = None
        self.done = False
        self.result: Any = None
        self.error: BaseException | None = None

    def finish(self, error: BaseException | None = None) -> None:
        """The answer is there."""
        if error is not None:
            self.error = error
        self.done = True
        if self.told is not None:
            self.told(self)

    def answer(self) -> Any:
        """The result, or the refusal raised."""
        if self.error is not None:
            raise self.error
        return self.result


class Start:
    """Start the published version of a process. The answer is the id of the new instance."""

    __slots__ = ("business_key", "data", "inherit", "name", "start_condition")

    def __init__(
        self,
        name: str,
        data: dict[str, Any],
        *,
        start_condition: str | None = None,
        business_key: str | None = None,
        inherit: Inherit | None = None,
    ) -> None:
        self.name, self.data, self.start_condition = name, data, start_condition
        self.business_key, self.inherit = business_key, inherit


class Inherit:
    """Take values over from another instance: `copy` is a whitelist of dotted paths (empty: all), then `without` removes."""

    __slots__ = ("copy", "instance", "without")

    def __init__(self, instance: int, copy: tuple[str, ...] = (), without: tuple[str, ...] = ()) -> None:
        self.instance, self.copy, self.without = instance, copy, without


class Publish:
    """Publish a BPMN message. `ttl` in microseconds. The answer is the message's id and who received it.

    With a `record` it is an answer for a data stream: it brings a `value`, the key is the id of the
    instance, and where a `node` is given, only who waits there gets it.
    """

    __slots__ = ("key", "message_id", "name", "node", "record", "ttl", "value", "variables")

    def __init__(
        self,
        name: str,
        key: str | None,
        variables: dict[str, Any],
        message_id: str | None = None,
        ttl: int = 3_600_000_000,
        *,
        node: str | None = None,
        value: Any = None,
        record: Received | None = None,
    ) -> None:
        self.name, self.key, self.variables, self.message_id, self.ttl = name, key, variables, message_id, ttl
        self.node, self.value, self.record = node, value, record

    @property
    def inbox_key(self) -> str:
        """By which a repetition of the message is known."""
        return "message:" + encode([self.name, self.key, self.message_id]).decode()


def taken_key(message: int) -> str:
    """By which it is known that a buffered message was taken out of the buffer."""
    return f"message-taken:{message}"


class Match:
    """Bring buffered messages of a name (and of a key, or without one) together with those that wait for them by now."""

    __slots__ = ("key", "name")

    def __init__(self, name: str, key: str | None) -> None:
        self.name, self.key = name, key


class Operate:
    """Several commands in one transaction, each done or refused for itself. The answer: for each its refusal, or None."""

    __slots__ = ("commands",)

    def __init__(self, commands: Sequence[Command | CommandRejected]) -> None:
        self.commands = commands  # a refusal stands for one that could not even be read


class Park:
    """Keep the record that an ask came with as a letter: it cannot be handled, or not now (`due`: when it is tried again)."""

    __slots__ = ("detail", "due", "title")

    def __init__(self, title: str, detail: str, due: int | None = None) -> None:
        self.title, self.detail, self.due = title, detail, due


class Published:
    """Forget records of the outbox, by their numbers, and note how far a publisher is, each position with the one before.

    `letters` are of records that the bus does not take.
    """

    __slots__ = ("letters", "numbers", "positions")

    def __init__(
        self,
        numbers: Sequence[int],
        positions: Sequence[tuple[PositionRow, int | None]] = (),
        letters: Sequence[LetterRow] = (),
    ) -> None:
        self.numbers, self.positions, self.letters = numbers, positions, letters


class Lost:
    """An answer whose time is over, and that nobody has waited for: it becomes a letter."""

    __slots__ = ("row",)

    def __init__(self, row: MessageRow) -> None:
        self.row = row

    @property
    def inbox_key(self) -> str:
        """By which it is known that somebody has taken it: another node finds it, too."""
        return taken_key(self.row.id)


class Settle:
    """Publish the record of a letter anew on its topic, or leave it at that. The answer is the letter as it is then."""

    __slots__ = ("letter", "replay")

    def __init__(self, letter: int, *, replay: bool) -> None:
        self.letter, self.replay = letter, replay
