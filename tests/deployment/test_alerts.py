"""The alert rules: they parse, fire when they have to, name what exists, and each has its place in the runbook."""

import pytest
import yaml

from snnlab.serving.metric_names import HELP


@pytest.fixture(scope="module")
def folder(bento):
    return bento / "prometheus"


@pytest.fixture(scope="module")
def rules(folder):
    (group,) = yaml.safe_load((folder / "alerts.yml").read_text())["groups"]
    return {rule["alert"]: rule for rule in group["rules"]}


def test_promtool_takes_the_configuration_and_the_rules(folder, promtool):
    assert "SUCCESS" in promtool("check", "config", "--syntax-only", "prometheus.yml", cwd=folder)
    assert "SUCCESS" in promtool("check", "rules", "alerts.yml", cwd=folder)


def test_alerts_fire_when_they_have_to_and_not_before(folder, promtool):
    assert "SUCCESS" in promtool("test", "rules", "alerts.test.yml", cwd=folder)


def test_every_alert_is_tried_both_ways(folder, rules):
    fired, quiet = set(), set()
    for case in yaml.safe_load((folder / "alerts.test.yml").read_text())["tests"]:
        for one in case["alert_rule_test"]:
            (fired if one.get("exp_alerts") else quiet).add(one["alertname"])
    assert fired == set(rules)
    assert quiet == set(rules)


def test_what_the_alerts_look_at_exists(rules, metrics_of):
    named = {name for rule in rules.values() for name in metrics_of(rule["expr"])}
    assert named <= set(HELP)
    told = " ".join(rule["expr"] for rule in rules.values())
    for wanted in ("lag_seconds", "dead_letters", "verdict_latency", "model_accuracy", "checkpoint_age", "events_proc"):
        assert wanted in told


def test_every_alert_has_its_section_in_the_runbook(rules, root):
    sections = [line[3:] for line in (root / "docs" / "runbook.md").read_text().splitlines() if line.startswith("## ")]
    assert sections == list(rules)
    for name, rule in rules.items():
        assert rule["annotations"]["runbook"] == f"docs/runbook.md#{name.lower()}"
        assert rule["labels"]["severity"] in {"warning", "critical"}
