"""The shapes of what is said of the bus: letters, the records of an instance, and the bus itself."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from procession.runtime.views.shapes import Allowed, Id, Instant, Node, Process, Title, Version, View

LETTER_STATES = ("waiting", "dead", "replayed", "dismissed")
"""What becomes of a letter."""

Topic = Annotated[str, Meta(description="The full name of a topic, as the bus has it.")]
Short = Annotated[str, Meta(description="The name as process files say it: without package, environment and version.")]
Key = Annotated[str | None, Meta(description="Records of one key keep their order.")]


class HeaderView(View):
    """A header of a record; a name may be there more than once."""

    name: Annotated[str, Meta(description="Its name.")]
    value: Annotated[str, Meta(description="As a text; credentials read ***.")]


class LetterView(View):
    """A record that could not be handled, with the reason."""

    id: Id
    topic: Topic
    name: Short
    partition: Annotated[int | None, Meta(description="Where it was read; null: the bus never took it.")]
    offset: Annotated[int | None, Meta(description="Its place in the partition.")]
    key: Key
    value: Annotated[Any, Meta(description="What is in it: JSON where it is JSON, else a text.")]
    headers: Annotated[list[HeaderView], Meta(description="In their order.")]
    published: Annotated[Instant, Meta(description="When it came to the bus.")]
    at: Annotated[Instant, Meta(description="When it was last tried.")]
    attempts: Annotated[int, Meta(description="How often it was tried.")]
    due: Annotated[Instant | None, Meta(description="When it is tried again; null: not by itself.")]
    state: Annotated[
        str,
        Meta(
            description="waiting to be tried again, dead, or settled by a person.",
            extra_json_schema={"enum": list(LETTER_STATES)},
        ),
    ]
    title: Annotated[str, Meta(description="What went wrong.")]
    detail: Annotated[str, Meta(description="What went wrong this time, and what to do about it.")]
    instance: Annotated[Id | None, Meta(description="The process instance that it is about, as far as it says.")]
    closed: Annotated[Instant | None, Meta(description="When it was settled.")]
    closed_by: Annotated[str | None, Meta(description="Who has settled it.")]
    allowed: Allowed


class RecordView(View):
    """A record that an instance sent, one that it received, or a letter about it."""

    state: Annotated[
        str,
        Meta(
            description="Of one that was sent: waiting to be published, or published; of one that came: received, or a letter.",
            extra_json_schema={"enum": ["waiting", "published", "received", "letter"]},
        ),
    ]
    at: Annotated[Instant, Meta(description="When it was sent or received; of a letter, when it was last tried.")]
    seq: Annotated[int | None, Meta(description="The position of history at which that was; null: a letter.")]
    node: Annotated[Node | None, Meta(description="The flow node that sent or received it.")]
    topic: Topic
    name: Short
    record: Annotated[Id | None, Meta(description="Of one that was sent: its `ce_id` on the bus.")] = None
    key: Key = None
    headers: Annotated[
        list[HeaderView] | None,
        Meta(description="Of one that was sent: what the process put there; what is masked reads ***."),
    ] = None
    value: Annotated[Any, Meta(description="Of one that was sent: what is in it; what is masked reads ***.")] = None
    partition: Annotated[int | None, Meta(description="Of one that came: where it was read.")] = None
    offset: Annotated[int | None, Meta(description="Of one that came: its place in the partition.")] = None
    letter: Annotated[Id | None, Meta(description="The letter, for operators to read.")] = None
    letter_state: Annotated[
        str | None, Meta(description="What became of the letter: waiting, dead, replayed, dismissed.")
    ] = None
    title: Annotated[str | None, Meta(description="Of a letter: what went wrong.")] = None


# -- the bus itself ---------------------------------------------------------------------------------------------------


class FlowView(View):
    """How many records went through the server that answers."""

    count: Annotated[int, Meta(description="Since it was started.")]
    per_second: Annotated[float, Meta(description="On average over the last minute.")]


class TopicView(View):
    """A topic: how much goes through it, and what waits."""

    topic: Topic
    name: Short
    title: Annotated[str, Meta(description="What is on it.")]
    direction: Annotated[
        str,
        Meta(
            description="in: the engine reads it; out: it is published to.", extra_json_schema={"enum": ["in", "out"]}
        ),
    ]
    partitions: Annotated[int | None, Meta(description="null: it is not there, or the bus has not said it.")]
    lag: Annotated[
        int | None,
        Meta(description="Records that the engine has not taken in; null: it does not read it, or it is not known."),
    ]
    received: Annotated[FlowView, Meta(description="Records that were taken in.")]
    sent: Annotated[FlowView, Meta(description="Records that were published.")]
    waiting: Annotated[int, Meta(description="Records that wait to be published.")]
    waiting_since: Annotated[Instant | None, Meta(description="When the first of them was made.")]
    dead_letters: Annotated[int, Meta(description="Records that could not be handled and that nobody has settled.")]


class TopicUse(View):
    """Where a process uses a topic."""

    topic: Annotated[str, Meta(description="The full name; one with ${…} as the process has it.")]
    name: Short
    node: Node
    node_name: Annotated[str, Meta(description="The node's name; its id, where it has none.")]


class IntegrationView(View):
    """A published process that sends records, or waits for them."""

    process_definition_name: Process
    process_title: Title
    version: Version
    sends: Annotated[list[TopicUse], Meta(description="Topics that its nodes send to.")]
    receives: Annotated[list[TopicUse], Meta(description="Topics on which its nodes take answers.")]


class BusView(View):
    """The bus as one server sees it."""

    kind: Annotated[
        str,
        Meta(
            description="What kind of bus it is; none: there is none.",
            extra_json_schema={"enum": ["memory", "kafka", "none"]},
        ),
    ]
    url: Annotated[str, Meta(description="Where it is, without credentials and options.")]
    group: Annotated[str, Meta(description="The group by which the engine reads.")]
    errors: Annotated[
        dict[str, str],
        Meta(
            description="What cannot be done now, and why: looking (it does not answer), reading, publishing, offering (jobs)."
        ),
    ]
    looked: Annotated[
        Instant | None, Meta(description="When the bus said what it says here; null: it has not answered yet.")
    ]
    waiting: Annotated[int, Meta(description="Records that wait to be published.")]
    waiting_since: Annotated[Instant | None, Meta(description="When the first of them was made.")]
    dead_letters: Annotated[int, Meta(description="Records that could not be handled and that nobody has settled.")]
    topics: Annotated[list[TopicView], Meta(description="Those of the platform, and those that are used, by name.")]
    integrations: Annotated[list[IntegrationView], Meta(description="The published processes that take part, by name.")]
