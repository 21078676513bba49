"""Commands of many threads become batches of one processor."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from procession.errors import CommandRejected, StorageError
from procession.runtime.asks import Ask, Start
from procession.runtime.intake import BATCH, Intake


class Processor:
    """Answers each command with its number in the order of decision."""

    def __init__(self) -> None:
        self.batches: list[list[Ask]] = []
        self.unfinished: dict[int, list[Ask]] = {}
        self.going_on: list[Ask] = []
        self.turned = threading.Event()
        self.may_turn = threading.Event()
        self.may_turn.set()

    async def turn(self, asks: Sequence[Ask]) -> None:
        self.turned.set()
        self.may_turn.wait(10)
        self.batches.append(list(asks))
        for ask in asks:
            if ask.command.name == "refused":
                ask.error = CommandRejected(409, "No.")
            elif ask.command.name == "broken":
                raise RuntimeError("a defect")
            elif ask.command.name == "long":
                ask.command.name = "short"
                self.going_on.append(ask)
                continue
            ask.result = ask.command.name
            ask.done = True

    @property
    def busy(self) -> bool:
        return bool(self.going_on)

    def follow_ups(self) -> list[Ask]:
        found, self.going_on = self.going_on, []
        return found

    def fail(self, asks, error) -> None:
        for ask in asks:
            ask.error, ask.done = error, True


def ask(name: object = "short") -> Ask:
    return Ask(Start(str(name), {}))


@pytest.fixture
def intake():
    return Intake(Processor())


def test_a_lone_command_is_a_batch_of_one(intake):
    assert intake.run(ask("a")) == "a"
    assert [len(batch) for batch in intake.processor.batches] == [1]


def test_what_is_queued_is_decided_in_the_order_in_which_it_came(intake):
    asks = [intake.submit(ask(number)) for number in range(5)]
    assert not intake.processor.batches
    assert intake.wait(asks[3]) == "3"
    assert intake.processor.batches == [asks]
    assert [intake.wait(each) for each in asks] == ["0", "1", "2", "3", "4"]


def test_a_batch_has_a_limit(intake):
    asks = [intake.submit(ask(number)) for number in range(BATCH + 1)]
    assert intake.wait(asks[-1]) == str(BATCH)
    assert [len(batch) for batch in intake.processor.batches] == [BATCH, 1]


def test_while_one_batch_is_decided_the_next_one_fills(intake):
    processor = intake.processor
    processor.may_turn.clear()
    threads = [threading.Thread(target=intake.run, args=(ask("first"),))]
    threads[0].start()
    assert processor.turned.wait(10)
    rest = [ask(number) for number in range(10)]
    for each in rest:
        intake.submit(each)
    threads += [threading.Thread(target=intake.wait, args=(each,)) for each in rest]
    for thread in threads[1:]:
        thread.start()
    processor.may_turn.set()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    assert [len(batch) for batch in processor.batches] == [1, 10]


def test_a_refusal_is_raised_to_whoever_asked(intake):
    bad, good = intake.submit(ask("refused")), intake.submit(ask("fine"))
    assert intake.wait(good) == "fine"
    with pytest.raises(CommandRejected):
        intake.wait(bad)


def test_one_that_goes_on_is_answered_in_the_end(intake):
    long = ask("long")
    assert intake.run(long) == "short"
    assert intake.processor.batches == [[long], [long]]


def test_follow_ups_come_before_what_is_new(intake):
    long, new = intake.submit(ask("long")), ask("new")
    intake.flush(1)
    intake.submit(new)
    intake.wait(new)
    assert intake.processor.batches[-1] == [long, new]


def test_flush(intake):
    asks = [intake.submit(ask(name)) for name in ("a", "long", "b")]
    assert intake.flush() == 4
    assert all(each.done for each in asks)
    assert intake.flush() == 0


def test_nobody_waits_for_ever_when_the_processor_breaks(intake):
    others = [intake.submit(ask(name)) for name in ("a", "broken", "b")]
    with pytest.raises(RuntimeError, match="a defect"):
        intake.wait(others[2])
    with pytest.raises(StorageError, match="RuntimeError came in between"):
        intake.wait(others[1])
    assert intake.run(ask("later")) == "later"


def test_alone_runs_while_nobody_decides(intake):
    intake.processor.may_turn.clear()
    thread = threading.Thread(target=intake.run, args=(ask(),))
    thread.start()
    assert intake.processor.turned.wait(10)
    order = []

    async def write():
        order.append(len(intake.processor.batches))

    other = threading.Thread(target=lambda: intake.alone(write()))
    other.start()
    assert not order
    intake.processor.may_turn.set()
    for each in (thread, other):
        each.join(10)
    assert order == [1]


def test_close_decides_what_is_queued_and_refuses_what_comes_later(intake):
    queued = intake.submit(ask("queued"))
    intake.close()
    assert intake.wait(queued) == "queued"
    with pytest.raises(StorageError, match=r"The engine is closed\. Nothing was done\."):
        intake.run(ask("later"))
    assert intake.flush() == 0


def test_close_tells_those_who_wait_for_a_long_run(intake):
    waiting = ask("long")
    intake.processor.unfinished[7] = [waiting]
    intake.close()
    with pytest.raises(StorageError, match="goes on when it is opened again"):
        intake.wait(waiting)


def test_waiting_for_what_was_never_submitted(intake):
    with pytest.raises(RuntimeError, match="never submitted"):
        intake.wait(ask())
