"""What the documents promise: the program on the first page runs, and links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from procession.api.application import operations

ROOT = Path(__file__).parents[1]
PAGES = sorted(path for path in ROOT.glob("**/*.md") if not {".venv", ".venv-bench", "node_modules"} & set(path.parts))
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")


def test_the_program_on_the_first_page_runs(tmp_path, monkeypatch, capsys):
    program = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert program
    store = f"sqlite:///{tmp_path}/orders.db"
    text = program[1].replace("sqlite:///orders.db", store).replace('"examples/', f'"{ROOT}/examples/')
    names: dict[str, object] = {}
    exec(compile(text, "README.md", "exec"), names)
    names["engine"].close()
    assert "STARTED" in capsys.readouterr().out


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    dead = [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()]
    assert not dead


def test_every_call_of_the_api_is_on_its_page():
    page = (ROOT / "docs" / "reference" / "http.md").read_text()
    for each in operations(development=True):
        assert f"`{each.method} {each.path}`" in page, f"{each.method} {each.path} is not in docs/reference/http.md"
