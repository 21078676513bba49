"""The warehouse, the mail and the carrier: the services that *Order fulfilment* and *Ship parcel* call."""

import hashlib
import logging
import os

from procession import BpmnError, Worker

# A server, with the credentials that the environment has; else a store.
worker = Worker(os.environ.get("PROCESSION_URL") or os.environ.get("PROCESSION_STORE", "sqlite:///order_fulfilment.db"))

BINS = {"book": "A-01", "lamp": "B-07", "mug": "B-12", "chair": "C-03"}


@worker.job("pick-item")
async def pick_item(job):
    """Finds the bin of an item. What is not on the shelf ends the picking of the whole order."""
    sku = job.variables["item"]["sku"]
    if sku not in BINS:
        raise BpmnError("OUT_OF_STOCK", f"There is no {sku} left.")
    return {"bin": BINS[sku]}


@worker.job("notify-customer")
def notify_customer(job):
    """Tells the customer. A real one would send a mail."""
    print(f"Order {job.variables['order']['id']}: sorry, we cannot deliver all of it.")
    return {"customerNotified": True}


@worker.job("gift-wrap")
def gift_wrap(job):
    """Wraps the order in the paper of the season."""
    return {"paper": "stars"}


@worker.job("reserve-express")
def reserve_express(job):
    """Takes a place on tonight's van."""
    return {"van": "tonight"}


@worker.job("book-carrier")
async def book_carrier(job):
    """Books a carrier. A repeated job gives the same tracking number, so that no parcel is booked twice."""
    number = hashlib.sha256(f"parcel of {job.variables['orderId']}".encode()).hexdigest()[:10].upper()
    return {"trackingNumber": f"{'X' if job.variables['service'] == 'express' else 'S'}-{number}"}


if __name__ == "__main__":
    logging.basicConfig(format="%(message)s")
    logging.getLogger("procession").setLevel(logging.INFO)
    worker.run()
