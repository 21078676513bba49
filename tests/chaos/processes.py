"""The processes that are killed: an order that uses everything that is durable, a loop that waits for nothing, and one that many
change at once."""

from __future__ import annotations

from procession.testing import process

TURNS = 8_000
"""Turns of the loop: three nodes each, so that it takes several transactions."""

SHIP = (
    process("ship")
    .start()
    .script("label", '="to " + id', "label")
    .send("tell", topic="shipped", body='{"order": "${id}"}')
    .end()
    .build()
)

ORDER = (
    process("order")
    .start()
    .script("sum", "=amount * 2", "total")
    .parallel("fork")
    .service_task("charge", job="charge")
    .service_task("pack", job="pack")
    .parallel("join")
    .send("bill", topic="billed", body='{"order": "${id}", "total": "${total}"}')
    .end()
    .back_to("fork")
    .user_task("check")
    .to("join")
    .back_to("fork")
    .catch_message("paid", "paid", "=id")
    .to("join")
    .back_to("fork")
    .catch_timer("rest", "PT0.05S")
    .call("ship", "ship")
    .to("join")
    .build()
)

SPIN = (
    process("spin")
    .start()
    .exclusive("again")
    .script("count", "=n + 1", "n")
    .exclusive("enough")
    .when(f"=n >= {TURNS}")
    .end()
    .back_to("enough")
    .otherwise()
    .to("again")
    .build()
)

HOT = process("hot").start().catch_message("paid", "paid", "=id").end().build()
"""It waits until the end for somebody to pay, and everybody writes to it."""

FILES = (("order.bpmn", ORDER), ("ship.bpmn", SHIP), ("spin.bpmn", SPIN), ("hot.bpmn", HOT))
