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

from functools import lru_cache
from os.path import dirname, join
from typing import Protocol, cast

NAME = "\n-- name: "
IF = "-- if "


class _Loader(Protocol):
    def get_data(self, path: str) -> bytes: ...


def read(path: str) -> str:
    """A file of the package's `sql` folder.

    Asked of the module's loader and not of `importlib.resources`, whose import alone takes as long as opening a store.
    """
    data = cast(_Loader, __spec__.loader).get_data(join(dirname(__file__), "sql", *path.split("/")))
    return data.decode().replace("\r\n", "\n")


def parse(text: str) -> dict[str, str]:
    """The statements of a file, by name. What is said about them stays in the file."""
    _, *parts = text.split(NAME)
    statements = {}
    for part in parts:
        name, *lines = part.split("\n")
        statements[name] = "\n".join(line for line in lines if not line.startswith("--")).strip()
    return statements


def load(path: str) -> dict[str, str]:
    """The named statements of a file of the `sql` folder."""
    return parse(read(path))


@lru_cache(maxsize=512)
def asked(statement: str, *words: str) -> str:
    """The statement with those optional lines whose word is among `words`."""
    lines = []
    for line in statement.split("\n"):
        sql, optional, word = line.partition(IF)
        if not optional or word in words:
            lines.append(sql.rstrip())
    return "\n".join(lines)
