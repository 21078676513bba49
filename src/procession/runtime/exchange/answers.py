"""What goes back for a record: the instance that was started, or why not; what came of each operation.

An answer is put into the outbox in the transaction that carries what it tells of. It returns all headers that came, and its key.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import to_builtins

from procession.bus.topics import DEAD_LETTER, START_CONFIRM, legal
from procession.engine.codec import encode
from procession.errors import CommandRejected
from procession.runtime.asks import Ask, Park
from procession.runtime.checks import remark
from procession.runtime.exchange.headers import CALLBACK_TOPIC, echoed, header, kept_headers
from procession.runtime.exchange.shapes import (
    Operation,
    OperationResult,
    OperationResults,
    Problem,
    StartConfirmation,
)
from procession.runtime.views import instance_view

if TYPE_CHECKING:
    from procession.runtime.work import Work

Respond = Callable[["Work", Ask], None]


def start(process: str) -> Respond:
    """Answer a request to start a process."""

    def respond(work: Work, ask: Ask) -> None:
        if isinstance(ask.error, CommandRejected):
            _confirm(work, ask, StartConfirmation(process_definition_name=process, problem=problem(ask.error)))
            return
        unit = work.asked[id(ask)]
        view = to_builtins(instance_view(unit.state, unit.definition, ask.principal), str_keys=True)
        _confirm(work, ask, StartConfirmation(process_definition_name=process, instance=view), unit.state.id)

    return respond


def refused_start(process: str) -> Respond:
    """Answer a request that could not be read."""

    def respond(work: Work, ask: Ask) -> None:
        [refused] = ask.result
        _confirm(work, ask, StartConfirmation(process_definition_name=process, problem=problem(refused)))

    return respond


def operations(asked: Sequence[Operation], *, many: bool) -> Respond:
    """Answer operations on the topic that their header `callbackTopic` names; what was refused unheard of becomes a letter."""

    def respond(work: Work, ask: Ask) -> None:
        if isinstance(ask.error, CommandRejected):
            results = [_result(each, ask.error) for each in asked]
        else:
            results = [_result(each, refused) for each, refused in zip(asked, ask.result, strict=True)]
        assert ask.source is not None
        topic = header(ask.source.record.headers, CALLBACK_TOPIC)
        if topic is not None and legal(topic) and topic != DEAD_LETTER:
            _send(work, ask, topic, OperationResults(operations=results) if many else results[0])
            return
        problems = [each.problem for each in results if each.problem is not None]
        if topic is not None:
            work.taken.park(work, ask, Park("Not valid.", f"The header callbackTopic names no topic: {topic[:100]!r}."))
        elif problems:
            said = "; ".join(f"{each.title} {each.detail}".strip() for each in problems)
            work.taken.park(work, ask, Park(f"{len(problems)} of {len(results)} operations were refused.", said))

    return respond


def problem(refused: CommandRejected) -> Problem:
    """As the HTTP API says it."""
    return Problem(
        title=refused.title,
        status=refused.status,
        detail=refused.detail,
        error_key=refused.key,
        missing=list(refused.extra.get("missing", ())),
    )


def _result(asked: Operation, refused: CommandRejected | None) -> OperationResult:
    instance = asked.process_instance_uuid or asked.process_instance_id
    return OperationResult(
        operation_type=asked.operation_type,
        done=refused is None,
        request_id=asked.request_id,
        process_instance_id=None if instance is None else str(instance),
        task_id=None if asked.task_id is None else str(asked.task_id),
        problem=None if refused is None else problem(refused),
    )


def _confirm(work: Work, ask: Ask, value: StartConfirmation, instance: int = 0) -> None:
    _send(work, ask, START_CONFIRM, value, instance)


def _send(work: Work, ask: Ask, topic: str, value: Any, instance: int = 0) -> None:
    assert ask.source is not None
    record = ask.source.record
    work.send(topic, remark(record.key or str(instance)), kept_headers(echoed(record.headers)), encode(value), instance)
