"""A worker for the examples that does what it is told: its jobs, or fail at them; and a credit bureau that always answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from procession import Integration, Worker
from procession.worker.errors import Retry

RESULTS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "produce-card": lambda job: {"cardNumber": "5100000000000000"},
    "send-reminder": lambda job: {},
    "pick-item": lambda job: {"bin": "A-01"},
    "notify-customer": lambda job: {"customerNotified": True},
    "gift-wrap": lambda job: {"paper": "stars"},
    "reserve-express": lambda job: {"van": "tonight"},
    "book-carrier": lambda job: {"trackingNumber": "S-0123456789"},
}


class Workshop:
    """Works in the background, in a thread of its own, until it is closed. A server that is away is waited for."""

    def __init__(self, url: str, password: str) -> None:
        self._broken: dict[str, str] = {}
        self._worker = Worker(url, user="worker", password=password, name="workshop")
        for kind in RESULTS:
            self._worker.job(kind)(self._handler(kind))
        self._worker.start()
        self._bureau = Integration(url, group="credit-bureau", user="worker", password=password)
        self._bureau.on("bureau.requests", answer="engine.receive.bureau")(lambda record: {"score": 704})
        self._bureau.start()

    def break_down(self, kind: str, message: str = "The machine is broken.") -> None:
        """Fail at all jobs of this type from now on, at once and for good: each raises an exception that waits for a repair."""
        self._broken[kind] = message

    def mend(self, kind: str) -> None:
        """Do jobs of this type again."""
        del self._broken[kind]

    def close(self) -> None:
        """Take no more jobs."""
        self._worker.stop()
        self._bureau.stop()

    def _handler(self, kind: str) -> Callable[[Any], dict[str, Any]]:
        def work(job: Any) -> dict[str, Any]:
            if message := self._broken.get(kind):
                raise Retry(message, retries=0)
            return RESULTS[kind](job)

        return work
