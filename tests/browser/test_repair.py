"""Somebody looks after what is stuck: finds it, sees why, repairs it, and sees it go on, without ever reloading a page."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

from procession.testing import process
from tests.acceptance.waiting import until
from tests.browser.browsing import axe, screenshot, watch
from tests.browser.status import ORDER, act, badges, card, confirm, open_status, step, stuck_card, tab

everywhere = pytest.mark.parametrize(
    ("screen", "scheme"), [("desktop", "light"), ("desktop", "dark"), ("phone", "light"), ("phone", "dark")]
)


@pytest.fixture(scope="module")
def tariffs(site):
    """A process that cannot choose where the tariff is unknown."""
    built = process("tariffs", "Choose a tariff").start("start")
    built = built.exclusive("which", name="Which tariff?").when('=tariff = "A"').user_task("agree", name="Agree")
    built = built.end("agreed").back_to("which").when('=tariff = "B"').end("no_tariff")
    site.deploy(("tariffs.bpmn", built.build()))
    return "tariffs"


def test_a_failing_worker_is_found_repaired_and_retried(site, workshop, person):
    id = stuck_card(site, workshop, "No plastic left.", key="C-1")
    page = person("operator")
    page.get_by_role("link", name="Instances").click()
    page.get_by_role("combobox", name="State").click()
    page.get_by_role("option", name="with exceptions").click()
    page.keyboard.press("Escape")
    page.get_by_role("link", name="C-1").click()

    expect(step(page, "produce_card")).to_have_class(re.compile("pn-failed"))
    expect(badges(page, "produce_card")).to_have_text("! 1")
    dash = step(page, "produce_card").locator(".djs-visual > *").first
    assert dash.evaluate("shape => getComputedStyle(shape).strokeDasharray") == "7px, 3px"
    expect(page.get_by_role("tab", name="Exceptions")).to_have_attribute("aria-selected", "true")
    panel = page.get_by_role("tabpanel")
    expect(panel.get_by_role("alert")).to_contain_text("The work failed at Produce card")
    expect(panel.get_by_role("alert")).to_contain_text("No plastic left.")
    expect(panel).to_contain_text("Type")
    expect(panel).to_contain_text("Cause")
    axe(page)
    screenshot(page, "stuck")

    panel.get_by_role("button", name="Show the step").click()
    expect(page).to_have_url(re.compile("node=produce_card"))
    expect(page.get_by_role("region", name="Produce card")).to_contain_text("Lane Back office")
    page.get_by_role("button", name="Close the step").click()

    workshop.mend("produce-card")
    dialog = act(page, "Set variables")
    field = dialog.get_by_label("Variables as JSON")
    field.fill(json.dumps({**json.loads(field.input_value()), "amount": 2900}))
    expect(dialog).to_contain_text("amount")
    expect(dialog.locator(".change")).to_have_text(re.compile("amount.*3000.*2900"))
    expect(dialog.get_by_role("button", name="Change")).to_be_enabled()
    axe(page)
    screenshot(page, "set-variables")
    confirm(dialog, "Change", "The client wants less.")
    expect(dialog).to_have_count(0)

    dialog = act(page, "Retry")
    expect(dialog).to_contain_text("The exception at Produce card is resolved.")
    expect(dialog).to_contain_text("A worker gets the work of Produce card again.")
    expect(dialog.get_by_role("button", name="Retry")).to_be_enabled()
    axe(page)
    screenshot(page, "retry")
    confirm(dialog, "Retry", "There is plastic again.")
    expect(step(page, "produce_card")).to_have_class(re.compile("pn-visited"))
    expect(badges(page, "produce_card")).to_have_text("✓")
    expect(page.locator("[data-state=STARTED]").first).to_contain_text("running")
    panel = tab(page, "Audit log")
    expect(panel).to_contain_text("There is plastic again.")
    expect(panel).to_contain_text("The client wants less.")
    expect(panel).to_contain_text("by operator")
    expect(tab(page, "Exceptions")).to_contain_text("resolved")
    screenshot(page, "repaired")
    assert site.client().instance(id).variables["amount"] == 2900


def test_a_gateway_gets_what_it_lacks_and_is_retried_in_one_go(site, person, tariffs):
    id = site.client().start(tariffs, {"tariff": "C"}).id
    page = person("operator")
    open_status(page, id)
    expect(badges(page, "which")).to_have_text("! 1")
    expect(page.get_by_role("tabpanel")).to_contain_text("The decision could not be made at Which tariff?")
    screenshot(page, "gateway")

    dialog = act(page, "Retry")
    expect(dialog).to_contain_text("It fails again at Which tariff?")
    screenshot(page, "retry-in-vain")
    confirm(dialog, "Retry")
    expect(page.get_by_text("It failed again. The exception says why.")).to_be_visible()
    expect(badges(page, "which")).to_have_text("! 1")

    dialog = act(page, "Edit variables and retry")
    dialog.get_by_label("Variables as JSON").fill('{"tariff": "A"')
    expect(dialog.get_by_text("This is no JSON")).to_be_visible()
    dialog.get_by_label("Variables as JSON").fill('{"tariff": "A"}')
    confirm(dialog, "Change", "They meant A.")
    dialog = page.get_by_role("dialog", name="Retry")
    expect(dialog).to_contain_text("Agree is offered")
    expect(dialog).to_contain_text("It goes on to")
    confirm(dialog, "Retry", "They meant A.")
    expect(step(page, "agree")).to_have_class(re.compile("pn-waiting"))
    expect(step(page, "which")).to_have_class(re.compile("pn-visited"))


def test_hold_and_resume_while_somebody_works(site, person):
    id = card(site.client("clerk"), "C-2")
    (task,) = site.client("clerk").tasks(instance=id).items
    clerk, page = person("clerk"), person("operator")
    clerk.goto(f"/tasks/{task.id}")
    expect(clerk.get_by_role("button", name="Complete")).to_be_enabled()
    open_status(page, id)
    dialog = act(page, "Hold")
    expect(dialog).to_contain_text("The instance becomes: on hold.")
    screenshot(page, "hold")
    confirm(dialog, "Put on hold", "The rates change.")
    expect(page.locator("[data-state=ON_HOLD]").first).to_be_visible()
    expect(step(page, "fill_in")).to_have_class(re.compile("pn-held"))
    expect(badges(page, "fill_in")).to_have_text("⏸ 1")
    screenshot(page, "held")

    expect(clerk.get_by_role("alert").filter(has_text="on hold")).to_be_visible()
    complete = clerk.get_by_role("button", name="Complete")
    expect(complete).to_have_attribute("aria-disabled", "true")
    expect(complete).to_have_accessible_description(re.compile("hold"))
    axe(clerk)
    screenshot(clerk, "held-task")

    confirm(act(page, "Resume"), "Resume", "The rates are known.")
    expect(step(page, "fill_in")).to_have_class(re.compile("pn-waiting"))
    expect(complete).not_to_have_attribute("aria-disabled", "true")
    panel = tab(page, "Audit log")
    expect(panel).to_contain_text("The rates change.")
    expect(panel).to_contain_text("The rates are known.")


def shipping(site) -> tuple[str, str]:
    """An order and the parcel that it waits for."""
    admin = site.client()
    order = admin.start("order_fulfilment", ORDER)
    admin.publish_message("payment-received", ORDER["order"]["id"])
    until(lambda: admin.instances(parent=order.id).items)
    (parcel,) = admin.instances(parent=order.id).items
    return order.id, parcel.id


def test_terminate_ends_the_children_too(site, workshop, person):
    order, parcel = shipping(site)
    page, other = person("operator"), person("operator")
    open_status(other, parcel)
    open_status(page, order)
    dialog = act(page, "Terminate…")
    expect(dialog).to_contain_text("The instance becomes: terminated.")
    expect(dialog).to_contain_text("The subprocess Ship parcel")
    dialog.get_by_role("button", name="Terminate").click()
    expect(dialog).to_contain_text("Say why: this cannot be undone.")
    axe(page)
    screenshot(page, "terminate")
    confirm(dialog, "Terminate", "Ordered twice.")
    expect(page.locator("[data-state=TERMINATED]").first).to_be_visible()
    expect(other.locator("[data-state=TERMINATED]").first).to_be_visible()
    expect(page.get_by_role("button", name="Terminate…")).to_have_count(0)
    expect(tab(page, "Audit log")).to_contain_text("Ordered twice.")
    screenshot(page, "terminated")


def test_a_child_is_given_up_and_its_parent_goes_on(site, workshop, person):
    order, parcel = shipping(site)
    page = person("operator")
    open_status(page, order)
    step(page, "ship").click()
    page.get_by_role("region", name="Ship parcel").get_by_role("link", name="Open the subprocess").click()
    expect(page).to_have_url(re.compile(parcel))
    expect(page.locator("[data-drawn]")).to_be_visible()
    page.get_by_role("button", name="Give up…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("given up")
    confirm(dialog, "Give up", "The carrier is gone.")
    expect(page.locator("[data-state=DISMISSED]").first).to_be_visible()
    page.get_by_role("link", name="Called by another instance").click()
    expect(page.locator("[data-state=FINISHED]").first).to_be_visible()


def test_one_variable_is_changed_with_its_pencil(site, person):
    id = card(site.client("clerk"))
    page = person("operator")
    open_status(page, id, "?tab=variables")
    page.get_by_role("button", name="Change income").click()
    dialog = page.get_by_role("dialog")
    field = dialog.get_by_label("client.income")
    expect(field).to_have_value("2400")
    expect(dialog).to_contain_text("Nothing is changed yet.")
    field.fill("2600")
    expect(dialog.locator(".change")).to_have_text(re.compile(r"client\.income.*2400.*2600"))
    confirm(dialog, "Change", "Misread.")
    expect(page.locator(".tree-line").filter(has_text="income")).to_contain_text("2600")
    assert site.client().instance(id).variables["client"]["income"] == 2600


def test_two_operators_at_once(site, person):
    id = card(site.client("clerk"))
    one, other = person("operator"), person("operator")
    for page in (one, other):
        open_status(page, id, "?tab=variables")
    dialog = act(one, "Set variables")
    field = dialog.get_by_label("Variables as JSON")
    typed = json.loads(field.input_value())
    typed["client"]["income"] = 1000
    field.fill(json.dumps(typed))

    theirs = act(other, "Set variables")
    meanwhile = json.loads(theirs.get_by_label("Variables as JSON").input_value())
    meanwhile["client"] = {"name": "Eva", "income": 2000}
    theirs.get_by_label("Variables as JSON").fill(json.dumps(meanwhile))
    confirm(theirs, "Change")
    expect(theirs).to_have_count(0)

    warning = dialog.get_by_role("alert").filter(has_text="Somebody has changed this meanwhile")
    expect(warning).to_contain_text("client.income: 2400 → 2000")
    expect(dialog.locator(".change")).to_have_text(re.compile(r"income.*2000.*1000"))
    expect(dialog.get_by_role("button", name="Change")).to_be_enabled()
    axe(one)
    screenshot(one, "conflict")
    confirm(dialog, "Change", "A thousand, I asked.")
    expect(dialog).to_have_count(0)
    expect(other.locator(".tree-line").filter(has_text="income")).to_contain_text("1000")
    client = site.client().instance(id).variables["client"]
    assert client == {"name": "Eva", "income": 1000}, "what only the other one changed is lost"


def test_what_somebody_else_has_repaired_cannot_be_repaired_again(site, workshop, person):
    id = stuck_card(site, workshop, "No ink left.")
    workshop.mend("produce-card")
    page = person("operator")
    watch(page).expect(r"409 .*/preview")
    open_status(page, id)
    dialog = act(page, "Retry")
    expect(dialog.get_by_role("button", name="Retry")).to_be_enabled()
    site.client().retry(id)
    expect(dialog.get_by_role("alert")).to_contain_text("This was refused")
    expect(dialog.get_by_role("button", name="Retry")).to_be_disabled()


def test_who_may_only_look_is_told_why(site, workshop, person):
    id = stuck_card(site, workshop, "No cards left.")
    workshop.mend("produce-card")
    page = person("clerk")
    open_status(page, id)
    actions = page.get_by_role("main").locator(".page-actions")
    for name in ("Retry", "Set variables", "Hold", "Terminate…"):
        button = actions.get_by_role("button", name=name, exact=True)
        expect(button).to_have_attribute("aria-disabled", "true")
        expect(button).to_have_accessible_description(re.compile("Not possible: .+"))
        button.focus()
        expect(page.get_by_role("tooltip").filter(has_text="Not possible")).to_be_visible()
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="Change income")).to_have_count(0)
    axe(page)
    screenshot(page, "looking")


@everywhere
def test_it_looks_right_everywhere(site, workshop, person, screen, scheme):
    id = stuck_card(site, workshop, "No plastic left.", key=f"L-{screen}-{scheme}")
    workshop.mend("produce-card")
    page = person("operator")
    open_status(page, id)
    expect(badges(page, "produce_card")).to_have_text("! 1")
    axe(page)
    screenshot(page, f"status-{screen}-{scheme}")
    dialog = act(page, "Retry")
    expect(dialog).to_contain_text("A worker gets the work of Produce card again.")
    expect(dialog.get_by_role("button", name="Retry")).to_be_enabled()
    axe(page)
    screenshot(page, f"status-retry-{screen}-{scheme}")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= page.viewport_size["width"]
