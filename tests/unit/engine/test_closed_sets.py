"""The closed sets of the engine: nothing that can be recorded, asked or drawn is forgotten anywhere."""

from __future__ import annotations

import types
import typing
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from procession import definition
from procession.definition import Activity, FlowNode, Gateway
from procession.engine import commands, events
from procession.engine.apply import APPLIERS
from procession.engine.behaviors.registry import BEHAVIORS
from procession.engine.codec import decode_command, decode_events, encode
from procession.engine.events import Event, Fact
from procession.engine.handlers import HANDLERS, KEPT
from procession.engine.state import Wait
from procession.engine.step import KINDS
from procession.storage.rows import TOUCHERS

EVENTS = sorted(typing.get_args(Event), key=lambda kind: kind.__name__)
COMMANDS = sorted(typing.get_args(commands.Command), key=lambda kind: kind.__name__)


def made(kind: Any) -> Any:
    """A value of a type, as unlike its default as can be."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return made(next(option for option in inner if option is not type(None)))
    if origin is dict:
        return {"a": 1} if inner[1] is not str else {"a": "b"}
    if origin is list:
        return [made(inner[0])]
    if origin is tuple:
        return (made(inner[0]),)
    if kind is typing.Any:
        return {"deep": [1, None, Decimal("1.10"), "ä", 12345678901234567890]}
    return {int: 7, str: "text", bool: True, float: 1.5}[kind]


def example(kind: type) -> Any:
    hints = typing.get_type_hints(kind)
    return kind(**{name: made(hints[name]) for name in kind.__struct_fields__})


def subclasses(kind: type) -> set[type]:
    return {kind, *(deeper for inner in kind.__subclasses__() for deeper in subclasses(inner))}


def test_the_union_of_events_is_complete():
    assert set(EVENTS) == subclasses(Fact) - {Fact}


def test_every_event_has_an_applier():
    assert set(APPLIERS) == set(EVENTS)


def test_every_event_says_which_rows_it_touches():
    assert set(TOUCHERS) == set(EVENTS)


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
def test_every_event_is_written_and_read_back(kind):
    event = example(kind)
    assert decode_events(encode([event])) == [event]


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
def test_an_event_is_an_array_that_begins_with_its_words(kind):
    written = msgspec.json.decode(encode(example(kind)))
    assert isinstance(written, list)
    assert written[0] == kind.__struct_config__.tag
    assert written[0] == "-".join(written[0].split("-")).lower()


def test_an_event_of_an_earlier_release_is_read():
    """Fields are only ever added at the end, with a default."""
    [event] = decode_events(b'[["token-created",1,null,0,"start"]]')
    assert event == events.TokenCreated(1, None, 0, "start")
    [event] = decode_events(b'[["message-received",1,2,"hear",3,true]]')
    assert event == events.MessageReceived(1, 2, "hear", 3, record=None)


def test_the_union_of_commands_is_complete():
    assert set(COMMANDS) == subclasses(commands.Request) - {commands.Request}


def test_every_command_has_a_handler():
    assert set(HANDLERS) == set(COMMANDS)


@pytest.mark.parametrize("kind", COMMANDS, ids=lambda kind: kind.__name__)
def test_every_command_is_written_and_read_back(kind):
    command = example(kind)
    assert decode_command(encode(command)) == command


def test_what_is_kept_while_on_hold_are_commands():
    assert set(COMMANDS) >= KEPT


def test_every_flow_node_has_a_behavior():
    drawn = {
        kind
        for kind in vars(definition).values()
        if isinstance(kind, type) and issubclass(kind, FlowNode) and kind not in (FlowNode, Gateway, Activity)
    }
    assert set(BEHAVIORS) == drawn


@pytest.mark.parametrize("kind", sorted(BEHAVIORS, key=lambda kind: kind.__name__), ids=lambda kind: kind.__name__)
def test_every_behavior_is_entered_and_completed(kind):
    behavior = BEHAVIORS[kind]
    assert callable(behavior.enter) and callable(behavior.complete)


def test_every_kind_of_wait_can_be_cancelled():
    assert set(KINDS) == set(typing.get_args(Wait))
