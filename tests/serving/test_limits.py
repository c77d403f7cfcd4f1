import time

from fastapi import FastAPI
from fastapi.testclient import TestClient

from snnlab.serving.problem import install
from snnlab.serving.rest.limits import BodyLimit, Deadline


def slow(seconds: float):
    time.sleep(seconds)
    return "done"


def test_an_answer_that_does_not_begin_in_time_is_a_problem():
    app = FastAPI()
    app.add_api_route("/slow", slow)
    app.add_middleware(Deadline, seconds=0.2)
    client = TestClient(app)
    assert client.get("/slow", params={"seconds": 0}).json() == "done"
    late = client.get("/slow", params={"seconds": 0.6})
    assert late.status_code == 504
    assert late.headers["content-type"] == "application/problem+json"
    assert "0.2 s" in late.json()["detail"]


def test_a_failure_of_the_inside_is_told_as_such_and_no_more():
    def broken():
        raise KeyError("secret")

    app = FastAPI()
    app.add_api_route("/broken", broken)
    app.add_middleware(BodyLimit, limit=10)
    app.add_middleware(Deadline, seconds=5.0)
    install(app)
    failed = TestClient(app, raise_server_exceptions=False).get("/broken")
    assert failed.status_code == 500
    assert failed.json()["type"] == "urn:snnlab:problem:internal"
    assert "secret" not in failed.text
