"""After a siege: every order that was acknowledged is there, once, and can be brought to its end."""

from __future__ import annotations

from collections import Counter

from procession import Engine
from procession.engine import events as e
from procession.runtime.clock import SystemClock
from procession.runtime.views import InstanceView
from tests.chaos import evidence
from tests.chaos.evidence import Facts, at_once
from tests.chaos.processes import TURNS

AHEAD = 900.0
"""Seconds by which the clock of the check is ahead, more than any other was: what such a node put off is due for it."""

ENDED = "instances when the siege ended"


class LaterClock(SystemClock):
    def now(self) -> int:
        return super().now() + round(AHEAD * 1_000_000)


def check(url: str, facts: Facts, *, seconds: float = 60.0) -> Counter[str]:
    """Open the store again: is everything there, once, and does it go on? How much of what was checked."""
    file = url.removeprefix("sqlite:///") if url.startswith("sqlite:") else None
    if file is not None:
        evidence.check_file(file)
    checked: Counter[str] = Counter()
    checked["leases"] = evidence.check_leases(facts)
    with Engine(url, clock=LaterClock()) as engine:
        checked[ENDED] = sum(1 for _ in evidence.rows(engine))
        checked["live instances"] = evidence.check_live(engine)
        check_again(engine, facts)
        check_once(engine, facts)
        evidence.drive_to_the_end(engine, ("charge", "pack"), "paid", seconds)
        checked += check_ends(engine, facts)
        evidence.check_nothing_left(engine)
    if file is not None:
        evidence.check_file(file)
    return checked


def check_again(engine: Engine, facts: Facts) -> None:
    """What was answered is there; what was not is asked for again: it is the same start."""
    starter = engine.as_user("admin", ["admin"])

    def again(key: str) -> None:
        number = int(key[1:])
        found = starter.start("order", {"id": key, "amount": number}, business_key=key, idempotency_key=key)
        assert facts.started.setdefault(key, found.id) == found.id, f"{key} was started twice"
        assert found.business_key == key
        assert found.variables["id"] == key

    at_once([lambda key=key: again(key) for key in sorted(facts.tried)])


def check_once(engine: Engine, facts: Facts) -> None:
    """Whatever was asked for is there once, and nothing else is."""
    found: Counter[tuple[str, str | None]] = Counter()
    for row in evidence.rows(engine):
        if row.parent is None:
            found[row.name, row.business_key] += 1
    twice = [name for name, count in found.items() if count > 1]
    assert not twice, f"there are several of {twice[:5]}"
    strange = {key for name, key in found if name == "order"} ^ facts.tried
    assert not strange, f"orders are missing, or were never asked for: {strange}"


def check_ends(engine: Engine, facts: Facts) -> Counter[str]:
    checked: Counter[str] = Counter()
    sent: list[e.Event] = []
    notes: dict[str, list[str]] = {}
    for instance, note in facts.notes:
        notes.setdefault(instance, []).append(note)
    there: set[str] = set()
    for row in evidence.rows(engine):
        there.add(str(row.id))
        evidence.check_state(engine, row.id)
        happened = evidence.past(engine, row.id)
        events = [event for _, event in happened]
        checked["commands"] += evidence.check_order(str(row.id), facts.commands.get(str(row.id), ()), happened)
        checked["events"] += len(events)
        checked["instances"] += 1
        sent += [event for event in events if isinstance(event, e.RecordSent)]
        view = engine.instance(row.id)
        assert view.exceptions == []
        written = view.variables.get("notes", {})
        missing = [note for note in notes.get(str(row.id), ()) if written.get(note) is not True]
        assert not missing, f"instance {row.id} has lost what was written to it: {missing[:5]}"
        if row.name == "order":
            assert row.business_key is not None
            check_one(facts, row.business_key, view, events)
        elif row.name == "spin":
            assert (view.state, view.variables["n"]) == ("FINISHED", TURNS)
            assert sum(isinstance(event, e.VariablesSet) for event in events) == TURNS
    lost = facts.commands.keys() - there
    assert not lost, f"instances {sorted(lost)[:5]} were acknowledged and are not there"
    checked["records"] = evidence.check_sent(engine, sent)
    return checked


def check_one(facts: Facts, key: str, view: InstanceView, events: list[e.Event]) -> None:
    """Everything that an order does was done once."""
    kinds = Counter(event.__class__ for event in events)
    assert kinds[e.InstanceStarted] == kinds[e.InstanceEnded] == 1, f"{key} began and ended {kinds}"
    for kind, most in ((e.TaskCompleted, 1), (e.MessageReceived, 1), (e.TimerFired, 1), (e.JobCompleted, 2)):
        assert kinds[kind] <= most, f"{key}: {kind.__name__} {kinds[kind]} times"
    for event in events:
        if isinstance(event, e.JobCompleted) and str(event.job) in facts.completed:
            worker, _ = facts.completed[str(event.job)]
            assert event.worker == worker, (
                f"job {event.job} counts for {event.worker}, and {worker} was told that it does"
            )
    if view.state == "TERMINATED":
        return
    assert view.id not in facts.terminated, f"{view.id} was terminated, and yet is {view.state}"
    assert view.state == "FINISHED"
    once = [e.TaskCompleted, e.MessageReceived, e.TimerFired, e.CallStarted, e.CallEnded, e.RecordSent]
    assert [kinds[kind] for kind in once] == [1] * len(once), f"{key}: {kinds}"
    assert kinds[e.JobCompleted] == 2
    wanted = {"id": key, "total": int(key[1:]) * 2, "charged": key, "packed": key, "paid": key}
    assert wanted.items() <= view.variables.items()
    assert view.variables["label"] == f"to {key}"
    assert view.variables["checked"] == view.id
