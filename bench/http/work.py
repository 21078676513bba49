"""A worker that does every job there is over HTTP, and says how long it took.

python bench/http/work.py URL --token T
"""

from __future__ import annotations

import argparse
import json
import time

from procession import Worker


def main() -> None:
    """From the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--token", required=True)
    given = parser.parse_args()
    worker = Worker(given.url, token=given.token, max_jobs=256)

    @worker.job("work")
    def work(job: object) -> dict[str, object]:
        return {"done": True}

    spent, began = time.process_time(), time.perf_counter()
    jobs = worker.run(until_idle=True)
    elapsed = time.perf_counter() - began  # with the last look that finds nothing
    cpu = (time.process_time() - spent) / elapsed
    print(json.dumps({"name": "work", "jobs": jobs, "seconds": round(elapsed, 4), "cpu": round(cpu, 2)}))


if __name__ == "__main__":
    main()
