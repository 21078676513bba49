"""On a phone it can be installed, and opens without a network; what people see stays with the server, and out of other hands."""

from __future__ import annotations

import json

from playwright.sync_api import expect

from tests.acceptance.waiting import until
from tests.browser.browsing import log_in, screenshot, transferred, watch

CACHED = """async () => {
    const names = await caches.keys()
    const kept = await Promise.all(names.map(async name => (await (await caches.open(name)).keys()).map(each => each.url)))
    return { names, urls: kept.flat() }
}"""
READY = "async () => { await navigator.serviceWorker.ready }"
PLACES = ("/tasks?scope=all", "/start", "/start/credit_card?at=start_person", "/requests", "/instances", "/failed-starts",
          "/definitions", "/definitions/credit_card", "/definitions/import")  # fmt: skip
PERSON = {"client": {"name": "Ana Pop", "income": 2400}}


def tasks(page):
    return page.get_by_role("heading", name="Tasks", level=1)


def test_a_first_visit_loads_little(site, person):
    card = site.client("clerk").start("credit_card", PERSON, start_condition="PF")
    page = person("operator")
    first = transferred(page, "/tasks", ready="h1")
    assert first["all"] <= 250_000, first
    watched = transferred(page, f"/instances/{card.id}", ready=".djs-shape")
    assert watched["all"] <= 330_000, watched


def test_the_manifest_names_icons_that_are_there(site, page):
    page.goto("/")
    address = page.locator("link[rel=manifest]").get_attribute("href")
    answer = page.request.get(address)
    assert answer.headers["content-type"].startswith("application/manifest+json")
    manifest = answer.json()
    assert manifest["name"] and manifest["short_name"] and manifest["start_url"] == "/" and manifest["scope"] == "/"
    assert manifest["display"] == "standalone"
    assert {"192x192", "512x512"} <= {icon["sizes"] for icon in manifest["icons"]}
    assert any(icon.get("purpose") == "maskable" for icon in manifest["icons"])
    icons = manifest["icons"] + [icon for shortcut in manifest["shortcuts"] for icon in shortcut["icons"]]
    for icon in icons:
        shown = page.request.get(icon["src"])
        assert shown.status == 200 and shown.headers["content-type"] == icon.get("type", "image/png"), icon
        width = page.evaluate(
            "src => new Promise(done => { const i = new Image(); i.onload = () => done(i.naturalWidth); i.src = src })",
            icon["src"],
        )
        assert icon["sizes"] == "any" or icon["sizes"].startswith(f"{width}x"), icon


def test_without_a_network_it_opens_and_says_so(site, person):
    page = person("clerk")
    expect(tasks(page)).to_be_visible()
    page.evaluate(READY)
    until(lambda: any("/assets/" in url for url in page.evaluate(CACHED)["urls"]))
    watch(page).expect("ERR_INTERNET_DISCONNECTED", "WebSocket", "Failed to load resource")
    page.context.set_offline(True)
    page.goto("/tasks")
    expect(page.get_by_text("The server cannot be reached.")).to_be_visible()
    screenshot(page, "offline-phone")
    page.context.set_offline(False)
    page.get_by_role("button", name="Try again").click()
    expect(tasks(page)).to_be_visible()


def test_what_people_see_is_never_kept(site, person):
    card = site.client("clerk").start("credit_card", PERSON, start_condition="PF")
    page = person("operator")
    page.evaluate(READY)
    for place in (*PLACES, f"/instances/{card.id}"):
        page.goto(place)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
    kept = page.evaluate(CACHED)["urls"]
    assert kept
    assert not [url for url in kept if "/api" in url], kept
    stored = json.dumps(page.evaluate("() => [{ ...localStorage }, { ...sessionStorage }]"))
    assert "Ana Pop" not in stored
    secrets = [cookie["value"] for cookie in page.context.cookies()]
    assert secrets
    assert all(secret not in stored for secret in secrets)
    assert "token" not in stored.lower()
    assert all(cookie["httpOnly"] for cookie in page.context.cookies())


def test_what_an_older_build_kept_goes(site, person):
    page = person("clerk")
    page.evaluate(READY)
    page.evaluate("""async () => {
        await caches.open('shell-0')
        await (await navigator.serviceWorker.getRegistration()).unregister()
    }""")
    page.reload()
    page.evaluate(READY)
    until(lambda: "shell-0" not in page.evaluate(CACHED)["names"])
    expect(tasks(page)).to_be_visible()


def test_it_works_without_a_service_worker(site, browser):
    context = browser.new_context(base_url=site.url, service_workers="block")
    try:
        page = context.new_page()
        page.goto("/")
        log_in(page, site, "clerk")
        expect(tasks(page)).to_be_visible()
    finally:
        context.close()


def test_the_policy_is_strict_and_nothing_is_asked_of_others(site, person):
    page = person("operator")
    asked: list[str] = []
    page.context.on("request", lambda request: asked.append(request.url))
    for place in PLACES:
        answer = page.goto(place)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy, policy
        unsafe = [rule for rule in policy.split("; ") if "unsafe" in rule]
        assert unsafe == ["style-src-attr 'unsafe-inline'"], policy  # places of what is drawn; no attribute runs code
        expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.goto("/instances")
    page.get_by_role("combobox", name="Process").or_(page.get_by_label("Process", exact=True)).first.click()
    expect(page.get_by_role("option").first).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Account of operator").click()
    expect(page.get_by_role("menu")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("menu")).to_have_count(0)
    assert len(asked) > 50
    strange = [url for url in asked if not url.startswith((site.url, "blob:", "data:"))]
    assert not strange, strange


def test_after_signing_out_nothing_is_left_to_see(site, person):
    card = site.client("clerk").start("credit_card", PERSON, start_condition="PF", business_key="SECRET-1")
    page = person("clerk")
    page.goto("/tasks?scope=all")
    expect(page.get_by_text(card.business_key).first).to_be_visible()
    page.get_by_role("button", name="Account of clerk").click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    expect(page.get_by_text("SECRET-1")).to_have_count(0)
    assert page.request.get("/api/auth/me").status == 401
