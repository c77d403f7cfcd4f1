import json

import pytest
import yaml

from snnlab.errors import ConfigError
from snnlab.services import prometheus


@pytest.fixture
def recipe(tmp_path):
    folder = tmp_path / "recipe"
    folder.mkdir()
    job = {
        "job_name": "one",
        "authorization": {"credentials_file": "/elsewhere"},
        "static_configs": [{"targets": ["x"]}],
    }
    told = {"global": {"scrape_interval": "1h"}, "rule_files": ["alerts.yml"], "scrape_configs": [job]}
    (folder / "prometheus.yml").write_text(yaml.safe_dump(told))
    (folder / "alerts.yml").write_text("groups: []\n")
    return folder


def target(folder):
    ((one,),) = (group["targets"] for group in json.loads((folder / "config" / "targets.json").read_text()))
    return one


def test_the_target_stays_until_another_is_named(recipe, tmp_path, monkeypatch):
    monkeypatch.delenv("SNNLAB_API_KEY", raising=False)
    prometheus.configure(recipe, tmp_path, None)
    assert target(tmp_path) == "127.0.0.1:3000"
    prometheus.configure(recipe, tmp_path, "127.0.0.1:8000")
    prometheus.configure(recipe, tmp_path, None)
    assert target(tmp_path) == "127.0.0.1:8000"
    prometheus.aim(tmp_path, "127.0.0.1:8001")
    assert target(tmp_path) == "127.0.0.1:8001"
    (job,) = yaml.safe_load((tmp_path / "config" / "prometheus.yml").read_text())["scrape_configs"]
    assert job == {"job_name": "one", "file_sd_configs": [{"files": ["targets.json"]}]}


def test_the_key_lies_in_a_file_that_only_its_owner_reads(recipe, tmp_path, monkeypatch):
    for key in ("first", "second"):
        monkeypatch.setenv("SNNLAB_API_KEY", key)
        prometheus.configure(recipe, tmp_path, None)
    kept = tmp_path / "config" / "key"
    assert (kept.read_text(), kept.stat().st_mode & 0o777) == ("second", 0o600)
    assert "second" not in (tmp_path / "config" / "prometheus.yml").read_text()


@pytest.mark.parametrize("wrong", ["3000", "localhost:", "localhost:http", ""])
def test_what_is_no_address_is_refused(recipe, tmp_path, wrong):
    prometheus.configure(recipe, tmp_path, None)
    with pytest.raises(ConfigError, match="write HOST:PORT"):
        prometheus.aim(tmp_path, wrong)
