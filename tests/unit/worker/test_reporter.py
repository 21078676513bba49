"""Results go together, at once, in order, again where they have to; and leases are kept in one go."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

import pytest

from procession import CommandRejected, StorageError
from procession.runtime.reports import Report
from procession.worker import reporter as module
from procession.worker.leases import Leases
from procession.worker.pool import Pool
from procession.worker.reporter import Entry, Reporter
from tests.unit.worker.jobs import held

LOST = CommandRejected(409, "Lease is lost.", key="error.state.lease_lost")


class Desk:
    """Where reports are handed in. Each request waits until it is let in; `answer` says what comes of a report."""

    def __init__(self, answer: Callable[[Report], Exception | None] = lambda report: None) -> None:
        self.requests: list[list[str]] = []
        self.open = threading.Semaphore(0)
        self.answer = answer

    def report_jobs(self, reports: Sequence[Report]) -> list[Exception | None]:
        self.requests.append([report.id for report in reports])
        assert self.open.acquire(timeout=10)
        return [self.answer(report) for report in reports]


def report_of(each, outcome="complete") -> Report:
    return Report(id=each.job.id, token=each.job.token, outcome=outcome)


def eventually(check):
    end = time.monotonic() + 10
    while not check():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.002)


@pytest.fixture
def reporting():
    made: list[tuple[Reporter, Desk]] = []

    def make(desk: Desk) -> tuple[Reporter, list[Entry]]:
        settled: list[Entry] = []
        made.append((Reporter(desk, settled.extend, "w"), desk))
        return made[-1][0], settled

    yield make
    for reporter, desk in made:
        reporter.close()
        desk.open.release(100)


def add(reporter: Reporter, count: int) -> list:
    jobs = [held() for _ in range(count)]
    for each in jobs:
        reporter.add(each, report_of(each))
    return jobs


def test_what_ends_while_a_report_is_on_its_way_goes_together_with_the_next(reporting, monkeypatch):
    monkeypatch.setattr(module, "SLOW", 10.0)
    desk = Desk()
    reporter, settled = reporting(desk)
    (first,) = add(reporter, 1)
    eventually(lambda: len(desk.requests) == 1)
    rest = add(reporter, 50)
    time.sleep(0.05)
    assert len(desk.requests) == 1
    desk.open.release(2)
    eventually(lambda: len(settled) == 51)
    assert desk.requests == [[first.job.id], [each.job.id for each in rest]]
    assert {(entry.tries, entry.error) for entry in settled} == {(1, None)}


def test_a_report_that_takes_long_does_not_hold_up_the_others(reporting, monkeypatch):
    monkeypatch.setattr(module, "SLOW", 0.05)
    desk = Desk()
    reporter, settled = reporting(desk)
    for number in range(3):
        add(reporter, 1)
        eventually(lambda number=number: len(desk.requests) == number + 1)
    assert settled == []


def test_what_cannot_be_handed_in_is_kept_in_order_and_tried_again(reporting, monkeypatch, caplog):
    caplog.set_level(logging.WARNING, logger="procession.worker")
    monkeypatch.setattr(module, "SLOW", 10.0)
    desk = Desk(lambda report: StorageError("away") if len(desk.requests) < 4 else None)
    desk.open.release(100)
    reporter, settled = reporting(desk)
    jobs = add(reporter, 1)
    eventually(lambda: desk.requests)
    jobs += add(reporter, 2)
    eventually(lambda: len(settled) == 3)
    assert [entry.held for entry in settled] == jobs
    assert settled[0].tries > 1
    assert caplog.text.count("results cannot be handed in for now: away") == 1


def test_each_report_is_told_its_own_outcome(reporting):
    desk = Desk(lambda report: LOST if int(report.id) % 2 else None)
    desk.open.release(100)
    reporter, settled = reporting(desk)
    add(reporter, 10)
    eventually(lambda: len(settled) == 10)
    assert all(entry.error is (LOST if int(entry.report.id) % 2 else None) for entry in settled)


def test_a_lost_lease_is_not_reported(reporting, monkeypatch):
    monkeypatch.setattr(module, "SLOW", 10.0)
    desk = Desk()
    reporter, settled = reporting(desk)
    add(reporter, 1)
    eventually(lambda: len(desk.requests) == 1)
    lost, kept = add(reporter, 2)
    lost.lost = True
    desk.open.release(2)
    eventually(lambda: len(settled) == 3)
    assert desk.requests[1] == [kept.job.id]


def test_a_source_that_breaks_does_not_end_the_reporting(reporting, caplog):
    def broken(report):
        raise ZeroDivisionError

    desk = Desk(broken)
    desk.open.release(100)
    reporter, settled = reporting(desk)
    add(reporter, 1)
    eventually(lambda: len(settled) == 1)
    desk.answer = lambda report: None
    add(reporter, 1)
    eventually(lambda: len(settled) == 2)
    assert isinstance(settled[0].error, ZeroDivisionError) and settled[1].error is None


def test_at_the_end_what_is_left_is_dropped(reporting, monkeypatch):
    monkeypatch.setattr(module, "SLOW", 10.0)
    desk = Desk()
    reporter, settled = reporting(desk)
    add(reporter, 1)
    eventually(lambda: len(desk.requests) == 1)
    left = add(reporter, 2)
    reporter.close()
    assert [entry.held for entry in settled] == left
    (late,) = add(reporter, 1)
    assert settled[-1].held is late
    assert all(each.lost for each in (*left, late))


# -- leases -----------------------------------------------------------------------------------------------------------


def leased(answer, lock=60.0):
    """Jobs of which half of the lease is over, in a pool that runs the first of them."""
    desk = Desk(answer)
    desk.open.release(100)
    pool = Pool(1, 10, "w")
    pool.open(lambda each: None, lambda jobs: None)
    return desk, pool, Leases(desk, pool, "w", lock)


def test_every_lease_of_which_half_is_over_is_extended_in_one_request():
    desk, pool, leases = leased(lambda report: None)
    fresh, *old = jobs = [held(coroutine=True, lock=60), *(held(coroutine=True, lock=20) for _ in range(5))]
    pool.add(jobs)
    leases.keep()
    assert desk.requests == [[each.job.id for each in old]]
    assert all(each.until - time.monotonic() > 59 for each in jobs)
    leases.keep()
    assert len(desk.requests) == 1
    assert not fresh.lost


def test_what_has_ended_needs_no_lease():
    desk, pool, leases = leased(lambda report: None)
    ended = held(coroutine=True, lock=1)
    pool.add([ended])
    pool.leave(ended)
    leases.keep()
    assert desk.requests == []


def test_a_lease_that_is_refused_is_lost(caplog):
    _, pool, leases = leased(lambda report: LOST)
    running, waiting = jobs = [held(coroutine=True, lock=20), held(coroutine=True, lock=20)]
    pool.add(jobs)
    leases.keep()
    assert running.lost and waiting.lost
    assert pool.held() == [running]
    assert caplog.text.count("its lease is lost") == 2


@pytest.mark.parametrize("error", [LOST, StorageError("away")])
def test_a_lease_that_ran_out_leaves_what_runs_a_chance_and_what_waits_none(caplog, error):
    _, pool, leases = leased(lambda report: error)
    running, waiting = jobs = [held(coroutine=True, lock=-1), held(coroutine=True, lock=-1)]
    pool.add(jobs)
    leases.keep()
    assert not running.lost and waiting.lost
    assert pool.held() == [running]
    assert "its lease ran out" in caplog.text


def test_a_lease_that_cannot_be_extended_now_is_kept_for_the_next_try(caplog):
    _, pool, leases = leased(lambda report: StorageError("away"))
    running = held(coroutine=True, lock=20)
    pool.add([running])
    leases.keep()
    assert not running.lost
    assert "its lease was not extended yet: away" in caplog.text


def test_what_cannot_be_given_back_is_said(caplog):
    desk, _, leases = leased(lambda report: StorageError("away"))
    leases.give_back([held(), held()])
    assert len(desk.requests) == 1
    assert caplog.text.count("was not given back, its lease will run out: away") == 2
    leases.give_back([])
    assert len(desk.requests) == 1
