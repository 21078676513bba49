"""Forms of a version: how they are found, what makes a new version, and what screens get of them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from procession import Engine
from procession.engine.codec import decode
from procession.errors import CommandRejected, InvalidDefinition
from procession.runtime.definitions import digest_of
from procession.runtime.files import Shelf, forms_beside, gathered
from procession.runtime.views import to_dict
from procession.testing import process

FORM = b'{"title": "Review", "properties": {"amount": {"multipleOf": 0.10}}}'


def order(*keys: str, name: str = "order") -> bytes:
    made = process(name).start()
    for number, key in enumerate(keys):
        made = made.user_task(f"t{number}", form=key)
    return made.end().build()


@pytest.fixture(params=["memory", "sqlite"])
def engine(request, tmp_path):
    store = "memory:" if request.param == "memory" else f"sqlite:///{tmp_path}/forms.db"
    with Engine(store) as found:
        yield found


def problems(engine, *files: tuple[str, bytes]) -> list[tuple[str, str]]:
    with pytest.raises(InvalidDefinition) as refused:
        engine.deploy(*files)
    assert engine.definitions() == []
    assert all(problem.severity == "error" for problem in refused.value.problems)
    return [(problem.file, problem.message) for problem in refused.value.problems]


# -- in a bundle ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "file", "names", "found"),
    [
        ("f/a.json", "p.bpmn", ["f/a.json", "a.json"], "f/a.json"),
        ("f/a.json", "x/p.bpmn", ["f/a.json", "x/f/a.json"], "x/f/a.json"),
        ("f/a.json", "x/p.bpmn", ["f/a.json", "y/f/a.json"], "f/a.json"),
        ("f/a.json", "x/p.bpmn", ["y/f/a.json"], None),
        ("f/a.json", "p.bpmn", ["a.json", "g/a.json"], "a.json"),
        ("f/a.json", "x/p.bpmn", ["x/a.json", "a.json"], "x/a.json"),
        ("../a.json", "x/p.bpmn", ["a.json"], "a.json"),
        ("../a.json", "x/y/p.bpmn", ["x/a.json"], None),
        ("./f//a.json", "p.bpmn", ["f/a.json"], "f/a.json"),
        ("f/a.json", "p.bpmn", ["f\\a.json"], "f\\a.json"),
        ("f/a.json", "p.bpmn", ["f/A.json"], None),
        ("review", "p.bpmn", ["review.json"], None),
    ],
)
def test_a_form_is_found_by_what_the_process_calls_it(key, file, names, found):
    assert Shelf(names).find(key, file) == found


def test_each_process_gets_the_forms_that_it_refers_to(engine):
    files = ("a/p.bpmn", order("f.json")), ("b/p.bpmn", order("f.json", "g.json", name="bill"))
    forms = ("a/f.json", b'{"title": "a"}'), ("b/f.json", b'{"title": "b"}'), ("g.json", FORM)
    one, two = engine.deploy(*forms, *files)
    assert [one.file, two.file] == ["p.bpmn", "p.bpmn"]
    assert engine.definition_form("order", "f.json") == b'{"title": "a"}'
    assert engine.definition_form("bill", "f.json") == b'{"title": "b"}'
    assert engine.definition_form("bill", "g.json") == FORM
    detail = to_dict(engine.definition("bill"))
    assert detail["forms"] == [{"key": "f.json", "nodes": ["t0"]}, {"key": "g.json", "nodes": ["t1"]}]
    with pytest.raises(CommandRejected, match=r"Form not found.*no form 'g.json'"):
        engine.definition_form("order", "g.json")


def test_a_form_may_be_missing(engine):
    engine.deploy(("p.bpmn", order("forms/a.json", "elsewhere", "b.json")), ("b.json", FORM))
    assert [form.key for form in engine.definition("order").forms] == ["b.json"]


def test_what_is_wrong_with_forms_is_told_at_once_and_nothing_is_added(engine):
    told = problems(
        engine,
        ("p.bpmn", order("a.json", "b.json", "c.json")),
        ("a.json", b"{"),
        ("b.json", b'{"$ref": "http://example.com/x"}'),
        ("c.json", FORM),
        ("unused.json", FORM),
    )
    assert [file for file, _ in told] == ["a.json", "b.json", "unused.json"]
    assert "not JSON" in told[0][1]
    assert "leads nowhere" in told[1][1]
    assert told[2][1] == "No process of the bundle refers to this form."


def test_two_forms_of_one_name_are_refused(engine):
    files = ("p.bpmn", order("a.json")), ("a.json", FORM)
    assert problems(engine, *files, ("a.json", b"{}")) == [("a.json", "Two different forms have this name.")]
    engine.deploy(*files, ("a.json", FORM))


def test_a_form_without_a_process_is_refused(engine):
    assert problems(engine, ("a.json", FORM)) == [("a.json", "No process of the bundle refers to this form.")]


def test_of_a_process_that_cannot_be_read_nobody_knows_its_forms(engine):
    assert {file for file, _ in problems(engine, ("p.bpmn", b"<x/>"), ("a.json", FORM))} == {"p.bpmn"}


# -- versions ---------------------------------------------------------------------------------------------------------


def test_a_changed_form_is_a_new_version_and_the_same_bytes_are_none(engine):
    data = order("a.json", "b.json")
    (bare,) = engine.deploy(("p.bpmn", data))
    assert bare.digest == hashlib.sha256(data).hexdigest()
    (one,) = engine.deploy(("p.bpmn", data), ("a.json", FORM))
    (same,) = engine.deploy(("other/p.bpmn", data), ("other/a.json", FORM))
    (changed,) = engine.deploy(("p.bpmn", data), ("a.json", FORM + b"\n"))
    (more,) = engine.deploy(("p.bpmn", data), ("a.json", FORM), ("b.json", FORM))
    (again,) = engine.deploy(("p.bpmn", data))
    assert [d.version for d in (bare, one, same, changed, more, again)] == [1, 2, 2, 3, 4, 1]
    assert len({d.digest for d in (bare, one, changed, more)}) == 4
    assert one.digest == digest_of(data, {"a.json": FORM})


def test_the_digest_tells_which_form_is_which():
    assert digest_of(b"x", {"a": b"1", "b": b"2"}) == digest_of(b"x", {"b": b"2", "a": b"1"})
    assert digest_of(b"x", {"a": b"1", "b": b"2"}) != digest_of(b"x", {"a": b"2", "b": b"1"})
    assert digest_of(b"x", {"a": b"1"}) != digest_of(b"x", {"b": b"1"})


# -- on a disk --------------------------------------------------------------------------------------------------------


def put(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_forms_beside_a_file_go_along(engine, tmp_path):
    file = put(tmp_path / "p.bpmn", order("forms/a.json", "forms/none.json", "elsewhere"))
    form = put(tmp_path / "forms" / "a.json", FORM)
    (one,) = engine.deploy(file)
    assert (one.file, engine.definition_form("order", "forms/a.json")) == ("p.bpmn", FORM)
    assert engine.deploy(file, form)[0].version == 1, "naming it too changes nothing"
    assert [each.name for each in gathered([file])] == ["p.bpmn", "forms/a.json"]


def test_files_of_several_folders_keep_their_own_forms(engine, tmp_path):
    one = put(tmp_path / "one" / "p.bpmn", order("a.json"))
    two = put(tmp_path / "two" / "p.bpmn", order("a.json", name="bill"))
    three = put(tmp_path / "more" / "one" / "p.bpmn", order("a.json", name="ship"))
    put(tmp_path / "one" / "a.json", b'{"title": "one"}')
    put(tmp_path / "two" / "a.json", b'{"title": "two"}')
    engine.deploy(one, two, three)
    assert engine.definition_form("order", "a.json") == b'{"title": "one"}'
    assert engine.definition_form("bill", "a.json") == b'{"title": "two"}'
    assert engine.definition("ship").forms == [], "it has none beside it"


def test_a_form_that_is_named_need_not_lie_beside(engine, tmp_path):
    file = put(tmp_path / "one" / "p.bpmn", order("../forms/a.json"))
    form = put(tmp_path / "forms" / "a.json", FORM)
    engine.deploy(file, form)
    assert engine.definition_form("order", "../forms/a.json") == FORM


def test_nothing_is_read_outside_of_the_folder(tmp_path):
    put(tmp_path / "secret.json", FORM)
    folder = tmp_path / "in"
    put(folder / "good.json", FORM)
    (folder / "link.json").symlink_to(tmp_path / "secret.json")
    (folder / "up").symlink_to(tmp_path)
    (folder / "inside.json").symlink_to(folder / "good.json")
    (folder / "folder.json").mkdir()
    keys = [
        "../secret.json", str(tmp_path / "secret.json"), "link.json", "up/secret.json", "in/../../secret.json", "inside.json",
        "good.json", "folder.json", "a\\..\\secret.json", "file:///x.json", "p.bpmn", "nothing.json",
    ]  # fmt: skip
    file = put(folder / "p.bpmn", order(*keys))
    assert sorted(forms_beside(file, file.read_bytes())) == ["good.json", "inside.json"]


# -- what screens get -------------------------------------------------------------------------------------------------

MODEL = {
    "title": "Order",
    "type": "object",
    "properties": {
        "client": {"$ref": "#/$defs/person"},
        "amount": {"title": "Amount", "type": "number", "minimum": 0},
        "kind": {"enum": ["new", "old"]},
    },
    "required": ["kind"],
    "$defs": {"person": {"title": "Client", "type": "object", "required": ["name"], "properties": {
        "name": {"title": "Name", "description": "As in the passport", "minLength": 1},
        "born": {"type": "string", "format": "date"}}}},
}  # fmt: skip


def starts_of(engine, made) -> dict[str, object]:
    engine.deploy(("p.bpmn", made.build()), publish=True)
    return {start["node"]: start for start in to_dict(engine.definition(made.name))["starts"]}


def test_a_start_screen_is_made_of_the_parameters_and_what_the_data_model_says_of_them(engine):
    params = {
        "client.name": "string",
        "client.born": None,
        "amount": "integer",
        "extra.deep.flag": "boolean",
        "kind": None,
    }
    made = process("order").start("s", params=params, mandatory=["client.name", "amount"]).end()
    schema = starts_of(engine, made.data_model(json.dumps(MODEL)))["s"]["schema"]
    assert schema == {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "client": {
                "title": "Client",
                "type": "object",
                "properties": {
                    "name": {"title": "Name", "description": "As in the passport", "minLength": 1, "type": "string"},
                    "born": {"type": "string", "format": "date"},
                },
                "required": ["name"],
            },
            "amount": {"title": "Amount", "type": "integer", "minimum": 0},
            "extra": {
                "type": "object",
                "properties": {"deep": {"type": "object", "properties": {"flag": {"type": "boolean"}}}},
            },
            "kind": {"enum": ["new", "old"]},
        },
        "required": ["client", "amount"],
        "$defs": MODEL["$defs"],
    }
    assert list(schema["properties"]) == ["client", "amount", "extra", "kind"], "in the order of the file"


def test_a_whole_object_and_parts_of_it_may_be_parameters(engine):
    made = process("order").start("s", params={"client": "object", "client.name": "string"}, mandatory=["client.name"])
    schema = starts_of(engine, made.end().data_model(json.dumps(MODEL)))["s"]["schema"]
    assert list(schema["properties"]["client"]["properties"]) == ["name", "born"]
    assert schema["properties"]["client"]["required"] == ["name"]
    made = process("more").start("s", params={"client": "object", "client.new": "string"}, mandatory=["client.new"])
    engine.deploy(("p.bpmn", made.end().data_model(json.dumps(MODEL)).build()), publish=True)
    for _ in range(2):
        detail = engine.definition("more")
        assert list(detail.starts[0].schema["properties"]["client"]["properties"]) == ["name", "born", "new"]
        assert detail.data_model == MODEL, "the model stays as it is"
    made = process("back").start("s", params={"client.name": "string", "client": "object"})
    schema = starts_of(engine, made.end().data_model(json.dumps(MODEL)))["s"]["schema"]
    assert list(schema["properties"]["client"]["properties"]) == ["name", "born"]
    made = process("bill").start("s", params={"a.b": "string", "a": "object"}, mandatory=["a"]).end()
    schema = starts_of(engine, made)["s"]["schema"]
    assert schema["properties"] == {"a": {"type": "object", "properties": {"b": {"type": "string"}}}}
    assert schema["required"] == ["a"]


def test_a_start_without_parameters_shows_the_data_model_and_one_by_an_event_nothing(engine):
    made = process("order").start("s").user_task("t").end().start("m", message="go").to("t")
    starts = starts_of(engine, made.data_model(json.dumps(MODEL)))
    assert (starts["s"]["schema"], starts["m"]["schema"]) == (MODEL, None)
    assert starts_of(engine, process("bill").start("s").end())["s"]["schema"] is None


def test_a_start_with_a_form_shows_the_form(engine):
    data = process("order").start("s", form="a.json", params=["x"]).end().build()
    engine.deploy(("p.bpmn", data), ("a.json", FORM))
    (start,) = engine.definition("order").starts
    assert (start.form, start.schema) == ("a.json", decode(FORM))
    assert str(start.schema["properties"]["amount"]["multipleOf"]) == "0.10"
    engine.deploy(("p.bpmn", data))
    (start,) = engine.definition("order", 2).starts
    assert (start.form, list(start.schema["properties"])) == ("a.json", ["x"]), "its form is not there"


def test_what_a_task_asks_for(engine):
    model = {"properties": {"client": {"properties": {"iban": {"sensitive": True}}}}}
    made = process("order").start().user_task("t0", form="a.json").user_task("t1").end()
    engine.deploy(("p.bpmn", made.data_model(json.dumps(model)).build()), ("a.json", FORM), publish=True)
    engine.start("order", {"client": {"iban": "DE02", "name": "Ana"}})
    ana = engine.as_user("ana")
    found = ana.task_form(engine.tasks().items[0].id)
    assert (found.source, found.schema) == ("form", decode(FORM))
    assert found.task == ana.task(found.task.id)
    assert found.data == {"client": {"iban": "***", "name": "Ana"}}
    assert engine.task_form(found.task.id).data["client"]["iban"] == "DE02"
    assert (found.instructions, found.draft, found.draft_date) == ("", None, None)
    engine.complete_task(found.task.id)
    found = ana.task_form(engine.tasks().items[0].id)
    assert (found.source, found.schema) == ("dataModel", model)
    engine.deploy(("p.bpmn", order("elsewhere", name="bill")), publish=True)
    engine.start("bill")
    found = ana.task_form(engine.tasks().items[0].id)
    assert (found.source, found.schema, found.task.form) == (None, None, "elsewhere")


def test_what_is_written_for_people_is_shown(engine):
    root = Path(__file__).parents[3]
    engine.deploy(root / "examples" / "credit_card" / "credit_card.bpmn")
    assert engine.definitions()[0].description == "", "of a draft nobody has asked yet"
    engine.publish("credit_card")
    detail = engine.definition("credit_card")
    assert engine.definitions()[0].description == detail.description
    assert detail.description.startswith("Somebody asks for a credit card.")
    person = next(start for start in detail.starts if start.node == "start_person")
    assert person.description.startswith("Somebody wants a card for themselves.")
    told = {node.id: node.description for node in detail.nodes}
    card = engine.start("credit_card", {"client": {"name": "Ana", "income": 1}}, start_condition="PF")
    assert engine.task_form(engine.tasks(instance=card.id).items[0].id).instructions == told["fill_in"] != ""
    assert told["ready"] == ""
