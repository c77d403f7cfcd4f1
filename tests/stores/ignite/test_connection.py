"""Connections to Ignite: which serve again, and none that is left open."""

import pytest

from snnlab.errors import StoreError
from snnlab.stores.ignite.address import Address, IgniteSettings
from snnlab.stores.ignite.connection import Connections


class Client:
    """Stands for a connection, to count which are open; what Ignite itself does is tested with a real one."""

    def __init__(self, opened):
        opened.append(self)
        self.open = True

    def connect(self, nodes):
        del nodes

    def close(self):
        self.open = False


@pytest.fixture
def opened():
    return []


@pytest.fixture
def connections(opened, monkeypatch):
    made = Connections(Address.of("ignite://127.0.0.1:1/t", IgniteSettings()), lambda _: None)
    monkeypatch.setattr(made, "_client", lambda: Client(opened))
    return made


def gone(client):
    raise OSError("gone")


def test_a_connection_serves_again(connections, opened):
    assert [connections.ask(lambda client: client.open) for _ in range(3)] == [True] * 3
    assert len(opened) == 1


def test_a_question_is_asked_again_on_a_new_connection_once(connections, opened):
    connections.ask(id)
    answers = iter([gone, lambda client: "here"])

    def ask(client):
        return next(answers)(client)

    assert connections.ask(ask) == "here"
    assert [client.open for client in opened] == [False, True]


@pytest.mark.parametrize("error", [OSError("gone"), RuntimeError("wrong"), KeyboardInterrupt()])
def test_what_fails_leaves_no_connection_open(connections, opened, error):
    connections.ask(id)

    def fail(client):
        raise error

    with pytest.raises((StoreError, RuntimeError, KeyboardInterrupt)):
        connections.ask(fail)
    assert not any(client.open for client in opened)
