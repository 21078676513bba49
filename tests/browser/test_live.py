"""What happens on the server is on every open page, once, whatever happens to the server or to the line between."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from procession.testing import process
from tests.acceptance.waiting import until
from tests.browser.browsing import AWAY, axe, log_in, screenshot, watch
from tests.browser.status import act, badges, card, confirm, fill_in, live, open_status, position, step, tab


@pytest.fixture(scope="module")
def notes(site):
    """A process with one task, in which something is written down."""
    site.deploy(
        (
            "notes.bpmn",
            process("notes", "Take notes").start("start").user_task("write", name="Write").end("end").build(),
        )
    )
    return "notes"


def back(site) -> None:
    """Start the server where it was."""
    site.start(int(site.url.rpartition(":")[2]))


def listed(page, what: str) -> list[str]:
    """The ids that a list links to."""
    links = (
        page.get_by_role("main").locator(f'a[href^="/{what}/"]').evaluate_all("links => links.map(link => link.href)")
    )
    return [link.rpartition("/")[2] for link in links]


def test_a_page_follows_everything(site, workshop, person):
    admin = site.client()
    id = card(admin)
    page, twin = person("operator"), person("operator")
    for each in (page, twin):
        open_status(each, id)
        expect(step(each, "fill_in")).to_have_class(re.compile("pn-waiting"))
    audit = tab(twin, "Audit log")
    admin.set_variables(id, {"note": "urgent"}, reason="They called.")
    expect(page.locator(".tree-line").filter(has_text="note")).to_contain_text("urgent")
    expect(audit).to_contain_text("They called.")
    workshop.break_down("produce-card", "No plastic left.")
    fill_in(admin, id)
    for each in (page, twin):
        expect(step(each, "fill_in")).to_have_class(re.compile("pn-visited"))
        expect(badges(each, "produce_card")).to_have_text("! 1")
        expect(each.get_by_role("tab", name="Exceptions")).to_contain_text("1")
    # whoever has not chosen a panel sees what failed; whoever has keeps what they read
    expect(page.get_by_role("tab", name="Exceptions")).to_have_attribute("aria-selected", "true")
    expect(twin.get_by_role("tab", name="Audit log")).to_have_attribute("aria-selected", "true")
    workshop.mend("produce-card")
    admin.retry(id)
    for each in (page, twin):
        expect(badges(each, "produce_card")).to_have_text("✓")
    rows = tab(twin, "Tokens").get_by_role("row")
    expect(rows).to_have_count(1 + len(admin.instance(id).tokens))


def test_a_killed_server_is_waited_for_and_nothing_is_lost_or_doubled(site, workshop, person, notes):
    admin = site.client()
    before = [admin.start(notes, {"n": n}).id for n in range(3)]
    (first,) = admin.tasks(instance=before[0]).items
    id = card(admin, "K-1")
    (task,) = admin.tasks(instance=id).items
    lists, form, page, instances = person("admin"), person("clerk"), person("operator"), person("operator")
    lists.goto("/tasks?scope=all&sort=newest")
    form.goto(f"/tasks/{task.id}")
    open_status(page, id)
    instances.goto("/instances")
    everybody = (lists, form, page, instances)
    for each in everybody:
        live(each)
        watch(each).expect(*AWAY)
    expect(lists.locator(f'a[href="/tasks/{first.id}"]').first).to_be_visible()
    form.get_by_label("IBAN").fill("DE0212030000")
    dialog = act(page, "Hold")
    expect(dialog.get_by_role("button", name="Put on hold")).to_be_enabled()

    site.kill()
    for each in everybody:
        live(each, "reconnecting")
    screenshot(lists, "reconnecting")
    confirm(dialog, "Put on hold", "A pause.")
    expect(dialog.get_by_role("alert")).to_contain_text("The server cannot be reached")
    screenshot(page, "not-held")
    form.get_by_label(re.compile("limit|Limit|amount|Amount")).first.fill("3000")
    form.get_by_label("IBAN").fill("DE02120300000000202051")
    form.get_by_role("button", name="Complete").click()
    expect(form.get_by_role("alert").filter(has_text="The server cannot be reached").first).to_be_visible()
    expect(form.get_by_label("IBAN")).to_have_value("DE02120300000000202051")
    for each in everybody:
        live(each, "offline")
        expect(each.get_by_role("alert").filter(has_text="Showing data from").first).to_be_visible()
    axe(lists)
    screenshot(lists, "offline")
    screenshot(form, "offline-form")

    back(site)
    admin = site.client()
    during = [admin.start(notes, {"n": n}).id for n in range(3, 6)]
    admin.complete_task(first.id)
    admin.set_variables(id, {"note": "while you were away"})
    for each in everybody:
        live(each)
        expect(each.get_by_role("alert").filter(has_text="Showing data from")).to_have_count(0)
    lists.get_by_role("button", name=re.compile("new")).click()
    known = [each.id for each in admin.tasks(scope="all").items]
    until(lambda: sorted(set(listed(lists, "tasks"))) == sorted(known))
    titles = lists.get_by_role("main").locator("tbody tr")
    expect(titles).to_have_count(len(known))
    instances.get_by_role("button", name=re.compile("new")).click()
    all_of_them = [each.id for each in admin.instances().items]
    expect(instances.locator("a[data-row]")).to_have_count(len(all_of_them))
    assert listed(instances, "instances") == all_of_them
    assert set(before + during) <= set(all_of_them)

    confirm(dialog, "Put on hold")
    expect(dialog).to_have_count(0)
    expect(page.locator("[data-state=ON_HOLD]").first).to_be_visible()
    expect(tab(page, "Variables")).to_contain_text("while you were away")
    expect(tab(page, "Audit log").get_by_text("Put on hold")).to_have_count(1)
    assert position(page) == admin.instance(id).seq
    confirm(act(page, "Resume"), "Resume")
    expect(form.get_by_label("IBAN")).to_have_value("DE02120300000000202051")
    complete = form.get_by_role("button", name="Complete")
    expect(complete).not_to_have_attribute("aria-disabled", "true")
    complete.click()
    expect(form).not_to_have_url(re.compile(task.id))
    until(lambda: admin.instance(id).variables.get("amount") == 3000)


def test_a_server_that_is_restarted_gracefully_is_hardly_noticed(site, workshop, person, notes):
    id = site.client().start(notes, {"n": 0}).id
    page = person("operator")
    watch(page).expect(*AWAY)
    open_status(page, id, "?tab=variables")
    assert site.stop() == 0
    live(page, "reconnecting")
    back(site)
    site.client().set_variables(id, {"n": 1})
    live(page)
    expect(page.locator(".tree-line").filter(has_text="n")).to_contain_text("1")
    site.client().set_variables(id, {"n": 2})
    expect(page.locator(".tree-line").filter(has_text="n")).to_contain_text("2")


def test_a_page_that_is_opened_while_the_server_is_away_recovers(site, workshop, person):
    page = person("operator")
    watch(page).expect(*AWAY)
    page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
    page.reload()  # from now on with the service worker
    expect(page.get_by_role("heading", name="Tasks", level=1)).to_be_visible()
    site.kill()
    page.goto("/tasks")
    expect(page.get_by_role("alert")).to_contain_text("The server cannot be reached")
    axe(page)
    screenshot(page, "unreachable")
    back(site)
    expect(page.get_by_role("heading", name="Tasks", level=1)).to_be_visible()
    live(page)


def test_where_sockets_do_not_get_through_it_is_read_again_and_again(site, person, notes):
    id = site.client().start(notes, {"n": 0}).id
    page = person()
    watch(page).expect("WebSocket connection to")
    refused = [True]
    page.route_web_socket(
        "**/api/ws", lambda socket: socket.close() if refused[0] else socket.connect_to_server() and None
    )
    log_in(page, site, "operator")
    page.goto(f"/instances/{id}?tab=variables")
    live(page, "polling")
    expect(page.locator("[data-live]")).to_have_text("every 5 s")
    screenshot(page, "polling")
    site.client().set_variables(id, {"n": 1})
    expect(page.locator(".tree-line").filter(has_text="n")).to_contain_text("1")
    refused[0] = False
    live(page)
    site.client().set_variables(id, {"n": 2})
    expect(page.locator(".tree-line").filter(has_text="n")).to_contain_text("2")


def test_who_cannot_be_told_everything_reads_again(site, person, notes):
    id = site.client().start(notes, {"n": 0}).id
    page = person()
    sockets = []

    def deaf(route):
        """A line on which nothing arrives but what the server says of the line itself."""
        server = route.connect_to_server()
        sockets.append(route)
        server.on_message(lambda text: route.send(text) if '"subscribed"' in str(text) else None)

    page.route_web_socket("**/api/ws", deaf)
    log_in(page, site, "operator")
    page.goto(f"/instances/{id}?tab=variables")
    live(page)
    expect(page.locator(".tree-line").filter(has_text="n")).to_contain_text("0")
    site.client().set_variables(id, {"n": 1})
    sockets[-1].send('{"id": null, "event": "resync", "data": {}}')
    expect(page.locator(".tree-line").filter(has_text="n")).to_contain_text("1")
