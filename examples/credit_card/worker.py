"""The card factory and the office's mail: the two services that *New credit card* calls."""

import hashlib
import logging
import os

from procession import Worker
from procession.worker import Retry

# A server, with the credentials that the environment has; else a store.
worker = Worker(os.environ.get("PROCESSION_URL") or os.environ.get("PROCESSION_STORE", "sqlite:///credit_card.db"))


ROOM = 26
"""Characters of a name that fit on a card."""


@worker.job("produce-card")
async def produce_card(job):
    """Makes a card. A repeated job gives the same number, so that nobody gets two cards."""
    name = job.variables["client"]["name"]
    if len(name) > ROOM:  # trying again would not help: somebody has to shorten it
        raise Retry(f"The name {name!r} has {len(name)} characters; a card has room for {ROOM}.", retries=0)
    digits = int.from_bytes(hashlib.sha256(f"card of {job.instance}".encode()).digest()) % 10**12
    return {"cardNumber": f"5100{digits:012d}"}


@worker.job("send-reminder")
def send_reminder(job):
    """Tells the reviewers that somebody waits. A real one would send a mail."""
    print(f"Reminder: the application of {job.variables['client']['name']} waits for a review.")
    return {}


if __name__ == "__main__":
    logging.basicConfig(format="%(message)s")
    logging.getLogger("procession").setLevel(logging.INFO)
    worker.run()
