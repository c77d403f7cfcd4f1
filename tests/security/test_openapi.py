"""The service keeps to the OpenAPI document that it tells: schemathesis asks the real one, with all checks on."""

import json
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest


@pytest.fixture
def told(served, events):
    """The service with anomalies to ask for."""
    burst = events(40, begun=1200)
    for one in burst[30:35]:
        one["features"] = [5.0, 900.0]
    request = urllib.request.Request(  # noqa: S310 - its own address
        f"{served.server.url}/api/v1/models/shown/score",
        json.dumps({"events": burst}).encode(),
        {**served.headers, "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        assert any(verdict["anomaly_id"] for verdict in json.load(answer)["verdicts"])
    return served


@pytest.mark.slow  # some hundred requests for each operation
def test_schemathesis_finds_nothing(told, tmp_path):
    options = ["--checks", "all", "--phases", "examples,coverage,fuzzing,stateful", "--max-examples", "8"]
    options += ["--seed", "1", "--generation-database", "none", "--no-color", "--continue-on-failure", "--no-shrink"]
    config = Path(__file__).with_name("schemathesis.toml")
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run", *options]
    done = subprocess.run(
        [*command, "--header", f"Authorization: Bearer {told.key}", f"{told.server.url}/openapi.json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, f"{done.stdout[-6000:]}\n{done.stderr[-1000:]}\n{told.server.tail(20)}"
    assert re.search(r"\b(\d+) selected / \1 total", done.stdout)
    assert int(re.search(r"(\d+) generated", done.stdout)[1]) > 300
