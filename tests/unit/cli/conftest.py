"""A command line in a folder of its own."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from procession.cli.application import build

EXAMPLES = Path(__file__).parent.parent.parent.parent / "examples"
CARD = str(EXAMPLES / "credit_card" / "credit_card.bpmn")
ORDER = [str(EXAMPLES / "order_fulfilment" / f"{name}.bpmn") for name in ("order_fulfilment", "ship_parcel")]
ANA = '{"client": {"name": "Ana", "income": 2400}}'


class CommandLine:
    """Runs commands; a failure must have been expected."""

    def __init__(self) -> None:
        self._runner, self._app = CliRunner(), build()

    def run(self, *arguments: str, code: int = 0, stdin: str | None = None):
        result = self._runner.invoke(self._app, list(arguments), input=stdin, prog_name="procession")
        assert result.exit_code == code, f"{result.stdout}\n{result.stderr}\n{result.exception!r}"
        assert "Traceback" not in result.output
        return result

    def out(self, *arguments: str, stdin: str | None = None) -> str:
        return self.run(*arguments, stdin=stdin).stdout

    def json(self, *arguments: str, stdin: str | None = None):
        return json.loads(self.run(*arguments, "--json", stdin=stdin).stdout)

    def error(self, *arguments: str, code: int = 1, stdin: str | None = None) -> str:
        result = self.run(*arguments, code=code, stdin=stdin)
        return result.stderr

    def card(self, *more: str):
        """A started credit card application."""
        return self.json("start", "credit_card", "--start-condition", "PF", "--data", ANA, *more)


@pytest.fixture
def line(tmp_path, monkeypatch):
    for variable in [name for name in os.environ if name.startswith("PROCESSION_")]:
        monkeypatch.delenv(variable)
    monkeypatch.chdir(tmp_path)
    return CommandLine()


@pytest.fixture
def cards(line):
    """With the credit card process published."""
    line.run("deploy", CARD, "--publish")
    return line
