"""The page at /api/docs: it works under a strict content security policy, offline, and never makes markup of what it was told."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from importlib.resources import files

import pytest

STATIC = files("procession.api") / "static"


def text(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf-8")


class Elements(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


PAGE = Elements(text("docs.html")).found


def test_it_loads_its_own_files_only():
    loaded = [
        attributes.get("src") or attributes.get("href") or ""
        for tag, attributes in PAGE
        if tag in {"script", "link", "img"}
    ]
    served = [address for address in loaded if not address.startswith("data:")]
    assert sorted(served) == ["/api/docs/docs.css", "/api/docs/docs.js"]
    assert all((STATIC / address.rpartition("/")[2]).is_file() for address in served)
    for name in ("docs.css", "docs.js"):
        assert not re.search(r"(https?:)?//\w[\w.-]*\.\w|@import|url\(", text(name))


def test_nothing_in_it_is_inline():
    for tag, attributes in PAGE:
        assert tag != "style"
        assert tag != "script" or attributes.get("src")
        assert not [name for name in attributes if name.startswith("on") or name == "style"], tag


@pytest.mark.parametrize(
    "maker",
    ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "DOMParser", "eval(", "Function(", "srcdoc"],
)
def test_what_it_was_told_stays_text(maker):
    assert maker not in text("docs.js")


def test_every_element_that_it_asks_for_is_there():
    there = {attributes["id"] for _, attributes in PAGE if "id" in attributes}
    asked = set(re.findall(r'byId\("([\w-]+)"\)', text("docs.js")))
    assert asked
    assert asked <= there


def test_every_control_has_a_label():
    labelled = {attributes["for"] for tag, attributes in PAGE if tag == "label"}
    assert {attributes["id"] for tag, attributes in PAGE if tag == "input"} == labelled


def test_both_schemes_have_every_color():
    light, dark = (
        set(re.findall(r"(--[\w-]+): #", part)) for part in text("docs.css").split("prefers-color-scheme: dark", 1)
    )
    assert light == dark


def luminance(color: str) -> float:
    parts = [int(color[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


GROUNDS = ("paper", "raised", "code")
COLORED = ("accent", "get", "post", "patch", "delete")
PAIRS = [
    *((ink, ground, 4.5) for ink in ("ink", "dim", "bad", *COLORED) for ground in GROUNDS),
    *((ink, "tint", 4.5) for ink in ("ink", *COLORED)),
    *((ink, f"{ink}-tint", 4.5) for ink in ("good", "bad", "warn")),
    ("on-accent", "accent", 4.5),
    ("edge", "paper", 3.0),
    ("edge", "raised", 3.0),
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "ground", "least"), PAIRS)
def test_its_contrast_is_enough(scheme, ink, ground, least):
    light, dark = text("docs.css").split("prefers-color-scheme: dark", 1)
    colors = dict(re.findall(r"--([\w-]+): #([0-9a-f]{6})", light if scheme == "light" else dark))
    one, other = sorted((luminance(colors[ink]), luminance(colors[ground])), reverse=True)
    assert (one + 0.05) / (other + 0.05) >= least
