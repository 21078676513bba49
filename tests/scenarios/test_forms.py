"""Forms: what people send must fit, at tasks and at starts."""

from __future__ import annotations

import pytest

from procession.engine.access import SYSTEM
from procession.errors import CommandRejected
from procession.testing import Scenario, process

REVIEW = (
    "review.json",
    b"""{"type": "object", "required": ["amount", "client"], "additionalProperties": false, "properties": {
        "amount": {"type": "number", "exclusiveMinimum": 0, "multipleOf": 0.01},
        "client": {"type": "object", "required": ["name", "iban"], "properties": {
            "name": {"type": "string", "minLength": 1}, "iban": {"type": "string", "pattern": "^[A-Z0-9]+$"}}}}}""",
)
PROCESS = process("order").start().user_task("review", form="review.json").user_task("other", form="elsewhere").end()


def errors_of(refused) -> list[dict[str, str]]:
    assert (refused.value.status, refused.value.title, refused.value.key) == (422, "Not valid.", "error.validation")
    return refused.value.extra["errors"]


def test_what_is_sent_and_what_is_there_must_fit_together():
    order = Scenario(PROCESS, REVIEW).start({"client": {"name": "Ana"}, "beside": 1})
    with pytest.raises(CommandRejected) as refused:
        order.complete_task("review", {"amount": "secret", "client": {"iban": "secret"}})
    assert errors_of(refused) == [
        {"pointer": "/variables/amount", "message": "must be a number"},
        {"pointer": "/variables/client/iban", "message": "must match ^[A-Z0-9]+$"},
    ]
    assert "secret" not in str(refused.value)
    assert order.waiting_at == ["review"]

    order.complete_task("review", {"amount": 1.10, "client": {"iban": "DE02"}})
    assert order.variables == {
        "client": {"name": "Ana", "iban": "DE02"},
        "beside": 1,
        "amount": order.variables["amount"],
    }


def test_what_is_missing_is_named():
    order = Scenario(PROCESS, REVIEW).start({"client": {"name": "Ana"}})
    with pytest.raises(CommandRejected) as refused:
        order.complete_task("review")
    assert {error["pointer"] for error in errors_of(refused)} == {"/variables/amount", "/variables/client/iban"}


def test_data_that_the_form_does_not_speak_of_is_not_held_against_what_is_sent():
    order = Scenario(PROCESS, REVIEW).start({"amount": 5, "client": {"name": "Ana", "iban": "X"}, "beside": 1})
    with pytest.raises(CommandRejected) as refused:
        order.complete_task("review", {"more": 1})
    assert errors_of(refused) == [{"pointer": "/variables/more", "message": "is not expected here"}]
    order.complete_task("review")


def test_a_form_that_did_not_come_with_the_process_is_not_checked():
    order = Scenario(PROCESS, REVIEW).start({"amount": 5, "client": {"name": "Ana", "iban": "X"}})
    order.complete_task("review")
    order.complete_task("other", {"anything": "at all"})
    assert order.status == "FINISHED"


def test_nobody_gets_past_the_form():
    order = Scenario(PROCESS, REVIEW).start()
    for engine in (order.engine, order.engine.as_principal(SYSTEM), order.engine.as_user("root", ["admin"])):
        with pytest.raises(CommandRejected, match="Not valid"):
            engine.complete_task(order.engine.tasks().items[0].id, {"amount": 0})


def test_rights_come_before_the_form():
    guarded = process("order").start().user_task("review", form="review.json").end()
    order = Scenario(guarded.lane("Front", "review", execute="clerk", view="clerk"), REVIEW)
    order.start()
    task = order.engine.tasks().items[0].id
    with pytest.raises(CommandRejected) as refused:
        order.engine.as_user("eve", ["operator"]).complete_task(task, {"amount": 0})
    assert refused.value.status == 403


def test_each_item_of_a_loop_is_held_against_its_own_data():
    loop = (
        process("order")
        .start()
        .user_task("review", form="review.json", inputs={"amount": "=item.amount", "client": "=item.client"})
    )
    loop = loop.multi_instance("=items", element="item").end()
    whole, half = {"amount": 5, "client": {"name": "Ana", "iban": "X"}}, {"amount": 0, "client": {"name": "Bo"}}
    order = Scenario(loop, REVIEW).start({"items": [whole, half]})
    second, first = order.engine.tasks().items
    seen = [order.engine.task_form(task.id).data for task in (first, second)]
    assert [{name: data[name] for name in ("amount", "client")} for data in seen] == [whole, half]
    order.engine.complete_task(first.id)
    with pytest.raises(CommandRejected) as refused:
        order.engine.complete_task(second.id)
    assert {error["pointer"] for error in errors_of(refused)} == {"/variables/amount", "/variables/client/iban"}
    order.engine.complete_task(second.id, {"amount": 1, "client": {"iban": "Y"}})


START = (
    process("order")
    .start(form="review.json", params={"amount": "number"}, mandatory=["client.name"])
    .user_task("t")
    .end()
)


def test_a_start_is_held_against_its_form_after_its_parameters():
    order = Scenario(START, REVIEW)
    with pytest.raises(CommandRejected, match="Some mandatory params are missing"):
        order.start({"amount": 0})
    with pytest.raises(CommandRejected, match="wrong type"):
        order.start({"amount": "0", "client": {"name": "Ana"}})
    with pytest.raises(CommandRejected) as refused:
        order.start({"amount": 0, "client": {"name": "Ana"}})
    assert errors_of(refused) == [
        {"pointer": "/amount", "message": "must be more than 0"},
        {"pointer": "/client/iban", "message": "is missing"},
    ]
    kept = order.engine.failed_starts().items[0]
    assert (kept.status, kept.title) == (422, "Not valid.")
    assert order.start({"amount": 1, "client": {"name": "Ana", "iban": "X"}}).waiting_at == ["t"]


def test_a_message_that_starts_a_process_is_no_form():
    order = Scenario(process("order").start(message="ordered", form="review.json").user_task("t").end(), REVIEW)
    order.engine.publish_message("ordered", variables={"amount": "anything"})
    assert order.engine.instances().items[0].state == "STARTED"


def test_forms_are_there_again_after_a_restart(tmp_path):
    store = f"sqlite:///{tmp_path}/orders.db"
    with Scenario(PROCESS, REVIEW, store=store) as first:
        first.start()
    with Scenario(store=store) as second, pytest.raises(CommandRejected, match="/amount must be more than 0"):
        second.engine.complete_task(
            second.engine.tasks().items[0].id, {"amount": 0, "client": {"name": "a", "iban": "X"}}
        )
