"""The examples' workers as programs of their own: `python worker.py`, on a server or on a store."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from procession import Engine
from procession.testing import server as running_server

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
IBAN = "DE02120300000000202051"
LONGEST = 30.0


@pytest.fixture(scope="module")
def server():
    files = sorted(EXAMPLES.glob("*/*.bpmn"))
    users = {"carl": ["clerk"], "mary": ["manager"], "worker": ["worker"]}
    with running_server(*files, users=users) as running:
        yield running


@contextmanager
def worker_of(name: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """The worker of an example runs, and ends well when it is told to."""
    usual = {key: value for key, value in os.environ.items() if not key.startswith("PROCESSION_")}
    given = {f"PROCESSION_{key}": value for key, value in variables.items()}
    program = subprocess.Popen(
        [sys.executable, str(EXAMPLES / name / "worker.py")],
        env={**usual, "PYTHONPATH": str(ROOT / "src"), **given},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield program
    finally:
        program.send_signal(signal.SIGTERM)
        said, _ = program.communicate(timeout=20)
    assert program.returncode == 0, said
    assert "waits for jobs of type" in said


def until(condition):
    end = time.monotonic() + LONGEST
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)


def credentials(server):
    return {"URL": server.url, "USER": "worker", "PASSWORD": server.password("worker")}


def complete(client, card, node, variables):
    (task,) = client.tasks(instance=card.id, node=node).items
    return client.complete_task(task.id, variables)


def test_a_credit_card_is_made_over_http(server):
    with worker_of("credit_card", **credentials(server)), server.client("carl") as clerk, server.client() as admin:
        card = clerk.start("credit_card", {"client": {"name": "Ana", "income": 2400}}, start_condition="PF")
        card = complete(clerk, card, "fill_in", {"client": {"iban": IBAN}, "amount": 3000})
        until(lambda: "cardNumber" in admin.instance(card.id).variables)
        card = complete(clerk, card, "sign_contract", {"signed": True})
        assert card.waiting_at == ["card_delivered"]
        number = admin.instance(card.id).variables["cardNumber"]
        assert number.startswith("5100")
        admin.publish_message("card-delivered", number)
        assert admin.instance(card.id).completed


def order(number, *skus, **more):
    items = [{"sku": sku, "quantity": 2, "price": 12.5} for sku in skus]
    return {"order": {"id": number, "customer": "Ana", "address": "Main Street 1", "items": items, **more}}


def test_an_order_is_picked_and_shipped_over_http(server):
    with worker_of("order_fulfilment", **credentials(server)), server.client() as admin:
        placed = admin.start("order_fulfilment", order("o-1", "book", "lamp", giftWrap=True, express=True))
        admin.publish_message("payment-received", "o-1")
        until(lambda: admin.instance(placed.id).sub_processes)
        (parcel,) = admin.instance(placed.id).sub_processes
        until(lambda: admin.instance(parcel).waiting_at == ["collected"])
        server.advance("PT2H")
        shipped = admin.instance(placed.id)
        assert shipped.completed
        assert (shipped.variables["paper"], shipped.variables["van"]) == ("stars", "tonight")
        assert shipped.variables["trackingNumber"].startswith("X-")


def test_what_is_out_of_stock_is_told_over_http(server):
    with worker_of("order_fulfilment", **credentials(server)), server.client() as admin:
        placed = admin.start("order_fulfilment", order("o-2", "book", "unicorn", "lamp"))
        admin.publish_message("payment-received", "o-2")
        until(lambda: admin.instance(placed.id).completed)
        assert admin.instance(placed.id).variables["customerNotified"] is True


def test_without_a_server_a_worker_works_on_a_store(tmp_path):
    store = f"sqlite:///{tmp_path}/cards.db"
    with Engine(store) as engine:
        engine.deploy(EXAMPLES / "credit_card" / "credit_card.bpmn", publish=True)
        card = engine.start("credit_card", {"client": {"name": "Ana", "income": 2400}}, start_condition="PF")
        complete(engine, card, "fill_in", {"client": {"iban": IBAN}, "amount": 3000})
        with worker_of("credit_card", STORE=store):
            until(lambda: "cardNumber" in engine.instance(card.id).variables)
