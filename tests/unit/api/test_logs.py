"""Lines that machines and people can read, with the request that they belong to, and without secrets."""

from __future__ import annotations

import asyncio
import io
import json
import logging

import pytest

from procession import VirtualClock
from procession.api.logs import REQUEST, configure
from procession.engine import commands as c
from procession.engine.access import SYSTEM
from procession.runtime.asks import TRACEPARENT, Ask, Start
from procession.runtime.machine import Machine
from procession.runtime.node import Node
from procession.storage import TaskFilter
from procession.storage.memory import MemoryStorage
from procession.testing import process

log = logging.getLogger("procession.test")

WAITS = process("waits").start().user_task("look").end().build()
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbmEifQ.c2lnbmF0dXJlLW9mLWl0"


@pytest.fixture
def written():
    """What is logged, as a terminal or a file would get it."""
    root, ours = logging.getLogger(), logging.getLogger("procession")
    before = root.handlers[:], root.level, ours.level
    stream = io.StringIO()
    yield stream
    root.handlers[:], root.level = before[0], before[1]
    ours.setLevel(before[2])


def test_a_line_of_json(written):
    configure("info", "json", written)
    log.info("job %s is lost", 7, extra={"instance": "4711", "nobody": "asked"})
    (line,) = [json.loads(each) for each in written.getvalue().splitlines()]
    assert line.pop("time").endswith("Z")
    assert line == {"level": "info", "logger": "procession.test", "event": "job 7 is lost", "instance": "4711"}
    assert list(json.loads(written.getvalue()))[:4] == ["time", "level", "logger", "event"]


def test_an_exception_is_one_line_too(written):
    configure("info", "json", written)
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        log.exception("it broke")
    (line,) = [json.loads(each) for each in written.getvalue().splitlines()]
    assert line["level"] == "error"
    assert line["exception"].startswith("Traceback")
    assert line["exception"].endswith("ValueError: first\nsecond")


def test_the_request_is_named_where_there_is_one(written):
    configure("info", "json", written)
    handle = REQUEST.set("abc123")
    log.warning("slow")
    REQUEST.reset(handle)
    log.warning("fast")
    lines = [json.loads(each) for each in written.getvalue().splitlines()]
    assert [line.get("request") for line in lines] == ["abc123", None]


def test_the_trace_is_named_where_there_is_one(written):
    configure("info", "json", written)
    handle = TRACEPARENT.set(f"00-{'ab' * 16}-{'cd' * 8}-01")
    log.warning("slow")
    TRACEPARENT.reset(handle)
    log.warning("fast")
    lines = [json.loads(each) for each in written.getvalue().splitlines()]
    assert [line.get("trace") for line in lines] == ["ab" * 16, None]


def test_lines_of_other_threads_belong_to_the_request_that_they_work_for(written):
    """A query in a reader's thread, a write in a writer's, and a command that breaks in the crank."""
    configure("info", "json", written)

    class Talkative(MemoryStorage):
        async def definitions_changed(self):
            log.info("read")
            return await super().definitions_changed()

        async def expire_messages(self, now):
            log.info("written")
            return await super().expire_messages(now)

    async def story():
        node = Node(Machine(Talkative(), VirtualClock()))
        await node.open()
        await node.alone(node.definitions.deploy([("waits.bpmn", WAITS)], SYSTEM, publish=True))
        instance = await node.ask(Ask(Start("waits", {}), SYSTEM))
        (task,) = await node.read(node.storage.tasks(TaskFilter()))
        written.truncate(0)
        REQUEST.set("abc123")
        await node.read(node.storage.definitions_changed())
        await node.alone(node.storage.expire_messages(0))
        broken = Ask(c.CompleteTask(task.id, {"n": 1}), SYSTEM)
        broken.command.variables = 7  # a defect of whoever made it
        with pytest.raises(AttributeError):
            await node.ask(broken)
        await node.close()
        return instance

    instance = asyncio.run(story())
    lines = [json.loads(each) for each in written.getvalue().strip("\0").splitlines()]
    told = {line["event"]: line for line in lines if line.get("request") == "abc123"}
    (aside,) = (line for event, line in told.items() if event.endswith("failed and is set aside"))
    assert {"read", "written"} <= set(told)
    assert aside["instance"] == str(instance)


def test_levels(written):
    configure("warning", "json", written)
    log.info("quiet")
    log.warning("loud")
    logging.getLogger("somebody.else").info("quiet")
    assert [json.loads(each)["event"] for each in written.getvalue().splitlines()] == ["loud"]
    configure("debug", "json", written)
    log.debug("whisper")
    assert "whisper" in written.getvalue()


def test_for_people_and_only_one_line_whatever_a_client_says(written):
    configure("info", "console", written)
    log.info("unknown message %s", "x\n2030-01-01 [error] \x1b[31mforged\r")
    text = written.getvalue()
    assert len(text.splitlines()) == 1
    assert "\x1b" not in text
    assert "unknown message x\\x0a2030" in text
    assert text.startswith("20")


def test_auto_is_json_where_nobody_watches(written):
    configure("info", "auto", written)
    log.info("hello")
    assert json.loads(written.getvalue())["event"] == "hello"


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"Authorization: Bearer {TOKEN}", TOKEN),
        ("authorization: bearer abcdef012345", "abcdef012345"),
        ("Cookie: procession_session=s3cr3t-cookie; a=b", "s3cr3t-cookie"),
        ('{"username": "ana", "password": "hunter2hunter2"}', "hunter2hunter2"),
        ("password=hunter2hunter2&x=1", "hunter2hunter2"),
        ("secret: qwertzuiop", "qwertzuiop"),
        ("{'access_token': 'abc.def'}", "abc.def"),
        ('"csrfToken":"0123456789"', "0123456789"),
        (f"strange: {TOKEN}", TOKEN),
    ],
)
def test_no_secret_is_logged_even_by_mistake(written, form, text, secret):
    configure("info", form, written)
    log.info("got %s", text)
    try:
        raise ValueError(text)
    except ValueError:
        log.exception("it broke")
    assert "***" in written.getvalue()
    assert secret not in written.getvalue()
