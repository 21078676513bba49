"""JSON as the engine keeps it: fractions are decimals with their digits, numbers of any size stay numbers."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from procession.engine.commands import Command
from procession.engine.events import Event

_encoder = msgspec.json.Encoder(decimal_format="number")
_decoder = msgspec.json.Decoder(float_hook=Decimal)
_events = msgspec.json.Decoder(list[Event], float_hook=Decimal)
_command = msgspec.json.Decoder(Command, float_hook=Decimal)

encode = _encoder.encode

OUT_OF_RANGE = "Number out of range"
"""What is said of 1e9999999999999999999: JSON, and yet no number that anybody can count with."""


def decode(data: bytes | str) -> Any:
    """A document: 1.10 becomes `Decimal("1.10")`."""
    try:
        return _decoder.decode(data)
    except InvalidOperation:
        raise msgspec.ValidationError(OUT_OF_RANGE) from None


def copy(value: Any) -> Any:
    """A value of its own: whoever gets it may change it."""
    return _decoder.decode(_encoder.encode(value))


def decode_events(data: bytes) -> list[Event]:
    """One transaction of history."""
    return _events.decode(data)


def decode_command(data: bytes) -> Command:
    """A command that was kept."""
    command: Command = _command.decode(data)
    return command
