"""Every store: jobs are handed out, to one worker at a time."""

from __future__ import annotations

import pytest

from procession.errors import VersionConflict
from procession.storage import Lease, Need
from tests.contracts.rows import (
    MINUTE,
    NOON,
    SECOND,
    instance,
    job,
    new_id,
    started,
    stepped,
)


class LeaseContract:
    """Jobs are handed out to one worker at a time."""

    def hand_out(self, store, limit=10, now=NOON, minutes=1, type="charge-card", worker="w"):
        return store.lease_jobs(type, worker, limit, now, now + minutes * MINUTE)

    def queued(self, store, *jobs, **given):
        order = instance(**given)
        jobs = [row._replace(instance=order.id) for row in jobs]
        store.commit(started(order, jobs=jobs))
        return order, *jobs

    def test_a_job_is_handed_out_once_oldest_first(self, store):
        _, one, two, three = self.queued(store, job(0), job(0), job(0))
        first = self.hand_out(store, limit=2, worker="w1")
        assert [leased.job for leased in first] == [one, two]
        assert [leased.lease for leased in first] == [Lease(1, "w1", NOON + MINUTE)] * 2
        assert [leased.job for leased in self.hand_out(store, worker="w2")] == [three]
        assert self.hand_out(store) == []

    def test_only_of_the_type_that_was_asked_for(self, store):
        self.queued(store, job(0, type="pack"))
        assert self.hand_out(store, type="charge-card") == []
        assert len(self.hand_out(store, type="pack")) == 1

    def test_not_before_it_is_due(self, store):
        self.queued(store, job(0, due=NOON + MINUTE))
        assert self.hand_out(store, now=NOON + MINUTE - 1) == []
        assert len(self.hand_out(store, now=NOON + MINUTE)) == 1

    def test_not_without_retries(self, store):
        self.queued(store, job(0, retries=0))
        assert self.hand_out(store) == []

    def test_a_lease_that_is_over_is_handed_out_again_with_a_higher_fence(self, store):
        _, charge = self.queued(store, job(0))
        fences = []
        for minute in range(4):
            (leased,) = self.hand_out(store, now=NOON + minute * MINUTE)
            fences.append(leased.lease.fence)
            assert self.hand_out(store, now=NOON + minute * MINUTE + 1) == []
        assert fences == [1, 2, 3, 4]
        assert store.load(Need(jobs=[charge.id])).jobs[charge.id][1] == Lease(4, "w", NOON + 4 * MINUTE)
        assert store.job(charge.id) == (charge, Lease(4, "w", NOON + 4 * MINUTE))

    def test_who_comes_back_queues_with_the_others_and_is_not_starved(self, store):
        _, lost, fresh = self.queued(store, job(0), job(0, created=NOON + 2 * MINUTE))
        self.hand_out(store, limit=1)
        (leased,) = self.hand_out(store, limit=1, now=NOON + 3 * MINUTE)
        assert leased.job == lost
        (leased,) = self.hand_out(store, limit=1, now=NOON + 3 * MINUTE)
        assert leased.job == fresh

    def test_a_lease_is_extended_by_its_owner_while_it_lasts(self, store):
        _, charge = self.queued(store, job(0))
        (leased,) = self.hand_out(store)
        fence = leased.lease.fence
        assert store.extend_lease(charge.id, fence, NOON + SECOND, NOON + 2 * MINUTE)
        assert self.hand_out(store, now=NOON + MINUTE) == []
        assert not store.extend_lease(charge.id, fence - 1, NOON + SECOND, NOON + 9 * MINUTE)
        assert not store.extend_lease(charge.id, fence, NOON + 2 * MINUTE, NOON + 9 * MINUTE)
        assert not store.extend_lease(new_id(), fence, NOON, NOON + MINUTE)
        (again,) = self.hand_out(store, now=NOON + 2 * MINUTE)
        assert not store.extend_lease(charge.id, fence, NOON + 2 * MINUTE, NOON + 9 * MINUTE)
        assert again.lease.fence == fence + 1

    def test_a_job_is_given_back_untouched(self, store):
        _, charge = self.queued(store, job(0))
        (leased,) = self.hand_out(store)
        assert not store.release_lease(charge.id, leased.lease.fence + 1)
        assert store.release_lease(charge.id, leased.lease.fence)
        assert not store.release_lease(charge.id, leased.lease.fence)
        assert store.job(charge.id) == (charge, Lease(1, None, 0))
        (again,) = self.hand_out(store)
        assert (again.job, again.lease.fence) == (charge, 2)

    def test_a_failed_job_loses_its_lease_and_keeps_its_fence(self, store):
        order, charge = self.queued(store, job(0))
        self.hand_out(store)
        failed = charge._replace(retries=2, due=NOON + MINUTE)
        store.commit(stepped(order._replace(position=2), jobs=[failed]))
        assert store.job(charge.id) == (failed, Lease(1, None, 0))
        assert self.hand_out(store, now=NOON + SECOND) == []
        (again,) = self.hand_out(store, now=NOON + MINUTE)
        assert (again.job, again.lease.fence) == (failed, 2)

    def test_a_job_that_changes_its_type_changes_its_queue(self, store):
        order, charge = self.queued(store, job(0))
        store.commit(stepped(order._replace(position=2), jobs=[charge._replace(type="pack")]))
        assert self.hand_out(store, type="charge-card") == []
        assert len(self.hand_out(store, type="pack")) == 1

    def test_a_job_that_is_done_is_gone(self, store):
        order, charge = self.queued(store, job(0))
        self.hand_out(store)
        store.commit(stepped(order._replace(position=2), jobs_gone=[(charge.id,)]))
        assert store.job(charge.id) is None
        assert store.load(Need(jobs=[charge.id])).jobs == {}
        assert not store.extend_lease(charge.id, 1, NOON, NOON + MINUTE)
        assert not store.release_lease(charge.id, 1)
        assert self.hand_out(store, now=NOON + 5 * MINUTE) == []

    def test_what_comes_of_a_job_that_was_handed_out_again_is_refused(self, store):
        order, charge, pack = self.queued(store, job(0), job(0))
        self.hand_out(store)
        self.hand_out(store, now=NOON + 5 * MINUTE)
        done = {"jobs_gone": [(charge.id,), (pack.id,)]}
        before = store.counts()
        with pytest.raises(VersionConflict, match=f"job {charge.id} was handed out again"):
            store.commit(stepped(order._replace(position=2), **done, fences=[(pack.id, 2), (charge.id, 1)]))
        assert store.counts() == before
        store.commit(stepped(order._replace(position=2), **done, fences=[(charge.id, 2), (pack.id, 2)]))
        assert store.job(charge.id) is store.job(pack.id) is None
        with pytest.raises(VersionConflict):
            store.commit(stepped(order._replace(position=3), fences=[(charge.id, 2)]))

    def test_jobs_of_an_instance_on_hold_wait(self, store):
        order, charge, pack = self.queued(store, job(0), job(0))
        other, third = self.queued(store, job(0))
        self.hand_out(store, limit=1)
        order = order._replace(position=2, status="ON_HOLD")
        store.commit(stepped(order))
        assert [leased.job for leased in self.hand_out(store, now=NOON + MINUTE)] == [third]
        store.commit(stepped(order._replace(position=3, status="STARTED")))
        assert [leased.job for leased in self.hand_out(store, now=NOON + MINUTE)] == [charge, pack]
        assert store.job(charge.id).lease.fence == 2
        assert other.status == "STARTED"

    def test_a_job_that_comes_or_changes_on_hold_waits_too(self, store):
        order, charge = self.queued(store, job(0))
        born = job(order.id)
        order = order._replace(position=2, status="ON_HOLD")
        store.commit(stepped(order, jobs=[born]))
        order = order._replace(position=3)
        store.commit(stepped(order, jobs=[charge._replace(retries=1)]))
        assert self.hand_out(store) == []
        store.commit(stepped(order._replace(position=4, status="STARTED")))
        assert [leased.job.id for leased in self.hand_out(store)] == [charge.id, born.id]

    def test_on_hold_a_lease_can_still_be_extended_and_given_back(self, store):
        order, charge = self.queued(store, job(0))
        self.hand_out(store)
        store.commit(stepped(order._replace(position=2, status="ON_HOLD")))
        assert store.extend_lease(charge.id, 1, NOON + 1, NOON + 2 * MINUTE)
        assert store.release_lease(charge.id, 1)
        assert self.hand_out(store) == []
