"""For people who write job workers: programs that do the work of service tasks.

    worker = Worker("sqlite:///shop.db")

    @worker.job("charge-card")
    def charge(job):
        return {"paid": True}

    worker.run()

Three parts, as in most worker libraries: the *router* knows which function does which type of job, the *poller* takes jobs
and keeps their leases, the *executor* runs them and reports what came of it.
"""

from procession.runtime.backoff import Backoff
from procession.worker.errors import BpmnError, Retry
from procession.worker.router import Router
from procession.worker.worker import Worker

__all__ = ["Backoff", "BpmnError", "Retry", "Router", "Worker"]
