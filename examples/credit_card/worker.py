"""The card factory and the office's mail: the two services that *New credit card* calls."""

import hashlib
import logging
import os

from procession import Worker

# A server, with the credentials that the environment has; else a store.
worker = Worker(os.environ.get("PROCESSION_URL") or os.environ.get("PROCESSION_STORE", "sqlite:///credit_card.db"))


@worker.job("produce-card")
async def produce_card(job):
    """Makes a card. A repeated job gives the same number, so that nobody gets two cards."""
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
