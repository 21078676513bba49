"""Starting with values of an earlier instance: whitelist, blacklist, and what is sent wins."""

from __future__ import annotations

import copy

import pytest

from procession.engine.state import ProcessInstance, merge
from procession.runtime.asks import Inherit
from procession.runtime.inheritance import inherited

EARLIER = {"client": {"id": 7, "name": "Ana", "address": {"city": "Cluj", "zip": None}}, "amount": 5, "tags": ["a"]}


@pytest.mark.parametrize(
    ("take", "without", "sent", "wanted"),
    [
        ((), (), {}, EARLIER),
        (("amount",), (), {}, {"amount": 5}),
        (("client.name",), (), {}, {"client": {"name": "Ana"}}),
        (("client.address.zip",), (), {}, {"client": {"address": {"zip": None}}}),
        (("client.id", "client.address.city"), (), {}, {"client": {"id": 7, "address": {"city": "Cluj"}}}),
        (("client", "client.name"), (), {}, {"client": EARLIER["client"]}),
        (("nothing", "client.nothing", "amount.cents", "tags.0", ""), (), {}, {}),
        ((), ("client",), {}, {"amount": 5, "tags": ["a"]}),
        (
            (),
            ("client.address.city", "amount", "tags", "client.id"),
            {},
            {"client": {"name": "Ana", "address": {"zip": None}}},
        ),
        ((), ("nothing", "client.nothing.more", "amount.cents"), {}, EARLIER),
        (("client",), ("client.address",), {}, {"client": {"id": 7, "name": "Ana"}}),
        (("amount",), ("amount",), {}, {}),
        (("amount",), (), {"amount": 9}, {"amount": 9}),
        (("amount",), (), {"amount": None}, {"amount": None}),
        (("client.name",), (), {"client": {"id": 8}}, {"client": {"name": "Ana", "id": 8}}),
        (("client",), (), {"client": 5}, {"client": 5}),
        (("tags",), (), {"tags": ["b"], "new": 1}, {"tags": ["b"], "new": 1}),
        ((), ("amount",), {"amount": 1}, {**EARLIER, "amount": 1}),
    ],
)
def test_what_is_taken_over(take, without, sent, wanted):
    source = ProcessInstance(1, variables=copy.deepcopy(EARLIER))
    before = copy.deepcopy(sent)
    assert merge(inherited(source, Inherit(1, take, without)), sent) == wanted
    assert source.variables == EARLIER, "the earlier instance is not touched"
    assert sent == before
