"""The history as a film, and the diagram: by mouse and by keyboard, as a drawing and as a list."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from procession.testing import process
from tests.acceptance.waiting import until
from tests.browser.browsing import axe, screenshot
from tests.browser.status import ORDER, badges, live, open_status, position, step, stuck_card, tab

everywhere = pytest.mark.parametrize(
    ("screen", "scheme"), [("desktop", "light"), ("desktop", "dark"), ("phone", "light"), ("phone", "dark")]
)
LOOPS = 2_500


@pytest.fixture(scope="module")
def repaired(site, workshop):
    """A card that could not be produced, was repaired, and waits for a signature."""
    id = stuck_card(site, workshop, "No plastic left.", key="R-1")
    workshop.mend("produce-card")
    site.client().set_variables(id, {"note": "urgent"}, reason="They called.")
    site.client().retry(id)
    until(lambda: site.client().instance(id).variables.get("cardNumber"))
    return id


def at(page) -> int | None:
    """The moment that the address names."""
    found = parse_qs(urlsplit(page.url).query).get("at")
    return int(found[0]) if found else None


def shows(page, then) -> None:
    """Everything on the page is that of this state of the instance."""
    expect(page.get_by_text("Replay: this is how it was at")).to_be_visible()
    panel = tab(page, "Variables")
    for name, value in then.variables.items():
        if isinstance(value, str):
            expect(panel.locator(".tree-line").filter(has_text=name).first).to_contain_text(value)
    expect(panel.locator(".tree > ul > li")).to_have_count(len(then.variables))
    expect(tab(page, "Tokens").get_by_role("row")).to_have_count(1 + len(then.tokens))
    alerts = tab(page, "Exceptions").get_by_role("alert")
    expect(alerts).to_have_count(len(then.exceptions))
    for token in then.tokens:
        if not any(other.parent_token_id == token.id for other in then.tokens):
            expect(step(page, token.current_node_id)).to_have_class(re.compile("pn-(waiting|failed)"))


def test_every_moment_is_as_it_was(site, workshop, person, repaired):
    admin = site.client()
    page = person("operator")
    open_status(page, repaired)
    last = admin.instance(repaired).seq
    assert position(page) == last
    for moment in range(last - 1, 0, -1):
        page.keyboard.press("[")
        expect(page).to_have_url(re.compile(rf"at={moment}\b"))
        expect(page.get_by_role("slider")).to_have_attribute("aria-valuenow", str(moment))
        shows(page, admin.state_at(repaired, moment))
    screenshot(page, "replay-first")
    expect(page.get_by_role("button", name="Set variables")).to_have_count(0)
    expect(page.get_by_role("button", name="Hold")).to_have_count(0)
    expect(page.get_by_role("button", name=re.compile("^Change "))).to_have_count(0)
    axe(page)
    page.keyboard.press("]")
    expect(page).to_have_url(re.compile(r"at=2\b"))
    page.keyboard.press("Shift+L")
    expect(page.get_by_text("Replay: this is how it was at")).to_have_count(0)
    assert at(page) is None


def test_failures_are_marked_and_jumped_to(site, workshop, person, repaired):
    admin = site.client()
    (failed,) = [
        each.position for each in admin.history(repaired) if any(e[0] == "incident-raised" for e in each.events)
    ]
    page = person("operator")
    open_status(page, repaired)
    expect(page.locator(".replay-slider .mantine-Slider-mark")).to_have_count(1)
    page.get_by_role("button", name="Previous failure").click()
    expect(page).to_have_url(re.compile(rf"at={failed}\b"))
    expect(badges(page, "produce_card")).to_have_text("! 1")
    expect(tab(page, "Exceptions").get_by_role("alert")).to_contain_text("No plastic left.")
    expect(page.get_by_role("tabpanel").get_by_role("button", name="Retry")).to_have_count(0)
    expect(page.get_by_role("slider")).to_have_attribute("aria-valuetext", re.compile("something failed"))
    axe(page)
    screenshot(page, "replay-failure")
    # the address is the moment: whoever opens it sees the same
    other = person("operator", scheme="dark")
    open_status(other, repaired, f"?at={failed}")
    expect(badges(other, "produce_card")).to_have_text("! 1")
    shows(other, admin.state_at(repaired, failed))
    screenshot(other, "replay-failure-dark")
    page.get_by_role("button", name="Back to now").click()
    expect(badges(page, "produce_card")).to_have_text("✓")


def test_the_slider_by_mouse_and_keys_while_things_happen(site, workshop, person, repaired):
    admin = site.client()
    page = person("operator")
    open_status(page, repaired)
    last = admin.instance(repaired).seq
    slider = page.get_by_role("slider")
    box = page.locator(".replay-slider").bounding_box()
    page.mouse.click(box["x"] + 2, box["y"] + box["height"] / 2)
    expect(slider).to_have_attribute("aria-valuenow", "1")
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuenow", "2")
    expect(page).to_have_url(re.compile(r"at=2\b"))
    page.keyboard.press("Home")
    expect(slider).to_have_attribute("aria-valuenow", "1")
    # what happens meanwhile arrives at the right edge, and moves nothing
    admin.set_variables(repaired, {"note": "later"})
    expect(slider).to_have_attribute("aria-valuemax", str(last + 1))
    expect(slider).to_have_attribute("aria-valuenow", "1")
    expect(tab(page, "Variables")).not_to_contain_text("later")
    page.get_by_role("button", name="Play", exact=True).click()
    expect(slider).to_have_attribute("aria-valuenow", str(last + 1))
    expect(page.get_by_text("Replay: this is how it was at")).to_have_count(0)
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    expect(tab(page, "Variables")).to_contain_text("later")


def test_a_long_history_can_be_walked(site, person):
    looping = process("looping", "Count").start("start").receive("wait", "tick", "=key", name="Wait for a tick")
    looping = looping.exclusive("more", name="More?").when("=false").end("end").back_to("more").otherwise().to("wait")
    site.deploy(("looping.bpmn", looping.build()))
    admin = site.client()
    id = admin.start("looping", {"key": "k", "n": 0}).id
    for n in range(1, LOOPS + 1):
        admin.publish_message("tick", "k", {"n": n})
    until(lambda: admin.instance(id).variables["n"] == LOOPS)
    last = admin.instance(id).seq
    page = person("operator")
    open_status(page, id, "?tab=variables")
    expect(page.locator(".replay-when")).to_contain_text(f"{last} of {last}")
    expect(badges(page, "more")).to_have_count(0)
    middle = last // 2
    page.goto(f"/instances/{id}?tab=variables&at={middle}")
    then = admin.state_at(id, middle)
    expect(page.locator(".tree-line").filter(has_text="n").last).to_contain_text(str(then.variables["n"]))
    expect(page.get_by_text("Replay: this is how it was at")).to_contain_text(re.compile(r"\d\d:\d\d"))
    for _ in range(5):
        page.keyboard.press("[")
    expect(page).to_have_url(re.compile(rf"at={middle - 5}\b"))
    expect(page.locator(".tree-line").filter(has_text="n").last).to_contain_text(
        str(admin.state_at(id, middle - 5).variables["n"])
    )
    axe(page)
    screenshot(page, "long")


def test_the_diagram_by_keyboard(site, workshop, person, repaired):
    page = person("operator")
    open_status(page, repaired)
    drawing = page.get_by_role("application", name=re.compile("Diagram of New credit card"))
    said = page.locator(".diagram [role=status].unseen")
    drawing.focus()
    page.keyboard.press("ArrowRight")
    expect(said).to_contain_text("start")
    walked = []
    for _ in range(8):
        page.keyboard.press("ArrowRight")
        walked.append(said.text_content())
        if "Score, business rule" in walked[-1]:
            break
    assert any(text.startswith("Fill in application, task for a person, Done once. Leads to") for text in walked), (
        walked
    )
    assert walked[-1].startswith("Score, business rule, Done once."), walked
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("node=score_application"))
    expect(page.get_by_role("region", name="Score", exact=True)).to_contain_text("Reached once")
    page.keyboard.press("ArrowLeft")
    expect(said).not_to_have_text(walked[-1])
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(said).to_contain_text("Score?")
    page.keyboard.press("ArrowRight")
    first = said.text_content()
    page.keyboard.press("ArrowDown")
    expect(said).not_to_have_text(first)
    page.keyboard.press("ArrowUp")
    expect(said).to_have_text(first)
    page.keyboard.press("Escape")
    expect(page).not_to_have_url(re.compile("node="))

    def scale():
        return page.locator(".djs-container .viewport").evaluate(
            "group => group.transform.baseVal.consolidate().matrix.a"
        )

    page.keyboard.press("0")
    fitted = scale()
    page.keyboard.press("+")
    assert scale() > fitted
    page.keyboard.press("0")
    assert abs(scale() - fitted) < 0.001
    page.keyboard.press("-")
    assert scale() < fitted


def test_the_list_says_the_same_as_the_drawing(site, workshop, person, repaired):
    page = person("operator")
    open_status(page, repaired)
    states = {
        id: re.search(r"pn-(visited|waiting|failed|held|cancelled)", names)[1]
        for id, names in page.locator(".djs-shape[class*=pn-]").evaluate_all(
            "shapes => shapes.map(shape => [shape.dataset.elementId, shape.getAttribute('class')])"
        )
    }
    assert {"visited", "waiting"} <= set(states.values())
    page.get_by_text("List", exact=True).click()
    expect(page).to_have_url(re.compile("view=list"))
    steps = page.locator(".outline-step")
    expect(steps.first).to_be_visible()
    found = steps.evaluate_all("steps => steps.map(step => step.dataset.state).filter(Boolean)")
    assert sorted(found) == sorted(states.values())
    expect(steps.filter(has_text="3 days")).to_contain_text("at Review")
    sign = page.get_by_role("button", name=re.compile("Sign contract"))
    expect(sign).to_contain_text("1 token waits here")
    sign.focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("node=sign_contract"))
    axe(page)
    screenshot(page, "list")


@everywhere
def test_the_mark_of_the_drawing_library_is_never_covered(site, workshop, person, repaired, screen, scheme):
    page = person("operator")
    open_status(page, repaired)
    mark = page.locator(".bjs-powered-by")
    expect(mark).to_be_visible()
    assert mark.evaluate(
        """mark => {
            const { left, top, width, height } = mark.getBoundingClientRect()
            return mark.contains(document.elementFromPoint(left + width / 2, top + height / 2))
        }"""
    )
    axe(page)
    screenshot(page, f"mark-{screen}-{scheme}")


def test_a_file_without_a_drawing_is_laid_out(site, person):
    bare = (
        process("bare", "Without a drawing").start("start").user_task("look", name="Look").end("end").build().decode()
    )
    bare = re.sub(r"<(\w+:)?BPMNDiagram\b.*</(\w+:)?BPMNDiagram>", "", bare, flags=re.DOTALL)
    site.deploy(("bare.bpmn", bare.encode()))
    id = site.client().start("bare").id
    page = person("operator")
    open_status(page, id)
    expect(page.get_by_text("it was laid out automatically")).to_be_visible()
    expect(step(page, "look")).to_have_class(re.compile("pn-waiting"))
    expect(badges(page, "look")).to_have_text("● 1")
    expect(page.get_by_text("Your turn: Look")).to_be_visible()
    expect(page.get_by_text("It is your turn again.")).to_have_count(0)
    axe(page)
    screenshot(page, "laid-out")


def test_many_at_once_inside_and_in_another_instance(site, workshop, person):
    admin = site.client()
    workshop.break_down("pick-item", "The ladder is gone.")
    page = person("operator")
    id = admin.start("order_fulfilment", ORDER).id
    open_status(page, id)
    expect(badges(page, "price_lines")).to_have_text("✓ ×2")
    admin.publish_message("payment-received", ORDER["order"]["id"])
    # on the way there are two signs: failed, and waiting
    expect(badges(page, "pick_item").filter(has_text="! 2")).to_be_visible()
    expect(step(page, "pick_items")).to_have_class(re.compile("pn-waiting"))
    expect(page.get_by_role("button", name="Retry all 2")).to_be_visible()
    expect(tab(page, "Tokens")).to_contain_text("0 of 2 done")
    axe(page)
    screenshot(page, "many")
    workshop.mend("pick-item")
    page.get_by_role("button", name="Retry all 2").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("checkbox")).to_have_count(2)
    dialog.get_by_role("button", name="Retry", exact=True).click()
    expect(dialog).to_have_count(0)
    expect(badges(page, "pick_item").filter(has_text="✓ ×2")).to_be_visible()
    expect(step(page, "ship")).to_have_class(re.compile("pn-waiting"))
    screenshot(page, "picked")
    tab(page, "Subprocesses").get_by_role("link", name="Ship parcel").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Ship parcel")
    live(page)
    expect(step(page, "collected")).to_have_class(re.compile("pn-waiting"))
    page.get_by_role("link", name="Called by another instance").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Order fulfilment")
