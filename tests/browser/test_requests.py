"""My requests: what somebody who is no operator is told of what they have started, in plain words and without ids."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from procession.testing.builder import process
from tests.browser.browsing import axe, edges, fits, live, log_in, screenshot, watch

DATA = {"client": {"name": "Ana Pop", "income": 2400}}
FILLED = {"client": {"iban": "DE02120300000000202051"}, "amount": 3000}


def begin(site, reference: str) -> str:
    """The clerk asks for a card; the id of the request."""
    return site.client("clerk").start("credit_card", DATA, start_condition="PF", business_key=reference).id


def complete(site, request: str, name: str, variables: dict[str, object]) -> None:
    admin = site.client("admin")
    (task,) = [each for each in admin.tasks(instance=request).items if each.name == name]
    admin.complete_task(task.id, variables)


def no_ids(page: Page, *ids: str) -> None:
    """No number that only programs want is to be read."""
    text = page.locator("body").inner_text()
    found = [each for each in ids if each in text]
    assert not found, f"{page.url} shows {found}"
    assert not re.search(r"\d{12,}", text), f"{page.url} shows a long number: {text}"


@pytest.mark.parametrize(("screen", "scheme"), [("desktop", "light"), ("desktop", "dark"), ("phone", "dark")])
def test_a_request_is_followed_and_withdrawn(site, person, screen, scheme):
    page = person("clerk")
    page.goto("/requests")
    expect(page.get_by_role("heading", name="My requests", level=1)).to_be_visible()
    live(page)
    reference = f"W-{screen}-{scheme}"
    request = begin(site, reference)
    fresh = page.get_by_role("button", name="1 new – show").or_(page.get_by_text(reference)).first
    expect(fresh).to_be_visible()
    if page.get_by_text(reference).count() == 0:
        fresh.click()
    item = page.get_by_role("listitem").filter(has_text=reference)
    expect(item).to_contain_text("Fill in application")
    expect(item).to_contain_text("in progress")
    no_ids(page, request)
    axe(page)
    fits(page)
    screenshot(page, f"requests-{screen}-{scheme}")

    item.get_by_role("link").click()
    expect(page.get_by_role("status").filter(has_text="Your turn")).to_be_visible()
    live(page)
    complete(site, request, "Fill in application", {**FILLED, "amount": 10_000})
    expect(page.locator(".step", has_text="Application")).to_have_attribute("data-state", "done")
    expect(page.locator(".step", has_text="Review")).to_contain_text("With Back office since")
    no_ids(page, request)
    screenshot(page, f"request-{screen}-{scheme}")

    page.get_by_role("button", name="Withdraw…").click()
    dialog = page.get_by_role("dialog", name="Withdraw this request?")
    expect(dialog).to_contain_text("This cannot be undone")
    dialog.get_by_label("Why?").fill("The client went elsewhere.")
    axe(page)
    screenshot(page, f"withdraw-{screen}-{scheme}")
    dialog.get_by_role("button", name="Withdraw", exact=True).click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_text(re.compile("^It was ended .*, before it was done"))).to_be_visible()
    expect(page.get_by_role("button", name="Withdraw…")).to_have_count(0)
    axe(page)
    no_ids(page, request)
    screenshot(page, f"withdrawn-{screen}-{scheme}")
    ended = site.client("admin").audit(request).items
    assert "The client went elsewhere." in str(ended)

    page.get_by_role("main").get_by_role("link", name="My requests").click()
    page.get_by_text("Finished", exact=True).click()
    expect(page.get_by_role("listitem").filter(has_text=reference)).to_contain_text("ended early")
    no_ids(page, request)


def test_a_failure_is_told_in_plain_words(site, person, workshop):
    page = person("clerk")
    request = begin(site, "F-1")
    page.goto(f"/requests/{request}")
    expect(page.get_by_role("heading", name="New credit card", level=1)).to_be_visible()
    live(page)
    workshop.break_down("produce-card", "ZeroDivisionError in press.py")
    try:
        complete(site, request, "Fill in application", FILLED)
        contract = page.locator(".step", has_text="Contract")
        expect(contract).to_contain_text("We are looking into it (since")
        expect(page.get_by_text("being looked into")).to_be_visible()
        text = page.locator("body").inner_text()
        assert "ZeroDivisionError" not in text
        assert "press.py" not in text
        no_ids(page, request)
        axe(page)
        screenshot(page, "request-failed")
        page.goto("/requests")
        expect(page.get_by_role("listitem").filter(has_text="F-1")).to_contain_text("being looked into")
        page.go_back()
        expect(contract).to_contain_text("We are looking into it")
    finally:
        workshop.mend("produce-card")
    admin = site.client("admin")
    (stuck,) = admin.exceptions(request)
    admin.retry(request, stuck.token_id)
    expect(contract).not_to_contain_text("We are looking into it")
    expect(page.get_by_text("being looked into")).to_have_count(0)
    expect(page.get_by_role("status").filter(has_text="Your turn")).to_contain_text("Sign contract")


def test_a_request_on_hold_is_paused(site, person):
    request = begin(site, "H-1")
    page = person("clerk")
    page.goto(f"/requests/{request}")
    live(page)
    operator = site.client("operator")
    operator.hold(request, "Wait.")
    expect(page.get_by_text("It is paused for now.")).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="Your turn")).to_have_count(0)
    axe(page)
    screenshot(page, "request-paused")
    operator.unhold(request)
    expect(page.get_by_text("It is paused for now.")).to_have_count(0)
    expect(page.get_by_role("status").filter(has_text="Your turn")).to_be_visible()


@pytest.mark.parametrize(
    ("screen", "scheme"), [("desktop", "light"), ("desktop", "dark"), ("phone", "light"), ("phone", "dark")]
)
def test_no_page_for_people_shows_an_id_or_keeps_anybody_out(site, person, screen, scheme):
    request = begin(site, "I-1")
    (task,) = site.client("clerk").tasks(instance=request).items
    page = person("clerk")
    for address, ready in (
        ("/start", "New credit card"),
        ("/start/credit_card", "How does it begin?"),
        ("/start/credit_card?at=start_person", "What happens next"),
        (f"/start/credit_card?from={request}", "The form is filled in from an earlier request."),
        ("/tasks?scope=all", "I-1"),
        (f"/tasks/{task.id}", "About this case"),
        ("/requests", "I-1"),
        (f"/requests/{request}", "How far it is"),
    ):
        page.goto(address)
        expect(page.get_by_text(ready).first).to_be_visible()
        no_ids(page, request, task.id)
        fits(page)
        edges(page)
        axe(page)
        name = address.replace(request, "one").replace(task.id, "one").translate(str.maketrans("/?=", "---"))
        screenshot(page, f"people{name}-{screen}-{scheme}")
    page.get_by_role("navigation").get_by_role("link", name="Start", exact=True).click()
    expect(page.get_by_role("region", name="My open requests")).to_contain_text("I-1")
    no_ids(page, request, task.id)


def test_a_request_of_somebody_else_is_not_there(site, person):
    request = begin(site, "S-1")
    page = person("outsider")
    watch(page).expect(rf"404 .*/api/instances/{request}")
    page.goto(f"/requests/{request}")
    expect(page.get_by_text("There is nothing here")).to_be_visible()
    axe(page)
    screenshot(page, "request-not-there")
    page.goto("/start")
    expect(page.get_by_text("Nothing you may start yet.").or_(page.get_by_role("list").first)).to_be_visible()
    axe(page)


# -- starting ---------------------------------------------------------------------------------------------------------


def test_what_is_refused_is_explained_where_it_can_be_mended(site, person):
    """What a person can meet: a process that is not there, not theirs, of several starts, with something missing or wrong."""
    page = person("clerk")
    watch(page).expect(r"(400|403|404|422) .*/api/process/", r"(400|403|404|422) .*/api/definitions")

    page.goto("/start/nothing_of_the_kind")
    expect(page.get_by_text("This process cannot be started now")).to_be_visible()
    axe(page)
    screenshot(page, "start-gone")
    page.get_by_role("link", name="What you can start").click()

    # several ways to begin are a choice, not a refusal; back to it at any time
    page.locator(".offers").get_by_role("link", name="New credit card").click()
    page.get_by_role("link", name="Company applies").click()
    expect(page.get_by_role("heading", name="Company applies")).to_be_visible()
    page.get_by_role("link", name="Another way to begin").click()
    expect(page.get_by_role("heading", name="How does it begin?")).to_be_visible()
    page.get_by_role("link", name="Company applies").click()
    page.get_by_label("Name").fill("Dan")
    page.get_by_role("button", name="Start", exact=True).click()
    summary = page.locator(".form-summary")
    expect(summary).to_contain_text("1 answer needs a second look")
    expect(summary.get_by_role("link", name=re.compile("Vat"))).to_be_visible()
    page.get_by_label("Vat").fill("RO1234")

    # the server refuses: it was unpublished meanwhile
    admin = site.client("admin")
    admin.deprecate("credit_card")
    try:
        expect(page.get_by_label("Vat")).to_have_value("RO1234")
        page.get_by_role("button", name="Start", exact=True).click()
        expect(page.get_by_text("This process cannot be started now.").first).to_be_visible()
        screenshot(page, "start-unpublished")
        axe(page)
    finally:
        admin.publish("credit_card", 1)


def test_what_only_the_server_finds_missing_is_told_at_the_field(site, person):
    """The form of another version is still open, and that version asks for more."""
    first = process("badge", "Badge").start("s", params={"person": "string"}).user_task("hand_over").end()
    second = process("badge", "Badge").start("s", params={"person": "string"}, mandatory=["person"])
    second = second.user_task("hand_over").end()
    site.deploy(("badge.bpmn", first.build()))
    page = person("admin")
    page.goto("/start/badge")
    expect(page.get_by_label("Person")).to_be_visible()
    watch(page).expect(r"400 .*/api/process/badge/start")
    site.deploy(("badge.bpmn", second.build()))
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.locator(".form-summary")).to_contain_text("Person: This is needed.")
    expect(page.get_by_label("Person")).to_have_attribute("aria-invalid", "true")
    screenshot(page, "start-server-missing")
    page.get_by_label("Person").fill("Ana")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_role("heading", name="hand_over", level=1)).to_be_visible()


def test_who_may_not_start_is_told_what_they_need(site, person):
    guarded = process("secret", "Secret thing").start("s").user_task("t", name="Do it").end()
    site.deploy(("secret.bpmn", guarded.lane("Office", "s", "t", execute="manager", view="manager clerk").build()))
    page = person("clerk")
    page.goto("/start/secret")
    expect(page.get_by_role("heading", name="Secret thing", level=1)).to_be_visible()
    expect(page.get_by_text("You may not start this")).to_be_visible()
    expect(page.get_by_text(re.compile("only manager may work in Office"))).to_be_visible()
    axe(page)
    screenshot(page, "start-forbidden")


def test_a_start_that_is_sent_twice_starts_once(site, person):
    """The connection breaks while the answer is on its way: the same is sent again, and nothing begins a second time."""
    page = person("clerk")
    watch(page).expect("ERR_CONNECTION|ERR_FAILED")
    page.goto("/start/credit_card?at=start_person")
    page.get_by_label("Name").fill("Twice")
    page.get_by_label("Income").fill("2400")
    page.get_by_text("More", exact=True).click()
    page.get_by_label("Reference").fill("T-2")

    def lose_the_answer(route) -> None:
        route.fetch()
        route.abort("connectionreset")

    page.route("**/api/process/credit_card/start", lose_the_answer, times=1)
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("it will not start twice")
    screenshot(page, "start-busy")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_role("heading", name="Fill in application", level=1)).to_be_visible()
    assert len(site.client("clerk").instances(business_key="T-2").items) == 1


def test_a_customer_logs_in_to_an_empty_list(site, person):
    page = person()
    page.goto("/requests")
    log_in(page, site, "customer")
    expect(page.get_by_text("None of your requests is open.")).to_be_visible()
    axe(page)
    screenshot(page, "requests-empty")
    expect(page.get_by_role("main").get_by_role("link", name="Start something").first).to_be_visible()
