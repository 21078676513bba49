"""Traces for OpenTelemetry: a request, the commands that it gives, and the commits that carry them.

Spans say what was done and to which instance: operations, kinds of commands, ids, sizes. They never say what people entered: no
variables, bodies, query strings, names of users, nor texts of errors, which may quote them.

A commit serves the commands of many requests. Its span is a child of the first command's, so that it is recorded when that is,
and it is linked with those of all of them, in both directions. A record that was taken in has a span that goes on with its trace.
What nobody asked for (timers, runs that go on after a restart) has no spans.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from opentelemetry.context import attach
from opentelemetry.trace import Link, Span, SpanKind, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from procession.api.operations import Operation
from procession.bus import Received
from procession.errors import CommandRejected
from procession.runtime.asks import TRACEPARENT, Ask
from procession.runtime.exchange.headers import TRACE, header
from procession.runtime.processor import Turn
from procession.runtime.work import COMMAND_NAMES, Work

W3C = TraceContextTextMapPropagator()
UNTRACED = "health"
"""Calls with this tag are asked every few seconds: nobody wants to read traces of them."""

COMMAND: ContextVar[Span | None] = ContextVar("command", default=None)
"""The span of the command that is being given."""


class Tracing:
    """Makes the spans of one server."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def request(self, headers: Mapping[str, str], request_id: str) -> RequestTrace:
        """A request has arrived. Names of headers are in lower case."""
        return RequestTrace(self._tracer, headers, request_id)

    @contextmanager
    def command(self, ask: Ask) -> Iterator[None]:
        """While a command is on its way. What is asked inside belongs to its span."""
        kind = COMMAND_NAMES[ask.command.__class__]
        span = self._tracer.start_span(f"command {kind}", attributes={"procession.command": kind})
        command, parent = COMMAND.set(span), TRACEPARENT.set(traceparent(span))
        try:
            yield
        except CommandRejected as refused:
            span.set_attribute("procession.error", refused.key)
            raise
        except BaseException as error:
            span.set_status(StatusCode.ERROR)
            span.set_attribute("error.type", type(error).__name__)
            raise
        finally:
            TRACEPARENT.reset(parent)
            COMMAND.reset(command)
            span.end()

    def turned(self, turn: Turn) -> None:
        """A batch was decided and written, in whatever thread."""
        spans, taken = [], []
        for ask in turn.asks:
            span = None if ask.context is None else ask.context.get(COMMAND)
            if span is None and ask.source is not None:
                span = self._taken_in(ask.source.record, turn)
                taken.append(span)
            if span is not None and span.is_recording():
                spans.append(span)
                _describe(span, ask, turn.work)
        if spans and turn.committed:
            self._commit(spans, turn)
        for span in taken:
            span.end()

    def _taken_in(self, record: Received, turn: Turn) -> Span:
        """A record, from when its batch was begun."""
        return self._tracer.start_span(
            f"process {record.topic}",
            W3C.extract({TRACE: header(record.headers, TRACE) or ""}),
            SpanKind.CONSUMER,
            {
                "messaging.destination.name": record.topic,
                "messaging.destination.partition.id": str(record.partition),
                "messaging.kafka.offset": record.offset,
                "messaging.operation.type": "process",
            },
            start_time=time.time_ns() - int((turn.decided + turn.committed) * 1e9),
        )

    def _commit(self, commands: list[Span], turn: Turn) -> None:
        ended = time.time_ns()
        commit = self._tracer.start_span(
            "commit",
            set_span_in_context(commands[0]),
            attributes={
                "procession.batch.commands": len(turn.asks),
                "procession.batch.instances": len(turn.work.units),
                "procession.batch.conflicts": turn.conflicts,
                "procession.batch.decide_seconds": turn.decided,
            },
            links=[Link(command.get_span_context()) for command in commands],
            start_time=ended - int(turn.committed * 1e9),
        )
        for command in commands:
            command.add_link(commit.get_span_context())
        commit.end(ended)


class RequestTrace:
    """One request. It has a span from when it is known what is asked until it is answered; a stream is answered as it begins."""

    def __init__(self, tracer: Tracer, headers: Mapping[str, str], request_id: str) -> None:
        self._tracer, self._headers, self._request_id = tracer, headers, request_id
        self._began = time.time_ns()
        self._span: Span | None = None

    def found(self, operation: Operation, path: Mapping[str, str]) -> None:
        """What is asked. The span goes on with the caller's trace, and is the parent of what follows in this task."""
        if operation.tag == UNTRACED:
            return
        self._span = span = self._tracer.start_span(
            f"{operation.method} {operation.path}",
            W3C.extract(self._headers),
            SpanKind.SERVER,
            {
                "http.request.method": operation.method,
                "http.route": operation.path,
                "procession.request": self._request_id,
            },
            start_time=self._began,
        )
        attach(set_span_in_context(span))
        TRACEPARENT.set(traceparent(span))
        instance = path.get("instance", "")
        if instance.isascii() and instance.isdecimal():
            span.set_attribute("procession.instance", instance)

    def answered(self, status: int, key: str | None = None) -> None:
        """What came of it; `key` of the problem, if it was one."""
        if self._span is not None:
            self._span.set_attribute("http.response.status_code", status)
            if key is not None:
                self._span.set_attribute("procession.error", key)
            if status >= 500:
                self._span.set_status(StatusCode.ERROR)
            self._end(self._span)

    def over(self) -> None:
        """It has ended, answered or not."""
        if self._span is not None:
            self._span.set_attribute("error.type", "unanswered")  # no error of ours where the client has gone
            self._end(self._span)

    def _end(self, span: Span) -> None:
        span.end()
        self._span = None


def traceparent(span: Span) -> str:
    """A span as W3C's header has it."""
    context = span.get_span_context()
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def _describe(span: Span, ask: Ask, work: Work) -> None:
    instance = work.instance_of(ask)
    if instance is not None:
        span.set_attribute("procession.instance", str(instance))
        if (unit := work.units.get(instance)) is not None:
            span.set_attribute("procession.process", unit.state.name)
            span.set_attribute("procession.version", unit.state.version)
