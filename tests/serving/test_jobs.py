from threading import Event

from snnlab.errors import EventError, StoreError
from snnlab.serving import jobs as jobs_module
from snnlab.serving.jobs import Jobs


def test_a_job_that_fails_tells_its_problem(store):
    jobs = Jobs(store)

    def work(progress):
        progress(3)
        raise EventError("event 'a' has cpu = nan; leave it out")

    job = jobs.submit("train", "web", work, total=10)
    jobs.close()
    failed = jobs.get(job.job_id)
    assert (failed.status, failed.done, failed.total) == ("failed", 3, 10)
    assert failed.problem.status == 422
    assert "cpu = nan" in failed.problem.detail
    assert failed.finished_at >= failed.created_at


def test_a_failure_of_the_inside_is_not_told(store):
    jobs = Jobs(store)
    job = jobs.submit("train", "web", lambda _: {}["secret"])
    jobs.close()
    assert jobs.get(job.job_id).problem.status == 500
    assert "secret" not in jobs.get(job.job_id).problem.detail


def test_a_service_that_stops_ends_its_jobs_and_says_so(store):
    jobs, begun = Jobs(store), Event()

    def work(progress):
        while True:
            begun.set()
            progress(1)

    job = jobs.submit("train", "web", work)
    waiting = jobs.submit("train", "web", lambda _: {})
    begun.wait(5)
    jobs.close(wait=False)
    for one in (job, waiting):
        ended = jobs.get(one.job_id)
        assert (ended.status, ended.problem.status) == ("failed", 503)
        assert "send it again" in ended.problem.detail


def test_a_job_is_told_by_every_replica_and_fails_with_the_one_that_works_on_it(store):
    there, begun, end = {"a"}, Event(), Event()
    working, other = Jobs(store, "a"), Jobs(store, "b", lambda: there)

    def work(progress):
        begun.set()
        end.wait(5)
        return {}

    job = working.submit("train", "web", work, total=7)
    begun.wait(5)
    assert other.get(job.job_id) == working.get(job.job_id)
    assert other.get(job.job_id).status == "running"
    there.clear()
    lost = other.get(job.job_id)
    assert (lost.status, lost.problem.type) == ("failed", "urn:snnlab:problem:job-lost")
    assert "replica a" in lost.problem.detail
    end.set()
    working.close()
    assert other.get(job.job_id).status == "succeeded"
    assert other.get("none") is None
    other.close()


def test_a_store_that_is_away_for_a_moment_loses_no_job(store, monkeypatch):
    jobs, put, refused = Jobs(store), store.put_record, []

    def sometimes(kind, name, body, **more):
        if jobs_at_work.is_set() and len(refused) < 2:
            refused.append(name)
            raise StoreError("the store is away")
        put(kind, name, body, **more)

    jobs_at_work = Event()
    monkeypatch.setattr(jobs_module, "_AGAIN_S", 0.01)
    monkeypatch.setattr(jobs_module, "_PROGRESS_EVERY_S", 0.0)
    monkeypatch.setattr(store, "put_record", sometimes)

    def work(progress):
        jobs_at_work.set()
        progress(1)
        return {"trained": 1}

    job = jobs.submit("train", "web", work)
    jobs.close()
    assert len(refused) == 2
    assert jobs.get(job.job_id).status == "succeeded"
