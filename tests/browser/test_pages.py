"""Every page, in what people sit at and in their colours: nothing is a barrier, nothing is cut off, nothing moves sideways."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page, expect

from procession.errors import ProcessionError
from procession.testing import RunningServer, process
from tests.acceptance.waiting import until
from tests.browser.browsing import axe, layout, screenshot, watch
from tests.browser.conftest import EXAMPLES

everywhere = pytest.mark.parametrize(
    ("screen", "scheme"), [("desktop", "light"), ("desktop", "dark"), ("phone", "light"), ("phone", "dark")]
)

CARDS = EXAMPLES / "credit_card"
ANA = {"client": {"name": "Ana Pop", "income": 2400}}
ORDER = {"orderNumber": "O-1", "items": [{"sku": "mug", "quantity": 2}], "address": {"city": "Cluj"}}


@dataclass(frozen=True)
class Cases:
    """What there is to see: an instance in each state, and a task at each point."""

    fresh: str
    task: str
    theirs: str
    stuck: str
    done: str


@pytest.fixture(scope="module")
def cases(site: RunningServer, workshop: Any) -> Cases:
    admin, clerk, manager = site.client("admin"), site.client("clerk"), site.client("manager")
    admin.deploy(("holiday.bpmn", undrawn()))
    workshop.break_down("produce-card", "The printer has no plastic left: order some, then retry.")

    def apply(amount: int, key: str | None = None) -> str:
        card = clerk.start("credit_card", ANA, start_condition="PF", business_key=key)
        if amount:
            (task,) = clerk.tasks(instance=card.id).items
            clerk.complete_task(task.id, {"client": {"iban": "DE02120300000000202051"}, "amount": amount})
        return str(card.id)

    stuck = apply(3000, "LN-2031")
    until(lambda: admin.exceptions(stuck))
    review = apply(9000, "LN-2032")
    until(lambda: manager.tasks(instance=review).items)  # the credit bureau answers first
    (theirs,) = manager.tasks(instance=review).items
    done = apply(100_000, "LN-2033")
    fresh = apply(0, "LN-2034")
    (task,) = clerk.tasks(instance=fresh).items
    apply(0)
    (free,) = clerk.tasks(instance=apply(9000)).items or [None]  # perhaps the bureau has answered already
    assert free is None or free.lane == "Back office"
    clerk.claim(task.id)
    for values in ({"client": {"name": "Bob"}}, {}):
        with contextlib.suppress(ProcessionError):
            clerk.start("credit_card", values, start_condition="PF")
    return Cases(fresh=fresh, task=str(task.id), theirs=str(theirs.id), stuck=stuck, done=done)


def undrawn() -> bytes:
    """A file as a program writes it: without a drawing."""
    holiday = process("holiday", "Holiday request").start().user_task("ask", name="Ask for it").end()
    return re.sub(rb"<bpmndi:BPMNDiagram.*</bpmndi:BPMNDiagram>", b"", holiday.build(), flags=re.DOTALL)


@dataclass(frozen=True)
class Scene:
    """What somebody looks at: an address, what they do there, and what they see then."""

    name: str
    path: str
    sees: Callable[[Page], Any]
    does: Callable[[Page], Any] = lambda page: None


def look_at(page: Page, scenes: list[Scene], screen: str, scheme: str) -> None:
    """Go through them; what is wrong with any is told at the end, of all."""
    found: list[str] = []
    for scene in scenes:
        try:
            page.goto(scene.path)
            scene.does(page)
            expect(scene.sees(page)).to_be_visible()
            expect(page.get_by_role("status", name="Loading…")).to_have_count(0)
            screenshot(page, f"{scene.name}-{screen}-{scheme}")
            page.evaluate("() => scrollTo(0, 0)")  # else axe finds what lies under the bar on top too small
            layout(page)
            axe(page)
        except (AssertionError, PlaywrightError) as error:
            screenshot(page, f"wrong-{scene.name}-{screen}-{scheme}")
            found.append(f"{scene.name}: {error}")
    assert not found, "\n\n".join(found)


def heading(name: str | re.Pattern[str]) -> Callable[[Page], Any]:
    return lambda page: page.get_by_role("heading", level=1, name=name)


def text(words: str | re.Pattern[str]) -> Callable[[Page], Any]:
    return lambda page: page.get_by_text(words).first


def button(name: str | re.Pattern[str]) -> Callable[[Page], Any]:
    return lambda page: page.get_by_role("button", name=name).first.click()


def shown_tab(page: Page) -> None:
    page.get_by_role("tabpanel").scroll_into_view_if_needed()


def dialog(page: Page) -> Any:
    return page.get_by_role("dialog")


def outline(page: Page) -> Any:
    return page.get_by_role("region", name=re.compile("^Diagram of")).get_by_role("list").first


def drawn(page: Page) -> Any:
    return page.locator(".djs-shape").first


@everywhere
def test_what_everybody_sees(person, cases, screen, scheme):
    page = person("clerk")
    watch(page).expect(" 404 ", " 422 ", " 400 ")
    look_at(
        page,
        [
            Scene("start", "/start", text("New credit card")),
            Scene("start-nothing", "/start?q=nothing+of+this", text("Nothing matches")),
            Scene("start-ways", "/start/credit_card", text("How does it begin?")),
            Scene("start-form", "/start/credit_card?at=start_person", lambda p: p.get_by_role("textbox").first),
            Scene("start-errors", "/start/credit_card?at=start_person", text("need"), button(re.compile("^Start$"))),
            Scene("start-gone", "/start/nothing", text("This process cannot be started now")),
            Scene("tasks-mine", "/tasks", lambda p: p.get_by_role("link", name="Fill in application").first),
            Scene("tasks-free", "/tasks?scope=free", text("Claim")),
            Scene("tasks-all", "/tasks?scope=all", lambda p: p.get_by_role("link", name="Review").first),
            Scene("tasks-none", "/tasks?q=nothing", text("No task matches.")),
            Scene("task", f"/tasks/{cases.task}", button_of("Complete")),
            Scene("task-errors", f"/tasks/{cases.task}", text(re.compile("second look")), button("Complete")),
            Scene("task-locked", f"/tasks/{cases.theirs}", text(re.compile("You can look, not act"))),
            Scene("task-gone", "/tasks/1", text("There is nothing here")),
            Scene("requests", "/requests", lambda p: p.get_by_role("link", name=re.compile("New credit card")).first),
            Scene("requests-finished", "/requests?show=finished", heading("My requests")),
            Scene("request", f"/requests/{cases.fresh}", heading(re.compile("New credit card|LN-2034"))),
            Scene("request-stuck", f"/requests/{cases.stuck}", text(re.compile("looking into"))),
            Scene("request-done", f"/requests/{cases.done}", text(re.compile("All done"))),
            Scene("request-withdraw", f"/requests/{cases.fresh}", dialog, button("Withdraw…")),
            Scene("not-found", "/nowhere", text("There is nothing here")),
            Scene("account", "/tasks", lambda p: p.get_by_role("menu"), button(re.compile("^Account of"))),
        ],
        screen,
        scheme,
    )


def button_of(name: str) -> Callable[[Page], Any]:
    return lambda page: page.get_by_role("button", name=name).first


@everywhere
def test_what_watches(person, cases, screen, scheme):
    page = person("operator")
    watch(page).expect(" 404 ")
    status = f"/instances/{cases.stuck}"
    scenes = [
        Scene("instances", "/instances", text("LN-2031")),
        Scene("instances-filtered", "/instances?definition=credit_card&status=STARTED&q=LN", text("LN-2031")),
        Scene("instances-none", "/instances?q=nothing", text("No instance matches")),
        Scene("status", status, drawn),
        Scene("status-list", f"{status}?view=list", outline),
        Scene("status-step", f"{status}?node=produce_card", drawn),
        Scene("status-replay", f"{status}?at=2", drawn),
        Scene("status-done", f"/instances/{cases.done}", drawn),
        Scene("status-gone", "/instances/1", text("There is nothing here")),
        *(
            Scene(f"status-{tab}", f"{status}?tab={tab}", drawn, shown_tab)
            for tab in ("variables", "tokens", "subprocesses", "exceptions", "waits", "audit")
        ),
        Scene("act-retry", status, dialog, act("Retry")),
        Scene("act-variables", status, dialog, act("Set variables")),
        Scene("act-hold", status, dialog, act("Hold")),
        Scene("act-terminate", status, dialog, act("Terminate…")),
        Scene("failed-starts", "/failed-starts", heading("Failed starts")),
        Scene("palette", "/instances", dialog, press("Control+k")),
        Scene("palette-found", "/instances", text("LN-2031"), search_for("LN-2031")),
        Scene("keys", "/instances", dialog, press("?")),
    ]
    look_at(page, scenes, screen, scheme)


def act(name: str) -> Callable[[Page], Any]:
    def do(page: Page) -> None:
        expect(page.locator(".djs-shape").first).to_be_visible()
        page.locator(".page-actions").get_by_role("button", name=name, exact=True).first.click()

    return do


def press(key: str) -> Callable[[Page], Any]:
    def do(page: Page) -> None:
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        page.keyboard.press(key)

    return do


def search_for(words: str) -> Callable[[Page], Any]:
    def do(page: Page) -> None:
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        page.keyboard.press("Control+k")
        page.get_by_role("dialog").get_by_role("textbox").fill(words)

    return do


@everywhere
def test_what_is_built(person, cases, screen, scheme):
    page = person("editor")
    watch(page).expect(" 404 ")
    one = "/definitions/credit_card"
    look_at(
        page,
        [
            Scene("definitions", "/definitions", text("Holiday request")),
            Scene("definitions-none", "/definitions?q=nothing", text("No process matches")),
            Scene("definition", one, drawn),
            Scene("definition-undrawn", "/definitions/holiday", text(re.compile("laid out automatically"))),
            Scene("definition-step", f"{one}?node=review", drawn),
            Scene("definition-list", f"{one}?view=list", outline),
            *(
                Scene(f"definition-{tab}", f"{one}?tab={tab}", drawn, shown_tab)
                for tab in ("versions", "steps", "access", "data", "xml")
            ),
            Scene("definition-publish", "/definitions/holiday", dialog, button("Publish…")),
            Scene("definition-deprecate", one, dialog, button("Deprecate…")),
            Scene("import", "/definitions/import", heading("Import")),
        ],
        screen,
        scheme,
    )


def test_words_beside_a_control_can_be_read(person, cases):
    page = person("operator")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.goto("/tasks?scope=all")
        button = page.get_by_role("button", name="Claim").first
        expect(button).to_have_attribute("aria-disabled", "true")
        button.hover()
        hint = page.get_by_role("tooltip")
        expect(hint).to_contain_text("Not possible: only")
        axe(page)
        screenshot(page, f"hint-desktop-{scheme}")
        hint.hover()  # it stays while it is read
        expect(hint).to_be_visible()
        page.keyboard.press("Escape")
        expect(hint).to_have_count(0)


@pytest.mark.parametrize(
    "path", ["/start", "/start/credit_card?at=start_person", "/tasks?scope=all", "TASK", "/requests"]
)
def test_it_fits_narrow_windows_and_large_letters(person, cases, path):
    page = person("clerk", screen="phone")
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto(path.replace("TASK", f"/tasks/{cases.task}"))
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_role("status", name="Loading…")).to_have_count(0)
    layout(page)
    screenshot(page, f"narrow-{path.strip('/')[:5]}")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.evaluate("() => { document.documentElement.style.fontSize = '200%' }")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    layout(page)
    screenshot(page, f"large-{path.strip('/')[:5]}")


def test_colours_of_ones_own_and_still_pictures(person, cases):
    page = person("operator")
    page.emulate_media(forced_colors="active", reduced_motion="reduce")
    for path in ("/tasks?scope=all", "/instances", f"/instances/{cases.stuck}", "/definitions"):
        page.goto(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.get_by_role("status", name="Loading…")).to_have_count(0)
        layout(page)
        screenshot(page, f"forced-{path.split('/')[1][:5]}-{len(path)}")
