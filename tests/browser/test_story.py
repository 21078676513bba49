"""The credit card, from the counter to the envelope: by two people in two browsers, and by one with a phone."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.acceptance.waiting import until
from tests.browser.browsing import axe, fits, live, screenshot, thumb, watch, whole

IBAN = "DE02120300000000202051"
SIGN = "The client has signed"


def card_of(page: Page, text: str | re.Pattern[str]) -> Locator:
    """A task in the list of a phone."""
    return page.locator(".task-card", has_text=text)


def finish(site, instance: str) -> None:
    """The post has the card: the news of it ends the application."""
    admin = site.client("admin")
    until(lambda: admin.instance(instance).variables.get("cardNumber"))
    number = admin.instance(instance).variables["cardNumber"]
    until(lambda: "message" in {wait["kind"] for wait in admin.instance(instance).waits})
    site.client("worker").publish_message("card-delivered", number)


def instance_of(page: Page) -> str:
    """What the address of a request says."""
    found = re.search(r"/(?:requests|instances)/(\d+)", page.url)
    assert found, page.url
    return found[1]


def test_two_people_make_a_credit_card(site, person, workshop):
    clerk, manager = person("clerk"), person("manager", screen="phone")
    watch(clerk).expect(r"400 .*/api/process/credit_card/start")

    # the manager waits
    manager.goto("/tasks?scope=free")
    expect(manager.get_by_text("Nothing is free to claim.")).to_be_visible()
    live(manager)

    # the clerk chooses what to start, and how it begins
    clerk.get_by_role("navigation").get_by_role("link", name="Start", exact=True).click()
    expect(clerk.get_by_role("heading", name="Start", level=1)).to_be_visible()
    clerk.locator(".offers").get_by_role("link", name="New credit card").click()
    expect(clerk.get_by_role("heading", name="How does it begin?")).to_be_visible()
    axe(clerk)
    screenshot(clerk, "start-ways")
    clerk.get_by_role("link", name="Person applies").click()
    expect(clerk.get_by_role("heading", name="Person applies")).to_be_visible()

    # who leaves out what is needed is told where
    clerk.get_by_role("button", name="Start", exact=True).click()
    summary = clerk.locator(".form-summary")
    expect(summary).to_contain_text("2 answers need a second look")
    expect(summary).to_be_focused()
    axe(clerk)
    screenshot(clerk, "start-missing")
    summary.get_by_role("link", name=re.compile("Income")).click()
    expect(clerk.get_by_label("Income")).to_be_focused()
    clerk.get_by_label("Name", exact=False).first.fill("Ana Pop")
    clerk.get_by_label("Income").fill("2400")
    clerk.get_by_text("More", exact=True).click()
    clerk.get_by_label("Reference").fill("CC-2031")
    expect(summary).to_have_count(0)
    clerk.get_by_role("button", name="Start", exact=True).click()

    # and is at the first step at once
    expect(clerk.get_by_role("heading", name="Fill in application", level=1)).to_be_visible()
    expect(clerk.get_by_label("Name", exact=False).first).to_have_value("Ana Pop")
    axe(clerk)
    screenshot(clerk, "task-fill-in")

    # meanwhile the manager sees it, without having done anything
    first = card_of(manager, "Fill in application")
    expect(first).to_contain_text("CC-2031")
    screenshot(manager, "manager-free")

    # a wrong account is told at the field, and in the summary
    clerk.get_by_label("Account (IBAN)").fill("DE 12 nonsense")
    clerk.get_by_label("Limit wanted").fill("10000")
    clerk.get_by_role("button", name="Complete").click()
    summary = clerk.locator(".form-summary")
    expect(summary).to_contain_text("1 answer needs a second look")
    expect(summary).to_be_focused()
    expect(clerk.get_by_label("Account (IBAN)")).to_have_attribute("aria-invalid", "true")
    axe(clerk)
    screenshot(clerk, "task-wrong-iban")
    summary.get_by_role("link", name=re.compile("IBAN")).click()
    expect(clerk.get_by_label("Account (IBAN)")).to_be_focused()
    clerk.get_by_label("Account (IBAN)").fill(IBAN)
    clerk.get_by_role("button", name="Complete").click()
    expect(clerk.get_by_role("heading", name="Tasks", level=1)).to_be_visible()

    # the review comes to the phone: what is there stays where it is, what is new is announced
    fresh = manager.get_by_role("button", name="1 new task – show")
    expect(fresh).to_be_visible()
    expect(first).to_contain_text("Done")
    expect(card_of(manager, "Review")).to_have_count(0)
    expect(manager.get_by_text("Free to claim (1)")).to_be_visible()
    axe(manager)
    screenshot(manager, "manager-pill")
    fresh.click()
    expect(first).to_have_count(0)
    review = card_of(manager, "Review")
    review.get_by_role("button", name="Claim").click()
    opened = review.get_by_role("link", name="Open Review")
    expect(opened).to_be_visible()
    expect(manager.get_by_role("navigation").get_by_role("link", name=re.compile("Tasks"))).to_contain_text("1")
    whole(manager.locator(".tab .count .mantine-Badge-label"))
    whole(manager.locator(".live .mantine-Badge-label"))
    opened.click()
    expect(manager.get_by_role("heading", name="Review", level=1)).to_be_visible()
    expect(manager.get_by_text("Step 2 of 4")).to_be_visible()
    fits(manager)
    axe(manager)
    screenshot(manager, "manager-review")

    # the clerk follows it meanwhile
    clerk.get_by_role("navigation").get_by_role("link", name="My requests").click()
    clerk.get_by_role("link", name="New credit card").click()
    expect(clerk.get_by_role("heading", name="New credit card", level=1)).to_be_visible()
    request = instance_of(clerk)
    expect(clerk.get_by_role("listitem").filter(has_text="Review").first).to_contain_text("With Back office since")
    live(clerk)
    axe(clerk)
    screenshot(clerk, "request-review")

    # the manager approves
    approved = manager.get_by_role("radiogroup", name="Approved").or_(manager.get_by_role("group", name="Approved"))
    approved.get_by_text("Yes", exact=True).click()
    manager.get_by_label("Comment").fill("Pays back within the year.")
    manager.get_by_role("button", name="Complete").click()

    # and it is back with the clerk, on the page that is open
    turn = clerk.get_by_role("status").filter(has_text="Your turn")
    expect(turn.get_by_role("link", name="Sign contract")).to_be_visible()
    expect(clerk.get_by_text("Review").first).to_be_visible()
    axe(clerk)
    screenshot(clerk, "request-turn")
    turn.get_by_role("link", name="Sign contract").click()
    expect(clerk.get_by_role("heading", name="Sign contract", level=1)).to_be_visible()
    expect(clerk.get_by_text("Pays back within the year.")).to_be_visible()
    screenshot(clerk, "task-sign")
    clerk.get_by_label(SIGN).check()
    clerk.get_by_label("Place").fill("Cluj")
    clerk.get_by_role("button", name="Complete").click()

    # the card is made, the post brings it
    clerk.get_by_role("link", name="See how it goes on").click()
    expect(clerk).to_have_url(re.compile(rf"/requests/{request}$"))
    expect(clerk.locator(".step", has_text="Delivery")).to_have_attribute("data-state", "current")
    screenshot(clerk, "request-delivery")
    finish(site, request)
    for stage in ("Application", "Review", "Contract", "Delivery"):
        expect(clerk.locator(".step", has_text=stage)).to_have_attribute("data-state", "done")
    expect(clerk.get_by_text("There is nothing left for you to do")).to_be_visible()
    axe(clerk)
    screenshot(clerk, "request-done")

    # the picture says the same
    manager.goto(f"/instances/{request}")
    expect(manager.locator("[data-drawn]")).to_be_visible()
    for node in ("start_person", "fill_in", "score_application", "review", "produce_card", "card_active"):
        expect(manager.locator(f'[data-element-id="{node}"].pn-visited')).to_have_count(1)
    expect(manager.locator(".pn-waiting, .pn-failed")).to_have_count(0)
    screenshot(manager, "status-done-phone")


def test_one_person_with_a_phone(site, person, workshop):
    page = person("admin", screen="phone")

    page.get_by_role("navigation").get_by_role("link", name="Start", exact=True).tap()
    expect(page.get_by_role("heading", name="Start", level=1)).to_be_visible()
    expect(page.get_by_role("link", name="New credit card")).to_be_visible()
    fits(page)
    for tab in page.get_by_role("navigation").get_by_role("link").all():
        thumb(tab)
    screenshot(page, "phone-start")
    page.locator(".offers").get_by_role("link", name="New credit card").tap()
    expect(page.get_by_role("heading", name="How does it begin?")).to_be_visible()
    fits(page)
    thumb(page.get_by_role("link", name="Person applies").locator("xpath=ancestor::li"))
    screenshot(page, "phone-ways")
    page.get_by_role("link", name="Person applies").tap()
    page.get_by_label("Name", exact=False).first.fill("Dan")
    page.get_by_label("Income").fill("5000")
    fits(page)
    thumb(page.get_by_label("Income"), page.get_by_role("button", name="Start", exact=True))
    screenshot(page, "phone-start-form")
    page.get_by_role("button", name="Start", exact=True).tap()

    expect(page.get_by_role("heading", name="Fill in application", level=1)).to_be_visible()
    expect(page.get_by_text("Step 1 of 4")).to_be_visible()
    page.get_by_label("Account (IBAN)").fill(IBAN)
    page.get_by_label("Limit wanted").fill("9000")
    fits(page)
    thumb(page.get_by_label("Limit wanted"), *page.locator(".task-acts button").all())
    screenshot(page, "phone-fill-in")
    page.get_by_role("button", name="Complete").tap()

    # the rule accepts it: the next step of the same person opens by itself
    expect(page.get_by_role("heading", name="Sign contract", level=1)).to_be_visible()
    expect(page.get_by_text("Step 3 of 4")).to_be_visible()
    fits(page)
    axe(page)
    screenshot(page, "phone-sign")
    page.get_by_label(SIGN).check()
    page.get_by_role("button", name="Complete").tap()
    expect(page.get_by_role("heading", name="Tasks", level=1)).to_be_visible()
    fits(page)

    page.get_by_role("navigation").get_by_role("link", name="My requests").tap()
    page.get_by_role("link", name="New credit card").first.tap()
    expect(page.locator(".step", has_text="Contract")).to_have_attribute("data-state", re.compile("done|current"))
    fits(page)
    axe(page)
    screenshot(page, "phone-request")
    finish(site, instance_of(page))
    expect(page.locator(".step", has_text="Delivery")).to_have_attribute("data-state", "done")
    fits(page)
