"""The content security policy in a real browser; and that nothing of what goes wrong on a page is missed by the tests."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.acceptance.waiting import until
from tests.browser.browsing import watch

INJECTED = """() => {
    const script = document.createElement('script')
    script.textContent = 'window.injected = true'
    document.head.append(script)
    const style = document.createElement('style')
    style.textContent = 'body { display: none }'
    document.head.append(style)
    const image = new Image()
    image.src = 'http://127.0.0.1:9/pixel.png'
    document.body.append(image)
    fetch('http://127.0.0.1:9/').catch(() => undefined)
}"""


def test_what_is_injected_does_nothing_and_is_noticed(site, person):
    page = person("clerk")
    page.evaluate(INJECTED)
    seen = watch(page)
    for directive in ("script-src-elem", "style-src-elem", "img-src", "connect-src"):
        until(
            lambda directive=directive: _pumped(page, lambda: f"policy: {directive} forbids" in str(seen.complaints()))
        )
    assert page.evaluate("() => window.injected") is None
    expect(page.locator("body")).to_be_visible()
    seen.expect("content security policy", "Content Security Policy", r"pixel\.png: csp$")
    assert not seen.complaints()


def test_errors_of_a_page_are_noticed(person):
    page = person()
    page.goto("/")
    page.evaluate("() => { console.error('a message'); setTimeout(() => { throw new Error('a fault') }) }")
    seen = watch(page)
    until(lambda: _pumped(page, lambda: len(seen.complaints()) == 2))
    assert "a message" in seen.complaints()[0]
    assert "a fault" in seen.complaints()[1]
    seen.expect("a message", "a fault")


def test_the_workshop_does_what_it_is_told(site, workshop):
    clerk, admin = site.client("clerk"), site.client("admin")
    workshop.break_down("produce-card", "No plastic left.")
    card = clerk.start("credit_card", {"client": {"name": "Ana", "income": 2400}}, start_condition="PF")
    (task,) = clerk.tasks(instance=card.id).items
    clerk.complete_task(task.id, {"client": {"iban": "DE02120300000000202051"}, "amount": 3000})
    until(lambda: admin.exceptions(card.id))
    (stuck,) = admin.exceptions(card.id)
    assert "No plastic left." in str(stuck)
    workshop.mend("produce-card")
    admin.retry(card.id, stuck.token_id)
    until(lambda: admin.instance(card.id).variables.get("cardNumber"))


def _pumped(page, condition):
    """Events of a page arrive while it is asked something."""
    page.evaluate("() => 0")
    return condition()
