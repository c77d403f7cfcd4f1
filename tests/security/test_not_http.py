"""Bytes that are not even HTTP: the connection is refused and ended, and the service goes on."""

import socket
from contextlib import suppress
from urllib.parse import urlsplit
from urllib.request import urlopen

MODEL = "/api/v1/models/web"
GARBAGE = [
    b"\x00" * 100 + b"\r\n\r\n",
    b"GET\r\n\r\n",
    b"GET %b HTTP/9.9\r\n\r\n" % MODEL.encode(),
    b"POST %b/score HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n" % MODEL.encode(),
    b"POST %b/score HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" % MODEL.encode(),
    b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nContent-Length: 7\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 200_000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\n: x\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\xaa" * 200 + b"\r\n\r\n",  # a TLS greeting
]


def test_what_is_not_even_http_is_refused_and_the_connection_ended(served, held):
    there = urlsplit(served.server.url)
    _, files = held(served.server)
    for round_ in range(20):  # one left open a round would show
        for garbage in GARBAGE:
            with socket.create_connection((there.hostname, there.port), timeout=10) as connection:
                answer = b""
                with suppress(OSError):  # the service may have hung up by then
                    connection.sendall(garbage)
                    connection.shutdown(socket.SHUT_WR)
                    while part := connection.recv(65_536):
                        answer += part
            assert answer[:12] in {b"", b"HTTP/1.1 400", b"HTTP/1.1 401"}, (round_, garbage[:80], answer[:200])
    assert held(served.server)[1] - files < len(GARBAGE)
    assert served.server._process.poll() is None
    with urlopen(f"{served.server.url}/readyz", timeout=10) as answer:  # noqa: S310 - its own address
        assert answer.status == 200
