"""The commands and programs of the documents are run, and answer as it is written there."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.unit.cli.conftest import EXAMPLES

ROOT = EXAMPLES.parent
DOCS = ROOT / "docs"
BLOCK = re.compile(r"^```(console|python|text)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
ID = r"\d{15,20}"
VARYING = re.compile(
    rf"(?P<id>{ID})|(?P<day>\d{{4}}-\d\d-\d\d )|(?P<time>\d\d:\d\d:\d\d)|(?P<booking>H-\d{{4}})|(?P<gap>  +)"
)


class Reader:
    """Somebody who types what stands on a page. Ids differ each time; what is called X there is known by its own id here."""

    def __init__(self, line) -> None:
        self.line = line
        self.ids: dict[str, str] = {}
        self.programs: list[subprocess.Popen[str]] = []

    def type(self, block: str) -> None:
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, expected = part.partition("\n")
            self.run(re.sub(ID, lambda found: self.ids[found[0]], command), expected)

    def run(self, command: str, expected: str) -> None:
        words = shlex.split(command)
        if words[0] == "python":
            program = subprocess.Popen(
                [sys.executable, *words[1:]], env=environment(), stdout=subprocess.PIPE, text=True, bufsize=1
            )
            self.programs.append(program)
            assert program.stdout is not None
            for wanted in expected.splitlines():
                assert program.stdout.readline() == wanted + "\n"
            return
        assert words[0] == "procession"
        deadline = time.monotonic() + 10
        pattern = self.pattern(expected)
        while True:
            answer = self.line.out(*words[1:])
            found = re.fullmatch(pattern, answer)
            if found or words[1] != "history" or time.monotonic() > deadline:
                break
            time.sleep(0.05)  # the worker is still at it
        assert found, f"$ {command}\n{answer}\ninstead of\n{expected}"
        for name, value in found.groupdict().items():
            self.ids.setdefault(name.removeprefix("id"), value)

    def pattern(self, expected: str) -> str:
        seen: set[str] = set()
        return "".join(self.row(row, seen) for row in expected.splitlines())

    def row(self, row: str, seen: set[str]) -> str:
        if row == "…":
            return r"(?:.*\n)*?"
        result, position = "", 0
        cut = row.endswith("…")
        for found in VARYING.finditer(row.removesuffix("…")):
            result += re.escape(row[position : found.start()])
            position = found.end()
            text = found[0]
            if found["id"]:
                if text in self.ids:
                    result += self.ids[text]
                else:
                    result += f"(?P=id{text})" if text in seen else f"(?P<id{text}>{ID})"
                    seen.add(text)
            elif found["day"]:
                result += r"\d{4}-\d\d-\d\d "
            elif found["time"]:
                result += r"\d\d:\d\d:\d\d"
            elif found["booking"]:
                result += r"H-\d{4}"
            else:
                result += " +"
        result += re.escape(row.removesuffix("…")[position:])
        return result + (r".*\n" if cut else r"\n")


def environment():
    return {**os.environ, "PYTHONPATH": str(ROOT / "src")}


@pytest.fixture
def reader(line, tmp_path):
    shutil.copy(DOCS / "tutorial" / "holiday.bpmn", tmp_path)
    shutil.copytree(EXAMPLES, tmp_path / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    reader = Reader(line)
    yield reader
    for program in reader.programs:
        program.terminate()
        program.communicate(timeout=20)
        assert program.returncode == 0


def blocks(page):
    return BLOCK.findall((DOCS / page).read_text(encoding="utf-8"))


def run_program(text: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", text], env=environment(), check=True, capture_output=True, text=True, timeout=60
    ).stdout


def test_the_tutorial(reader):
    found = blocks("tutorial/first-process.md")
    programs = [text for kind, text in found if kind == "python"]
    Path("worker.py").write_text(programs[0])
    for kind, text in found:
        if kind == "console":
            reader.type(text)
    assert run_program(programs[1]) == [text for kind, text in found if kind == "text"][-1]


def test_repairing_an_instance(reader):
    said = ["would give up a job: Pick item", "404 Process instance not found."]
    for kind, text in blocks("howto/repair-an-instance.md"):
        if kind == "console":
            reader.type(text)
        else:
            assert run_program(text).rstrip().endswith(said.pop(0))
    assert not said


def test_embedding(reader):
    """All programs of the page are one that goes on."""
    lines = run_program("\n".join(text for kind, text in blocks("howto/embed.md") if kind == "python")).splitlines()
    assert lines[0].startswith("1 ")
    assert lines[0].endswith(" system start 5") or " system start " in lines[0]


def test_writing_a_worker(reader):
    for _, text in blocks("howto/write-a-worker.md"):
        run_program(text.replace("worker.run()", "pass"))


def test_every_command_and_option_is_in_the_reference(line):
    page = (DOCS / "reference" / "cli.md").read_text()
    commands = [part.split()[0] for part in line.out("--help").partition("Commands:")[2].splitlines() if part.strip()]
    for command in commands:
        assert f"`{command}" in page, command
        for option in re.findall(r"--[a-z-]+", line.out(command, "--help").partition("Options:")[2]):
            assert option in page or option == "--help", f"{command} {option}"


def test_the_python_reference_names_what_there_is():
    page = (DOCS / "reference" / "python.md").read_text()
    from procession import Engine, Worker

    for kind in (Engine, Worker):
        for name in vars(kind):
            if not name.startswith("_"):
                assert f"{name}" in page, f"{kind.__name__}.{name}"
