"""A full disk: a clear error, nothing half done, nothing acknowledged lost, and it goes on once there is space."""

from __future__ import annotations

from pathlib import Path

import pytest

from procession import Engine, StorageError, StorageFull, VirtualClock
from procession.engine.events import TimerFired
from procession.testing import process
from tests.chaos import evidence
from tests.chaos.disks import SmallDisk

WAIT = process("wait").start().script("s", '="x"', "x").user_task("fill").script("t", '="y"', "y").end().build()
DATA = {"text": "a" * 5_000}


class OrdersDisk(SmallDisk):
    """A disk with a store on it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.path = folder / "orders.db"

    def crowd(self, engine: Engine) -> None:
        """Leave half a megabyte."""
        self.fill()

    def clear(self, engine: Engine) -> None:
        self.free()


class SmallFile(OrdersDisk):
    """A file that may not grow, where no file system can be mounted."""

    def mount(self) -> bool:
        return True

    def crowd(self, engine: Engine) -> None:
        self._most(engine, self.path.stat().st_size // 4096 + 200)

    def clear(self, engine: Engine) -> None:
        self._most(engine, 1_000_000)

    def _most(self, engine: Engine, pages: int) -> None:
        with engine.storage._file.writer as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute(f"PRAGMA max_page_count = {pages}")

    def unmount(self) -> None:
        """There is nothing to unmount."""


@pytest.fixture(params=[OrdersDisk, SmallFile], ids=["disk", "file"])
def disk(request, tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    small = request.param(folder)
    if not small.mount():
        pytest.skip("this user may not mount a small file system")
    yield small
    small.unmount()


def start_until_full(engine: Engine) -> tuple[list[str], StorageFull]:
    started: list[str] = []
    while True:
        try:
            started.append(engine.start("wait", {**DATA, "number": len(started)}).id)
        except StorageFull as full:
            return started, full
        assert len(started) < 10_000, "it never got full"


def ids(engine: Engine) -> set[str]:
    return {str(row.id) for row in evidence.rows(engine)}


def test_the_engine_says_so_and_goes_on_once_there_is_space(disk):
    engine = Engine(f"sqlite:///{disk.path}")
    engine.deploy(("wait.bpmn", WAIT), publish=True)
    first = engine.start("wait", DATA)
    disk.crowd(engine)
    started, full = start_until_full(engine)
    assert started, "there was room for some"
    assert "no space left" in str(full)
    assert "orders.db" in str(full)
    assert "free some space" in str(full)

    # nothing is half done, and what was answered is there
    assert ids(engine) == {first.id, *started}
    assert evidence.check_live(engine) == len(started) + 1
    task = engine.tasks(instance=first.id).items[0]
    with pytest.raises(StorageFull):
        engine.complete_task(task.id, {"big": "b" * 900_000})
    assert engine.instance(first.id) == first
    assert evidence.check_live(engine) == len(started) + 1

    # a batch fails as a whole
    before = ids(engine)
    asks = [engine.submit(engine.ask_start("wait", {"big": "b" * 100_000})) for _ in range(20)]
    for ask in asks:
        with pytest.raises(StorageFull):
            engine.wait(ask)
    assert ids(engine) == before
    with pytest.raises(StorageFull):
        engine.deploy(("other.bpmn", WAIT.replace(b'"wait"', b'"other"') + b"<!--" + b"c" * 800_000 + b"-->"))
    assert [row.name for row in engine.definitions()] == ["wait"]

    # the same engine goes on
    disk.clear(engine)
    later = engine.start("wait", {"later": True})
    for task in engine.tasks(limit=1000).items:
        assert engine.complete_task(task.id, {"done": True}).state == "FINISHED"
    assert engine.instance(later.id).state == "FINISHED"
    everything = ids(engine)
    engine.close()

    evidence.check_file(str(disk.path))
    with Engine(f"sqlite:///{disk.path}") as engine:
        assert ids(engine) == everything == {*before, later.id}
        evidence.check_nothing_left(engine)
        for number, instance in enumerate(started):
            assert engine.instance(instance).variables["number"] == number
        assert engine.start("wait").waiting_at == ["fill"]


def test_a_timer_waits_for_space(disk):
    clock = VirtualClock()
    late = process("late").start().catch_timer("nap", "PT1H").script("double", "=text + text", "text").end().build()
    with Engine(f"sqlite:///{disk.path}", clock=clock) as engine:
        engine.deploy(("wait.bpmn", WAIT), ("late.bpmn", late), publish=True)
        sleeper = engine.start("late", {"text": "a" * 200_000})
        disk.crowd(engine)
        start_until_full(engine)
        clock.advance("PT2H")
        for _ in range(2):
            with pytest.raises(StorageFull):
                engine.run_due()
            assert engine.instance(sleeper.id).waiting_at == ["nap"]
        disk.clear(engine)
        assert engine.run_due() == 1
        ended = engine.instance(sleeper.id)
        assert (ended.state, len(ended.variables["text"])) == ("FINISHED", 400_000)
        assert sum(isinstance(event, TimerFired) for event in evidence.history(engine, int(sleeper.id))) == 1


def test_a_full_disk_cannot_hold_a_new_store(disk):
    if isinstance(disk, SmallFile):
        pytest.skip("only a full disk keeps a file from being made")
    disk.fill(left=8_000)
    with pytest.raises(StorageError) as refused:
        Engine(f"sqlite:///{disk.path}")
    assert "orders.db" in str(refused.value)
    disk.free()
    with Engine(f"sqlite:///{disk.path}") as engine:
        assert engine.definitions() == []
