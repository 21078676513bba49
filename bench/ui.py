"""The web application in a real browser: from an event to the pixels, how soon a page is of use, what a first visit loads.

python bench/ui.py [--rounds N] [--json FILE]

What is told is when the browser has painted what it shows. The clock starts before the request that makes the event is
sent, so that the request and its commit are in it. Beside it, on the same page: a message to the server and back on a
WebSocket of its own, painted as well, which is what no live page can be quicker than.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from procession.testing import RunningServer, process, server
from procession.web import STATIC

ROUNDS = 3
EVENTS = 50
STEPS = 200
TICKS = 1_250  # four events each
REPLAYED = 20
SECONDS = 60.0
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]

WATCH = """() => {
    window.seen = {}
    window.painted = () => new Promise(done => requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel() // what is posted while a frame is made is read once it is painted
        port1.onmessage = () => done(Date.now())
        port2.postMessage(null)
    }))
    const look = () => {
        const look = window.wanted
        const found = look && look()
        if (found != null && !(found in window.seen)) {
            window.seen[found] = 0
            window.painted().then(when => { window.seen[found] = when })
        }
    }
    new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true, attributes: true })
}"""

ECHO = """count => new Promise((done, failed) => {
    const socket = new WebSocket(`ws://${location.host}/api/ws`)
    const shown = document.body.appendChild(document.createElement('output'))
    const times = []
    let sent = 0
    const send = () => { sent = performance.now(); socket.send('{"unsubscribe": {"definition": "nobody"}}') }
    socket.onopen = send
    socket.onerror = failed
    socket.onmessage = async ({ data }) => {
        shown.textContent = `${times.length} ${data}`
        await window.painted()
        times.push(performance.now() - sent)
        if (times.length < count) return send()
        socket.close()
        shown.remove()
        done(times)
    }
})"""

VARIABLE = """() => {
    window.wanted = () => {
        const named = line => line.querySelector('.tree-name')?.textContent === 'n'
        const line = [...document.querySelectorAll('.tree-line')].find(named)
        return line?.querySelector('.tree-value')?.textContent
    }
}"""
NEW_TASKS = "() => { window.wanted = () => document.querySelector('main')?.textContent.match(/(\\d+) new/)?.[1] }"
USABLE = """total => {
    const there = selector => document.querySelector(selector) !== null
    const when = () => document.querySelector('.replay-when')?.textContent ?? ''
    window.wanted = () => there('[data-drawn]') && there('.pn-badge[data-state=waiting]') && there('.tree-line')
        && when().includes(`${total} of ${total}`) && when().includes(':') ? 'usable' : null
}"""
REPLAY = """async count => {
    const value = () => window.wanted()
    const times = []
    for (let step = 0; step < count; step += 1) {
        const before = value()
        const begun = performance.now()
        dispatchEvent(new KeyboardEvent('keydown', { key: '[' }))
        await new Promise(next => {
            const changed = () => value() !== before && next(observer.disconnect())
            const observer = new MutationObserver(changed)
            observer.observe(document, { subtree: true, childList: true, characterData: true })
            changed()
        })
        await window.painted()
        times.push(performance.now() - begun)
    }
    return times
}"""


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("Chromium is not installed: scripts/install-chromium.sh")
    rounds: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory(prefix="procession-bench-") as folder:
        settings = {"virtual_clock": "false"}
        with server(folder=folder, settings=settings) as site, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            total, long = prepare(site)
            for number in range(options.rounds):
                print(f"round {number + 1} of {options.rounds} …", file=sys.stderr)
                rounds.append(measured(site, browser, total, long))
            browser.close()
    if options.json:
        options.json.write_text(json.dumps(rounds, indent=1))
    for name in rounds[0]:
        values = sorted(each[name] for each in rounds)
        print(f"{name:<44}{values[0]:>12,.1f}{statistics.median(values):>12,.1f}{values[-1]:>12,.1f}")


def prepare(site: RunningServer) -> tuple[int, str]:
    """Processes; an instance with a long history: how many positions it has, and its id."""
    many = process("many", "Many steps").start("start")
    for number in range(STEPS - 4):
        many = many.script(f"s{number}", f"={number}", "step", name=f"Step {number}")
    many = many.receive("wait", "tick", "=key", name="Wait").exclusive("more", name="More?").when("=false").end("end")
    many = many.back_to("more").otherwise().to("wait")
    notes = process("notes", "Notes").start("start").user_task("write", name="Write").end("end")
    site.deploy(("many.bpmn", many.build()), ("notes.bpmn", notes.build()))
    client = site.client()
    id = client.start("many", {"key": "k", "n": 0}).id
    for n in range(1, TICKS + 1):
        client.publish_message("tick", "k", {"n": n})
    until(lambda: client.instance(id).variables["n"] == TICKS)
    return int(client.instance(id).seq), id


def measured(site: RunningServer, browser: Browser, total: int, long: str) -> dict[str, float]:
    """One round."""
    client = site.client()
    found: dict[str, float] = {}
    context = browser.new_context(base_url=site.url, viewport={"width": 1440, "height": 900})
    context.add_init_script(f"({WATCH})()")
    page = context.new_page()
    log_in(page, site)

    id = client.start("notes", {"n": 0}).id
    page.goto(f"/instances/{id}?tab=variables")
    ready(page)
    page.evaluate(VARIABLE)
    echoes = page.evaluate(ECHO, EVENTS)
    delays = []
    for n in range(1, EVENTS + 1):
        delays.append(delay(page, str(n), lambda n=n: client.set_variables(id, {"n": n})))  # type: ignore[misc]
    found |= quantiles("socket echo to pixels, ms", echoes) | quantiles("event to pixels, status, ms", delays)

    page.goto("/tasks?scope=all")
    ready(page)
    page.evaluate(NEW_TASKS)
    delays = [delay(page, str(n), lambda: client.start("notes", {"n": 0})) for n in range(1, EVENTS + 1)]
    found |= quantiles("event to pixels, tasks, ms", delays)
    found["event to pixels, status / socket echo, p50"] = (
        found["event to pixels, status, ms, p50"] / found["socket echo to pixels, ms, p50"]
    )

    usable = []
    for _ in range(3):
        page.close()
        page = context.new_page()
        page.add_init_script(f"({USABLE})({total})")
        begun = time.time() * 1000
        page.goto(f"/instances/{long}?tab=variables", wait_until="commit")
        usable.append(seen(page, "usable") - begun)
    found["status page with 200 steps usable, ms"] = statistics.median(usable)
    page.evaluate(VARIABLE)
    found |= quantiles("replay step, ms", page.evaluate(REPLAY, REPLAYED))
    for name, path in (("tasks", "/tasks"), ("status", f"/instances/{long}")):
        for kind, size in transferred(browser, context, site, path).items():
            found[f"first load of {name}, {kind}, kB"] = size / 1000
    context.close()
    return found


def delay(page: Page, mark: str, cause: Callable[[], object]) -> float:
    """Milliseconds from before it is caused until it is painted."""
    begun = time.time() * 1000
    cause()
    return seen(page, mark) - begun


def seen(page: Page, mark: str) -> float:
    """When it was painted."""
    found: list[float] = []
    until(lambda: found.append(page.evaluate("mark => window.seen?.[mark] ?? 0", mark)) or found[-1] > 0)  # type: ignore[func-returns-value]
    return found[-1]


def quantiles(name: str, values: list[float]) -> dict[str, float]:
    """The middle, and what all but a twentieth are below."""
    ordered = sorted(values)
    return {f"{name}, p50": statistics.median(ordered), f"{name}, p95": ordered[int(len(ordered) * 0.95)]}


def log_in(page: Page, site: RunningServer) -> None:
    """With the form, as everybody does."""
    page.goto("/")
    page.get_by_label("Name", exact=True).fill("admin")
    page.get_by_label("Password", exact=True).fill(site.password("admin"))
    page.get_by_role("button", name="Sign in").click()
    ready(page)


def ready(page: Page) -> None:
    """Wait until the page is live."""
    page.locator("[data-live=live]").wait_for(timeout=SECONDS * 1000)
    page.locator("h1").wait_for()


def transferred(browser: Browser, context: BrowserContext, site: RunningServer, path: str) -> dict[str, float]:
    """Compressed bytes by kind that somebody with an empty cache loads."""
    other = browser.new_context(base_url=site.url, storage_state=context.storage_state(), service_workers="block")
    asked: set[str] = {"index.html"}
    page = other.new_page()
    page.on("request", lambda request: asked.add(request.url.removeprefix(site.url).lstrip("/").partition("?")[0]))
    page.goto(path)
    ready(page)
    if path.startswith("/instances"):
        page.locator("[data-drawn]").wait_for()
    other.close()
    sizes = dict.fromkeys(("js", "css", "woff2", "all"), 0.0)
    for file in files(asked):
        compressed = file.with_name(file.name + ".gz")
        size = (compressed if compressed.is_file() else file).stat().st_size
        sizes["all"] += size
        if file.suffix[1:] in sizes:
            sizes[file.suffix[1:]] += size
    return sizes


def files(names: set[str]) -> Iterator[Path]:
    """Those of the application."""
    return (STATIC / name for name in names if name and (STATIC / name).is_file())


def until(condition: Callable[[], Any]) -> None:
    """Come back once it is true."""
    end = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("it never happened")
        time.sleep(0.002)


if __name__ == "__main__":
    main()
