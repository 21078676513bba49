"""Coroutines that never wait are run without an event loop; one that waits is a mistake."""

from __future__ import annotations

import pytest

from procession.runtime.drive import drive


class Wait:
    """What only an event loop can bring to an end."""

    def __await__(self):
        yield


async def answer(value):
    return value


async def two():
    return [await answer(1), await answer(2)]


def test_the_result():
    assert drive(two()) == [1, 2]


def test_the_error():
    async def broken():
        await answer(1)
        raise KeyError("x")

    with pytest.raises(KeyError):
        drive(broken())


def test_one_that_waits_is_refused_and_ended():
    ended = []

    async def waits():
        try:
            await Wait()
        finally:
            ended.append(True)

    with pytest.raises(RuntimeError, match="needs an event loop"):
        drive(waits())
    assert ended
