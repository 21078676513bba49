"""Two processes that make the same id: one of them decides again, and nobody's work is overwritten."""

from __future__ import annotations

from procession import Engine, VirtualClock
from procession.testing import process

PROCESS = (
    process("p").start().user_task("first").parallel("fork").service_task("work").end()
    .back_to("fork").user_task("second").end().back_to("fork").catch_timer("nap", duration="PT1H").end()
    .build()
)  # fmt: skip


def test_ids_that_collide_do_not_overwrite(tmp_path):
    url, clock = f"sqlite:///{tmp_path}/shared.db", VirtualClock()
    with Engine(url, clock=clock, node=5) as one:
        one.deploy(("p.bpmn", PROCESS), publish=True)
        first, second = one.start("p"), one.start("p")
        tasks = [one.tasks(instance=instance.id).items[0].id for instance in (first, second)]
        clock.advance(1)
        with Engine(url, clock=clock, node=5) as two:
            one.complete_task(tasks[0])
            two.complete_task(tasks[1])
            counts = one.counts()
            assert (counts["job"], counts["task"], counts["timer"]) == (2, 2, 2)
            assert one.instance(first.id).waiting_at == two.instance(second.id).waiting_at == ["nap", "second", "work"]
