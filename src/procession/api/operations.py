"""The table of the HTTP API: what can be called, what it takes, what it answers, and what may go wrong.

A module of this package describes the calls of one resource with `@operation`; nothing else knows their paths. The dispatch
(`dispatch.py`) and the OpenAPI document (`openapi.py`) read the same table, so that neither can know a call the other does not.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from msgspec import Struct

from procession.api.fields import Cursor, Limit
from procession.engine.access import Principal
from procession.runtime.asks import Ask
from procession.runtime.node import Node
from procession.runtime.queries import Queries

if TYPE_CHECKING:
    from procession.api.edge import Edge
    from procession.api.identity import Who

T = TypeVar("T")

JSON = "application/json"
BODY_LIMIT = 1_000_000
"""Bytes of a body, where a call does not say otherwise."""


class Body(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """The base of every body: fields that are not known are refused."""


class Query(Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """The base of every query string."""


class PageQuery(Query):
    """Which part of a list."""

    limit: Limit = 50
    cursor: Cursor | None = None


class Nothing(Query):
    """No query string."""


@dataclass(slots=True)
class Answer:
    """What a handler answers when a view alone does not say it: another status, other bytes, headers of its own."""

    content: Any = None
    status: int | None = None
    media: str = JSON
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Stream:
    """An answer that goes on: `next` gives the next bytes, or None at the end."""

    next: Callable[[], Awaitable[bytes | None]]
    close: Callable[[], None]


class Many(NamedTuple):
    """The answer is a page of a list of these."""

    of: Any


@dataclass(frozen=True, slots=True)
class Upload:
    """A body that is not JSON, as it came."""

    media: str  # the content type without its parameters
    content_type: str
    data: bytes


class Call:
    """One request, checked and decoded."""

    __slots__ = ("address", "body", "edge", "headers", "path", "query", "request_id", "secure", "who")

    def __init__(
        self,
        edge: Edge,
        who: Who | None,
        path: Mapping[str, str],
        query: Any,
        body: Any,
        headers: Mapping[str, str],
        request_id: str,
        address: str,
        secure: bool,
    ) -> None:
        self.edge, self.who, self.path, self.query, self.body = edge, who, path, query, body
        self.headers, self.request_id, self.address, self.secure = headers, request_id, address, secure

    @property
    def node(self) -> Node:
        """The engine."""
        return self.edge.node

    @property
    def principal(self) -> Principal:
        """Who asks. Calls that are open to everybody have none."""
        assert self.who is not None
        return self.who.principal

    @property
    def queries(self) -> Queries:
        """Questions of who asks."""
        return self.edge.node.queries(self.principal)

    async def ask(self, ask: Ask) -> Any:
        """The answer to a command, after its commit."""
        tracing = self.edge.tracing
        if tracing is None:
            return await self.node.ask(ask)
        with tracing.command(ask):
            return await self.node.ask(ask)

    async def read(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The answer to a query."""
        return await self.edge.node.read(coroutine)


Handler = Callable[[Call], Awaitable[Any]]
Handling = TypeVar("Handling", bound=Handler)


@dataclass(frozen=True, slots=True)
class Operation:
    """One call: a method on a path. `answers` and `body` are types that msgspec knows.

    `also`: other statuses with the same answer. `documented` describes a body that is read as a plain
    object. What is not `built` answers 501.
    """

    method: str
    path: str
    handler: Handler
    tag: str
    answers: Any
    status: int
    also: tuple[int, ...]
    body: Any
    documented: Any
    body_required: bool
    query: type[Struct]
    refusals: tuple[int, ...]
    public: bool
    media: str  # of the answer
    uploads: tuple[str, ...]  # content types of a body that is not JSON
    limit: int
    waits: bool  # the client may wait long: its going away ends the call
    headers: Mapping[str, str]  # request headers that mean something here, with what they mean
    built: bool
    guard: Callable[[Principal], None] | None  # refuses who may not even send a body
    name: str = field(default="")

    @property
    def summary(self) -> str:
        """The first line of what the handler says."""
        return (inspect.getdoc(self.handler) or "").partition("\n")[0]

    @property
    def description(self) -> str:
        """The rest of it."""
        return (inspect.getdoc(self.handler) or "").partition("\n")[2].strip()


TABLE: list[Operation] = []


def operation(
    method: str,
    path: str,
    *,
    tag: str,
    answers: Any = None,
    status: int = 200,
    also: tuple[int, ...] = (),
    body: Any = None,
    documented: Any = None,
    body_required: bool = True,
    query: type[Struct] = Nothing,
    refusals: tuple[int, ...] = (),
    public: bool = False,
    media: str = JSON,
    uploads: tuple[str, ...] = (),
    limit: int = BODY_LIMIT,
    waits: bool = False,
    headers: Mapping[str, str] | None = None,
    built: bool = True,
    guard: Callable[[Principal], None] | None = None,
) -> Callable[[Handling], Handling]:
    """Enter the decorated function in the table."""

    def enter(handler: Handling) -> Handling:
        TABLE.append(
            Operation(
                method, path, handler, tag, answers, status, also, body, documented or body, body_required, query, refusals,
                public, media, uploads, limit, waits, headers or {}, built, guard, handler.__name__,
            )
        )  # fmt: skip
        return handler

    return enter


IDEMPOTENCY = {"Idempotency-Key": "The same key again answers what the first request did, and does nothing new."}
