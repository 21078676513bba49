"""Logging in, in a browser: whoever knows the password sees their tasks, and nobody is kept out by how the page is made."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.browsing import AWAY, axe, log_in, screenshot, transferred, watch

everywhere = pytest.mark.parametrize(
    ("screen", "scheme"), [("desktop", "light"), ("desktop", "dark"), ("phone", "light"), ("phone", "dark")]
)


@everywhere
def test_a_clerk_logs_in_and_sees_tasks(site, page, screen, scheme):
    page.goto("/")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    axe(page)
    screenshot(page, f"login-{screen}-{scheme}")
    log_in(page, site, "clerk")
    expect(page.get_by_role("heading", name="Tasks", level=1)).to_be_visible()
    axe(page)
    screenshot(page, f"tasks-{screen}-{scheme}")


def test_a_wrong_password_is_told_and_can_be_corrected(site, page):
    watch(page).expect(r"401 .*/api/auth/login")
    page.goto("/")
    page.get_by_label("Name", exact=True).fill("clerk")
    page.get_by_label("Password", exact=True).fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("The name or the password is wrong.")
    axe(page)
    log_in(page, site, "clerk")
    expect(page.get_by_role("heading", name="Tasks", level=1)).to_be_visible()


def test_it_goes_on_at_the_address_that_was_asked_for(site, page):
    page.goto("/instances?state=FAILED")
    log_in(page, site, "operator")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.url.startswith(f"{site.url}/instances")


def test_a_session_outlives_a_server_that_is_killed(site, person):
    page = person("clerk")
    watch(page).expect(*AWAY)
    expect(page.get_by_role("heading", name="Tasks", level=1)).to_be_visible()
    expect(page.get_by_text("Free to claim").first).to_be_visible()  # everything has been loaded
    site.kill()
    site.start(int(site.url.rpartition(":")[2]))
    page.reload()
    expect(page.get_by_role("heading", name="Tasks", level=1)).to_be_visible()


def test_what_a_first_visit_loads_is_small(person):
    sizes = transferred(person("clerk"), "/tasks", ready="h1")
    assert 0 < sizes["js"] < 250_000, sizes
    assert 0 < sizes["css"] < 60_000, sizes
    assert sizes["all"] >= sizes["js"] + sizes["css"]
