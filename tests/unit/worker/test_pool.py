"""Places, room, and turns: so many handlers at once, oldest job first, nobody starves."""

from __future__ import annotations

import threading
import time

import pytest

from procession.worker.pool import Held, Pool
from tests.unit.worker.jobs import held


class Hall:
    """A pool whose jobs run until they are let go."""

    def __init__(self, size: int, most: int) -> None:
        self.pool = Pool(size, most, "hall")
        self.running: list[Held] = []
        self.order: list[Held] = []
        self.gates: dict[Held, threading.Event] = {}
        self.pool.open(self.run, self.spawn)

    def add(self, *jobs: Held) -> None:
        for each in jobs:
            self.gates[each] = threading.Event()
        self.pool.add(jobs)

    def run(self, each: Held) -> None:
        self.running.append(each)
        self.order.append(each)
        assert self.gates[each].wait(10)
        self.running.remove(each)
        self.pool.leave(each)
        self.pool.finish([each])

    def spawn(self, jobs) -> None:
        for each in jobs:
            self.running.append(each)
            self.order.append(each)

    def end(self, each: Held) -> None:
        """Let a job end; a coroutine has no thread that does it."""
        if each.route.coroutine:
            self.running.remove(each)
            self.pool.leave(each)
            self.pool.finish([each])
            self.pool.begin()
        else:
            self.gates[each].set()


def eventually(check):
    end = time.monotonic() + 10
    while not check():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.002)


@pytest.fixture
def hall():
    made: list[Hall] = []

    def make(size, most=100):
        made.append(Hall(size, most))
        return made[-1]

    yield make
    for each in made:
        for gate in each.gates.values():
            gate.set()
        each.pool.close()


def test_functions_and_coroutines_share_the_places_oldest_first(hall):
    place = hall(2)
    jobs = [held(coroutine=number % 3 != 0) for number in range(9)]
    place.add(*jobs)
    for number, each in enumerate(jobs):
        eventually(lambda number=number: len(place.order) == min(number + 2, 9))
        assert len(place.running) <= 2
        place.end(each)
    eventually(lambda: not place.pool.held())
    assert place.order == jobs
    assert place.pool.handled == 9


def test_coroutines_need_no_threads_and_functions_no_more_than_there_are_places(hall):
    place = hall(3)
    place.add(*(held(coroutine=True) for _ in range(20)))
    assert place.pool._threads == []
    other = hall(3)
    other.add(*(held() for _ in range(20)))
    eventually(lambda: len(other.running) == 3)
    assert len(other.pool._threads) == 3


def test_what_was_not_started_is_taken_back_or_dropped(hall):
    place = hall(1)
    first, second, third = jobs = held(), held(), held()
    place.add(*jobs)
    eventually(lambda: place.running == [first])
    place.pool.drop(second)
    place.pool.drop(first)
    assert first.lost and second.lost
    assert place.pool.held() == [first, third], "what runs is held until it ends"
    assert place.pool.take_back() == [third]
    place.end(first)
    eventually(lambda: not place.pool.held())
    assert place.order == [first]


def never():
    return False


def test_a_promise_of_all_the_room_is_not_made_twice(hall):
    place = hall(2, most=10)
    assert place.pool.promise(never, all=True) == 10
    waiting = threading.Thread(target=lambda: rooms.append(place.pool.promise(never, all=True)))
    rooms: list[int] = []
    waiting.start()
    time.sleep(0.05)
    assert rooms == []
    assert place.pool.keep([held(coroutine=True) for _ in range(4)], 10)
    waiting.join(5)
    assert rooms == [6]


def test_asking_for_some_room_promises_nothing(hall):
    place = hall(2, most=2)
    assert [place.pool.promise(never, all=False) for _ in range(3)] == [2, 2, 2]
    assert place.pool.keep([held(coroutine=True)], 0)
    assert place.pool.keep([held(coroutine=True)], 0)
    assert not place.pool.keep([held(coroutine=True)], 0), "there is no room any more"
    assert len(place.pool.held()) == 2


def test_who_has_waited_longest_for_room_is_first(hall):
    place = hall(1, most=1)
    busy = held(coroutine=True)
    place.add(busy)
    turns: list[int] = []

    def ask(number):
        room = place.pool.promise(never, all=True)
        turns.append(number)
        place.pool.keep([], room)

    waiting = [threading.Thread(target=ask, args=(number,)) for number in range(5)]
    for thread in waiting:
        thread.start()
        time.sleep(0.02)
    assert turns == []
    place.end(busy)
    for thread in waiting:
        thread.join(5)
    assert turns == [0, 1, 2, 3, 4]


def test_more_is_asked_for_when_a_place_is_free_or_half_of_the_room(hall):
    place = hall(2, most=8)
    jobs = [held(coroutine=True) for _ in range(8)]
    place.add(*jobs)
    rooms: list[int] = []
    waiting = threading.Thread(target=lambda: rooms.append(place.pool.promise(never, all=True)))
    waiting.start()
    for each in jobs[:3]:
        place.end(each)
    time.sleep(0.05)
    assert rooms == [], "five are left, and both places are taken: asking does not pay yet"
    place.end(jobs[3])
    waiting.join(5)
    assert rooms == [4]


def test_who_waits_for_room_can_be_woken(hall):
    place, stop = hall(1, most=1), threading.Event()
    place.add(held(coroutine=True))
    rooms: list[int] = []
    waiting = threading.Thread(target=lambda: rooms.append(place.pool.promise(stop.is_set, all=True)))
    waiting.start()
    stop.set()
    place.pool.nudge()
    waiting.join(5)
    assert rooms == [0]
