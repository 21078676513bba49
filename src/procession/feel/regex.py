"""Regular expressions of XPath (DMN 1.5, Table 74), as far as Python's have them.

Python's matcher backtracks and cannot be interrupted. So that a pattern cannot stop a node:

- patterns and texts are limited in length;
- an unbounded repetition of something that itself varies in length or choice is refused, since it may take exponential
  time: `(a+)+`, `(a|b)*`;
- what remains is polynomial. Its degree is estimated as the longest chain of repetitions that can take each other's
  characters, and the length of the text is limited accordingly.

This is a guard, not a proof.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from procession.feel.limits import MAX_TEXT, bounded
from procession.feel.reasons import fail

MAX_PATTERN = 1000
MAX_INPUT = 100_000
MAX_CHOICES = 100_000
MAX_WORK = 2 * 10**8  # steps of the matcher; some seconds at the very worst

_FLAGS = {"s": re.DOTALL, "m": re.MULTILINE, "i": re.IGNORECASE, "x": re.NOFLAG}
_CLASS = r"\[\^?\]?(?:\\.|[^\]\\])*\]"
_PIECE = re.compile(
    rf"(?P<quantifier>(?:[*+?]|\{{[0-9]+(?:,[0-9]*)?\}})[?+]?)|(?P<open>\((?:\?(?:[:=!]|<[=!]))?)|(?P<close>\))"
    rf"|(?P<choice>\|)|(?P<anchor>\^|\$|\\[bBAZ])|(?P<atom>\\.|{_CLASS}|.)",
    re.DOTALL,
)
_BLANK_OR_PIECE = re.compile(rf"\\.|{_CLASS}|\s+|.", re.DOTALL)
_REFERENCE = re.compile(r"\\(.)|\$([0-9]+)|([\\$])", re.DOTALL)
_SAMPLE = frozenset(map(chr, range(256)))  # tells which atoms have characters in common


class RefusedError(Exception):
    """The pattern may take too long."""


def compile_pattern(pattern: str, flags: str, text: str) -> re.Pattern[str] | None:
    """The compiled pattern, or null if it is no pattern or may take too long for this text."""
    found = _compiled(pattern, flags) if len(pattern) <= MAX_PATTERN else "it is too long"
    if isinstance(found, str):
        fail("the regular expression {} is refused: " + found.replace("{", "{{").replace("}", "}}"), pattern)
        return None
    compiled, degree = found
    if len(text) > MAX_INPUT or len(text) ** degree > MAX_WORK:
        fail(f"a text of {len(text)} characters is too long for the regular expression {{}}", pattern)
        return None
    return compiled


@lru_cache(maxsize=256)
def _compiled(pattern: str, flags: str) -> tuple[re.Pattern[str], int] | str:
    """The pattern with the degree of its effort, or why it is refused."""
    options = re.NOFLAG
    for flag in flags:
        if flag not in _FLAGS:
            return f"there is no flag '{flag}'"
        options |= _FLAGS[flag]
    if "x" in flags:
        pattern = "".join(piece for piece in _BLANK_OR_PIECE.findall(pattern) if not piece.isspace())
    try:
        compiled = re.compile(pattern, options)
        return compiled, _degree(pattern, options)
    except (re.error, RefusedError, OverflowError, RecursionError) as problem:
        return str(problem)


def _degree(pattern: str, options: re.RegexFlag) -> int:
    """The power of the text's length that bounds the effort."""
    chain = longest = 0
    taken: frozenset[str] = frozenset()  # by the repetitions of the chain
    choices = 1  # of the bounded repetitions that can take each other's characters
    chosen: frozenset[str] = frozenset()  # by these
    characters = _SAMPLE  # of the piece before
    varies = [False]  # for each open group
    repeatable = False  # whether the piece before may be repeated without end
    pieces = [(found.lastgroup, found[0]) for found in _PIECE.finditer(pattern)]
    for position, (kind, piece) in enumerate(pieces):
        following = pieces[position + 1] if position + 1 < len(pieces) else ("", "")
        if kind == "open":
            varies.append(False)
        elif kind == "close":
            inner = varies.pop() if len(varies) > 1 else False
            varies[-1] |= inner
            characters, repeatable = _SAMPLE, not inner
        elif kind == "choice":
            varies[-1] = True
        elif kind == "atom":
            characters, repeatable = _characters(piece, options), not piece[1:].isdigit()
            if following[0] != "quantifier" and not characters & taken:
                chain, taken = 0, frozenset()
        elif kind == "quantifier":
            varies[-1] = True
            most = _most(piece)
            if most is not None:
                choices = (choices if characters & chosen else 1) * (
                    _choices(piece, most) if repeatable else 2 ** min(most, 64)
                )
                chosen |= characters
                if choices > MAX_CHOICES:
                    raise RefusedError("it leaves too many choices")
                continue
            if not repeatable:
                raise RefusedError("it repeats without end what itself varies")
            chain, taken = (chain + 1, taken | characters) if characters & taken else (1, characters)
            longest = max(longest, chain)
    return longest + (0 if pattern.startswith("^") else 1)


@lru_cache(maxsize=1024)
def _characters(atom: str, options: re.RegexFlag) -> frozenset[str]:
    """The characters of the sample that the atom matches; all of them if it is of another kind."""
    if atom.startswith("\\") and atom[1:].isdigit():
        return _SAMPLE
    one = re.compile(atom, options)
    return frozenset(filter(one.fullmatch, _SAMPLE)) or _SAMPLE


def _most(quantifier: str) -> int | None:
    """How often it may repeat; null when without end, or so often that it makes no difference."""
    if quantifier[0] in "*+":
        return None
    if quantifier[0] == "?":
        return 1
    least, comma, most = quantifier.strip("{}?+").partition(",")
    if not comma:
        return int(least) if int(least) <= 100 else None
    return int(most) if most and int(most) <= 100 else None


def _choices(quantifier: str, most: int) -> int:
    """How many lengths a bounded repetition may have."""
    return 1 if quantifier[0] == "{" and "," not in quantifier else most + 1


def replace(compiled: re.Pattern[str], text: str, replacement: str) -> Any:
    """Each match replaced; a pattern that matches the empty string is an error in XPath."""
    if compiled.search(""):
        return fail("replace: the regular expression {} matches the empty string", compiled.pattern)
    parts = _template(replacement, compiled.groups)
    if parts is None:
        return fail("replace: {} is not a replacement", replacement)
    made: list[str] = []
    length = position = 0
    for match in compiled.finditer(text):
        new = "".join(part if isinstance(part, str) else match[part] or "" for part in parts)
        made += (text[position : match.start()], new)
        position = match.end()
        length += len(new)
        if length > MAX_TEXT:
            break
    return bounded("".join(made) + text[position:])


def _template(replacement: str, groups: int) -> list[str | int] | None:
    """The pieces of a replacement: text, and numbers of groups; `$12` is group 1 and a 2 where there is no group 12."""
    parts: list[str | int] = []
    position = 0
    for found in _REFERENCE.finditer(replacement):
        parts.append(replacement[position : found.start()])
        position = found.end()
        if found[2]:
            parts += _reference(found[2], groups)
        elif found[1] and found[1] in "\\$":
            parts.append(found[1])
        else:
            return None
    return [*parts, replacement[position:]]


def _reference(digits: str, groups: int) -> list[str | int]:
    length = min(len(digits), 3)
    while length > 1 and int(digits[:length]) > groups:
        length -= 1
    number = int(digits[:length])
    return [number if number <= groups else "", digits[length:]]


def split(compiled: re.Pattern[str], text: str) -> list[str]:
    """The parts between the matches, groups not among them."""
    parts = []
    position = 0
    for match in compiled.finditer(text):
        if match.end() > match.start():
            parts.append(text[position : match.start()])
            position = match.end()
    return [*parts, text[position:]]
