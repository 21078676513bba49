"""A client has the methods of an engine: the same names, parameters, defaults and results."""

from __future__ import annotations

import inspect
import subprocess
import sys
from typing import get_type_hints

import pytest

from procession import Client, Engine
from procession.client.client import ABSENT

METHODS = sorted(name for name, part in vars(Engine).items() if not name.startswith("_") and inspect.isfunction(part))
MORE = {"activate_jobs": {"wait"}}
"""Parameters that only a client has."""


@pytest.mark.parametrize("name", METHODS)
def test_every_method_of_an_engine_is_there_with_its_parameters_or_is_absent_with_a_reason(name):
    if name in ABSENT:
        return
    own, same = inspect.signature(getattr(Client, name)), inspect.signature(getattr(Engine, name))
    kept = {key: value for key, value in own.parameters.items() if key not in MORE.get(name, ())}
    assert [(p.name, p.kind, p.default) for p in kept.values()] == [
        (p.name, p.kind, p.default) for p in same.parameters.values()
    ]
    if name == "close":
        return
    hints, wanted = get_type_hints(getattr(Client, name)), get_type_hints(getattr(Engine, name))
    assert {key: value for key, value in hints.items() if key not in MORE.get(name, ())} == wanted


def test_what_is_absent_is_said_with_what_to_do_instead():
    with Client("http://localhost:1", token="abc") as client:
        for name, reason in ABSENT.items():
            assert not hasattr(Client, name)
            with pytest.raises(AttributeError) as missing:
                getattr(client, name)
            assert reason in str(missing.value)
        with pytest.raises(AttributeError, match="A Client has no 'nonsense'"):
            client.nonsense  # noqa: B018


def test_every_absent_name_is_one_of_an_engine():
    with Engine() as engine:
        assert [name for name in ABSENT if not hasattr(engine, name)] == []


def test_the_http_library_is_loaded_only_for_a_client():
    code = "import sys, procession; procession.Engine; procession.Worker; assert 'httpx2' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
