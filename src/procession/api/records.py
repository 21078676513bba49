"""The bus for partners that do without a client of it: read, commit, answer.

The engine trusts whoever writes to a topic that it reads, and anybody may be in the records of its own. So who may not read
them all over HTTP reads only what is meant for partners, and publishes only what he might as well send to another call: an
answer, the result of a job, a message. What the engine does without asking whose wish it is (starting, holding, ending) takes
the header `jwt`, by which it asks; only administrators do without.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct

from procession.api.fields import Text
from procession.api.operations import Body, Call, operation
from procession.api.partners import Partners, What, Who
from procession.api.problems import refusal
from procession.bus import BusError, Received, Record, TooLarge
from procession.bus.topics import DEAD_LETTER, MESSAGES, OURS, RECEIVE, Naming, legal
from procession.engine.access import Principal, require_role
from procession.errors import CommandRejected
from procession.runtime.exchange.headers import JWT, header
from procession.runtime.exchange.patterns import full_pattern

log = logging.getLogger("procession.bus")

REFUSALS = (403, 429, 503)
LONGEST_WAIT = 1_000_000_000
LARGEST_BODY = 2_000_000
"""Bytes: a record of one million in base64."""

TRIGGERS = "core.trigger."
INSIDE = ("core.", "engine.", "ui.")
"""How the names of topics begin that are between the engine and those who watch it."""

WILD = r"\.\*|\[\^\.\][*+]"
PATTERN = re.compile(rf"(?P<head>(?:[A-Za-z0-9_-]|\\\.)*)(?:[A-Za-z0-9_-]|\\\.|\.(?![*+])|{WILD})*")
MOST_WILD = 2
"""A pattern with more of them could take for ever to say no."""

Name = Annotated[
    str, Meta(description="1 to 100 letters, digits, '.', '_' and '-'.", pattern=r"^[A-Za-z0-9._-]{1,100}$")
]
Topic = Annotated[Text, Meta(description="The name of a topic, of the platform's the short one.", max_length=249)]
Offset = Annotated[int, Meta(description="A place in a partition.", ge=0, le=2**63 - 1)]
Number = Annotated[int, Meta(description="The number of a partition.", ge=0, le=2**31 - 1)]
Pattern = Annotated[
    str,
    Meta(
        description="Further topics: names in which .* and [^.]+ stand for anything; several with | between.",
        max_length=500,
    ),
]
Header = tuple[str, bytes]
Fields = Annotated[list[Header], Meta(description="Names and values (base64), in order.", max_length=1000)]


class BusOffset(Body):
    """Who reads this partition next begins here."""

    topic: Topic
    partition: Number
    offset: Offset


class BusPoll(Body):
    """Who reads, what, how much of it, and what is done by now."""

    group: Annotated[Name, Meta(description="Those of a group share the records.")]
    member: Annotated[Name, Meta(description="Which one of the group it is: the same in each poll, and nobody else's.")]
    topics: Annotated[list[Topic], Meta(description="What is read.", max_length=100)] = []
    pattern: Pattern | None = None
    latest: Annotated[bool, Meta(description="Whether a new group begins behind what is there already.")] = False
    max_records: Annotated[int, Meta(description="So many at most; 0 only commits.", ge=0, le=1000)] = 100
    wait_ms: Annotated[
        int,
        Meta(description="How many milliseconds to wait for the first one; at most a minute.", ge=0, le=LONGEST_WAIT),
    ] = 0
    commit: Annotated[list[BusOffset], Meta(description="How far everything is done.", max_length=1000)] = []


class BusLeave(Body):
    """Who reads no more."""

    group: Name
    member: Name


class BusRecord(Struct, rename="camel"):
    """A record."""

    topic: Topic
    partition: Number
    offset: Offset
    key: Annotated[
        str | None, Meta(description="Records of one key are in order: of what processes send, an instance's id.")
    ]
    headers: Fields
    value: Annotated[bytes, Meta(description="The bytes, in base64.")]
    at: Annotated[int, Meta(description="When it was published: microseconds since the epoch.")]


class BusRecords(Struct, rename="camel"):
    """What there is, and which partitions this member reads now."""

    records: Annotated[list[BusRecord], Meta(description="Those of each partition in order.")]
    assigned: Annotated[
        list[tuple[str, int]], Meta(description="Topics and numbers of partitions that the member reads now.")
    ]


class BusLeft(Struct, rename="camel"):
    """Whether there was such a member."""

    left: Annotated[bool, Meta(description="false: it was not there, or not any more.")]


class BusOutgoing(Body):
    """A record to publish."""

    topic: Topic
    value: Annotated[bytes, Meta(description="The bytes, in base64.")]
    key: Annotated[
        str | None, Meta(description="Records of one key keep their order; of an answer that of its request.")
    ] = None
    headers: Fields = []


class BusOutgoings(Body):
    """Records to publish, in order."""

    records: Annotated[list[BusOutgoing], Meta(description="In this order; at most 1,000.", max_length=1000)]


class BusPublished(Struct, rename="camel"):
    """They are on the bus."""

    published: Annotated[int, Meta(description="So many.")]


def _guard(principal: Principal) -> None:
    require_role(principal, "use the bus", "worker", "operator")


@operation(
    "POST", "/api/bus/poll", tag="bus", body=BusPoll, answers=BusRecords, refusals=REFUSALS, guard=_guard, waits=True
)  # fmt: skip
async def poll_bus(call: Call) -> BusRecords:
    """Read records as a member of a group: a long poll.

    Commits first, then answers at once when there are records, else when some come or `waitMs` are over. A member that has not
    polled for 30 seconds (3 seconds, where its connection ended while it waited) is let go: its records that were not committed
    go to others, or to itself. Where an answer is lost, leave, and go on as another member. Needs the role `worker` or
    `operator`; what is between the engine and those who watch it is for `operator`.
    """
    body: BusPoll = call.body
    partners, naming, principal = _partners(call), _naming(call), call.principal
    topics = tuple(dict.fromkeys(_legal(naming, topic) for topic in body.topics))
    for topic in topics:
        _may_read(principal, naming, topic)
    pattern = None if body.pattern is None else _pattern(principal, naming, body.pattern)
    commit = {(_legal(naming, each.topic), each.partition): each.offset for each in body.commit}
    wait = min(body.wait_ms / 1000, call.edge.limits.longest_wait)
    what = What(topics, pattern, body.latest)
    try:
        found = await partners.poll(_who(call, body), what, body.max_records, wait, commit)
    except BusError as error:
        raise _away(error) from error
    return BusRecords(
        [_shown(naming, record) for record in found.records],
        sorted((naming.short(topic), number) for topic, number in found.assigned),
    )


@operation("POST", "/api/bus/leave", tag="bus", body=BusLeave, answers=BusLeft, refusals=REFUSALS, guard=_guard)
async def leave_bus(call: Call) -> BusLeft:
    """Read no more: others of the group take over at once, from what was committed."""
    return BusLeft(await _partners(call).leave(_who(call, call.body)))


@operation(
    "POST", "/api/bus/publish", tag="bus", body=BusOutgoings, answers=BusPublished, refusals=(*REFUSALS, 413), guard=_guard,
    limit=LARGEST_BODY,
)  # fmt: skip
async def publish_to_bus(call: Call) -> BusPublished:
    """Publish records, those of one key in this order.

    An answer has the key and all headers of its request. With the role `worker`: answers (`engine.receive.…`), messages, dead
    letters, and topics of your own. What starts or operates processes takes the role `operator` and the header `jwt`, in whose
    name it is done. Everything else is for administrators. When it fails, the same may be published again.
    """
    partners, naming = _partners(call), _naming(call)
    outgoing: Sequence[BusOutgoing] = call.body.records
    records = [Record(_legal(naming, each.topic), each.key, each.value, tuple(each.headers)) for each in outgoing]
    for record in records:
        _may_publish(call.principal, naming, record)
    try:
        await partners.publish(records)
    except TooLarge as error:
        raise refusal(413, "Request is too large.", str(error), "error.too_large") from error
    except BusError as error:
        raise _away(error) from error
    return BusPublished(len(records))


def _may_read(principal: Principal, naming: Naming, topic: str) -> None:
    if _is_inside(naming, topic):
        require_role(principal, f"read {naming.short(topic)}", "operator")


def _is_inside(naming: Naming, topic: str) -> bool:
    """Whether it is no topic for partners: also those of other environments are none."""
    name = naming.short(topic)
    if name.startswith(OURS) or name == DEAD_LETTER:
        return name.startswith(INSIDE) or name == DEAD_LETTER
    return _is_elsewhere(naming, topic)


def _is_elsewhere(naming: Naming, topic: str) -> bool:
    before = naming.package or naming.environment
    return bool(before) and topic.startswith(before)


def _may_publish(principal: Principal, naming: Naming, record: Record) -> None:
    name = naming.short(record.topic)
    what = f"publish to {name}"
    if name.startswith(TRIGGERS):
        require_role(principal, what, "operator")
        if not principal.admin and header(record.headers, JWT) is None:
            detail = f"{principal.name}: a record for {name} needs the header jwt, in whose name it is done."
            raise CommandRejected(403, "Forbidden", detail, key="error.forbidden")
    elif name in (MESSAGES, DEAD_LETTER):
        require_role(principal, what, "worker", "operator")
    elif name.startswith(RECEIVE):
        require_role(principal, what, "worker")
    elif name.startswith(OURS) or _is_elsewhere(naming, record.topic):
        require_role(principal, what)


def _pattern(principal: Principal, naming: Naming, text: str) -> str:
    """Fit for a bus that everybody shares: quickly matched, and only what one may read."""
    return "|".join(_part(principal, naming, each) for each in text.split("|"))


def _part(principal: Principal, naming: Naming, text: str) -> str:
    found = PATTERN.fullmatch(text)
    if not text or found is None or len(re.findall(WILD, text)) > MOST_WILD:
        detail = (
            r"A pattern has letters, digits, '_', '-', '\.', and two of '.*', '[^.]+' or '[^.]*' at most: bureau\.[^.]+"
        )
        raise _invalid("/pattern", detail)
    if not (principal.admin or "operator" in principal.roles):
        head = found["head"].replace("\\", "")
        before = naming.package + naming.environment
        short = {*INSIDE, DEAD_LETTER, before, naming.package}
        inside = {*short, *(before + name for name in (*INSIDE, DEAD_LETTER))} - {""}
        known = head.startswith(tuple(name for name in OURS if name not in INSIDE))
        if not head or (not known and any(each.startswith(head) or head.startswith(each) for each in inside)):
            require_role(principal, f"read all that {text} matches", "operator")
    return full_pattern(naming, text)


def _legal(naming: Naming, topic: str) -> str:
    full = naming.full(topic)
    if not legal(full):
        raise _invalid("/topics", f"{topic!r} is no name of a topic: 1 to 249 letters, digits, '.', '_' and '-'.")
    return full


def _invalid(pointer: str, message: str) -> CommandRejected:
    errors = [{"pointer": pointer, "message": message}]
    return refusal(422, "Not valid.", message, "error.validation", errors=errors)


def _who(call: Call, body: BusPoll | BusLeave) -> Who:
    """Groups of partners are apart from all others on the bus, and from the engine's own."""
    naming = _naming(call)
    group = f"{naming.package}{naming.environment}partner.{body.group}"
    return Who(call.principal.name, group, body.member)


def _shown(naming: Naming, record: Received) -> BusRecord:
    topic, headers = naming.short(record.topic), list(record.headers)
    return BusRecord(topic, record.partition, record.offset, record.key, headers, record.value, record.at)


def _naming(call: Call) -> Naming:
    return _partners(call).exchange.naming


def _partners(call: Call) -> Partners:
    partners = call.edge.partners
    if partners is None:
        raise refusal(503, "Service unavailable.", "This server is on no bus.", "error.bus")
    return partners


def _away(error: BusError) -> CommandRejected:
    log.warning("the bus could not do what a partner asked for: %s", error)
    return refusal(503, "Service unavailable.", "The bus could not do it; try again.", "error.bus", retryAfter=1)
