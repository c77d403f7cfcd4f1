import asyncio
import re

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from snnlab.serving.auth import Guard, KeyGuard
from snnlab.serving.page import PATHS
from snnlab.serving.rest import create_app

FILES = sorted(PATHS - {"/"})


@pytest.mark.parametrize("path", FILES)
def test_a_page_loads_nothing_from_elsewhere(client, path):
    answer = client.get(path)
    assert answer.status_code == 200
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert not re.search(r"https?://(?!www\.w3\.org)", answer.text)
    assert not re.search(r"innerHTML|insertAdjacentHTML|document\.write|\beval\b|\son\w+=|<script>|style=", answer.text)
    for linked in re.findall(r"""(?:src|href|from)[= ]["'](/[^"']*)["']""", answer.text):
        assert client.get(linked).status_code == 200, linked


def test_a_page_that_has_not_changed_is_not_sent_again(client):
    first = client.get("/live")
    again = client.get("/live", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.head("/live").status_code == 200
    assert client.get("/", follow_redirects=False).headers["location"] == "/live"
    assert client.get("/live/..%2f__init__.py").status_code == 404
    assert client.post("/live").status_code == 405


def test_pages_are_free_where_there_is_a_key_and_what_they_show_is_not(application):
    with_key = TestClient(KeyGuard(create_app(application), Guard(SecretStr("k"), loopback=False)), base_url="http://x")
    assert {with_key.get(path).status_code for path in FILES} == {200}
    closed = ["/openapi.json", "/api/v1/models", "/live/", "/live/other.js", "/metrics"]
    assert {with_key.get(path).status_code for path in closed} == {401}
    assert with_key.post("/live").status_code == 401
    rebound = TestClient(KeyGuard(create_app(application), Guard(None, loopback=True)), base_url="http://rebound")
    assert {rebound.get(path).status_code for path in FILES} == {401}


def test_the_key_is_found_where_the_server_keeps_the_subprotocols_to_itself():
    told = []

    async def app(scope, receive, send):
        told.append(scope["type"])

    guard = KeyGuard(app, Guard(SecretStr("k"), loopback=False))

    async def send(message):
        told.append(message["type"])

    for offered in (["snnlab", "snnlab.key.aw"], ["snnlab"]):
        scope = {"type": "websocket", "path": "/ws/anomalies/x", "headers": [], "subprotocols": offered}
        asyncio.run(guard(scope, None, send))
    assert told == ["websocket", "websocket.close"]
