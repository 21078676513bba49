"""The tutorial, as it stands in docs/tutorial/web-application.md: a newcomer with the demo in front of them.

`make pictures` runs it and keeps the pictures that the page shows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from procession import Client
from procession.testing import RunningServer
from tests.acceptance.programs import running
from tests.acceptance.waiting import until
from tests.browser.browsing import PATIENCE, axe, open_page, screenshot, watch

PASSWORD = "open-sesame-1"
IBAN = "DE02120300000000202051"
TALL = {"width": 1280, "height": 800}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What `make demo` starts, and its address."""
    folder = tmp_path_factory.mktemp("demo")
    with running("demo", "--port", "0", "--password", PASSWORD, cwd=folder) as started:
        address = started.address()
        started.said("Ctrl-C ends everything.")
        yield address


class Person:
    """Somebody at a window."""

    def __init__(self, browser: Browser, demo: str, name: str, screen: str = "desktop") -> None:
        site: RunningServer = type("Site", (), {"url": demo})()  # type: ignore[assignment]
        self.page: Page = open_page(browser, site, screen=screen)
        if screen == "desktop":
            self.page.set_viewport_size(TALL)
        self.page.goto("/")
        self.page.get_by_label("Name", exact=True).fill(name)
        self.page.get_by_label("Password", exact=True).fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()
        expect(self.page.get_by_role("heading", name="Tasks", level=1)).to_be_visible()

    def close(self) -> None:
        complaints = watch(self.page).complaints()
        self.page.context.close()
        assert not complaints, complaints


@pytest.fixture
def enter(browser: Browser, demo: str) -> Iterator[object]:
    people: list[Person] = []

    def come(name: str, screen: str = "desktop") -> Page:
        people.append(Person(browser, demo, name, screen))
        return people[-1].page

    yield come
    for each in people:
        each.close()


def test_an_application_through_both_lanes(enter, demo):
    clerk = enter("clerk")
    clerk.get_by_role("navigation").get_by_role("link", name="Start", exact=True).click()
    expect(clerk.get_by_role("heading", name="Start", level=1)).to_be_visible()
    screenshot(clerk, "1-start")

    clerk.get_by_role("link", name=re.compile("New credit card")).first.click()
    clerk.get_by_role("link", name="Person applies").click()
    clerk.get_by_label("Name").fill("Dana Marin")
    clerk.get_by_label(re.compile("Income")).fill("2000")
    screenshot(clerk, "2-start-form")
    clerk.get_by_role("button", name="Start", exact=True).click()

    expect(clerk.get_by_role("heading", name="Fill in application", level=1)).to_be_visible()
    clerk.get_by_label(re.compile("IBAN")).fill(IBAN)
    clerk.get_by_label(re.compile("Limit")).fill("9000")
    screenshot(clerk, "3-task")
    clerk.get_by_role("button", name="Complete").click()
    expect(clerk.get_by_role("heading", name="Fill in application", level=1)).to_have_count(0)

    manager = enter("manager", "phone")
    with Client(demo, user="manager", password=PASSWORD) as program:
        (card,) = [each for each in program.instances(definition="credit_card").items if each.business_key is None]
        until(lambda: program.tasks(instance=card.id).items)  # the credit bureau answers first
        (review,) = program.tasks(instance=card.id).items
    manager.get_by_text("Free to claim").first.click()
    expect(manager.get_by_text("Review").first).to_be_visible()
    screenshot(manager, "4-phone-tasks")
    manager.goto(f"/tasks/{review.id}")
    manager.get_by_role("radio", name="Yes").click()
    manager.get_by_label(re.compile("Comment")).fill("A good client.")
    screenshot(manager, "5-phone-review")

    clerk.goto(f"/instances/{card.id}")
    expect(clerk.locator("[data-turn=locked]")).to_be_visible()
    manager.get_by_role("button", name="Complete").click()
    turn = clerk.locator("[data-turn=mine]")  # without a reload
    expect(turn).to_contain_text("Sign contract", timeout=PATIENCE)
    expect(clerk.locator(".pn-badge").first).to_be_visible()
    screenshot(clerk, "6-status")
    turn.get_by_role("link", name="Open").click()
    clerk.get_by_label(re.compile("The client has signed")).click()
    clerk.get_by_role("button", name="Complete").click()
    expect(clerk.get_by_role("heading", name="Sign contract", level=1)).to_have_count(0)

    with Client(demo, user="admin", password=PASSWORD) as mail:
        number = mail.instance(card.id).variables["cardNumber"]
        mail.publish_message("card-delivered", number)
    clerk.goto(f"/requests/{card.id}")
    expect(clerk.get_by_text(re.compile("finished", re.IGNORECASE)).first).to_be_visible()
    screenshot(clerk, "7-request")
    axe(clerk)


def test_an_operator_repairs_what_is_stuck(enter):
    operator = enter("operator")
    operator.get_by_role("navigation").get_by_role("link", name="Instances").click()
    row = operator.get_by_role("row", name=re.compile("CC-1003"))
    expect(row).to_contain_text("exception", timeout=PATIENCE)
    screenshot(operator, "8-instances")
    row.get_by_role("link").first.click()

    expect(operator.get_by_text("The work failed at")).to_be_visible()
    expect(operator.get_by_text(re.compile("a card has room for 26")).first).to_be_visible()
    expect(operator.locator(".pn-badge").first).to_be_visible()
    screenshot(operator, "9-stuck")

    operator.get_by_role("button", name="Edit variables and retry").click()
    values = operator.get_by_label("Variables as JSON")
    values.fill(values.input_value().replace("Konstantinidou-Papadopoulou", "Konstantinidou"))
    operator.get_by_label("Reason").fill("The name on the card was agreed with the client.")
    expect(operator.locator(".change")).to_contain_text("client.name")
    screenshot(operator, "10-repair")
    operator.get_by_role("button", name="Change").click()
    again = operator.get_by_role("dialog", name="Retry")
    expect(again).to_contain_text("A worker gets the work of Produce card again.")
    expect(again.get_by_role("button", name="Retry")).to_be_enabled()
    screenshot(operator, "11-retry")
    again.get_by_role("button", name="Retry").click()
    expect(operator.locator("[data-state=STARTED]").first).to_be_visible(timeout=PATIENCE)
    expect(operator.locator("[data-state=stuck]")).to_have_count(0)

    operator.get_by_role("button", name="Previous failure").click()
    expect(operator.get_by_text(re.compile("Replay: this is how it was"))).to_be_visible()
    expect(operator.locator(".pn-badge[data-state=failed]")).to_be_visible()
    screenshot(operator, "12-replay")
