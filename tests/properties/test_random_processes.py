"""Random processes, driven to their end in random order. After every command: replay equals live, the rows equal live, parents
and children agree, and whoever does not move says why. At the end nothing is left."""

from __future__ import annotations

import os
from random import Random

from hypothesis import given, note, settings
from hypothesis import strategies as st

from procession.engine import commands as c
from procession.engine.state import FINISHED, Incident, Job
from tests.properties.drawing import blocks, graphs, structured, unstructured
from tests.properties.world import World

seeds = st.integers(0, 1_000_000)
MANY = 20 if os.environ.get("HYPOTHESIS_PROFILE") == "explore" else 1


def drive(world, seed, limit):
    """Answer what waits, in an order and in ways that the seed chooses."""
    chance = Random(seed)
    for _ in range(limit):
        waits = [wait for wait in world.waits if not (isinstance(wait, Incident) and wait.type == "EndlessLoop")]
        if not waits or len(world.state.tokens) > 100:
            return
        wait, data = chance.choice(waits), {"x": chance.randrange(5)}
        broken = next((w for w in waits if isinstance(w, Incident) and w.job == wait.id), None)
        disturb = chance.randrange(12)
        if disturb == 0:
            world.send(c.HoldInstance(1))
            if isinstance(wait, Job):
                world.send(c.CompleteJob(wait.id, data))  # kept until it is resumed
            world.send(c.UnholdInstance(1))
        elif disturb == 1 and isinstance(wait, Job) and broken is None:
            world.send(c.FailJob(wait.id, "no", 0))
        elif disturb == 2 and isinstance(wait, Job):
            world.send(c.ThrowJobError(wait.id, "E"))
        elif broken is not None:
            world.answer(broken)
        else:
            world.answer(wait, data)


@given(blocks(), seeds)
@settings(max_examples=1000 * MANY)
def test_a_structured_process_comes_to_its_end(block, seed):
    world = World(structured(block)).start({"x": 1})
    drive(world, seed, 400)
    assert world.state.status == FINISHED, f"{world.waiting_at}: {world.waits}"


@given(graphs(), seeds)
@settings(max_examples=1000 * MANY)
def test_an_unstructured_process_is_never_wrong(graph, seed):
    world = World(unstructured(graph), steps=100, endless=300).start({"x": 1})
    drive(world, seed, 40)
    world.end()


@given(st.one_of(blocks().map(structured), graphs().map(unstructured)), seeds)
@settings(max_examples=400 * MANY)
def test_a_save_and_a_load_between_any_two_commands_changes_nothing(definition, seed):
    live = World(definition, steps=100, endless=300).start({"x": 1})
    stored = World(definition, steps=100, endless=300, reload=True).start({"x": 1})
    for world in (live, stored):
        drive(world, seed, 30)
        world.end()
    note(f"{live.commands} commands")
    assert live.history == stored.history


@given(blocks(), seeds, st.integers(5, 60))
@settings(max_examples=300 * MANY)
def test_the_bound_of_a_transaction_changes_nothing_but_the_transactions(block, seed, steps):
    definition = structured(block)
    whole = World(definition).start({"x": 1})
    cut = World(definition, steps=steps).start({"x": 1})
    for world in (whole, cut):
        for _ in range(200):
            waits = [wait for wait in world.waits if not isinstance(wait, Incident)]
            if not waits:
                break
            world.answer(min(waits, key=lambda wait: (wait.node, wait.id)))
    assert whole.state.status == cut.state.status == FINISHED
    assert sorted(whole.state.variables) == sorted(cut.state.variables)
