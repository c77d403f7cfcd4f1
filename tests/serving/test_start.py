import asyncio
import gc
import json
from hashlib import sha256

from fastapi.testclient import TestClient

from snnlab.detectors import Detector
from snnlab.serving.start import Service


def test_a_service_starts_warm_and_keeps_what_it_learns(tmp_path, monkeypatch, calm, as_json):
    monkeypatch.setenv("SNNLAB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SNNLAB_GRPC_PORT", "0")  # it would live on one event loop; test_bento calls a served one
    detector = Detector.build("performance", names=["cpu", "latency"], entities=True, seed=1)
    body = detector.save()
    models = tmp_path / "models"
    models.mkdir()
    (models / "web.snn").write_bytes(body)
    digest = f"sha256:{sha256(body).hexdigest()}"
    entry = {"name": "web", "version": "1", "domain": "performance", "digest": digest}
    (models / "manifest.json").write_text(json.dumps({"models": [entry]}))
    try:
        for seen in (0, 50):
            service = asyncio.run(Service.start(models))
            client = TestClient(service.app)
            assert client.get("/api/v1/models/web").json()["events_seen"] == seen
            assert client.get("/api/v1/metrics").json()["events_processed"] == 0
            sent = client.post("/api/v1/models/web/score", json={"events": as_json(calm(50, begun=seen))})
            assert sent.status_code == 200
            asyncio.run(service.stop())
    finally:
        gc.unfreeze()
    assert (tmp_path / "home" / "store.db").exists()
