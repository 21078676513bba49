"""Forms on the command line: they lie beside the process, and go where it goes."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import pytest

from procession.cli.watch import changed
from procession.testing import process
from tests.unit.cli.conftest import CARD

FORMS = ("application", "contract", "review")


@pytest.fixture
def folder(line) -> Path:
    shutil.copytree(Path(CARD).parent, "card")
    return Path("card")


def test_deploy_takes_the_forms_along(line, folder):
    line.run("deploy", "card/credit_card.bpmn")
    line.run("deploy", "card/credit_card.bpmn", *(f"card/forms/{name}.schema.json" for name in FORMS))
    (definition,) = line.json("definitions")["items"]
    assert (definition["version"], definition["file"]) == (1, "credit_card.bpmn")
    form = folder / "forms" / "review.schema.json"
    form.write_bytes(form.read_bytes() + b"\n")
    line.run("deploy", "card/credit_card.bpmn")
    assert [each["version"] for each in line.json("definitions")["items"]] == [2, 1]


def test_problems_name_the_form_as_an_editor_finds_it(line, folder):
    (folder / "forms" / "review.schema.json").write_text("{")
    assert line.error("deploy", "card/credit_card.bpmn").startswith(
        "card/forms/review.schema.json: The form is not JSON"
    )
    result = line.run("lint", "card/credit_card.bpmn", code=1)
    assert "card/forms/review.schema.json: The form is not JSON" in result.stdout
    assert "1 file: 1 error, 0 warnings" in result.stdout


def test_lint_says_which_forms_are_not_there(line, folder):
    (folder / "forms" / "review.schema.json").unlink()
    text = line.out("lint", "card/credit_card.bpmn")
    assert "card/credit_card.bpmn: warning: The form 'forms/review.schema.json' is not beside the file" in text
    assert "1 file: 0 errors, 1 warning" in text


def states(line, *more: str) -> list[tuple[str, int, str, str]]:
    return [(d["name"], d["version"], d["state"], d["digest"]) for d in line.json("definitions", *more)["items"]]


def test_a_bundle_carries_the_forms_of_every_version(line, folder):
    form = folder / "forms" / "review.schema.json"
    line.run("deploy", "--publish", "card/credit_card.bpmn")
    form.write_bytes(form.read_bytes() + b"\n")
    line.run("deploy", "--publish", "card/credit_card.bpmn")
    form.unlink()
    line.run("deploy", "card/credit_card.bpmn")
    Path("up.bpmn").write_bytes(process("up").start().user_task("t", form="../a.json").end().build())
    Path("a.json").write_text('{"title": "up"}')
    line.run("deploy", "up.bpmn", "a.json")
    line.run("export", "-o", "all.zip")
    other = ("--store", "sqlite:///other.db")
    line.run("import", "all.zip", *other)
    assert states(line, *other) == states(line)
    line.run("export", "-o", "again.zip", *other)
    assert Path("again.zip").read_bytes() == Path("all.zip").read_bytes()
    line.run("import", "all.zip", *other)
    assert states(line, *other) == states(line), "nothing is new"


def test_a_file_with_two_processes_is_exported_with_the_forms_of_both(line):
    one = process("one").start().user_task("t", form="a.json").end().build()
    two = process("two").start("s2").user_task("t2", form="b.json").end("e2").build()
    start, end = two.index(b"<bpmn:process"), two.index(b"</bpmn:process>") + len(b"</bpmn:process>")
    Path("both.bpmn").write_bytes(one.replace(b"</bpmn:process>", b"</bpmn:process>" + two[start:end], 1))
    Path("a.json").write_text("{}")
    Path("b.json").write_text('{"title": "b"}')
    line.run("deploy", "both.bpmn")
    Path("b.json").write_text('{"title": "b2"}')
    line.run("deploy", "both.bpmn")
    Path("a.json").unlink()
    line.run("deploy", "both.bpmn")
    assert [(name, version) for name, version, _, _ in states(line)] == [("one", 2), ("one", 1), ("two", 2), ("two", 1)]
    line.run("export", "-o", "all.zip")
    line.run("import", "all.zip", "--store", "sqlite:///other.db")
    assert states(line, "--store", "sqlite:///other.db") == states(line)


def test_a_zip_without_a_manifest_may_have_forms(line, folder):
    with zipfile.ZipFile("any.zip", "w") as archive:
        for path in [folder / "credit_card.bpmn", *sorted((folder / "forms").iterdir())]:
            archive.write(path)
    line.run("import", "any.zip")
    line.run("deploy", CARD)
    assert [version for _, version, _, _ in states(line)] == [1]
    with zipfile.ZipFile("any.zip", "a") as archive:
        archive.writestr("unused.json", "{}")
    assert "No process of the bundle refers to this form." in line.error("import", "any.zip")


def test_a_changed_form_is_seen(line, folder):
    seen = dict(changed(folder, {}))
    assert list(seen) == [folder / "credit_card.bpmn"]
    assert list(changed(folder, seen)) == []
    form = folder / "forms" / "review.schema.json"
    for change in (lambda: form.write_text(json.dumps({"title": "new"})), form.unlink, lambda: form.write_text("{}")):
        change()
        ((file, stamp),) = changed(folder, seen)
        assert file == folder / "credit_card.bpmn"
        seen[file] = stamp
        assert list(changed(folder, seen)) == []
    (folder / "forms" / "other.json").write_text("{}")
    assert list(changed(folder, seen)) == []
