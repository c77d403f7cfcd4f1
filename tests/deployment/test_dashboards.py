"""The dashboards: as generated, as Grafana's model has them, and asking for what the service tells."""

import importlib.util
import json

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from snnlab.serving.metric_names import HELP

TITLES = {
    "activity.json": "Network activity",
    "anomalies.json": "Anomaly heatmap",
    "performance.json": "Performance",
}


@pytest.fixture(scope="module")
def folder(bento):
    return bento / "grafana"


@pytest.fixture(scope="module")
def boards(folder):
    return {path.name: path.read_text() for path in sorted((folder / "dashboards").iterdir())}


def queries(board):
    return [target["expr"] for panel in json.loads(board)["panels"] for target in panel["targets"]]


def test_they_are_what_their_program_writes(folder, boards):
    spec = importlib.util.spec_from_file_location("generate", folder / "generate.py")
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    assert program.dashboards() == boards
    assert {name: json.loads(board)["title"] for name, board in boards.items()} == TITLES


def test_grafanas_model_reads_all_that_they_say(boards):
    register_default_plugins()
    for board in boards.values():
        read = Dashboard.from_json(json.loads(board))
        assert JSONEncoder(sort_keys=True, indent=2).encode(read) + "\n" == board


def test_panels_lie_side_by_side_and_queries_have_letters(boards):
    for board in boards.values():
        panels = json.loads(board)["panels"]
        assert len({panel["id"] for panel in panels}) == len(panels)
        sides = [(at["x"], at["w"], at["y"], at["h"]) for at in (panel["gridPos"] for panel in panels)]
        cells = [(left, low) for x, w, y, h in sides for left in range(x, x + w) for low in range(y, y + h)]
        assert len(cells) == len(set(cells))
        assert max(x for x, _ in cells) < 24
        for panel in panels:
            letters = [target["refId"] for target in panel["targets"]]
            assert len(set(letters)) == len(letters)
            assert "" not in letters


def test_what_they_ask_for_exists_and_nothing_that_exists_is_missing(boards, metrics_of):
    asked = {name for board in boards.values() for query in queries(board) for name in metrics_of(query)}
    assert asked == set(HELP)


def test_prometheus_can_read_every_query(boards, promtool, tmp_path):
    plain = [
        query.replace("$__rate_interval", "1m").replace("$__range", "1h").replace("$model", ".*")
        for board in boards.values()
        for query in queries(board)
    ]
    assert not any("$" in query for query in plain)
    rules = [{"record": f"asked:{number}", "expr": query} for number, query in enumerate(plain)]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "asked", "rules": rules}]}))
    assert f"SUCCESS: {len(plain)} rules found" in promtool("check", "rules", "rules.yml", cwd=tmp_path)


def test_grafana_is_told_where_they_lie(folder):
    (provider,) = yaml.safe_load((folder / "provisioning/dashboards/neuromorphic.yaml").read_text())["providers"]
    (source,) = yaml.safe_load((folder / "provisioning/datasources/prometheus.yaml").read_text())["datasources"]
    assert provider["options"]["path"] == "/var/lib/grafana/dashboards"
    assert (source["type"], source["url"]) == ("prometheus", "http://prometheus:9090")
