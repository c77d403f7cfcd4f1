import asyncio
import logging

import grpc
import numpy as np
import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from snnlab.errors import StoreError
from snnlab.events import EventBatch
from snnlab.serving.auth import Guard, KeyGuard
from snnlab.serving.doors import Refusals
from snnlab.serving.grpc.status import told
from snnlab.serving.journal import Journal
from snnlab.serving.rest import create_app


@pytest.fixture
def lines(caplog):
    """The lines of the log, as text."""
    caplog.set_level(logging.DEBUG, "snnlab")

    def told():
        found = [record.getMessage() for record in caplog.records if record.name.startswith("snnlab")]
        caplog.clear()
        return found

    return told


@pytest.fixture
def guarded(application):
    app = KeyGuard(create_app(application), Guard(SecretStr("the-key"), loopback=False))
    return TestClient(Refusals(app), raise_server_exceptions=False)


def test_a_refused_request_has_a_line_without_its_body_and_key(guarded, lines):
    header = {"authorization": "Bearer the-key"}
    assert guarded.get("/api/v1/models?secret=1", headers={"authorization": "Bearer wrong-key"}).status_code == 401
    assert guarded.post("/api/v1/models", json={"domain": "private"}, headers=header).status_code == 422
    assert guarded.get("/api/v1/models", headers=header).status_code == 200
    assert guarded.get(f"/{'a' * 1000}", headers=header).status_code == 404
    first, second, third = lines()
    assert first == "event='request refused' door='rest' what='GET /api/v1/models' status=401"
    assert second == "event='request refused' door='rest' what='POST /api/v1/models' status=422"
    assert len(third) < 300
    assert "private" not in first + second
    assert "key" not in first + second


async def _refused(error):
    class Context:
        async def abort(self, *_):
            raise grpc.aio.AbortError

    async with told(Context()):
        raise error


def test_a_refused_call_has_a_line_with_its_status(lines):
    with pytest.raises(grpc.aio.AbortError):
        asyncio.run(_refused(StoreError("away")))
    assert lines() == [
        "event='request refused' door='grpc' what='urn:snnlab:problem:store-unavailable' status='UNAVAILABLE'"
    ]


def test_what_befalls_a_shard_has_a_line_each(lines):
    journal = Journal("web", 3, "hosts")
    batch = EventBatch.from_columns(np.ones((12, 1)), ["cpu"], event_ids=[f"e{row}" for row in range(12)])
    journal.taken(1, None, 4)
    journal.checkpoint(1, 99, 0.01)
    journal.lost(1)
    with journal.processing(1, batch):
        journal.dead_letters(batch, [f"reason {row}" for row in range(12)])
    journal.retry("away", StoreError("away"))
    journal.going_on()
    taken, checkpoint, lost, *letters, rest, retry, going_on = lines()
    assert taken == "event='shard taken' model='web' stream='hosts' shard=1 position=None epoch=4"
    assert checkpoint.startswith("event='checkpoint'")
    assert lost.startswith("event='shard lost'")
    assert len(letters) == 10
    assert "shard=1" in letters[0]
    assert "event_id='e9' reason='reason 9'" in letters[9]
    assert "n_events=12 without_a_line=2" in rest
    assert "reason='away'" in retry
    assert "goes on" in going_on
