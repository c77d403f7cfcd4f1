"""Work that is done while its caller waits, and work that takes longer."""

from threading import Event

import pytest

from snnlab.errors import ConfigError
from snnlab.serving.jobs import Job, Jobs
from snnlab.serving.promptly import Promptly
from snnlab.serving.untrained import Untrained


def told(made):
    return {"made": made}


def ended(jobs, job, promptly):
    promptly.close()
    return jobs.get(job.job_id)


def test_what_is_soon_made_is_given_at_once_and_is_no_job(store):
    promptly = Promptly(Jobs(store))
    assert promptly.begin("create", "web-1", lambda: 3, told, soon_s=10.0) == 3
    promptly.close()


def test_what_cannot_be_made_says_so_at_once(store):
    promptly = Promptly(Jobs(store))
    with pytest.raises(ConfigError, match="no such"):
        promptly.begin("create", "web-1", lambda: Untrained("no such").detector(), told, soon_s=10.0)
    promptly.close()


def test_what_takes_long_is_a_job_that_succeeds(store):
    jobs, go = Jobs(store), Event()
    promptly = Promptly(jobs)

    def make():
        go.wait(10)
        return 3

    job = promptly.begin("create", "web-1", make, told, soon_s=0.01)
    assert isinstance(job, Job)
    assert (job.kind, job.model_id) == ("create", "web-1")
    assert jobs.get(job.job_id).status == "running"
    go.set()
    done = ended(jobs, job, promptly)
    assert (done.status, done.result) == ("succeeded", {"made": 3})
    assert done.finished_at >= done.created_at


def test_what_fails_later_fails_as_a_job_and_what_waits_is_lost(store):
    jobs, go = Jobs(store), Event()
    promptly = Promptly(jobs)

    def fail():
        go.wait(10)
        raise ConfigError("800 features take 300 MB; name fewer")

    begun = [promptly.begin("create", f"web-{at}", fail, told, soon_s=0.01) for at in range(3)]  # two are at work
    promptly._pool.shutdown(wait=False, cancel_futures=True)
    go.set()
    failed, lost = ended(jobs, begun[0], promptly), jobs.get(begun[2].job_id)
    assert (failed.status, failed.problem.status) == ("failed", 422)
    assert "name fewer" in failed.problem.detail
    assert (lost.status, lost.problem.status) == ("failed", 503)
    assert "send it again" in lost.problem.detail
