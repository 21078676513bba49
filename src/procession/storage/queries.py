"""SQL lives in files: named statements, each with a line that says what it is for.

    -- name: open_orders
    -- The orders of a customer that are not paid, newest first.
    SELECT id FROM orders
    WHERE paid = 0
        AND customer = :customer    -- if customer
    ORDER BY id DESC

`load` gives them by name. A line that ends in `-- if WORD` stays only if `asked` is given the word: a filter that
nobody asked for costs nothing, and no SQL is put together from pieces of Python.
"""

from __future__ import annotations

import re
from functools import lru_cache
from os.path import dirname, join
from typing import Protocol, cast

HEADING = re.compile(r"^-- ==.*", re.MULTILINE)
NAME = re.compile(r"^-- name: (\w+)\n((?:--.*\n)*)", re.MULTILINE)
IF = re.compile(r"^(?P<sql>.*?)\s*-- if (?P<word>\w+)$")


class _Loader(Protocol):
    def get_data(self, path: str) -> bytes: ...


def read(path: str) -> str:
    """A file of the package's `sql` folder.

    Asked of the module's loader and not of `importlib.resources`, whose import alone takes as long as opening a store.
    """
    return cast(_Loader, __spec__.loader).get_data(join(dirname(__file__), "sql", *path.split("/"))).decode()


def parse(text: str) -> dict[str, str]:
    """The statements of a file, by name."""
    _, *parts = NAME.split(HEADING.sub("", text))
    names, statements = parts[0::3], parts[2::3]
    return {name: statement.strip() for name, statement in zip(names, statements, strict=True)}


def load(path: str) -> dict[str, str]:
    """The named statements of a file of the `sql` folder."""
    return parse(read(path))


@lru_cache(maxsize=512)
def asked(statement: str, *words: str) -> str:
    """The statement with those optional lines whose word is among `words`."""
    lines = []
    for line in statement.splitlines():
        optional = IF.match(line)
        if optional is None:
            lines.append(line)
        elif optional["word"] in words:
            lines.append(optional["sql"])
    return "\n".join(lines)
