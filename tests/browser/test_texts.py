"""Every text of the application comes from one place: in a language that no one speaks, all that can be read is in brackets."""

from __future__ import annotations

import re

import pytest
from lxml import etree
from playwright.sync_api import Page, expect

from procession.errors import CommandRejected
from procession.testing.builder import process
from tests.acceptance.waiting import until
from tests.browser.browsing import watch
from tests.browser.conftest import EXAMPLES, FILES, NAMES

PSEUDO = "() => localStorage.setItem('procession.language', 'pseudo')"

READ = """() => {
    const found = [document.title]
    const seen = element => element.checkVisibility({ visibilityProperty: true })
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    while (texts.nextNode()) {
        const within = texts.currentNode.parentElement
        // the drawing and the file are data through and through
        if (!within.closest('script, style, noscript, .diagram-host, .xml, .definition-xml, pre, code') && seen(within))
            found.push(texts.currentNode.data)
    }
    for (const name of ['aria-label', 'title', 'placeholder', 'alt', 'aria-valuetext', 'aria-roledescription'])
        for (const element of document.querySelectorAll(`[${name}]`))
            if (!element.closest('.diagram-host') && seen(element)) found.push(element.getAttribute(name))
    return found
}"""

MINE = {
    "letter",
    "Bracket letter",
    "Write it",
    "Check it",
    "Desk",
    "Office",
    "B-1",
    "B-2",
    "Ana Pop",
    "No plastic left.",
}
"""What the test itself puts in."""

ENGINE = {
    "JobFailed",
    "Worker of 'produce-card' failed and no retries are left: No plastic left.",
    "Multiple start nodes found, but start condition not specified.",
    "Send startCondition, one of PF, PJ.",
}
"""What the server says of failures: kept as it was said then, for operators, and never shown to others."""

SHAPES = re.compile(
    r"""
      \d[\d\s.,:/-]*\s?(s|min|h|d|kB|B)\b             # spans and sizes
    | \b(in\s)?\d+\s(second|minute|hour|day)s?(\sago)?\b  # moments, as the browser says them
    | \b(now|today|yesterday|tomorrow|this\sminute)\b
    | \b(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\b | \b(UTC|GMT)\b
    | \bv\d+\b | \b[A-Z]{2}(?=$)                      # versions, initials of people
    """,
    re.VERBOSE,
)
"""Dates, numbers and spans: they follow the language of the browser."""


def said_by_files() -> set[str]:
    """Names, descriptions and keys in the process files and forms."""
    found: set[str] = set()
    for file in FILES:
        for element in etree.parse(file).iter():
            found.update(element.attrib.values())
            said = (element.text or "").strip()
            found.update(filter(None, [said, *re.findall(r'"(\w+)"', said)]))
    for form in EXAMPLES.rglob("*.schema.json"):
        found.update(re.findall(r'"([^"]+)"', form.read_text()))
    found.update(file.name for file in FILES)
    return found


class Reader:
    """Reads pages, and keeps what nobody has translated."""

    def __init__(self, page: Page) -> None:
        self._page = page
        words = {human for each in {*said_by_files(), *NAMES, *MINE, *ENGINE} for human in (each, spaced(each))}
        self._data = sorted((each for each in words if len(each) > 1), key=len, reverse=True)
        self.strange: dict[str, set[str]] = {}

    def open(self, address: str) -> None:
        """Go there, and read once it is all there."""
        self._page.goto(address)
        expect(self._page.locator("h1, .mantine-Modal-body").first).to_be_visible()
        self.read()

    def read(self) -> None:
        """Read what is there by now."""
        self._page.wait_for_load_state("networkidle")
        until(lambda: self._page.locator(".mantine-Skeleton-root").count() == 0)
        for text in self._page.evaluate(READ):
            if rest := self._untranslated(text):
                self.strange.setdefault(rest, set()).add(self._page.url)

    def _untranslated(self, text: str) -> str:
        rest = " ".join(text.split())
        while rest != (rest := re.sub(r"⟦[^⟦⟧]*⟧", " ", rest)):
            pass
        for each in self._data:
            if each in rest:
                rest = re.sub(rf"(?<!\w){re.escape(each)}(?!\w)", " ", rest)
        rest = SHAPES.sub(" ", rest)
        return rest.strip() if re.search(r"[^\W\d_]{2}", rest) else ""


def spaced(name: str) -> str:
    """A name of a field as people read it."""
    words = re.sub(r"([a-z\d])([A-Z])", r"\1 \2", re.sub(r"[_.-]+", " ", name)).lower().strip()
    return words[:1].upper() + words[1:]


def test_no_text_is_hard_coded(site, person, workshop):
    letter = process("letter", "Bracket letter").start("s").user_task("write", name="Write it")
    letter = letter.user_task("check", name="Check it").end()
    letter = letter.lane("Desk", "s", "write", execute="clerk", view="clerk")
    letter = letter.lane("Office", "check", execute="boss", view="clerk")
    site.deploy(("letter.bpmn", letter.build()))
    admin, clerk = site.client("admin"), site.client("clerk")

    def card(reference: str, **filled: object) -> str:
        client = {"name": "Ana Pop", "income": 2400}
        started = clerk.start("credit_card", {"client": client}, start_condition="PF", business_key=reference)
        (task,) = admin.tasks(instance=started.id).items
        if filled:
            admin.complete_task(task.id, filled)
        return started.id

    account = {"iban": "DE02120300000000202051"}
    workshop.break_down("produce-card", "No plastic left.")
    failed = card("B-1", client=account, amount=3000)
    until(lambda: admin.exceptions(failed))
    fresh = card("B-2")
    ended = card("B-2")
    admin.terminate(ended, "B-1")
    checked = clerk.start("letter", business_key="B-1")
    clerk.complete_task(clerk.tasks(instance=checked.id).items[0].id)
    written = clerk.start("letter", business_key="B-2")
    tasks = {each.name: each.id for each in admin.tasks().items}
    with pytest.raises(CommandRejected):
        clerk.start("credit_card")

    for_all = [
        "/start", "/start?q=zzz", "/start/credit_card", "/start/credit_card?at=start_person", f"/start/credit_card?from={fresh}",
        "/start/nothing", "/tasks", "/tasks?scope=free", "/tasks?scope=all", "/tasks?q=zzz",
        *(f"/tasks/{task}" for task in tasks.values()), "/tasks/12345",
        "/requests", "/requests?show=finished", f"/requests/{failed}", f"/requests/{ended}", f"/requests/{written.id}",
        "/instances", "/instances?q=zzz", "/instances?definition=credit_card",
        *(f"/instances/{failed}?tab={tab}" for tab in ("variables", "tokens", "subprocesses", "exceptions", "waits", "audit")),
        f"/instances/{failed}?view=list&node=produce_card", f"/instances/{failed}?at=2", f"/instances/{ended}",
        "/definitions", "/definitions?q=zzz",
        *(f"/definitions/credit_card?tab={tab}" for tab in ("versions", "steps", "access", "data", "xml")),
        "/definitions/letter?tab=data", "/definitions/order_fulfilment?tab=steps&view=list", "/nowhere",
    ]  # fmt: skip
    strange: dict[str, set[str]] = {}
    for name in ("admin", "clerk"):
        page = person(name)
        watch(page).expect(r"404 .*/api/", r"400 .*/api/", r"403 .*/api/")
        page.evaluate(PSEUDO)
        reader = Reader(page)
        for address in for_all:
            reader.open(address)
        if name == "admin":
            for address in ("/failed-starts", "/definitions/import"):
                reader.open(address)
            operate(page, reader, failed)
        page.goto("/start")
        expect(page.locator("h1")).to_be_visible()
        page.keyboard.press("?")
        expect(page.get_by_role("dialog")).to_be_visible()
        reader.read()
        page.keyboard.press("Escape")
        page.keyboard.press("Control+k")
        page.locator("input.mantine-Spotlight-search").fill("B-1")
        reader.read()
        page.keyboard.press("Escape")
        expect(page.locator("input.mantine-Spotlight-search")).to_have_count(0)
        page.locator(".account").click()
        expect(page.get_by_role("menu")).to_be_visible()
        reader.read()
        page.get_by_role("menuitem").last.click()
        expect(page.locator("input[name=password]")).to_be_visible()
        reader.read()
        for text, places in reader.strange.items():
            strange.setdefault(text, set()).update(places)
    workshop.mend("produce-card")
    assert not strange, "\n".join(f"{text!r}: {sorted(places)[0]}" for text, places in sorted(strange.items()))


def operate(page: Page, reader: Reader, failed: str) -> None:
    """Look into each dialog of the status page."""
    page.goto(f"/instances/{failed}")
    expect(page.locator(".page-actions button").first).to_be_visible()
    for number in range(page.locator(".page-actions button").count()):
        page.locator(".page-actions button").nth(number).click()
        expect(page.get_by_role("dialog")).to_be_visible()
        reader.read()
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
