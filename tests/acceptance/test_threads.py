"""Many threads and one engine: everybody is answered, commands share commits, and nobody waits for ever."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from procession import CommandRejected, Engine, StorageError
from procession.testing import process
from tests.chaos import evidence

THREADS = 64
TASK = process("task").start().script("sum", "=n + 1", "n").user_task("fill").end().build()
JOB = process("job").start().service_task("work").end().build()


@pytest.fixture(params=["memory", "sqlite"])
def url(request, tmp_path):
    return "memory:" if request.param == "memory" else f"sqlite:///{tmp_path}/orders.db"


@pytest.fixture
def engine(url):
    with Engine(url) as found:
        found.deploy(("task.bpmn", TASK), ("job.bpmn", JOB), publish=True)
        yield found


def in_threads(count: int, work: Callable[[int], Any]) -> list[Any]:
    """Run in so many threads at once; what each returned, or the error."""
    results: list[Any] = [None] * count
    barrier = threading.Barrier(count)

    def run(index: int) -> None:
        barrier.wait()
        try:
            results[index] = work(index)
        except BaseException as error:  # noqa: BLE001
            results[index] = error

    threads = [threading.Thread(target=run, args=(index,), daemon=True) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive(), "a thread waits for ever"
    return results


def counted(engine: Engine) -> Counter[str]:
    """Counts the commits of an engine from now on."""
    commits: Counter[str] = Counter()
    commit = engine.storage.commit

    async def count(batch):
        commits["commits"] += 1
        commits["new"] += len(batch.new)
        await commit(batch)

    engine.storage.commit = count
    return commits


def test_everybody_is_answered_and_commands_share_commits(engine):
    each = 10
    commits = counted(engine)
    queued = threading.Barrier(THREADS)

    def work(index: int) -> list[str]:
        first = engine.submit(engine.ask_start("task", {"n": index}))
        queued.wait()  # so that there is a batch whatever the scheduler does
        engine.wait(first)
        done = []
        for number in range(each):
            order = engine.start("task", {"n": number, "by": index})
            assert order.variables == {"n": number + 1, "by": index}
            (task,) = engine.tasks(instance=order.id).items
            assert engine.complete_task(task.id, {"done": index}).state == "FINISHED"
            done.append(order.id)
        return done

    results = in_threads(THREADS, work)
    done = [identity for result in results for identity in result]
    assert len(set(done)) == THREADS * each
    assert commits["new"] == THREADS * (each + 1)
    assert commits["commits"] < THREADS * (2 * each + 1)
    statuses = Counter(row.status for row in evidence.rows(engine))
    assert statuses == {"FINISHED": THREADS * each, "STARTED": THREADS}
    assert evidence.check_live(engine) == THREADS


def test_one_key_is_one_start_for_any_number_of_threads(engine):
    results = in_threads(THREADS, lambda _: engine.start("task", {"n": 1}, idempotency_key="once").id)
    assert len(set(results)) == 1
    assert len(list(evidence.rows(engine))) == 1
    with pytest.raises(CommandRejected) as refused:
        engine.start("task", {"n": 2}, idempotency_key="once")
    assert refused.value.status == 422
    assert engine.as_user("ana").start("task", {"n": 2}, idempotency_key="once").id != results[0], "a key is its user's"


def test_one_job_is_done_by_one_worker(engine):
    for _ in range(100):
        engine.start("job")

    def work(index: int) -> list[str]:
        taken = []
        while jobs := engine.activate_jobs("work", worker=f"w{index}", max_jobs=2):
            for job in jobs:
                assert job.worker == f"w{index}"
                engine.complete_job(job.id, job.token, {"by": index})
                taken.append(job.id)
        return taken

    taken = [job for jobs in in_threads(16, work) for job in jobs]
    assert len(taken) == len(set(taken)) == 100
    evidence.check_nothing_left(engine)


def test_one_task_is_completed_by_one_thread(engine):
    order = engine.start("task", {"n": 1})
    (task,) = engine.tasks().items
    results = in_threads(THREADS, lambda index: engine.complete_task(task.id, {"by": index}))
    refused = [result for result in results if isinstance(result, CommandRejected)]
    assert len(refused) == THREADS - 1
    assert {error.status for error in refused} == {404}
    (won,) = [index for index, result in enumerate(results) if not isinstance(result, Exception)]
    assert engine.instance(order.id).variables["by"] == won


def test_reading_and_writing_at_the_same_time(engine):
    def work(index: int) -> int:
        count = 0
        for number in range(20):
            if index % 2:
                engine.start("task", {"n": number})
            else:
                for row in engine.instances(limit=20).items:
                    view = engine.instance(row.id)
                    assert view.waiting_at == ["fill"]
                    assert view.variables["n"] > 0, "never half of an instance"
                    count += 1
                engine.tasks(limit=5)
                engine.definitions()
                engine.counts()
        return count

    results = in_threads(16, work)
    assert [result for result in results if isinstance(result, BaseException)] == []


def test_a_view_is_its_callers_own(engine):
    order = engine.start("task", {"n": 1, "client": {"name": "Ana", "tags": ["a"]}})
    order.variables["n"] = 99
    order.variables["client"]["name"] = "changed"
    order.variables["client"]["tags"].append("b")
    (task,) = engine.tasks().items
    ended = engine.complete_task(task.id)
    assert ended.variables == {"n": 2, "client": {"name": "Ana", "tags": ["a"]}}
    evidence.check_state(engine, int(order.id))


def test_what_is_submitted_is_done_when_somebody_waits(engine):
    commits = counted(engine)
    asks = [engine.submit(engine.ask_start("task", {"n": n})) for n in range(100)]
    assert not any(ask.done for ask in asks)
    last = engine.wait(asks[-1])
    assert all(ask.done for ask in asks)
    assert commits == {"commits": 1, "new": 100}
    assert [engine.wait(ask) for ask in asks][-1] == last
    assert [engine.instance(engine.wait(ask)).variables["n"] for ask in asks] == [n + 1 for n in range(100)]


def test_waiting_for_what_was_never_submitted_is_a_mistake_that_is_told(engine):
    with pytest.raises(RuntimeError, match="never submitted"):
        engine.wait(engine.ask_start("task"))


def test_refusals_in_a_batch_are_each_callers_own(engine):
    asks = [engine.ask_start(name, {"n": n}) for n, name in enumerate(["task", "nothing", "task", "nowhere"])]
    for ask in asks:
        engine.submit(ask)
    engine.wait(asks[0])
    engine.wait(asks[2])
    for ask, name in ((asks[1], "nothing"), (asks[3], "nowhere")):
        with pytest.raises(CommandRejected, match=name):
            engine.wait(ask)
    assert [row.process_definition_name for row in engine.failed_starts().items] == ["nowhere", "nothing"]


def test_close_while_everybody_is_busy(url):
    engine = Engine(url)
    engine.deploy(("task.bpmn", TASK), publish=True)
    told: list[str] = []
    enough = threading.Event()

    def work(index: int) -> None:
        while True:
            told.append(engine.start("task", {"n": index}).id)
            if len(told) > 200:
                enough.set()

    def close(_: int) -> None:
        enough.wait(30)
        engine.close()

    results = in_threads(17, lambda index: (work if index else close)(index))
    assert results[0] is None
    assert {type(result) for result in results[1:]} <= {StorageError}
    assert "closed" in str(results[1]) or "not open" in str(results[1])
    with pytest.raises(StorageError):
        engine.start("task")
    engine.close()  # again: nothing happens
    if url != "memory:":
        with Engine(url) as engine:
            assert {str(row.id) for row in evidence.rows(engine)} >= set(told)
            evidence.check_live(engine)


def test_close_finishes_what_is_queued(url):
    engine = Engine(url)
    engine.deploy(("task.bpmn", TASK), publish=True)
    asks = [engine.submit(engine.ask_start("task", {"n": n})) for n in range(3)]
    engine.close()
    assert all(ask.done and ask.error is None for ask in asks)
    assert all(engine.wait(ask) for ask in asks)
