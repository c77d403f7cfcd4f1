from threading import Event

from snnlab.errors import EventError
from snnlab.serving.jobs import Jobs


def test_a_job_that_fails_tells_its_problem():
    jobs = Jobs()

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


def test_a_failure_of_the_inside_is_not_told():
    jobs = Jobs()
    job = jobs.submit("train", "web", lambda _: {}["secret"])
    jobs.close()
    assert jobs.get(job.job_id).problem.status == 500
    assert "secret" not in jobs.get(job.job_id).problem.detail


def test_a_service_that_stops_ends_its_job_between_two_batches():
    jobs, begun = Jobs(), Event()

    def work(progress):
        while True:
            begun.set()
            progress(1)

    job = jobs.submit("train", "web", work)
    waiting = jobs.submit("train", "web", lambda _: {})
    begun.wait(5)
    jobs.close(wait=False)
    assert jobs.get(job.job_id).status == "failed"
    assert jobs.get(waiting.job_id).status == "queued"


def test_only_the_last_jobs_are_kept():
    jobs = Jobs(kept=2)
    made = []
    for _ in range(4):
        job = jobs.submit("train", "web", lambda _: {})
        while jobs.get(job.job_id).status != "succeeded":
            pass
        made.append(job)
    jobs.close()
    assert [jobs.get(job.job_id) is not None for job in made] == [False, False, True, True]
    assert jobs.get("none") is None
