"""compose.yaml: as its schema has it, on loopback only, without a secret, and true to what it names."""

import re
import subprocess
import sys

import pytest
import yaml

FILES = ("compose.yaml", "services/compose.yaml")


@pytest.fixture(scope="module")
def compose(bento):
    return yaml.safe_load((bento / "compose.yaml").read_text())


@pytest.fixture(scope="module")
def services(compose):
    return compose["services"]


@pytest.mark.parametrize("file", FILES)
def test_the_schema_of_compose_files_takes_it(bento, file):
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(bento / file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_all_that_it_takes_is_there(services):
    assert set(services) == {
        "neuromorphic-service",
        "pulsar",
        "ignite",
        "ignite-active",
        "mlflow",
        "trainer",
        "prometheus",
        "grafana",
    }


@pytest.mark.parametrize("file", FILES)
def test_images_have_versions(bento, file):
    for name, one in yaml.safe_load((bento / file).read_text())["services"].items():
        tag = one["image"].rpartition(":")[2]
        assert re.fullmatch(r"v?\d+\.\d+\.\d+", tag), name


def test_the_development_servers_are_the_same(bento, services):
    for name, one in yaml.safe_load((bento / "services" / "compose.yaml").read_text())["services"].items():
        assert services[name]["image"] == one["image"]


@pytest.mark.parametrize("file", FILES)
def test_ports_are_published_on_loopback_and_none_twice(bento, file):
    published = []
    for one in yaml.safe_load((bento / file).read_text())["services"].values():
        for port in one.get("ports", ()):
            assert port.startswith("127.0.0.1:"), port
            published.append(re.sub(r"\$\{\w+:-(\d+)\}", r"\1", port).split(":")[1])
    assert len(set(published)) == len(published)


def test_no_secret_stands_in_it(bento, services, compose):
    assert services["neuromorphic-service"]["environment"]["SNNLAB_API_KEY"].startswith("${SNNLAB_API_KEY:?")
    assert compose["secrets"] == {"snnlab_api_key": {"environment": "SNNLAB_API_KEY"}}
    for one in services.values():
        for name, value in one.get("environment", {}).items():
            assert not re.search("KEY|PASSWORD|TOKEN|SECRET", name) or value.startswith("${"), name


def test_what_runs_on_says_how_it_is(services):
    for name, one in services.items():
        stays = one.get("restart") == "unless-stopped"
        assert stays == ("healthcheck" in one), name
        for other, how in one.get("depends_on", {}).items():
            wanted = {"service_healthy"} if "healthcheck" in services[other] else {"service_completed_successfully"}
            assert {how["condition"]} == wanted


def test_volumes_and_files_are_there(bento, services, compose):
    named = set()
    for one in services.values():
        for volume in one.get("volumes", ()):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (bento / source).exists(), source
                assert volume.endswith(":ro")
            else:
                named.add(source)
        if "build" in one:
            context = (bento / one["build"]["context"]).resolve()
            assert (context / one["build"]["dockerfile"]).is_file()
            assert (context / "pyproject.toml").is_file()
    assert named == set(compose["volumes"])


def test_the_environment_is_read(services, environment_read):
    for name in ("neuromorphic-service", "trainer"):
        assert set(services[name]["environment"]) <= environment_read


def test_each_finds_the_others(bento, services):
    service = services["neuromorphic-service"]
    port = service["command"][service["command"].index("--port") + 1]
    assert service["ports"][0].endswith(f":{port}")
    assert f"127.0.0.1:{port}/readyz" in service["healthcheck"]["test"][-1]
    (job,) = yaml.safe_load((bento / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    assert job["static_configs"] == [{"targets": [f"neuromorphic-service:{port}"]}]
    (secret,) = services["prometheus"]["secrets"]
    assert job["authorization"] == {"credentials_file": f"/run/secrets/{secret}"}
    inside = {"pulsar", "ignite", "mlflow", "prometheus"}
    provisioned = (bento / "grafana/provisioning/datasources/prometheus.yaml").read_text()
    urls = [*service["environment"].values(), services["trainer"]["environment"]["MLFLOW_TRACKING_URI"], provisioned]
    assert {host for url in urls for host in re.findall(r"\w+://([\w-]+):\d+", url)} == inside
    assert inside <= set(services)
    assert "./grafana/dashboards:/var/lib/grafana/dashboards:ro" in services["grafana"]["volumes"]


def test_what_makes_ignite_active_is_there(services, servers):
    (program,) = services["ignite-active"]["command"]
    here = program.replace("'ignite', 10800", f"'127.0.0.1', {servers['ignite'].port}")
    assert here != program
    subprocess.run([sys.executable, "-c", here], check=True)
