"""Models that are made while their caller waits, and those that take longer."""

from threading import Event

import pytest

from snnlab.errors import ConfigError
from snnlab.serving.jobs import Job, Jobs
from snnlab.serving.making import Making
from snnlab.serving.untrained import Untrained


class Made:
    """What is told of a model."""

    model_id = "web-1"

    class record:  # noqa: N801
        version = 1


def ended(jobs, job, making):
    making.close()
    return jobs.get(job.job_id)


def test_what_is_soon_made_is_given_at_once_and_is_no_job(store):
    making = Making(Jobs(store))
    assert making.begin("web-1", Made, 10.0).model_id == "web-1"
    making.close()


def test_what_cannot_be_made_says_so_at_once(store):
    making = Making(Jobs(store))
    with pytest.raises(ConfigError, match="no such"):
        making.begin("web-1", lambda: Untrained("no such").detector(), 10.0)
    making.close()


def test_what_takes_long_is_a_job_that_succeeds(store):
    jobs, go = Jobs(store), Event()
    making = Making(jobs)

    def make():
        go.wait(10)
        return Made()

    job = making.begin("web-1", make, 0.01)
    assert isinstance(job, Job)
    assert (job.kind, job.model_id) == ("create", "web-1")
    assert jobs.get(job.job_id).status == "running"
    go.set()
    done = ended(jobs, job, making)
    assert (done.status, done.result) == ("succeeded", {"model_id": "web-1", "version": "1"})
    assert done.finished_at >= done.created_at


def test_what_fails_later_fails_as_a_job_and_what_waits_is_lost(store):
    jobs, go = Jobs(store), Event()
    making = Making(jobs)

    def fail():
        go.wait(10)
        raise ConfigError("800 features take 300 MB; name fewer")

    first, _, third = (making.begin(f"web-{at}", fail, 0.01) for at in range(3))  # two are being made
    making._pool.shutdown(wait=False, cancel_futures=True)
    go.set()
    failed, lost = ended(jobs, first, making), jobs.get(third.job_id)
    assert (failed.status, failed.problem.status) == ("failed", 422)
    assert "name fewer" in failed.problem.detail
    assert (lost.status, lost.problem.status) == ("failed", 503)
    assert "send it again" in lost.problem.detail
