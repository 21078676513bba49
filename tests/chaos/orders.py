"""After a siege: every order that was acknowledged is there, once, and can be brought to its end."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from procession import Engine
from procession.engine import events as e
from tests.chaos import evidence
from tests.chaos.evidence import Facts
from tests.chaos.processes import TURNS


def check(path: Path, facts: Facts, keys: int, *, by: str | None = None) -> None:
    """Open the file again: is everything there, once, and does it go on? `by`: who started the orders."""
    evidence.check_file(str(path))
    with Engine(f"sqlite:///{path}") as engine:
        evidence.check_live(engine)
        for key, instance in facts.started.items():
            view = engine.instance(instance)
            assert view.business_key == key
            assert view.variables["id"] == key
        for instance, note in facts.notes:
            assert engine.instance(instance).variables["notes"][note] is True
        starter = engine if by is None else engine.as_user(by, ["admin"])
        for number in range(keys):  # what was not answered is asked again: it is the same start
            key = f"k{number}"
            again = starter.start("order", {"id": key, "amount": number}, business_key=key, idempotency_key=key)
            assert facts.started.setdefault(key, again.id) == again.id, f"{key} was started twice"
        evidence.drive_to_the_end(engine, ("charge", "pack"), "paid")
        check_ends(engine, facts, keys)
        evidence.check_outbox(engine)
        evidence.check_nothing_left(engine)
    evidence.check_file(str(path))


def check_ends(engine: Engine, facts: Facts, keys: int) -> None:
    orders: Counter[str] = Counter()
    done: set[str] = set()
    for row in evidence.rows(engine):
        evidence.check_state(engine, row.id)
        events = evidence.history(engine, row.id)
        kinds = Counter(event.__class__ for event in events)
        view = engine.instance(row.id)
        assert view.exceptions == []
        if row.name == "order":
            assert row.business_key is not None
            orders[row.business_key] += 1
            done |= {str(event.job) for event in events if isinstance(event, e.JobCompleted)}
            done |= {str(event.task) for event in events if isinstance(event, e.TaskCompleted)}
            assert kinds[e.InstanceStarted] == kinds[e.InstanceEnded] == 1
            assert kinds[e.TaskCompleted] <= 1
            assert kinds[e.MessageReceived] <= 1
            assert kinds[e.TimerFired] <= 1
            assert kinds[e.JobCompleted] <= 2
            if view.state == "TERMINATED":
                continue
            assert str(row.id) not in facts.terminated, f"{row.id} was terminated, and yet is {view.state}"
            assert view.state == "FINISHED"
            once = [e.TaskCompleted, e.MessageReceived, e.TimerFired, e.CallStarted, e.CallEnded, e.RecordSent]
            assert [kinds[kind] for kind in once] == [1] * len(once)
            assert kinds[e.JobCompleted] == 2
            key = row.business_key
            wanted = {"id": key, "total": int(key[1:]) * 2, "charged": key, "packed": key, "paid": key}
            assert wanted.items() <= view.variables.items()
            assert view.variables["label"] == f"to {key}"
            assert view.variables["checked"] == str(row.id)
        elif row.name == "spin":
            assert (view.state, view.variables["n"]) == ("FINISHED", TURNS)
            assert kinds[e.VariablesSet] == TURNS
    assert set(orders) == {f"k{number}" for number in range(keys)}
    assert set(orders.values()) == {1}
    assert facts.done["job"] | facts.done["task"] <= done, "a completion that was acknowledged is not in history"
