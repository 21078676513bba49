"""What a browser test does with a page: log in, look for barriers, weigh it, keep a picture; and what it watches meanwhile.

Nothing here waits for a time: locators wait until they find, `until` until something is true. `page.wait_for_function` is of no
use, because it evaluates a text, which the content security policy forbids.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, expect

from procession.testing import RunningServer
from procession.web import STATIC

PATIENCE = 30_000.0
"""Milliseconds that something may take on a machine with other things to do."""

expect.set_options(timeout=PATIENCE)

PICTURES = "PROCESSION_SCREENSHOTS"
"""The environment variable with the folder for `screenshot`."""

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
]  # fmt: skip
SCREENS = {
    "desktop": {"viewport": {"width": 1440, "height": 900}},
    "phone": {
        "viewport": {"width": 390, "height": 844},
        "has_touch": True,
        "is_mobile": True,
        "device_scale_factor": 2,
    },
}
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]

REPORT_VIOLATIONS = """addEventListener('securitypolicyviolation', event =>
    console.error(`content security policy: ${event.effectiveDirective} forbids ${event.blockedURI || 'inline'}`))"""


NOBODY_YET = r"^console: .* 401 .*/api/auth/me\)$"
"""The page asks who is there before anybody has logged in, and Chromium tells the console of every such answer."""

AWAY = (
    "ERR_CONNECTION_REFUSED",
    "ERR_CONNECTION_RESET",
    "ERR_EMPTY_RESPONSE",
    "ERR_SOCKET_NOT_CONNECTED",
    "WebSocket connection to",
    "503 .Service Unavailable",
    "ERR_CONTENT_LENGTH_MISMATCH",  # it went in the middle of an answer
    "ERR_INCOMPLETE_CHUNKED_ENCODING",
    "ERR_FAILED",
)
"""What a browser tells the console while a server is away."""


class Watch:
    """Whatever goes wrong on one page while nobody looks: errors on the console, exceptions, violations, failed requests."""

    def __init__(self, page: Page) -> None:
        self._found: list[str] = []
        self._expected = [re.compile(NOBODY_YET)]
        page.on("console", self._console)
        page.on("pageerror", lambda error: self._found.append(f"exception: {error}"))
        page.on("requestfailed", self._failed)

    def expect(self, *patterns: str) -> None:
        """Let these happen, from now on and before."""
        self._expected += [re.compile(pattern) for pattern in patterns]

    def complaints(self) -> list[str]:
        """What nobody expected."""
        return [each for each in self._found if not any(pattern.search(each) for pattern in self._expected)]

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "assert"):
            self._found.append(f"console: {message.text} ({message.location.get('url', '')})")

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # the page no longer wants it
            self._found.append(f"request: {request.method} {request.url}: {request.failure}")


_WATCHES: WeakKeyDictionary[Page, Watch] = WeakKeyDictionary()


def open_page(
    browser: Browser, site: RunningServer, *, screen: str = "desktop", scheme: str = "light", state: object = None
) -> Page:
    """A page of somebody with a fresh profile, watched."""
    context = browser.new_context(
        base_url=site.url,
        locale="en-GB",
        timezone_id="UTC",
        color_scheme=scheme,
        reduced_motion="reduce",
        storage_state=state,
        **SCREENS[screen],
    )
    context.set_default_timeout(PATIENCE)
    context.add_init_script(REPORT_VIOLATIONS)
    page = context.new_page()
    _WATCHES[page] = Watch(page)
    return page


def watch(page: Page) -> Watch:
    """What was noticed on it; `watch(page).expect(r"401")` before what is meant to go wrong."""
    return _WATCHES[page]


def log_in(page: Page, site: RunningServer, name: str) -> None:
    """Log in with the form, from wherever it is shown."""
    if page.url == "about:blank":
        page.goto("/")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Password", exact=True).fill(site.password(name))
    button = page.get_by_role("button", name="Sign in")
    button.click()
    expect(button).to_have_count(0)


def axe(page: Page) -> None:
    """Nothing that axe knows of WCAG 2.0 to 2.2 (A and AA) is broken."""
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": WCAG}}).response["violations"]
    lines = [
        f"{each['id']} ({each['impact']}): {each['help']}\n"
        + "\n".join(f"    {node['html'][:200]}\n        {node['failureSummary']}" for node in each["nodes"])
        for each in found
    ]
    assert not found, f"{page.url} breaks {len(found)} rules:\n" + "\n".join(lines)


def fits(page: Page) -> None:
    """Nothing of it is beside the window."""
    wide, window = page.evaluate("() => [document.scrollingElement.scrollWidth, innerWidth]")
    assert wide <= window, f"{page.url} is {wide} px wide, its window {window} px"


THUMB = 44.0
"""CSS pixels that a thumb needs."""


def thumb(*targets: Locator) -> None:
    """Each can be hit with a thumb."""
    for target in targets:
        box = target.bounding_box(timeout=PATIENCE)
        assert box is not None, f"{target} is not shown"
        assert min(box["width"], box["height"]) >= THUMB - 0.5, f"{target} is {box['width']} x {box['height']} px"


EDGES = """() => [...document.querySelectorAll('input, textarea, select')].filter(each => each.checkVisibility()).map(each => {
    const style = getComputedStyle(each)
    let around = each.parentElement
    while (around && getComputedStyle(around).backgroundColor === 'rgba(0, 0, 0, 0)') around = around.parentElement
    return parseFloat(style.borderTopWidth) > 0 && style.opacity !== '0'
        ? [each.outerHTML.slice(0, 200), style.borderTopColor, getComputedStyle(around ?? document.body).backgroundColor] : null
}).filter(each => each)"""


def edges(page: Page) -> None:
    """What one types in can be told from what is around it: 3:1 (WCAG 1.4.11), which axe does not look at."""
    for element, edge, around in page.evaluate(EDGES):
        lighter, darker = sorted((_luminance(edge), _luminance(around)), reverse=True)
        ratio = (lighter + 0.05) / (darker + 0.05)
        assert ratio >= 3, f"{page.url}: {edge} on {around} is {ratio:.2f}:1 at {element}"


def whole(text: Locator) -> None:
    """Nothing of a text is cut off."""
    wide, room = text.evaluate("element => [element.scrollWidth, element.clientWidth]")
    assert wide <= room, f"{text} needs {wide} px and has {room} px"


def live(page: Page) -> None:
    """Wait until it hears of what happens."""
    expect(page.locator('[data-live="live"]')).to_be_attached()


LAYOUT = """() => {
    const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth
    const shown = element => element.checkVisibility({ visibilityProperty: true, opacityProperty: true })
    const cut = [...document.querySelectorAll('body *')].filter(element => {
        if (!shown(element) || element.closest('svg, [data-truncate], [aria-hidden=true]')) return false
        if (![...element.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim())) return false
        const style = getComputedStyle(element)
        if (['visible', 'auto', 'scroll'].includes(style.overflowX)) return false
        if (style.clipPath !== 'none' || style.clip !== 'auto' || style.webkitLineClamp !== 'none') return false
        return element.scrollWidth > element.clientWidth + 1 || element.scrollHeight > element.clientHeight + 4
    })
    return {
        wide,
        title: document.title,
        h1: [...document.querySelectorAll('h1')].filter(shown).map(each => each.textContent),
        cut: cut.map(each => `${each.tagName}.${each.className}: ${each.textContent.slice(0, 80)}`),
    }
}"""


SETTLE = """async () => {
    let before
    for (let frames = 0, same = 0; frames < 120 && same < 8; frames++) {
        await new Promise(requestAnimationFrame)
        const now = [...document.querySelectorAll('body *')].map(each => `${each.clientWidth} ${each.scrollWidth}`).join()
        same = now === before ? same + 1 : 0
        before = now
    }
}"""


def layout(page: Page) -> None:
    """It has one heading and a title, fits the width of the window, and no words are cut off, once nothing moves any more."""
    page.evaluate(SETTLE)
    found = page.evaluate(LAYOUT)
    assert found["wide"] <= 0, f"{page.url} is {found['wide']} px wider than the window"
    assert len(found["h1"]) == 1, f"{page.url} has the headings {found['h1']}"
    assert found["title"].endswith("procession") and len(found["title"]) > len("procession"), found["title"]
    assert not found["cut"], f"{page.url} cuts off: {found['cut']}"


def transferred(page: Page, path: str, ready: str = "main") -> dict[str, int]:
    """Bytes by kind (js, css …) and in `all` that somebody with an empty cache loads for this address, as gzip sends them.

    `ready` is a selector of what is there once everything has been asked for.
    """
    browser = page.context.browser
    assert browser is not None
    context = browser.new_context(
        base_url=_origin(page), storage_state=page.context.storage_state(), service_workers="block"
    )
    try:
        other = context.new_page()
        asked: list[str] = []
        other.on("request", lambda request: asked.append(urlsplit(request.url).path.lstrip("/")))
        other.goto(path, wait_until="load", timeout=PATIENCE)
        other.locator(ready).first.wait_for(timeout=PATIENCE)
    finally:
        context.close()
    sizes = {"all": _size(STATIC / "index.html")}
    for name in dict.fromkeys(asked):
        file = STATIC / name
        if name and file.is_file():
            kind = file.suffix[1:]
            sizes[kind] = sizes.get(kind, 0) + _size(file)
            sizes["all"] += _size(file)
    return sizes


def screenshot(page: Page | Locator, name: str) -> None:
    """Keep a picture, where somebody has said in which folder."""
    if folder := os.environ.get(PICTURES):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder) / f"{name}.png", animations="disabled", timeout=PATIENCE)


def _luminance(color: str) -> float:
    parts = [int(part) / 255 for part in re.findall(r"\d+", color)[:3]]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _size(file: Path) -> int:
    compressed = file.with_name(file.name + ".gz")
    return (compressed if compressed.is_file() else file).stat().st_size


def _origin(page: Page) -> str:
    parts = urlsplit(page.url)
    return f"{parts.scheme}://{parts.netloc}"
