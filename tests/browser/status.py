"""What a test does with the page of an instance."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Locator, Page, expect

from procession.client import Client
from procession.testing import RunningServer
from tests.acceptance.waiting import until
from tests.browser.workshop import Workshop

CARD = {"client": {"name": "Ana", "income": 2400}}
SIGNED = {"client": {"iban": "DE02120300000000202051"}, "amount": 3000}
ORDER: dict[str, Any] = {
    "order": {
        "id": "A-1",
        "customer": "Ana",
        "address": "Main street 1",
        "items": [{"sku": "book", "quantity": 1, "price": 20}, {"sku": "mug", "quantity": 2, "price": 8}],
        "giftWrap": False,
        "express": False,
    }
}


def card(somebody: Client, key: str | None = None) -> str:
    """An application that waits to be filled in."""
    return somebody.start("credit_card", CARD, start_condition="PF", business_key=key).id


def fill_in(clerk: Client, id: str) -> None:
    """Fill in an application, so that a card is produced and a contract signed."""
    (task,) = clerk.tasks(instance=id).items
    clerk.complete_task(task.id, SIGNED)


def stuck_card(site: RunningServer, workshop: Workshop, message: str, key: str | None = None) -> str:
    """An application whose card cannot be produced, because the worker fails."""
    workshop.break_down("produce-card", message)
    clerk, admin = site.client("clerk"), site.client("admin")
    id = card(admin, key)
    fill_in(clerk, id)
    until(lambda: admin.exceptions(id))
    return id


def step(page: Page, id: str) -> Locator:
    """A step, or a flow, as it is drawn."""
    return page.locator(f'.djs-element[data-element-id="{id}"]')


def badges(page: Page, id: str) -> Locator:
    """The signs on a step."""
    return page.locator(f'.djs-overlays[data-container-id="{id}"] .pn-badge')


def open_status(page: Page, id: str, query: str = "") -> None:
    """Open the page of an instance, and wait until it is drawn and live."""
    page.goto(f"/instances/{id}{query}")
    expect(page.locator("[data-drawn]")).to_be_visible()
    live(page)


def live(page: Page, state: str = "live") -> None:
    """Wait until the badge says so."""
    expect(page.locator("[data-live]")).to_have_attribute("data-live", state)


def act(page: Page, name: str) -> Locator:
    """Choose an action; its dialog."""
    page.get_by_role("button", name=name, exact=True).first.click()
    return page.get_by_role("dialog")


def confirm(dialog: Locator, name: str, reason: str = "") -> None:
    """Say why, and do it."""
    if reason:
        dialog.get_by_label("Reason").fill(reason)
    button = dialog.get_by_role("button", name=name, exact=True)
    expect(button).to_be_enabled()
    button.click()


def tab(page: Page, name: str) -> Locator:
    """Open one of the panels; what is in it."""
    page.get_by_role("tab", name=name).click()
    return page.get_by_role("tabpanel")


def position(page: Page) -> int:
    """The moment of the history that is shown."""
    return int(page.get_by_role("slider").get_attribute("aria-valuenow") or 0)
