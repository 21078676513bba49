"""What a data model marks as sensitive is seen by the embedding program only: not in answers, nor by searching."""

from __future__ import annotations

from typing import get_args

import pytest

from procession import CommandRejected, Engine, VirtualClock
from procession.definition import MASK
from procession.engine.events import Event, JobCreated
from procession.runtime.drive import drive
from procession.runtime.views import masked, reveals, to_dict
from procession.runtime.views.masking import FIELDS
from procession.storage import InstanceFilter
from procession.testing import process

IBAN, PIN = "RO49AAAA1B31007593840000", "8526417"
MODEL = """{"properties": {"client": {"properties": {"iban": {"sensitive": true}, "name": {}}},
            "pin": {"sensitive": true}, "card": {"properties": {"number": {"sensitive": true}}},
            "cards": {"items": {"properties": {"number": {"sensitive": true}}}}}}"""
CARD = (
    process("card")
    .start(mandatory=["n"])
    .user_task("fill")
    .service_task("charge", job="charge", inputs={"client": "=client", "sum": "=5"})
    .script("each", "=card", "pin")
    .multi_instance("=cards", element="card", output_collection="cards", output_element="=card")
    .catch_message("answer", "answered", "=client.iban")
    .exclusive("which")
    .when("=client.iban = 1")
    .end()
    .data_model(MODEL)
)
OPEN = process("open").start().user_task("fill").end().data_model('{"properties": {"pin": {}}}')
SAFE = process("safe").start().user_task("fill").end().data_model('{"properties": {"client": {"sensitive": true}}}')
DATA = {"client": {"iban": IBAN, "name": "Ana"}, "pin": PIN, "cards": [{"number": IBAN, "kind": "gold"}], "n": 1}
SHOWN = {"client": {"iban": MASK, "name": "Ana"}, "pin": MASK, "cards": [{"number": MASK, "kind": "gold"}], "n": 1}
ROLES = ("admin", "operator", "worker")


@pytest.fixture(params=["memory", "sqlite"])
def engine(request, tmp_path):
    url = "memory:" if request.param == "memory" else f"sqlite:///{tmp_path}/cards.db"
    with Engine(url, clock=VirtualClock()) as found:
        found.deploy(*[(f"{each.name}.bpmn", each.build()) for each in (CARD, OPEN, SAFE)], publish=True)
        yield found


@pytest.fixture
def ana(engine):
    return engine.as_user("ana", ROLES)


def whole_story(engine: Engine) -> str:
    """An instance that went through everything that may show its data, and waits at an exception."""
    instance = engine.start("card", DATA).id
    engine.set_variables(instance, {"client": {"name": "Ana"}})
    engine.complete_task(engine.tasks(instance=instance).items[0].id, {"pin": PIN})
    engine.hold(instance)
    (job,) = engine.activate_jobs("charge") or [None] * 1
    assert job is None, "nothing is handed out on hold"
    engine.unhold(instance)
    (job,) = engine.activate_jobs("charge")
    engine.hold(instance)
    engine.complete_job(job.id, job.token, {"pin": PIN})
    engine.unhold(instance)
    return instance


def told(value: object) -> str:
    return str(to_dict(value))


def secrets_in(value: object) -> set[str]:
    return {secret for secret in (IBAN, PIN) if secret in told(value)}


def everything(asked: Engine, instance: str) -> dict[str, object]:
    last = asked.instance(instance).seq
    return {
        "instance": asked.instance(instance),
        "instances": asked.instances(),
        "past": [asked.state_at(instance, position) for position in range(1, last + 1)],
        "history": asked.history(instance),
        "tokens": asked.tokens(instance),
        "exceptions": asked.exceptions(instance),
        "all exceptions": asked.exceptions(),
        "audit": asked.audit(),
        "its audit": asked.audit(instance),
        "data": [asked.data(instance, node.id) for node in asked.definition("card").nodes],
        "tasks": asked.tasks(),
        "failed starts": asked.failed_starts(),
    }


def test_no_answer_shows_it(engine, ana):
    instance = whole_story(engine)
    with pytest.raises(CommandRejected):
        engine.start("card", {**DATA, "n": None})
    assert engine.instance(instance).waiting_at == ["answer"]
    seen = {what: secrets_in(answer) for what, answer in everything(engine, instance).items()}
    for what in ("instance", "past", "history", "data", "failed starts"):
        assert seen[what], f"the program that embeds the engine sees it: {what}"
    assert engine.instance(instance).waits[0]["correlationKey"] == IBAN
    for what, answer in everything(ana, instance).items():
        assert not secrets_in(answer), what

    engine.publish_message("answered", IBAN)
    (exception,) = engine.exceptions(instance, open_only=True)
    assert "the result of `client.iban = 1` and its data are sensitive" in exception.message
    for what, answer in everything(ana, instance).items():
        assert not secrets_in(answer), what
    assert ana.data(instance, "which").data == {**SHOWN, "pin": MASK}


def test_what_goes_out_is_masked_in_history(engine, ana):
    tell = (
        process("tell")
        .start()
        .throw_message("thrown", "told", "=client.iban", message_id="=pin")
        .send("sent", topic="crm", body='{"iban": "${client.iban}"}', headers='{"pin": "${pin}"}', key="=pin")
        .call("called", "safe")
        .end()
    )
    engine.deploy(("tell.bpmn", tell.data_model(MODEL).build()), publish=True)
    instance = engine.start("tell", DATA).id
    rows = {row[0]: row for each in ana.history(instance) for row in each.events}
    assert {"message-published", "record-sent", "call-started"} <= rows.keys()
    assert rows["call-started"][4] == SHOWN
    assert not secrets_in(ana.history(instance))
    assert secrets_in(engine.history(instance)) == {IBAN, PIN}


def test_every_event_that_carries_data_is_masked():
    """A new event with a document, or with any value at all, has to say how it is masked."""
    carries = {
        (kind, name)
        for kind in get_args(Event)
        for name, field in kind.__annotations__.items()
        if "Any" in field or field == "dict[str, str]"
    }
    assert carries - {(kind, name) for kind, fields in FIELDS.items() for name in fields} == {
        (JobCreated, "headers")  # fixed texts of the drawing
    }


def test_no_exception_tells_it(engine):
    choice = process("choice").start().exclusive("which").when('=client.iban = "x" and n = 5 or pin = "0"').end()
    engine.deploy(("choice.bpmn", choice.data_model(MODEL).build()), publish=True)
    (exception,) = engine.start("choice", {**DATA, "pin": None}).exceptions
    assert "for client = ***, n = 1, pin = null, and" in exception.message, "that it is missing is no secret"


def test_what_is_not_sensitive_is_shown(engine, ana):
    instance = engine.start("card", DATA).id
    assert ana.instance(instance).variables == SHOWN
    assert ana.data(instance, "fill").data == SHOWN
    assert ana.history(instance)[0].events[0][4] == SHOWN
    assert engine.instance(instance).variables == DATA, "and nothing was changed"
    other = engine.start("open", DATA).id
    assert ana.instance(other).variables == DATA
    assert ana.history(other) == engine.history(other)


# -- searching --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "variables",
    [
        {"client.iban": IBAN},
        {"client": DATA["client"]},  # it is inside
        {"client.iban.country": "RO"},  # a part of it
        {"pin": PIN},
        {"cards": DATA["cards"]},
        {"cards.number": IBAN},
        {"n": 1, "pin": PIN},
    ],
)
def test_nobody_finds_it_out_by_searching(engine, ana, variables):
    engine.start("card", DATA)
    for definition, version in (("card", None), ("card", 1), (None, None)):
        with pytest.raises(CommandRejected) as refused:
            ana.instances(definition=definition, version=version, variables=variables)
        assert (refused.value.status, refused.value.key) == (403, "error.forbidden")
        assert "sensitive" in refused.value.detail
    assert len(engine.instances(definition="card", variables=variables).items) in (0, 1)


def test_it_is_no_secret_to_the_program(engine):
    instance = engine.start("card", DATA).id
    for variables in ({"client.iban": IBAN}, {"client": DATA["client"]}, {"pin": PIN}):
        assert [line.id for line in engine.instances(variables=variables).items] == [instance]


def test_other_data_can_be_searched_for(engine, ana):
    instance = engine.start("card", DATA).id
    assert [line.id for line in ana.instances(definition="card", variables={"client.name": "Ana", "n": 1}).items] == [
        instance
    ]
    assert ana.instances(definition="card", variables={"client.name": "Bob"}).items == []


def test_the_same_name_in_another_process_can_be_searched_for(engine, ana):
    engine.start("card", DATA)
    instance = engine.start("open", {"pin": PIN}).id
    assert [line.id for line in ana.instances(definition="open", variables={"pin": PIN}).items] == [instance]
    with pytest.raises(CommandRejected, match="name the process"):
        ana.instances(variables={"pin": PIN})
    assert len(ana.instances(variables={"n": 1}).items) == 1, "which is sensitive nowhere"


def test_it_counts_for_the_version_that_is_searched_in(engine, ana):
    engine.start("open", {"pin": PIN})
    secret = OPEN.build().replace(b'"pin": {}', b'"pin": {"sensitive": true}')
    engine.deploy(("open.bpmn", secret), publish=True)
    engine.start("open", {"pin": PIN})
    assert len(ana.instances(definition="open", version=1, variables={"pin": PIN}).items) == 1
    for version in (None, 2):
        with pytest.raises(CommandRejected):
            ana.instances(definition="open", version=version, variables={"pin": PIN})


def test_text_is_not_looked_for_in_data(engine, ana):
    instance = engine.start("card", DATA, business_key="Order 7").id
    assert [line.id for line in ana.instances(text="order 7").items] == [instance]
    assert ana.instances(text=IBAN).items == ana.instances(text=PIN).items == []


@pytest.mark.parametrize(
    ("path", "sensitive", "wanted"),
    [
        ("a.b", ["a.b"], True),
        ("a", ["a.b"], True),
        ("a.b.c", ["a.b"], True),
        ("a.c", ["a.b"], False),
        ("ab", ["a"], False),
        ("a", ["ab", "b.a"], False),
        ("a", [], False),
        ("", ["a"], False),
    ],
)
def test_which_paths_reveal_something(path, sensitive, wanted):
    assert reveals(path, sensitive) is wanted


def test_masking_copies_only_what_it_masks():
    data = {"a": {"b": 1, "c": [1]}, "d": {"e": 2}}
    result = masked(data, ("a.b", "x.y", "a.c.d"))
    assert result == {"a": {"b": MASK, "c": [1]}, "d": {"e": 2}}
    assert result["d"] is data["d"] and data["a"]["b"] == 1
    assert masked(data, ()) is data


# -- taking it over -----------------------------------------------------------------------------------------------------


def test_it_is_not_laid_open_by_another_process(engine, ana):
    source = engine.start("card", DATA).id
    with pytest.raises(CommandRejected) as refused:
        ana.start("open", inherit_from=source)
    assert refused.value.status == 403
    assert "'cards.number' is sensitive in 'card', and would be open in 'open'" in refused.value.detail
    with pytest.raises(CommandRejected, match=r"client\.iban"):
        ana.start("open", inherit_from=source, params_to_copy=["client", "n"])
    parts = ana.start("open", inherit_from=source, without_params=["client.iban", "pin", "cards"])
    assert parts.variables == {"client": {"name": "Ana"}, "n": 1}
    assert ana.start("open", {"pin": "1"}, inherit_from=source, params_to_copy=["n"]).variables == {"pin": "1", "n": 1}


def test_it_goes_where_it_is_sensitive_too(engine, ana):
    source = engine.start("card", DATA).id
    assert ana.start("card", inherit_from=source).variables == SHOWN
    assert ana.start("safe", inherit_from=source, params_to_copy=["client"]).variables == {"client": MASK}
    assert engine.start("open", inherit_from=source).variables == DATA, "the program may do as it likes"


# -- queries are asked by other programs too ----------------------------------------------------------------------------


def test_the_question_itself_is_refused(engine, ana):
    with pytest.raises(CommandRejected):
        drive(ana._queries.instances(InstanceFilter(variables={"pin": "1"})))
