"""Files become processes: imported, checked, published, given back as they came. And what runs of them is found again."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from procession.testing import process
from tests.acceptance.waiting import until
from tests.browser.browsing import log_in, screenshot, watch
from tests.browser.conftest import EXAMPLES

CARD = EXAMPLES / "credit_card" / "credit_card.bpmn"
FORM = b'{"type": "object", "title": "Days", "properties": {"days": {"type": "integer", "title": "Days"}}, "required": ["days"]}'
PERSON = {"client": {"name": "Ana Pop", "income": 2400}}


def holiday(name: str = "holiday", *, form: str | None = None) -> bytes:
    return process(name, name.title()).start().user_task("ask", name="Ask for it", form=form).end().build()


def bpmn(name: str, content: bytes) -> dict[str, object]:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": content}


def choose(page: Page, *files: object) -> None:
    page.goto("/definitions/import")
    with page.expect_file_chooser() as chosen:
        page.get_by_role("button", name="Choose files").click()
    chosen.value.set_files(list(files))


def send(page: Page) -> None:
    page.get_by_role("button", name="Import", exact=True).click()


def test_a_file_is_imported_published_and_given_back_as_it_came(site, person):
    page = person("editor")
    choose(page, bpmn("holiday.bpmn", holiday()))
    expect(page.get_by_role("list", name="Chosen files")).to_contain_text("holiday.bpmn")
    send(page)
    expect(page.get_by_text("1 process imported")).to_be_visible()
    page.get_by_role("link", name="Holiday").click()
    expect(page.get_by_role("heading", name="Holiday", level=1)).to_be_visible()
    expect(page.locator(".djs-shape").first).to_be_visible()
    page.get_by_role("button", name="Publish…").click()
    page.get_by_role("dialog").get_by_role("button", name="Publish version 1").click()
    expect(page.get_by_text("now starts with version 1")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "holiday.bpmn"
    assert Path(download.value.path()).read_bytes() == holiday()
    page.get_by_role("button", name="Deprecate…").click()
    page.get_by_role("dialog").get_by_role("button", name="Deprecate version 1").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    until(lambda: site.client("admin").definition("holiday", 1).state == "deprecated")


def test_the_same_file_again_is_nothing_new_and_another_is_a_version(site, person):
    page = person("editor")
    for content, words in ((holiday("leave"), "new version 1"), (holiday("leave"), "same file as before: version 1"),
                           (holiday("leave").replace(b"Ask for it", b"Ask kindly"), "new version 2")):  # fmt: skip
        choose(page, bpmn("leave.bpmn", content))
        send(page)
        expect(page.get_by_text(words)).to_be_visible()
    page.goto("/definitions/leave")
    versions = page.get_by_role("table", name=re.compile("^Versions"))
    expect(versions.get_by_role("row")).to_have_count(3)
    page.goto("/definitions/leave?v=1")
    expect(page.get_by_text("Ask for it").first).to_be_visible()


def test_problems_of_a_file_are_listed_and_marked(site, person):
    page = person("editor")
    watch(page).expect("422", "400")
    wrong = CARD.read_bytes().replace(b"=score &gt;= 70", b"=score &gt;=")
    assert wrong != CARD.read_bytes()
    choose(page, bpmn("wrong.bpmn", wrong))
    send(page)
    expect(page.get_by_role("alert").filter(has_text="Nothing was imported")).to_be_visible()
    problem = page.locator("button.problem").filter(has_text="flow_accepted").first
    expect(problem).to_be_visible()
    expect(page.locator(".djs-shape").first).to_be_visible()
    problem.click()
    expect(problem).to_have_attribute("aria-pressed", "true")
    screenshot(page, "import-problems-desktop-light")
    assert len(site.client("admin").definitions("credit_card")) == 1


def test_a_file_without_a_drawing_is_laid_out(site, person):
    page = person("editor")
    choose(
        page,
        bpmn("plain.bpmn", re.sub(rb"<bpmndi:BPMNDiagram.*</bpmndi:BPMNDiagram>", b"", holiday("plain"), flags=re.S)),
    )
    send(page)
    page.get_by_role("link", name="Plain").click()
    expect(page.get_by_text("laid out automatically")).to_be_visible()


@pytest.mark.parametrize("zipped", [False, True])
def test_forms_come_with_the_process(site, person, zipped):
    name = "zipped" if zipped else "loose"
    files = {f"{name}.bpmn": holiday(name, form="days.schema.json"), "days.schema.json": FORM}
    page = person("editor")
    if zipped:
        bundle = io.BytesIO()
        with zipfile.ZipFile(bundle, "w") as archive:
            for path, content in files.items():
                archive.writestr(path, content)
        choose(page, {"name": "all.zip", "mimeType": "application/zip", "buffer": bundle.getvalue()})
    else:
        choose(page, *(bpmn(path, content) for path, content in files.items()))
    page.get_by_label("Publish at once").check()
    send(page)
    expect(page.get_by_text("1 process imported")).to_be_visible()
    admin = site.client("admin")
    started = admin.start(name, {})
    (task,) = admin.tasks(instance=started.id).items
    other = person("admin")
    other.goto(f"/tasks/{task.id}")
    expect(other.get_by_label("Days").first).to_be_visible()


def test_who_may_not_change_definitions_is_told_why(person):
    page = person("clerk")
    page.goto("/definitions/credit_card")
    button = page.get_by_role("button", name="Deprecate…")
    expect(button).to_have_attribute("aria-disabled", "true")
    expect(button).to_have_accessible_description("Not possible: only editor or admin may change definitions.")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)


# -- what runs ----------------------------------------------------------------------------------------------------------


def test_instances_are_found_by_what_is_known_of_them(site, person):
    clerk = site.client("clerk")
    for number in range(3):
        clerk.start("credit_card", PERSON, start_condition="PF", business_key=f"FIND-{number}")
    page = person("operator")
    rows = page.get_by_role("row")
    for query, count in (("q=FIND-1", 1), ("definition=credit_card&node=fill_in&q=FIND", 3), ("by=clerk&q=FIND", 3),
                         ("by=manager&q=FIND", 0), ("status=FINISHED&q=FIND", 0), ("from=2020-01-01&q=FIND", 3),
                         ("to=2020-01-01&q=FIND", 0)):  # fmt: skip
        page.goto(f"/instances?{query}")
        if count:
            expect(rows).to_have_count(count + 1)
        else:
            expect(page.get_by_text("No instance matches")).to_be_visible()
    page.goto("/instances")
    page.get_by_label("Search", exact=True).fill("FIND-2")
    expect(rows).to_have_count(2)
    until(lambda: parse_qs(urlsplit(page.evaluate("() => location.href")).query) == {"q": ["FIND-2"]})
    page.reload()
    expect(page.get_by_label("Search", exact=True)).to_have_value("FIND-2")
    expect(rows).to_have_count(2)


def test_new_instances_wait_above_the_list_until_they_are_asked_for(site, person):
    page = person("operator")
    page.goto("/instances")
    expect(page.locator("[data-live=live]")).to_be_visible()
    site.client("clerk").start("credit_card", PERSON, start_condition="PF", business_key="LIVE-1")
    show = page.get_by_role("button", name=re.compile("new – show"))
    expect(show).to_be_visible()
    expect(page.get_by_text("LIVE-1")).to_have_count(0)
    show.click()
    expect(page.get_by_text("LIVE-1")).to_be_visible()


def test_a_refused_start_is_mended_and_started(site, person):
    admin = site.client("admin")
    with pytest.raises(Exception, match=r"client\.income"):
        admin.start("credit_card", {"client": {"name": "Zoe Nou"}}, start_condition="PF")
    page = person("admin")
    page.goto("/failed-starts")
    expect(page.get_by_text(re.compile(r"client\.income")).first).to_be_visible()
    page.get_by_role("link", name=re.compile("^Fix and start")).or_(
        page.get_by_role("button", name=re.compile("^Fix and start"))
    ).first.click()
    name = page.get_by_label(re.compile("^Name"))
    expect(name.first).to_have_value("Zoe Nou")
    page.get_by_label(re.compile("^Income")).first.fill("1800")
    page.get_by_role("button", name="Start", exact=True).click()
    until(lambda: any((i.variables or {}).get("client", {}).get("name") == "Zoe Nou" for i in _all(admin)))


def _all(admin):
    return [admin.instance(each.id) for each in admin.instances(definition="credit_card").items]


# -- a newer build ------------------------------------------------------------------------------------------------------


def test_a_page_of_an_older_build_begins_again(site, browser):
    context = browser.new_context(base_url=site.url, service_workers="block")
    old, gone = [True], []

    def missing(route: Route) -> None:
        if not old:
            route.continue_()
            return
        gone.append(route.request.url)
        route.fulfill(status=404, body="gone")

    try:
        page = context.new_page()
        page.goto("/tasks")
        log_in(page, site, "editor")
        expect(page.get_by_role("heading", name="Tasks", level=1)).to_be_visible()
        page.on("domcontentloaded", lambda page: old.clear())
        page.route(re.compile(r"/assets/Definitions-[^/]*\.js"), missing)
        link = page.get_by_role("link", name="Definitions")
        link.hover()
        until(lambda: page.locator("body").count() and gone)
        assert old, "what is only looked ahead at takes nobody's page away"
        link.click()
        expect(page.get_by_role("heading", name="Definitions", level=1)).to_be_visible()
        assert len(set(gone)) == 1
    finally:
        context.close()
