"""Every example does what its README says, on every way through it, in memory and on SQLite."""

from __future__ import annotations

import re
import time
from pathlib import Path
from runpy import run_path

import pytest

from procession import CommandRejected, Engine, Integration, VirtualClock, Worker

EXAMPLES = Path(__file__).parent.parent.parent / "examples"

ANA = {"client": {"name": "Ana", "income": 2400}}
COMPANY = {"company": {"vat": "DE811907980"}, "client": {"name": "Bo", "income": 5000}}
IBAN = "DE02120300000000202051"


@pytest.fixture(params=["memory", "sqlite"])
def engine(request, tmp_path):
    store = "memory:" if request.param == "memory" else f"sqlite:///{tmp_path}/example.db"
    with Engine(store, clock=VirtualClock()) as engine:
        yield engine
        assert engine.stuck() == []


class Example:
    """An example in a store: its processes published, its worker at hand."""

    def __init__(self, engine: Engine, name: str) -> None:
        self.engine, self.folder = engine, EXAMPLES / name
        self.module = run_path(str(self.folder / "worker.py"))
        self.engine.deploy(*sorted(self.folder.glob("*.bpmn")), publish=True)

    def work(self) -> int:
        """Let the example's worker do what there is."""
        worker = Worker(self.engine, concurrency=2)
        worker.include(self.module["worker"])
        return worker.run(until_idle=True)

    def answer(self, instance, node: str):
        """Let the example's integration answer until the instance waits at the node."""
        bureau = Integration(self.engine, group="credit-bureau")
        bureau.include(run_path(str(self.folder / "bureau.py"))["bureau"])
        with bureau:
            end = time.monotonic() + 10
            while (found := self.look(instance)).waiting_at != [node]:
                assert time.monotonic() < end, "there was no answer"
                time.sleep(0.01)
        return found

    def pass_time(self, span: str) -> None:
        self.engine.clock.advance(span)
        self.engine.run_due()

    def complete(self, instance, node: str, variables, *, by: Engine | None = None):
        (task,) = self.engine.tasks(instance=instance.id, node=node).items
        return (by or self.engine).complete_task(task.id, variables)

    def look(self, instance):
        return self.engine.instance(instance.id)

    def ended_at(self, instance) -> list[str]:
        """The end events that were reached."""
        visited = {v["nodeId"] for token in self.engine.tokens(instance.id) for v in token.nodes_action_states}
        text = "".join(file.read_text(encoding="utf-8") for file in self.folder.glob("*.bpmn"))
        return sorted(visited & set(re.findall(r'<bpmn:endEvent id="([^"]+)"', text)))


# -- New credit card --------------------------------------------------------------------------------------------------


@pytest.fixture
def cards(engine):
    return Example(engine, "credit_card")


@pytest.fixture
def clerk(engine):
    return engine.as_user("carl", ["clerk"])


@pytest.fixture
def manager(engine):
    return engine.as_user("mary", ["manager"])


def test_a_person_is_accepted_and_gets_a_card(cards, clerk):
    card = clerk.start("credit_card", ANA, start_condition="PF")
    assert card.waiting_at == ["fill_in"]

    card = cards.complete(card, "fill_in", {"client": {"iban": IBAN}, "amount": 3000}, by=clerk)
    assert card.variables["score"] == 90
    assert card.waiting_at == ["produce_card", "sign_contract"]

    assert cards.work() == 1
    card = cards.complete(card, "sign_contract", {"signed": True}, by=clerk)
    assert card.waiting_at == ["card_delivered"]

    cards.engine.publish_message("card-delivered", "another card")
    assert cards.look(card).waiting_at == ["card_delivered"]
    cards.engine.publish_message("card-delivered", card.variables["cardNumber"])
    assert cards.look(card).completed
    assert cards.ended_at(card) == ["card_active"]


def test_the_client_may_sign_after_the_card_is_made_or_before(cards):
    card = cards.engine.start("credit_card", ANA, start_condition="PF")
    card = cards.complete(card, "fill_in", {"client": {"iban": IBAN}, "amount": 3000})
    card = cards.complete(card, "sign_contract", {"signed": True})
    assert card.waiting_at == ["produce_card", "ready"]
    cards.work()
    assert cards.look(card).waiting_at == ["card_delivered"]


def test_the_delivery_may_be_known_before_the_contract_is_signed(cards):
    card = cards.engine.start("credit_card", ANA, start_condition="PF")
    card = cards.complete(card, "fill_in", {"client": {"iban": IBAN}, "amount": 3000})
    cards.work()
    cards.engine.publish_message("card-delivered", cards.look(card).variables["cardNumber"])
    assert cards.complete(card, "sign_contract", {"signed": True}).completed


def test_a_company_is_reviewed_by_a_manager_and_accepted(cards, clerk, manager):
    card = clerk.start("credit_card", COMPANY, start_condition="PJ")
    card = cards.complete(card, "fill_in", {"client": {"iban": IBAN}, "amount": 20_000}, by=clerk)
    assert card.variables["score"] == 50
    assert card.waiting_at == ["bureau_answer"]
    card = cards.answer(card, "review")
    assert card.variables["bureau"] == {"score": 704}

    with pytest.raises(CommandRejected) as refused:
        cards.complete(card, "review", {"approved": True}, by=clerk)
    assert refused.value.status == 403
    card = cards.complete(card, "review", {"approved": True}, by=manager)
    assert card.waiting_at == ["produce_card", "sign_contract"]


def test_a_manager_refuses(cards, manager):
    card = cards.engine.start("credit_card", COMPANY, start_condition="PJ")
    card = cards.complete(card, "fill_in", {"client": {"iban": IBAN}, "amount": 20_000})
    cards.answer(card, "review")
    card = cards.complete(card, "review", {"approved": False, "comment": "Too much."}, by=manager)
    assert card.completed
    assert cards.ended_at(card) == ["refused"]


def test_the_web_sends_a_whole_application_that_the_rule_refuses(cards):
    application = {"client": {"name": "Cid", "income": 300, "iban": IBAN}, "amount": 4000}
    message = cards.engine.publish_message("application-received", variables=application)
    (number,) = message.instances
    card = cards.engine.instance(number)
    assert card.variables["score"] == 10
    assert card.completed
    assert cards.ended_at(card) == ["refused"]


@pytest.mark.parametrize(
    ("income", "amount", "score"), [(499, 1, 10), (500, 1000, 90), (500, 3000, 50), (500, 3001, 20)]
)
def test_the_rule_scores(cards, income, amount, score):
    data = {"client": {"name": "Dee", "income": income}}
    card = cards.complete(
        cards.engine.start("credit_card", data, start_condition="PF"),
        "fill_in",
        {"client": {"iban": IBAN}, "amount": amount},
    )
    assert card.variables["score"] == score


def test_a_slow_review_is_reminded_of_and_goes_on(cards, capsys):
    card = cards.engine.start("credit_card", COMPANY, start_condition="PJ")
    card = cards.complete(card, "fill_in", {"client": {"iban": IBAN}, "amount": 20_000})
    cards.answer(card, "review")

    cards.pass_time("PT23H59M")
    assert cards.work() == 0
    cards.pass_time("PT1M")
    assert cards.work() == 1
    assert "the application of Bo waits for a review" in capsys.readouterr().out
    assert cards.look(card).waiting_at == ["review"]

    cards.complete(card, "review", {"approved": True})
    assert cards.look(card).waiting_at == ["produce_card", "sign_contract"]


def test_a_review_that_comes_too_late_is_a_refusal(cards):
    card = cards.engine.start("credit_card", COMPANY, start_condition="PJ")
    card = cards.complete(card, "fill_in", {"client": {"iban": IBAN}, "amount": 20_000})
    cards.answer(card, "review")
    cards.pass_time("P3D")
    cards.work()
    assert cards.look(card).completed
    assert cards.ended_at(card) == ["refused", "reminded"]
    assert cards.engine.tasks(instance=card.id).items == []


def test_a_review_does_not_wait_for_a_bureau_that_does_not_answer(cards):
    card = cards.engine.start("credit_card", COMPANY, start_condition="PJ")
    card = cards.complete(card, "fill_in", {"client": {"iban": IBAN}, "amount": 20_000})
    cards.pass_time("PT9S")
    assert cards.look(card).waiting_at == ["bureau_answer"]
    cards.pass_time("PT1S")
    assert cards.look(card).waiting_at == ["review"]
    assert "bureau" not in cards.look(card).variables


def test_an_application_expires(cards):
    card = cards.engine.start("credit_card", ANA, start_condition="PF")
    cards.pass_time("P30D")
    assert cards.look(card).status == "EXPIRED"


@pytest.mark.parametrize(
    ("data", "condition", "title"),
    [
        (ANA, None, "Multiple start nodes found, but start condition not specified."),
        (ANA, "XX", "Start node for process definition not found."),
        (ANA, "PJ", "Some mandatory params are missing."),
        ({}, "PF", "Some mandatory params are missing."),
    ],
)
def test_a_start_that_lacks_something_is_refused_and_says_what(cards, data, condition, title):
    with pytest.raises(CommandRejected) as refused:
        cards.engine.start("credit_card", data, start_condition=condition)
    assert (refused.value.status, refused.value.title) == (400, title)
    assert cards.engine.instances().items == []


def test_a_missing_parameter_is_named(cards):
    with pytest.raises(CommandRejected) as refused:
        cards.engine.start("credit_card", ANA, start_condition="PJ")
    assert refused.value.extra["missing"] == ["company.vat"]


def test_nobody_else_may_start_or_see_it(cards):
    stranger = cards.engine.as_user("sid", ["guest"])
    with pytest.raises(CommandRejected) as refused:
        stranger.start("credit_card", ANA, start_condition="PF")
    assert (refused.value.status, refused.value.title) == (403, "Forbidden")
    card = cards.engine.start("credit_card", ANA, start_condition="PF")
    with pytest.raises(CommandRejected):
        stranger.instance(card.id)


# -- Order fulfilment -------------------------------------------------------------------------------------------------


@pytest.fixture
def shop(engine):
    return Example(engine, "order_fulfilment")


def order(number="o-1", *skus, **more):
    items = [{"sku": sku, "quantity": 2, "price": 12.5} for sku in skus or ("book", "lamp")]
    return {"order": {"id": number, "customer": "Ana", "address": "Main Street 1", "items": items, **more}}


def paid(shop, data):
    """An order that was priced and paid."""
    placed = shop.engine.start("order_fulfilment", data)
    assert placed.waiting_at == ["payment"]
    assert placed.variables["total"] == 25 * len(data["order"]["items"])
    shop.engine.publish_message("payment-received", data["order"]["id"])
    return shop.look(placed)


def collected(shop, placed):
    """The parcel of an order was booked and collected."""
    shop.work()
    (parcel,) = shop.look(placed).sub_processes
    assert shop.engine.instance(parcel).waiting_at == ["collected"]
    shop.pass_time("PT2H")
    assert shop.engine.instance(parcel).completed
    return shop.look(placed)


def test_an_order_is_picked_and_shipped(shop):
    placed = paid(shop, order("o-1", "book", "lamp", "mug"))
    assert placed.waiting_at == ["pick_item"] * 3
    placed = collected(shop, placed)
    assert placed.completed
    assert shop.ended_at(placed) == ["order_shipped", "pick_end"]
    assert placed.variables["picked"] == [
        {"sku": "book", "bin": "A-01"},
        {"sku": "lamp", "bin": "B-07"},
        {"sku": "mug", "bin": "B-12"},
    ]
    assert placed.variables["trackingNumber"].startswith("S-")
    assert "paper" not in placed.variables
    assert "van" not in placed.variables


@pytest.mark.parametrize(("gift", "express"), [(True, False), (False, True), (True, True), (False, False)])
def test_the_extras_are_those_that_were_ordered(shop, gift, express):
    placed = collected(shop, paid(shop, order(giftWrap=gift, express=express)))
    assert placed.completed
    assert placed.variables.get("paper") == ("stars" if gift else None)
    assert placed.variables.get("van") == ("tonight" if express else None)
    assert placed.variables["trackingNumber"].startswith("X-" if express else "S-")


def test_what_is_out_of_stock_stops_the_picking_and_the_customer_is_told(shop, capsys):
    placed = paid(shop, order("o-2", "book", "unicorn", "lamp"))
    shop.work()
    placed = shop.look(placed)
    assert placed.completed
    assert "customer_notified" in shop.ended_at(placed)
    assert placed.variables["customerNotified"] is True
    assert "picked" not in placed.variables
    assert "Order o-2: sorry" in capsys.readouterr().out


def test_an_order_that_is_not_paid_within_the_hour_is_cancelled(shop):
    placed = shop.engine.start("order_fulfilment", order())
    shop.pass_time("PT59M")
    assert shop.look(placed).waiting_at == ["payment"]
    shop.pass_time("PT1M")
    assert shop.ended_at(placed) == ["order_cancelled"]
    assert shop.look(placed).completed


def test_a_payment_reaches_only_its_own_order(shop):
    first, second = (shop.engine.start("order_fulfilment", order(number)) for number in ("o-1", "o-2"))
    shop.engine.publish_message("payment-received", "o-2")
    assert shop.look(first).waiting_at == ["payment"]
    assert shop.look(second).waiting_at == ["pick_item"] * 2


def test_a_payment_may_come_before_the_order(shop):
    shop.engine.publish_message("payment-received", "o-1")
    assert shop.engine.start("order_fulfilment", order()).waiting_at == ["pick_item"] * 2


@pytest.mark.parametrize("name", ["credit_card", "order_fulfilment"])
def test_a_worker_that_is_imported_opens_no_store(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run_path(str(EXAMPLES / name / "worker.py"))
    assert list(tmp_path.iterdir()) == []
