import socket

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr

from snnlab.serving.auth import Guard, KeyGuard, bound_to_loopback

KEY = SecretStr("a key")


def client(key, loopback, host="localhost"):
    app = FastAPI()
    for path in ("/livez", "/docs.json", "/api/v1/models"):
        app.add_api_route(path, lambda: "ok")
    return TestClient(KeyGuard(app, Guard(key, loopback=loopback)), base_url=f"http://{host}:3000")


@pytest.mark.parametrize(
    ("key", "loopback", "host", "headers", "status"),
    [
        (None, True, "localhost", {}, 200),
        (None, True, "127.0.0.1", {}, 200),
        (None, True, "rebound.example", {}, 401),
        (None, False, "localhost", {}, 401),
        (None, False, "10.0.0.5", {"authorization": "Bearer "}, 401),
        (SecretStr(""), False, "10.0.0.5", {"authorization": "Bearer "}, 401),
        (KEY, False, "10.0.0.5", {}, 401),
        (KEY, True, "localhost", {}, 401),
        (KEY, False, "10.0.0.5", {"authorization": "Bearer another"}, 401),
        (KEY, False, "10.0.0.5", {"authorization": "Basic a key"}, 401),
        (KEY, False, "10.0.0.5", {"authorization": b"Bearer \xff\xfe"}, 401),
        (KEY, False, "10.0.0.5", {"authorization": "Bearer a key"}, 200),
        (KEY, False, "10.0.0.5", {"authorization": "bearer a key"}, 200),
    ],
)
def test_who_may_ask(key, loopback, host, headers, status):
    for path in ("/api/v1/models", "/docs.json"):
        answer = client(key, loopback, host).get(path, headers=headers)
        assert answer.status_code == status
        if status == 401:
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert "SNNLAB_API_KEY" in answer.json()["detail"]


def test_a_path_with_a_line_feed_is_none_of_ours():
    answer = client(None, loopback=True).get("/api/v1/models%0A")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_probes_are_free():
    assert client(KEY, loopback=False).get("/livez").status_code == 200


@pytest.mark.parametrize(("address", "loopback"), [("127.0.0.1", True), ("0.0.0.0", False)])  # noqa: S104
def test_the_bound_address_is_read_from_the_socket(address, loopback):
    with socket.socket() as listening:
        listening.bind((address, 0))
        assert bound_to_loopback(["worker", "--fd", str(listening.fileno())]) is loopback


@pytest.mark.parametrize("arguments", [[], ["--fd"], ["--fd", "x"], ["--fd", "987654"]])
def test_what_cannot_be_read_counts_as_reachable(arguments):
    assert not bound_to_loopback(arguments)
