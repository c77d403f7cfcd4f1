"""Pulsar's HTTP interface, where several brokers share the topics: one sends on to another."""

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from snnlab.errors import BusError
from snnlab.streams.pulsar.address import Address, PulsarSettings
from snnlab.streams.pulsar.admin import Admin


class Broker(BaseHTTPRequestHandler):
    """Sends requests for topics on to ``owner``, and is that itself where it has none; asks for the token."""

    owner = None

    def do_GET(self):
        if self.owner is not None:
            self.send_response(307)
            self.send_header("Location", f"{self.owner}{self.path}")
            self.end_headers()
            return
        sound = self.headers["Authorization"] == "Bearer key"
        body = json.dumps({"partitions": 3, "properties": {}}).encode()
        self.send_response(200 if sound else 401)
        self.end_headers()
        self.wfile.write(body if sound else b"no token")

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def serve():
    servers = []

    def start(owner=None):
        server = HTTPServer(("127.0.0.1", 0), type("One", (Broker,), {"owner": owner}))
        servers.append(server)
        Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def admin(url, token):
    return Admin(Address.of(f"pulsar://127.0.0.1:1?admin={url}", PulsarSettings(token=token)))


def test_a_request_is_sent_on_with_its_token_to_the_broker_that_has_the_topic(serve):
    first = serve(owner=serve())
    assert admin(first, "key").metadata("web") == (3, {})
    with pytest.raises(BusError, match="401: no token"):
        admin(first, "wrong").metadata("web")
