"""What callers hand in: what is let through, and as what."""

from __future__ import annotations

from collections import OrderedDict
from datetime import timedelta
from decimal import Decimal
from enum import IntEnum, StrEnum
from types import MappingProxyType

import pytest

from procession import CommandRejected
from procession.runtime import checks


class Level(IntEnum):
    HIGH = 3


class Color(StrEnum):
    RED = "red"


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (None, {}),
        ({}, {}),
        ({"a": 1.1}, {"a": Decimal("1.1")}),
        ({"a": (1, [2])}, {"a": [1, [2]]}),
        (OrderedDict(b=1, a=2), {"a": 2, "b": 1}),
        (MappingProxyType({"a": 1}), {"a": 1}),
        ({"a": Level.HIGH, "b": Color.RED}, {"a": 3, "b": "red"}),
        ({"a": 2**70, "b": -(2**70)}, {"a": 2**70, "b": -(2**70)}),
        ({"a": Decimal("1E+400")}, {"a": Decimal("1E+400")}),
    ],
)
def test_documents(given, wanted):
    assert checks.document(given) == wanted


def test_a_document_is_a_copy():
    inner = {"list": [1]}
    document = checks.document({"a": inner})
    inner["list"].append(2)
    assert document == {"a": {"list": [1]}}


@pytest.mark.parametrize("levels", [checks.DEEPEST, checks.DEEPEST + 1])
def test_how_deep(levels):
    document = {}
    for _ in range(levels - 1):
        document = {"a": document}
    if levels <= checks.DEEPEST:
        assert checks.document(document) == document
    else:
        with pytest.raises(CommandRejected, match="nested deeper than 200 levels"):
            checks.document(document)


def test_the_limit_is_of_bytes():
    assert checks.document({"a": "ä"}, limit=len(b'{"a":"xx"}'))
    with pytest.raises(CommandRejected) as refused:
        checks.document({"a": "ä"}, limit=len(b'{"a":"xx"}') - 1)
    assert refused.value.status == 413


@pytest.mark.parametrize(("given", "wanted"), [("7", 7), (7, 7), ("0", 0), (str(2**63 - 1), 2**63 - 1)])
def test_ids(given, wanted):
    assert checks.identity(given, "Task") == wanted


@pytest.mark.parametrize("given", ["ключ", "", "\ue000", "😀", "\n"])
def test_texts(given):
    assert checks.text(given, "A key") == given


def test_remarks_are_never_refused():
    assert checks.remark("fine ключ") == "fine ключ"
    assert checks.remark("\ud800 and \0") == "? and ?"


@pytest.mark.parametrize(("given", "wanted"), [(0, 0), (1.5, 1_500_000), (timedelta(days=1), 86_400_000_000)])
def test_spans(given, wanted):
    assert checks.span(given, "ttl") == wanted
