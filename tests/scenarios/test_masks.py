"""Whoever may not see a sensitive value gets a mask; the mask never comes back as a value."""

from __future__ import annotations

import pytest

from procession.errors import CommandRejected
from procession.testing import Scenario, process

MODEL = """{"properties": {"client": {"properties": {"iban": {"sensitive": true}}},
                          "cards": {"items": {"properties": {"pin": {"sensitive": true}}}}}}"""
CARD = process("card").data_model(MODEL).start().user_task("fill").end().build()
REAL = {"client": {"iban": "DE02", "name": "Ana"}, "cards": [{"pin": "1234"}]}


@pytest.mark.parametrize(
    ("sent", "pointer"),
    [({"client": {"iban": "***"}}, "/client/iban"), ({"cards": [{"pin": "9"}, {"pin": "***"}]}, "/cards/pin")],
    ids=["field", "list"],
)
def test_a_mask_that_is_sent_back_overwrites_nothing(sent, pointer):
    card = Scenario(CARD).start(REAL)
    with pytest.raises(CommandRejected) as refused:
        card.set_variables(sent)
    assert refused.value.status == 422
    assert [each["pointer"] for each in refused.value.extra["errors"]] == [pointer]
    with pytest.raises(CommandRejected) as refused:
        card.complete_task("fill", sent)
    assert [each["pointer"] for each in refused.value.extra["errors"]] == ["/variables" + pointer]
    assert card.variables == REAL


def test_nobody_starts_with_a_mask():
    with pytest.raises(CommandRejected) as refused:
        Scenario(CARD).start({"client": {"iban": "***"}})
    assert refused.value.status == 422


def test_stars_elsewhere_are_a_value_like_any_other():
    card = Scenario(CARD).start(REAL)
    card.complete_task("fill", {"client": {"name": "***"}})
    assert card.variables["client"] == {"iban": "DE02", "name": "***"}
