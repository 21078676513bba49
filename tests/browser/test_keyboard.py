"""Without a mouse: everything is reached, where one is can be seen, and single keys never fire while somebody types."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.waiting import until
from tests.browser.test_definitions import holiday

PERSON = {"client": {"name": "Ana Pop", "income": 2400}}
SEEN = """() => {
    const at = document.activeElement
    if (at === document.body) return null
    const rings = [getComputedStyle(at), getComputedStyle(at, '::after'), getComputedStyle(at.closest('li, tr') ?? at)]
    const width = ring => ring.outlineStyle === 'none' ? 0 : parseFloat(ring.outlineWidth)
    const box = at.getBoundingClientRect()
    const bar = document.querySelector('.bar')
    const under = bar && !bar.contains(at) && !at.closest('.skip-link') && box.bottom <= bar.getBoundingClientRect().bottom
    return {
        what: at.outerHTML.slice(0, 160), outline: Math.max(...rings.map(width)), under: Boolean(under),
        inside: Boolean(at.closest('[role=application], [role=radiogroup], input, [role=slider]')),
    }
}"""


def tab_to(page: Page, name: str | re.Pattern[str], role: str | None = None, most: int = 80) -> None:
    """Press Tab until what is called so has the focus; on the way the focus can be seen."""
    wanted = page.get_by_role(role, name=name) if role else page.get_by_label(name)
    expect(wanted.first).to_be_visible()
    for _ in range(most):
        page.keyboard.press("Tab")
        if wanted.and_(page.locator(":focus")).count():
            return
    raise AssertionError(f"{name} is not reached by Tab: {page.evaluate(SEEN)}")


def focused(page: Page):
    return page.locator(":focus")


def ready(page: Page, name: str) -> None:
    expect(page.get_by_role("heading", name=name, level=1)).to_be_focused()


def test_one_logs_in_starts_and_works_by_keyboard(site, page):
    page.goto("/start")
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.type("clerk")
    page.keyboard.press("Tab")
    page.keyboard.type(site.password("clerk"))
    page.keyboard.press("Enter")
    ready(page, "Start")
    tab_to(page, "New credit card", "link")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Person applies")).to_be_visible()
    tab_to(page, "Person applies", "link")
    page.keyboard.press("Enter")
    expect(page.get_by_label(re.compile("^Income"))).to_be_visible()
    tab_to(page, re.compile("^Name"), "textbox")
    page.keyboard.type("Grit Tab")
    tab_to(page, re.compile("^Income"))
    page.keyboard.type("2400")
    tab_to(page, "Start", "button")
    page.keyboard.press("Enter")
    until(lambda: site.client("clerk").tasks().items)
    page.goto("/tasks?scope=free")
    ready(page, "Tasks")
    tab_to(page, "Claim", "button")
    page.keyboard.press("Enter")
    until(lambda: site.client("clerk").tasks(scope="mine").items)
    (task,) = site.client("clerk").tasks(scope="mine").items
    page.goto(f"/tasks/{task.id}")
    ready(page, "Fill in application")
    tab_to(page, re.compile("IBAN"), "textbox")
    page.keyboard.type("DE02120300000000202051")
    tab_to(page, re.compile("^Limit"))
    page.keyboard.type("3000")
    page.keyboard.press("Control+Enter")
    until(lambda: not [each for each in site.client("clerk").tasks().items if each.id == task.id])


def test_the_first_key_leads_past_the_navigation(site, person):
    page = person("clerk")
    page.goto("/tasks")
    ready(page, "Tasks")
    skip = page.get_by_role("link", name="Skip to content")
    for _ in range(20):
        page.keyboard.press("Shift+Tab")
        if skip.and_(focused(page)).count():
            break
    expect(skip).to_be_focused()
    box = focused(page).bounding_box()
    assert box is not None and box["x"] >= 0
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


@pytest.mark.parametrize(
    ("path", "there"),
    [
        ("/tasks?scope=all", "main a.link"),
        ("/instances", "main tbody tr"),
        ("/definitions", "main .processes a"),
        ("/definitions/credit_card", ".djs-shape"),
        ("/start", "main .offer"),
    ],
)
def test_where_one_is_can_be_seen(site, person, path, there):
    site.client("clerk").start("credit_card", PERSON, start_condition="PF")
    page = person("operator")
    page.goto(path)
    expect(page.locator(there).first).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    seen = 0
    for _ in range(40):
        page.keyboard.press("Tab")
        found = page.evaluate(SEEN)
        if found is None:
            break
        seen += 1
        assert not found["under"], f"under the bar: {found['what']}"
        assert found["inside"] or found["outline"] >= 2, f"no ring around {found['what']}"
    assert seen > 5


def test_keys_that_work_everywhere(person):
    page = person("operator")
    ready(page, "Tasks")
    page.keyboard.press("g")
    page.keyboard.press("i")
    ready(page, "Instances")
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(keys).to_be_visible()
    page.keyboard.press("Escape")
    expect(keys).to_have_count(0)
    page.get_by_label("Search", exact=True).focus()
    page.keyboard.type("gt?/")
    expect(page.get_by_label("Search", exact=True)).to_have_value("gt?/")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("heading", name="Instances", level=1)).to_be_visible()


def test_the_palette_finds_goes_and_acts(site, person):
    card = site.client("clerk").start("credit_card", PERSON, start_condition="PF", business_key="PAL-1")
    page = person("operator")
    ready(page, "Tasks")
    page.keyboard.press("Control+k")
    search = page.get_by_role("dialog").get_by_label(re.compile("^Search"))
    expect(search).to_be_focused()
    page.keyboard.type("PAL-1")
    expect(page.get_by_role("dialog").get_by_text("PAL-1").first).to_be_visible()
    entry = page.get_by_role("dialog").get_by_role("button").or_(page.get_by_role("dialog").get_by_role("option"))
    expect(entry.filter(has_text="PAL-1").first).to_be_visible()
    page.goto(f"/instances/{card.id}")
    expect(page.locator(".djs-shape").first).to_be_visible()
    page.keyboard.press("Control+k")
    expect(search).to_be_focused()
    page.keyboard.type("Hold")
    expect(entry.filter(has_text="Hold").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Put on hold")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("Control+k")
    expect(search).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_dialog_keeps_the_focus_and_gives_it_back(site, person):
    card = site.client("clerk").start("credit_card", PERSON, start_condition="PF")
    page = person("operator")
    page.goto(f"/instances/{card.id}")
    expect(page.locator(".djs-shape").first).to_be_visible()
    hold = page.locator(".page-actions").get_by_role("button", name="Hold", exact=True)
    hold.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Put on hold")
    expect(dialog).to_be_visible()
    for _ in range(8):
        page.keyboard.press("Tab")
        expect(dialog.locator(":focus")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(hold).to_be_focused()


def test_a_diagram_is_walked_and_a_replay_stepped(site, person):
    card = site.client("clerk").start("credit_card", PERSON, start_condition="PF")
    page = person("operator")
    page.goto(f"/instances/{card.id}")
    canvas = page.get_by_role("application")
    expect(page.locator(".djs-shape").first).to_be_visible()
    canvas.focus()
    for key in ("ArrowRight", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    until(lambda: "node=" in page.evaluate("() => location.search"))
    tab_to(page, re.compile("^Resize"), "separator")
    page.keyboard.press("ArrowDown")
    tab_to(page, "Variables", "tab")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name=re.compile("^Tokens"))).to_be_focused()


def test_menus_and_selects_by_keyboard(person):
    page = person("editor")
    ready(page, "Tasks")
    tab = page.get_by_role("button", name="Account of editor")
    tab.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("menu")).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("menuitem").and_(focused(page))).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.get_by_role("menu")).to_have_count(0)
    expect(tab).to_be_focused()
    page.goto("/instances")
    process = page.get_by_role("combobox", name="Process").or_(page.get_by_label("Process", exact=True)).first
    process.focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("option").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    until(lambda: "definition=" in page.evaluate("() => location.search"))


def test_a_file_is_imported_by_keyboard(person):
    page = person("editor")
    page.goto("/definitions/import")
    ready(page, "Import")
    file = {"name": "typed.bpmn", "mimeType": "application/octet-stream", "buffer": holiday("typed")}
    page.on("filechooser", lambda chooser: chooser.set_files(file))
    tab_to(page, "Choose files", "button")
    page.keyboard.press("Enter")
    expect(page.get_by_role("list", name="Chosen files")).to_contain_text("typed.bpmn")
    tab_to(page, "Import", "button")
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 process imported")).to_be_visible()
