"""Ids only grow, whatever the clock does and however many threads ask."""

from __future__ import annotations

import threading

import pytest

from procession.runtime.ids import EPOCH_MS, NODES, Ids

NOW = (EPOCH_MS + 1_000) * 1_000


def test_an_id_is_time_node_and_counter():
    number = Ids(lambda: NOW, node=5)()
    assert (number >> 22, number >> 12 & 1023, number & 4095) == (1_000, 5, 0)


def test_ids_grow_while_the_clock_stands_still():
    ids = Ids(lambda: NOW)
    made = [ids() for _ in range(20_000)]
    assert made == sorted(set(made))


def test_ids_grow_while_the_clock_goes_back():
    times = iter([NOW, NOW - 5_000_000, NOW - 1, NOW + 1_000])
    ids = Ids(lambda: next(times))
    made = [ids() for _ in range(4)]
    assert made == sorted(set(made))


def test_ids_are_in_the_order_of_time_also_of_several_nodes():
    early = [Ids(lambda: NOW, node)() for node in (0, 1, NODES - 1)]
    late = [Ids(lambda: NOW + 1_000, node)() for node in (0, 1, NODES - 1)]
    assert max(early) < min(late)
    assert len(set(early)) == 3


def test_threads_get_different_ids_and_each_sees_them_grow():
    ids = Ids(lambda: NOW)
    made: list[list[int]] = [[] for _ in range(8)]

    def work(index: int) -> None:
        made[index] = [ids() for _ in range(5_000)]

    threads = [threading.Thread(target=work, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(some == sorted(some) for some in made)
    assert len({number for some in made for number in some}) == 40_000


@pytest.mark.parametrize("years", [60, 100, 8_000])
def test_ids_fit_into_63_bits_and_grow_however_late_it_is(years):
    ids = Ids(lambda: (EPOCH_MS + years * 365 * 86_400_000) * 1_000, NODES - 1)
    made = [ids() for _ in range(10_000)]
    assert made == sorted(set(made))
    assert made[-1] < 2**63


@pytest.mark.parametrize("node", [-1, NODES])
def test_a_node_that_there_cannot_be(node):
    with pytest.raises(ValueError, match="node must be 0 to 1023"):
        Ids(lambda: NOW, node)
