"""An integration: reads records, lets handlers answer, and commits what is done; until it is stopped."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Collection
from types import TracebackType

from procession.bus import BusError, Partition, Received, Subscription, TopicSpec
from procession.bus.topics import KINDS, Naming
from procession.integration.desk import Desk
from procession.integration.lanes import Lanes, Progress, Work
from procession.integration.outgoing import Outgoing
from procession.integration.post import PAUSES, Post
from procession.integration.router import RecordRouter, Route
from procession.integration.target import SERVER, Opened, Target, open_target
from procession.runtime.exchange.patterns import full_pattern
from procession.runtime.shutdown import attend

log = logging.getLogger("procession.integration")

WAIT = 0.5
"""Seconds to wait for the first record: so long it takes to stop, and to commit."""

ALIVE = 5.0
"""Seconds after which the bus hears of a reader that has no room for more."""

FOR_EACH = 16
"""Records that are at hand for each handler that may run."""


class Integration(RecordRouter):
    """Takes records off topics and answers.

    `target` is `kafka://HOST:PORT`; the address of a server, whose bus is reached over HTTP, with `token`, or `user` and
    `password` (else those of the environment, as for `Client`); an `Engine`; or a bus. Programs of one `group` share the records.

    At most `concurrency` handlers run at once, and never two for records of one key. Topics are named as in process files; on
    Kafka they are called as `naming` says. Topics that are missing are made, unless `create` is false. Asked to stop, an
    integration gives running handlers `grace` seconds; what is not answered then comes again.
    """

    def __init__(
        self,
        target: Target,
        *,
        group: str,
        token: str | None = None,
        user: str | None = None,
        password: str | None = None,
        naming: Naming | None = None,
        concurrency: int = 8,
        grace: float = 10.0,
        create: bool = True,
    ) -> None:
        super().__init__()
        self._credentials = {"token": token, "user": user, "password": password}
        if any(self._credentials.values()) and not (isinstance(target, str) and target.startswith(SERVER)):
            raise ValueError("token, user and password are for the URL of a server.")
        if concurrency < 1:
            raise ValueError(f"At least one handler runs at once, so concurrency={concurrency} makes no sense.")
        self.target, self.group, self.naming = target, group, naming
        self.concurrency, self.grace, self.create = concurrency, grace, create
        self.handled = 0
        self._running: _Run | None = None

    def run(self) -> int:
        """Work until somebody stops it (SIGTERM or SIGINT do); how many records were done.

        A second signal does not wait for running handlers.
        """
        before = self.handled
        running = self._start()
        try:
            attend(running.thread, running.ask_to_stop, self.grace)
        finally:
            self._end()
        return self.handled - before

    def start(self) -> Integration:
        """Work in the background."""
        self._start()
        return self

    def stop(self, grace: float | None = None) -> None:
        """Take no more records, and wait for handlers that run (`grace` seconds at most).

        From inside a handler it returns at once, and the integration stops when the handler is done.
        """
        running = self._running
        if running is None:
            return
        running.ask_to_stop(self.grace if grace is None else grace)
        if not running.has(threading.current_thread()):
            running.join(None)
            self._end()

    def __enter__(self) -> Integration:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _start(self) -> _Run:
        if self._running is not None and self._running.alive:
            raise RuntimeError(f"The integration {self.group} is running already.")
        if not self.routes:
            raise RuntimeError("The integration has no handlers. Decorate a function with @integration.on('TOPIC').")
        opened = open_target(self.target, self.naming, **self._credentials)
        self._running = _Run(self.group, self.routes, opened, self.concurrency, self.grace, create=self.create)
        self._running.start()
        return self._running

    def _end(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            self.handled += running.handled
            if running.failure is not None:
                raise running.failure


class _Run:
    """From one start to its end."""

    def __init__(
        self, group: str, routes: list[Route], opened: Opened, size: int, grace: float, *, create: bool
    ) -> None:
        self._group, self._bus, self._naming, self._ours, self._grace = group, *opened, grace
        self._table = Table(routes, opened.naming)
        self._missing = self._table.topics() if create else []
        self._lanes, self._progress = Lanes(FOR_EACH * size), Progress()
        outgoing = Outgoing(opened.naming, f"/integrations/{group}")
        self._post = Post(opened.bus, outgoing, self._progress, self._fail)
        self._desk = Desk(self._lanes, outgoing, self._post, group, size)
        self._stopping = threading.Event()
        self.thread = threading.Thread(target=self._work, name=group, daemon=True)
        self._heard = 0.0  # when the bus heard of us
        self._mine: Collection[Partition] = ()
        self.failure: BaseException | None = None

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        return self.thread.is_alive()

    @property
    def handled(self) -> int:
        """How many records were done."""
        return self._post.handled

    def start(self) -> None:
        """Begin."""
        log.info("%s: waits for records on %s", self._group, ", ".join(self._table.names))
        self._post.start()
        self._desk.start()
        self.thread.start()

    def join(self, seconds: float | None) -> None:
        """Wait for the end."""
        self.thread.join(seconds)

    def has(self, thread: threading.Thread) -> bool:
        """Whether it is one of its own."""
        return thread is self.thread or self._desk.has(thread)

    def ask_to_stop(self, grace: float) -> None:
        """Begin nothing more."""
        self._grace = grace
        self._stopping.set()
        self._lanes.close()

    # -- the thread that reads ------------------------------------------------------------------------------------------

    def _work(self) -> None:
        subscription: Subscription | None = None
        tries = 0
        while not self._stopping.is_set():
            try:
                if self._missing and (made := self._bus.ensure(self._missing)):
                    log.info("%s: made the topics %s", self._group, ", ".join(made))
                self._missing = []
                if subscription is None:
                    subscription = self._bus.subscribe(self._group, self._table.exact, self._table.pattern)
                while not self._stopping.is_set():
                    self._turn(subscription)
                    tries = 0
            except BusError as error:
                log.log(logging.DEBUG if tries else logging.WARNING, "%s: no records for now: %s", self._group, error)
                self._leave(subscription)
                subscription = None
                self._stopping.wait(PAUSES[min(tries, len(PAUSES) - 1)])
                tries += 1
            except BaseException as error:  # noqa: BLE001  `stop` and `run` raise it where somebody can catch it
                self._fail(error)
        self._wind_down(subscription)

    def _turn(self, subscription: Subscription) -> None:
        room = self._lanes.room(WAIT)
        if room:
            records = subscription.poll(room, WAIT)
            self._heard = time.monotonic()
            self._lose(subscription)
            self._lanes.add([self._work_of(each) for each in records if self._progress.begin(each)])
        done = self._progress.take()
        if done or time.monotonic() - self._heard > ALIVE:
            subscription.commit(done)
            self._heard = time.monotonic()

    def _work_of(self, received: Received) -> Work:
        return Work(received, self._table.route(received.topic), self._naming.short(received.topic))

    def _lose(self, subscription: Subscription) -> None:
        """What another program reads now is not ours to commit; it may come back, and then begins where that one was."""
        mine = subscription.assigned()
        self._progress.forget([place for place in self._mine if place not in mine])
        self._mine = mine

    def _wind_down(self, subscription: Subscription | None) -> None:
        begun = time.monotonic()
        if not self._lanes.wait_until_idle(self._grace):
            log.warning("%s: handlers still run after %g s; their records come again", self._group, self._grace)
        self._desk.close()
        self._post.close(max(1.0, self._grace - (time.monotonic() - begun)))
        if subscription is not None:
            try:
                subscription.commit(self._progress.take())
            except BusError as error:
                log.warning("%s: what was answered last may come again: %s", self._group, error)
            except Exception as error:  # noqa: BLE001  what went wrong first is what is raised
                log.debug("committing: %s", error)
            self._leave(subscription)
        if self._ours:
            self._bus.close()

    def _leave(self, subscription: Subscription | None) -> None:
        self._mine = ()
        if subscription is not None:
            try:
                subscription.close()
            except Exception as error:  # noqa: BLE001  as above
                log.debug("leaving the group: %s", error)

    def _fail(self, error: BaseException) -> None:
        """The first failure is the one that is raised."""
        if self.failure is None:
            self.failure = error
            log.error("%s: stopped by an error: %s", self._group, error)
        self.ask_to_stop(self._grace)


class Table:
    """The routes by the full names of their topics."""

    def __init__(self, routes: list[Route], naming: Naming) -> None:
        self.names = [route.name for route in routes]
        self._routes, self._naming = routes, naming
        self._exact = {naming.full(route.name): route for route in routes if not route.pattern}
        patterns = [(full_pattern(naming, route.name), route) for route in routes if route.pattern]
        self._patterns = [(re.compile(pattern), route) for pattern, route in patterns]
        self.exact = list(self._exact)
        self.pattern = "|".join(pattern for pattern, _ in patterns) or None

    def route(self, topic: str) -> Route:
        """Who takes the records of a topic that was read."""
        found = self._exact.get(topic)
        if found is None:
            found = next(route for pattern, route in self._patterns if pattern.fullmatch(topic))
        return found

    def topics(self) -> list[TopicSpec]:
        """Those that are an integration's to make: what it reads, and where it answers."""
        known = {kind.name for kind in KINDS}
        answers = [route.answer for route in self._routes if route.answer is not None]
        names = [route.name for route in self._routes if not route.pattern]
        return [TopicSpec(self._naming.full(name)) for name in dict.fromkeys([*names, *answers]) if name not in known]
