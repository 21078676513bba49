"""Tokens of FEEL, found on demand (DMN 1.5, 10.3.1.3 and 10.3.1.4).

FEEL's names may contain blanks and operators, so what a name is depends on the names that are known at that place. The
parser therefore asks for one token at a time: `operand` prefers the longest known name, `operator` never looks for one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

# Rules 27 to 29 list the characters of a name in ranges that are slow to compile. These classes leave out the others of
# ASCII and Latin-1; `_NO_NAME` finds the few beyond, such as typographic quotation marks, in the names that have any.
_NO_PART = r"\s\x00-/:->@\[-^`{-\xb6\xb8-\xbf\xd7\xf7"
_PART = f"[^{_NO_PART}]"
_START = f"[^{_NO_PART}0-9\xb7]"
_LABEL_PART = f"(?:{_PART}|[\\s.\\-/*+'])"
_NO_NAME = re.compile("[\u2000-\u200b\u200e-\u203e\u2041-\u206f\u2190-\u2bff\u3000\ud800-\uf8ff\ufffe\uffff]")
_IDENTIFIER = f"{_START}{_PART}*"

_BLANK = re.compile(r"(?:\s+|//[^\n]*|/\*.*?\*/)+", re.DOTALL)
_TOKEN = re.compile(
    rf"(?P<number>(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r'|(?P<string>"(?:[^"\\]|\\.)*")'
    rf"|(?P<name>{_IDENTIFIER})"
    r"|`(?P<quoted>[^`]+)`"
    r"|(?P<symbol>\.\.|\*\*|<=|>=|!=|->|[-+*/=<>()\[\]{},.:@])",
    re.DOTALL,
)
_LABEL = re.compile(rf"(?P<name>{_START}{_LABEL_PART}*?)\s*(?P<after>[:,()]|$)")
_VARIABLE = re.compile(rf"(?P<name>{_START}{_LABEL_PART}*?)\s+in\b")
_SIMPLE = re.compile(_IDENTIFIER)
_WORD = re.compile(_PART)
_PIECES = re.compile(rf"{_PART}+|\S")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{6})|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "b": "\b", '"': '"', "'": "'", "\\": "\\", "/": "/"}
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff]")


class Token(NamedTuple):
    """A token: its kind (number, string, name, quoted, symbol, end, bad), its text, and where it starts and ends."""

    kind: str
    text: str
    at: int
    end: int


Matcher = Callable[[str, int], "re.Match[str] | None"]


class Lexer:
    """Finds the token at an offset of one text."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def skip(self, at: int) -> int:
        """The offset after blanks and comments."""
        found = _BLANK.match(self.text, at)
        return found.end() if found else at

    def operator(self, at: int) -> Token:
        """The token where an operator may stand."""
        at = self.skip(at)
        found = _TOKEN.match(self.text, at)
        if found is None:
            return Token("bad" if at < len(self.text) else "end", self.text[at : at + 1], at, at)
        kind = found.lastgroup or "bad"
        text = found[kind]
        if kind == "name" and not text.isascii() and (strange := _NO_NAME.search(text)):
            at += strange.start()
            return Token("bad", strange[0], at, at)
        return Token(kind, text, at, found.end())

    def operand(self, at: int, known: Matcher | None) -> Token:
        """The token where an operand may stand: the longest known name, if there is one."""
        at = self.skip(at)
        if known is not None and (found := known(self.text, at)):
            return Token("quoted", one_blank(found[0]), at, found.end())
        return self.operator(at)

    def label(self, at: int) -> tuple[str, str, int, int] | None:
        """A new name that ends before a colon, comma or parenthesis; with what follows, its start and its end."""
        at = self.skip(at)
        found = _LABEL.match(self.text, at)
        return (one_blank(found["name"]), found["after"], at, found.end("name")) if found else None

    def variable(self, at: int) -> tuple[str, int] | None:
        """A new name that ends before the word `in`, and its end."""
        found = _VARIABLE.match(self.text, self.skip(at))
        return (one_blank(found["name"]), found.end("name")) if found else None


def is_simple(name: str) -> bool:
    """Whether the lexer finds this name without knowing it."""
    return _SIMPLE.fullmatch(name) is not None


def one_blank(name: str) -> str:
    """The name with its blanks made regular, so that all its spellings are equal."""
    return " ".join(name.split())


@lru_cache(maxsize=512)
def matcher(names: frozenset[str], functions: frozenset[str] = frozenset()) -> Matcher | None:
    """Finds the longest of these names at an offset, or of these functions where one may stand."""
    patterns = [_pattern(name) for name in _longest_first(names)]
    patterns += [_pattern(name) + _called(name) for name in _longest_first(functions)]
    return re.compile("|".join(patterns)).match if patterns else None


def _longest_first(names: frozenset[str]) -> list[str]:
    return sorted(names, key=lambda name: (-len(name), name))


def _called(name: str) -> str:
    """`date and time` is a function only before its arguments; `string length` may also be passed to another one."""
    return r"(?=\s*\()" if {"and", "or"} & set(name.split()) else r"(?=\s*[(),])"


def _pattern(name: str) -> str:
    """A name with any amount of blanks where it has some, none inside its words."""
    pieces = _PIECES.findall(name)
    pattern = re.escape(pieces[0])
    for before, piece in pairwise(pieces):
        words = _is_word(before) and _is_word(piece)
        pattern += (r"\s+" if words else r"\s*") + re.escape(piece)
    return f"{pattern}(?!{_PART})" if _is_word(pieces[-1]) else pattern


def _is_word(piece: str) -> bool:
    return _WORD.match(piece) is not None


def odd(names: Collection[str]) -> frozenset[str]:
    """Those names that the lexer has to be told."""
    return frozenset(name for name in map(one_blank, names) if name and not is_simple(name))


def unescape(literal: str) -> str:
    """The string that a literal stands for; an unknown escape stays as it is, which regular expressions need."""
    text = literal[1:-1]
    if "\\" not in text:
        return _whole(text)
    return _whole(_ESCAPE.sub(_unescape, text))


def _unescape(found: re.Match[str]) -> str:
    code = found[1] or found[2]
    if code is None:
        return _ESCAPED.get(found[3], found[0])
    number = int(code, 16)
    return chr(number) if number <= 0x10FFFF else "\ufffd"


def _whole(text: str) -> str:
    """Surrogate pairs joined, lone ones replaced: a string that every encoding can carry."""
    if not any("\ud800" <= character <= "\udfff" for character in text):
        return text
    return _PAIR.sub(lambda pair: pair[0].encode("utf-16", "surrogatepass").decode("utf-16", "replace"), text)
