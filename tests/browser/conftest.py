"""A server with the examples, a browser, and people in front of it.

Everything lives as long as a module. Playwright runs an event loop in the main thread as long as it is open, and tests of other
folders run loops of their own there: it must be closed before their turn.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from procession.testing import RunningServer, server
from procession.web import is_built
from tests.browser.browsing import FLAGS, PATIENCE, log_in, open_page, screenshot, watch
from tests.browser.workshop import Workshop

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "examples"
FILES = [EXAMPLES / name for name in ("credit_card/credit_card.bpmn", "order_fulfilment/order_fulfilment.bpmn",
                                      "order_fulfilment/ship_parcel.bpmn")]  # fmt: skip
NAMES = ("admin", "operator", "editor", "clerk", "manager", "worker", "auditor", "customer", "outsider")
"""People, each with the role of that name."""

Person = Callable[..., Page]
FAILED = pytest.StashKey[bool]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """They wait for a browser, and on a busy machine that takes a while."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.timeout(300))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keeps in mind what failed, so that its pages can be looked at."""
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report


def _missing(why: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The distribution's Chromium, without a window."""
    path = shutil.which("chromium")
    if path is None:
        _missing("Chromium is not installed: scripts/install-chromium.sh")
    if not is_built():
        _missing("The web application is not built: make ui")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=FLAGS, timeout=2 * PATIENCE)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server in a process of its own, in real time: `site.kill()`, then `site.start(port)` on the same store."""
    folder = tmp_path_factory.mktemp("site")
    users = {name: [name] for name in NAMES}
    with server(*FILES, users=users, folder=folder, settings={"virtual_clock": "false"}) as running:
        yield running


@pytest.fixture(scope="module")
def workshop(site: RunningServer) -> Iterator[Workshop]:
    """Somebody who does the jobs of the examples, or breaks down."""
    made = Workshop(site.url, site.password("worker"))
    yield made
    made.close()


@pytest.fixture
def screen() -> str:
    """What people sit at. Parametrize it: desktop, phone."""
    return "desktop"


@pytest.fixture
def scheme() -> str:
    """Their colours. Parametrize it: light, dark."""
    return "light"


@pytest.fixture
def person(
    browser: Browser, site: RunningServer, screen: str, scheme: str, request: pytest.FixtureRequest
) -> Iterator[Person]:
    """`person("clerk")` is the page of somebody who has logged in, `person()` of somebody who has not; each has a profile.

    At the end nothing may have gone wrong on any of them that was not expected.
    """
    pages: list[Page] = []

    def open_for(name: str | None = None, *, screen: str = screen, scheme: str = scheme) -> Page:
        page = open_page(browser, site, screen=screen, scheme=scheme)
        pages.append(page)
        if name is not None:
            log_in(page, site, name)
        return page

    yield open_for
    for number, page in enumerate(pages):
        if request.node.stash.get(FAILED, False):
            screenshot(page, f"failed-{request.node.name}-{number}")
        page.context.close()  # before looking: what has happened is told by then
    complaints = [f"{page.url}: {each}" for page in pages for each in watch(page).complaints()]
    assert not complaints, "What nobody expected happened:\n" + "\n".join(complaints)


@pytest.fixture
def page(person: Person) -> Page:
    """The page of somebody who has not logged in."""
    return person()
