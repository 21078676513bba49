"""The credit bureau: another company, which *New credit card* asks by a record and which answers by one."""

import hashlib
import logging
import os

from procession.integration import Integration, Once, Reject

# Kafka, else a server, with the credentials that the environment has: both are the same to what follows.
bureau = Integration(
    os.environ.get("PROCESSION_BUS") or os.environ.get("PROCESSION_URL", "http://127.0.0.1:8080"), group="credit-bureau"
)

# An inquiry costs money: a request that comes again, as the bureau was killed before it had answered, is not a second one.
once = Once(os.environ.get("BUREAU_FILE", "memory:"))

WORST, BEST = 300, 850


@bureau.on("bureau.requests", answer="engine.receive.bureau", once=once)
def score(record):
    """How good somebody is at paying back. The inquiry is noted in the transaction that notes the answer."""
    name = record.json.get("name")
    if not name:  # trying again would not help
        raise Reject("There is nobody to ask about: the request has no name.")
    record.database.execute("CREATE TABLE IF NOT EXISTS inquiries (request TEXT, name TEXT)")
    record.database.execute("INSERT INTO inquiries VALUES (?, ?)", (record.id, name))
    return {"score": WORST + int.from_bytes(hashlib.sha256(name.encode()).digest()) % (BEST - WORST + 1)}


if __name__ == "__main__":
    logging.basicConfig(format="%(message)s")
    logging.getLogger("procession").setLevel(logging.INFO)
    bureau.run()
