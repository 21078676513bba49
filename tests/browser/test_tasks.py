"""Tasks: taken, given back and handed on; lists that stand still; and nothing that was typed is lost, or sent by others."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Locator, Page, expect

from procession.client.connection import Connection
from procession.client.credentials import Login
from procession.testing.builder import process
from tests.browser.browsing import axe, live, log_in, screenshot, watch

FRONT = {"execute": "clerk manager", "view": "clerk manager", "selfAssign": "clerk manager", "assign": "manager"}
BACK = {**FRONT, "execute": "manager", "selfAssign": "manager"}
LETTER = {
    "type": "object",
    "properties": {
        "subject": {"title": "Subject", "type": "string", "minLength": 3},
        "text": {"title": "Text", "type": "string", "maxLength": 2000},
    },
    "required": ["subject"],
}
VISIT = {"type": "object", "properties": {"visitor": {"type": "string"}, "badges": {"type": "integer"}}}


@pytest.fixture(scope="module", autouse=True)
def processes(site) -> None:
    """A letter that is written and checked, a round without a form, and a visit that is known by its data only."""
    letter = process("letter", "Letter").start().user_task("write", name="Write the letter", form="letter.schema.json")
    letter = letter.user_task("check", name="Check the letter", form="letter.schema.json").end()
    letter = letter.lane("Desk", "write", **FRONT, unassign="clerk manager").lane("Office", "check", **BACK)
    plain = process("round", "Evening round").start().user_task("look", name="Look at the doors").end()
    visit = process("visit", "Visit").start().user_task("receive", name="Receive the visitor", form="lost").end()
    visit = visit.data_model(json.dumps(VISIT))
    site.deploy(("letter.bpmn", letter.build()), ("letter.schema.json", json.dumps(LETTER).encode()))
    site.deploy(("round.bpmn", plain.build()))
    site.deploy(("visit.bpmn", visit.build()))


@pytest.fixture(autouse=True)
def tidy(site) -> None:
    """Each test begins with no task."""
    yield
    admin = site.client("admin")
    for open_one in admin.instances(status=["CREATED", "STARTED", "ON_HOLD"], limit=200).items:
        admin.terminate(open_one.id, "The test is over.")


def begin(site, name: str, reference: str) -> str:
    """Start it; the id of its first task."""
    admin = site.client("admin")
    started = admin.start(name, business_key=reference)
    (task,) = admin.tasks(instance=started.id).items
    return task.id


def roles(site, name: str, *given: str) -> None:
    """Give somebody other roles; the password stays."""
    admin = Connection(site.url, Login("admin", site.password("admin")), 60.0)
    try:
        admin.call("PUT", f"/api/users/{name}", dict[str, object], body={"roles": list(given)})
    finally:
        admin.close()


def row(page: Page, text: str) -> Locator:
    return page.get_by_role("table", name="Tasks").get_by_role("row").filter(has_text=text)


def references(page: Page) -> list[str]:
    """The cases in the list, from above."""
    return [re.search(r"L-\d+", text)[0] for text in page.locator("tbody tr").all_inner_texts()]


def at_task(page: Page, task: str, name: str) -> Page:
    page.goto(f"/tasks/{task}")
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
    live(page)
    return page


# -- the list ---------------------------------------------------------------------------------------------------------


def test_a_task_is_claimed_released_and_given_to_somebody(site, person):
    begin(site, "letter", "L-1")
    clerk, manager = person("clerk"), person("manager")
    for page in (clerk, manager):
        page.goto("/tasks?scope=all")
        live(page)
    expect(row(clerk, "L-1")).to_contain_text("nobody")
    axe(clerk)
    screenshot(clerk, "tasks-list")
    row(clerk, "L-1").get_by_role("button", name="Claim").click()
    expect(row(clerk, "L-1").get_by_role("link", name="Open Write the letter")).to_be_visible()
    expect(row(manager, "L-1")).to_contain_text("clerk")
    expect(clerk.get_by_text("Mine (1)")).to_be_visible()
    row(clerk, "L-1").get_by_role("button", name="Release").click()
    expect(row(clerk, "L-1").get_by_role("button", name="Claim")).to_be_visible()
    expect(row(manager, "L-1")).to_contain_text("nobody")

    # who may not assign is told so, and by whom not
    assign = row(clerk, "L-1").get_by_role("button", name="Assign…")
    expect(assign).to_have_attribute("aria-disabled", "true")
    expect(assign).to_have_accessible_description(re.compile(r"^Not possible: "))

    row(manager, "L-1").get_by_role("button", name="Assign…").click()
    dialog = manager.get_by_role("dialog", name="Assign “Write the letter”")
    expect(dialog).to_be_visible()
    box = dialog.get_by_label("Whose task is it?")
    expect(box).to_be_enabled()
    box.fill("out")
    expect(manager.get_by_text("Nobody of that name can do this task")).to_be_visible()
    box.fill("cle")
    manager.get_by_role("option", name="clerk").click()
    axe(manager)
    screenshot(manager, "tasks-assign")
    dialog.get_by_role("button", name="Assign", exact=True).click()
    expect(dialog).to_have_count(0)
    expect(manager.get_by_text("Given to clerk")).to_be_visible()
    expect(row(manager, "L-1")).to_contain_text("clerk")
    expect(row(clerk, "L-1").get_by_role("link", name="Open Write the letter")).to_be_visible()


def test_who_is_too_late_is_told_who_was_faster(site, person):
    task = begin(site, "letter", "L-1")
    page = person("clerk")
    watch(page).expect(r"409 .*/claim")
    page.goto("/tasks?scope=free")

    def first_the_other(route) -> None:
        site.client("manager").claim(task)
        route.continue_()

    page.route("**/claim", first_the_other)
    row(page, "L-1").get_by_role("button", name="Claim").click()
    expect(row(page, "L-1")).to_contain_text("Taken by manager")
    expect(page.get_by_role("alert")).to_contain_text("Taken by manager")
    screenshot(page, "tasks-lost")
    expect(row(page, "L-1").get_by_role("link")).to_have_count(0)


def test_the_list_stands_still_until_one_asks_for_what_is_new(site, person):
    for number in (1, 2, 3):
        begin(site, "letter", f"L-{number}")
    page = person("clerk")
    page.goto("/tasks?scope=free&sort=newest")
    expect(row(page, "L-3")).to_be_visible()
    live(page)
    before = references(page)
    assert before == ["L-3", "L-2", "L-1"]
    begin(site, "letter", "L-4")
    gone = site.client("admin").tasks(text="L-2").items[0].id
    site.client("manager").claim(gone)
    fresh = page.get_by_role("button", name="1 new task – show")
    expect(fresh).to_be_visible()
    expect(row(page, "L-2")).to_contain_text("Taken by manager")
    assert references(page) == before
    begin(site, "letter", "L-5")
    fresh = page.get_by_role("button", name="2 new tasks – show")
    expect(fresh).to_be_visible()
    assert references(page) == before
    screenshot(page, "tasks-fresh")
    axe(page)
    fresh.click()
    expect(row(page, "L-5")).to_be_visible()
    assert references(page) == ["L-5", "L-4", "L-3", "L-1"]
    expect(fresh).to_have_count(0)


def test_tasks_are_found_and_sorted_and_emptiness_is_explained(site, person):
    page = person("clerk")
    page.goto("/tasks")
    expect(page.get_by_text("No tasks for you.", exact=True)).to_be_visible()
    screenshot(page, "tasks-empty")
    axe(page)
    for number in (1, 2):
        begin(site, "letter", f"L-{number}")
    expect(page.get_by_text("No tasks for you. 2 are free to claim.")).to_be_visible()
    page.get_by_role("button", name="Show tasks that are free").click()
    expect(page).to_have_url(re.compile("scope=free"))
    expect(row(page, "L-1")).to_be_visible()

    page.get_by_label("Order").select_option("Newest first")
    expect(page).to_have_url(re.compile("sort=newest"))
    expect(page.locator("tbody tr").first).to_contain_text("L-2")

    search = page.get_by_role("searchbox", name="Search tasks")
    search.fill("L-1")
    expect(row(page, "L-2")).to_have_count(0)
    expect(row(page, "L-1")).to_be_visible()
    expect(page).to_have_url(re.compile("q=L-1"))
    page.reload()
    expect(search).to_have_value("L-1")
    expect(row(page, "L-2")).to_have_count(0)
    search.fill("nothing of the kind")
    expect(page.get_by_text("Nothing was found for “nothing of the kind”.")).to_be_visible()
    axe(page)
    page.get_by_role("button", name="Clear filters").click()
    expect(row(page, "L-2")).to_be_visible()
    expect(search).to_have_value("")


# -- drafts and sessions ----------------------------------------------------------------------------------------------


def test_a_draft_outlives_a_reload_and_can_be_thrown_away(site, person):
    page = at_task(person("clerk"), begin(site, "letter", "L-1"), "Write the letter")
    page.get_by_label("Subject").fill("Hello")
    page.get_by_label("Text").fill("Dear Ana,")
    page.keyboard.press("Control+s")
    expect(page.get_by_text("draft saved")).to_be_visible()
    page.reload()
    expect(page.get_by_text(re.compile("Your draft from .* is filled in"))).to_be_visible()
    expect(page.get_by_label("Subject")).to_have_value("Hello")
    expect(page.get_by_label("Text")).to_have_value("Dear Ana,")
    axe(page)
    screenshot(page, "task-draft")

    # without a word it is kept too
    page.get_by_label("Text").fill("Dear Ana, dear Dan,")
    expect(page.get_by_text("draft saved")).to_be_visible()
    page.get_by_role("navigation").get_by_role("link", name="Start", exact=True).click()
    expect(page.get_by_role("heading", name="Start", level=1)).to_be_visible()
    page.go_back()
    expect(page.get_by_label("Text")).to_have_value("Dear Ana, dear Dan,")
    page.get_by_role("button", name="Discard draft").click()
    expect(page.get_by_label("Subject")).to_have_value("")
    page.reload()
    expect(page.get_by_label("Subject")).to_have_value("")


@pytest.mark.parametrize("screen", ["desktop", "phone"])
def test_a_session_that_ends_takes_nothing_along(site, person, screen):
    task = begin(site, "letter", "L-1")
    page = at_task(person("clerk"), task, "Write the letter")
    watch(page).expect(r"401 ")
    page.get_by_label("Subject").fill("Hello")
    page.context.clear_cookies()
    page.get_by_role("button", name="Complete").click()
    overlay = page.get_by_role("dialog", name="Sign in again")
    expect(overlay).to_be_visible()
    expect(overlay).to_contain_text("Sign in as clerk to go on")
    axe(page)
    screenshot(page, f"session-over-{screen}")
    expect(page.get_by_label("Subject")).to_have_value("Hello")
    assert site.client("admin").task(task)
    overlay.get_by_label("Password", exact=True).fill("not the password")
    overlay.get_by_role("button", name="Sign in").click()
    expect(overlay.get_by_role("alert")).to_have_text("The name or the password is wrong.")
    overlay.get_by_label("Password", exact=True).fill(site.password("clerk"))
    overlay.get_by_role("button", name="Sign in").click()
    # what was asked for is done, without another click
    expect(page.get_by_role("heading", name="Tasks", level=1)).to_be_visible()
    expect(overlay).to_have_count(0)
    (check,) = site.client("admin").tasks(text="L-1").items
    assert check.name == "Check the letter"
    assert site.client("admin").task_form(check.id).data["subject"] == "Hello"


def test_a_new_password_ends_the_session_at_once(site, person):
    page = at_task(person("clerk"), begin(site, "letter", "L-1"), "Write the letter")
    watch(page).expect(r"401 ", "WebSocket connection to")
    page.get_by_label("Subject").fill("Hello")
    site.add_user("clerk", "clerk")  # another password
    overlay = page.get_by_role("dialog", name="Sign in again")
    expect(overlay).to_be_visible()
    overlay.get_by_label("Password", exact=True).fill(site.password("clerk"))
    overlay.get_by_role("button", name="Sign in").click()
    expect(overlay).to_have_count(0)
    expect(page.get_by_label("Subject")).to_have_value("Hello")
    live(page)


def test_what_one_person_typed_is_never_sent_by_another(site, person):
    task = begin(site, "letter", "L-1")
    page = at_task(person("clerk"), task, "Write the letter")
    watch(page).expect(r"401 ", "WebSocket connection to")
    page.get_by_label("Subject").fill("From the clerk")
    page.context.clear_cookies()
    page.get_by_role("button", name="Complete").click()
    page.get_by_role("dialog", name="Sign in again").get_by_role("link", name="Sign in as somebody else").click()
    log_in(page, site, "manager")
    expect(page.get_by_role("heading", name="Tasks", level=1)).to_be_visible()
    at_task(page, task, "Write the letter")
    expect(page.get_by_label("Subject")).to_have_value("")


def test_another_person_in_another_tab_takes_over_all_tabs(site, person):
    task = begin(site, "letter", "L-1")
    page = at_task(person("clerk"), task, "Write the letter")
    watch(page).expect(r"401 ", r"403 ", "WebSocket connection to")
    page.get_by_label("Subject").fill("From the clerk")
    other = page.context.new_page()
    other.goto("/tasks")
    other.get_by_role("button", name="Account of clerk").click()
    other.get_by_role("menuitem", name="Sign out").click()
    # nobody is there any more: the other tab says so too
    expect(page.get_by_role("dialog", name="Sign in again")).to_be_visible()
    log_in(other, site, "manager")
    expect(other.get_by_role("button", name="Account of manager")).to_be_visible()
    expect(page.get_by_role("button", name="Account of manager")).to_be_visible()
    expect(page.get_by_label("Subject")).to_have_value("")
    assert site.client("admin").task(task)


def test_logging_in_again_in_one_tab_is_enough(site, person):
    page = at_task(person("clerk"), begin(site, "letter", "L-1"), "Write the letter")
    watch(page).expect(r"401 ", "WebSocket connection to")
    page.get_by_label("Subject").fill("Hello")
    other = page.context.new_page()
    other.goto("/tasks")
    live(other)
    site.add_user("clerk", "clerk")
    for each in (page, other):
        expect(each.get_by_role("dialog", name="Sign in again")).to_be_visible()
    overlay = other.get_by_role("dialog", name="Sign in again")
    overlay.get_by_label("Password", exact=True).fill(site.password("clerk"))
    overlay.get_by_role("button", name="Sign in").click()
    for each in (page, other):
        expect(each.get_by_role("dialog", name="Sign in again")).to_have_count(0)
    expect(page.get_by_label("Subject")).to_have_value("Hello")


# -- one task ---------------------------------------------------------------------------------------------------------


def test_a_task_that_is_completed_elsewhere_leaves_what_was_typed(site, person):
    task = begin(site, "letter", "L-1")
    page = at_task(person("clerk"), task, "Write the letter")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    watch(page).expect(r"404 .*/api/tasks/")
    page.get_by_label("Subject").fill("Mine")
    other = page.context.new_page()
    at_task(other, task, "Write the letter")
    other.get_by_label("Subject").fill("Faster")
    other.get_by_role("button", name="Complete").click()
    expect(other.get_by_role("heading", name="Tasks", level=1)).to_be_visible()
    banner = page.get_by_role("alert").filter(has_text="This step was completed elsewhere.")
    expect(banner).to_contain_text("What you typed is still here.")
    expect(page.get_by_label("Subject")).to_have_value("Mine")
    expect(page.get_by_label("Subject")).to_have_attribute("readonly", "")
    expect(page.get_by_role("button", name="Complete")).to_have_attribute("aria-disabled", "true")
    axe(page)
    screenshot(page, "task-elsewhere")
    page.bring_to_front()
    banner.get_by_role("button", name="Copy what I typed").click()
    expect(page.get_by_text("Copied")).to_be_visible()
    assert json.loads(page.evaluate("() => navigator.clipboard.readText()")) == {"subject": "Mine"}
    banner.get_by_role("link", name="Back to the tasks").click()
    expect(page.get_by_role("heading", name="Tasks", level=1)).to_be_visible()


def test_a_task_that_is_given_away_and_comes_back(site, person):
    task = begin(site, "letter", "L-1")
    page = at_task(person("clerk"), task, "Write the letter")
    page.get_by_role("button", name="Claim").click()
    expect(page.get_by_role("button", name="Release")).to_be_visible()
    page.get_by_label("Subject").fill("Hello")
    manager = site.client("manager")
    manager.assign(task, "manager")
    banner = page.get_by_role("alert").filter(has_text="This step was given to manager.")
    expect(banner).to_be_visible()
    expect(page.get_by_label("Subject")).to_have_attribute("readonly", "")
    screenshot(page, "task-given-away")
    manager.assign(task, "clerk")
    expect(banner).to_have_count(0)
    expect(page.get_by_label("Subject")).to_be_editable()
    expect(page.get_by_label("Subject")).to_have_value("Hello")


def test_a_case_on_hold_waits_and_goes_on(site, person):
    task = begin(site, "letter", "L-1")
    page = at_task(person("clerk"), task, "Write the letter")
    page.get_by_label("Subject").fill("Hello")
    operator = site.client("operator")
    instance = site.client("admin").task(task).instance
    operator.hold(instance, "We look into it.")
    banner = page.get_by_role("alert").filter(has_text="This case is on hold.")
    expect(banner).to_be_visible()
    expect(page.get_by_role("button", name="Complete")).to_have_attribute("aria-disabled", "true")
    operator.unhold(instance)
    expect(banner).to_have_count(0)
    page.get_by_role("button", name="Complete").click()
    expect(page.get_by_role("heading", name="Tasks", level=1)).to_be_visible()


def test_a_step_of_another_lane_can_be_looked_at_until_it_is_mine(site, person):
    task = begin(site, "letter", "L-1")
    admin = site.client("admin")
    admin.complete_task(task, {"subject": "Hello"})
    (check,) = admin.tasks(text="L-1").items
    page = at_task(person("clerk"), check.id, "Check the letter")
    expect(page.get_by_text("This step belongs to Office. You can look, not act.")).to_be_visible()
    expect(page.get_by_text(re.compile(r"^Why: "))).to_be_visible()
    expect(page.get_by_label("Subject")).to_have_value("Hello")
    expect(page.get_by_label("Subject")).to_have_attribute("readonly", "")
    complete = page.get_by_role("button", name="Complete")
    expect(complete).to_have_attribute("aria-disabled", "true")
    expect(complete).to_have_accessible_description(re.compile(r"^Not possible: "))
    axe(page)
    screenshot(page, "task-locked")
    roles(site, "clerk", "clerk", "manager")
    try:
        expect(page.get_by_label("Subject")).to_be_editable()
        expect(page.get_by_text("You can look, not act.")).to_have_count(0)
        expect(page.get_by_role("button", name="Complete")).not_to_have_attribute("aria-disabled", "true")
    finally:
        roles(site, "clerk", "clerk")
    expect(page.get_by_label("Subject")).to_have_attribute("readonly", "")


def test_a_task_without_a_form_is_completed_as_it_is_or_with_data(site, person):
    page = at_task(person("admin"), begin(site, "round", "L-1"), "Look at the doors")
    expect(page.get_by_text("No form was drawn for this step.")).to_be_visible()
    axe(page)
    screenshot(page, "task-no-form")
    page.get_by_text("Advanced: send data with it").click()
    page.get_by_label("Data as a JSON object").fill("[1]")
    page.get_by_role("button", name="Complete").click()
    expect(page.get_by_text("This is not a JSON object: write it in curly brackets")).to_be_visible()
    instance = site.client("admin").tasks(text="L-1").items[0].instance
    page.get_by_label("Data as a JSON object").fill('{"doors": 12345678901234567890}')
    page.get_by_role("button", name="Complete").click()
    expect(page.get_by_role("heading", name="Tasks", level=1)).to_be_visible()
    assert site.client("admin").instance(instance).variables["doors"] == 12345678901234567890


def test_a_form_that_was_not_added_is_made_of_the_data_model(site, person):
    task = begin(site, "visit", "L-1")
    instance = site.client("admin").task(task).instance
    page = at_task(person("admin"), task, "Receive the visitor")
    expect(page.get_by_text("The form of this step was not added with its process.")).to_be_visible()
    page.get_by_label("Visitor").fill("Ana")
    page.get_by_label("Badges").fill("2")
    axe(page)
    screenshot(page, "task-data-model")
    page.get_by_role("button", name="Complete").click()
    expect(page.get_by_role("heading", name="Tasks", level=1)).to_be_visible()
    assert site.client("admin").instance(instance).variables == {"visitor": "Ana", "badges": 2}
