"""The manifests: as Kubernetes's schemas have them, and true to each other and to what they name."""

import re
from uuid import uuid4

import httpx
import kubernetes_validate
import numpy as np
import pytest
import typer
import yaml

from snnlab.cli.application import app
from snnlab.events import EventBatch
from snnlab.serving.auth import _PROBES
from snnlab.serving.metric_names import HELP

NAME = "neuromorphic-service"
VERSIONS = ("1.30", "1.37")


@pytest.fixture(scope="module")
def folder(bento):
    return bento / "k8s"


@pytest.fixture(scope="module")
def manifests(folder, documents):
    """What `kubectl apply -f k8s/` takes, which does not look into folders: by kind and name."""
    found = [one for some in documents(*sorted(folder.glob("*.yaml"))).values() for one in some]
    return {(one["kind"], one["metadata"]["name"]): one for one in found}


@pytest.fixture(scope="module")
def extended(folder, documents):
    """What needs more than Kubernetes has by itself, by kind."""
    return {one["kind"]: one for some in documents(*folder.glob("*/*.yaml")).values() for one in some}


@pytest.fixture(scope="module")
def deployment(manifests):
    return manifests["Deployment", NAME]["spec"]


@pytest.fixture(scope="module")
def pod(deployment):
    return deployment["template"]["spec"]


@pytest.fixture(scope="module")
def container(pod):
    (one,) = pod["containers"]
    return one


@pytest.fixture(scope="module")
def job(manifests):
    return manifests["CronJob", "neuromorphic-retrain"]["spec"]["jobTemplate"]["spec"]["template"]


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_schemas_take_all_that_a_plain_cluster_is_given(manifests, version):
    for one in manifests.values():
        kubernetes_validate.validate(one, version, strict=True)


def test_a_mistake_would_be_seen(manifests):
    wrong = yaml.safe_load(yaml.safe_dump(manifests["Deployment", NAME]))
    wrong["spec"]["template"]["spec"]["containers"][0]["livenessProbe"]["httpGet"]["pth"] = "/livez"
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[-1], strict=True)


def test_the_lines_of_the_specification_hold(manifests, deployment):
    kinds = {kind for kind, _ in manifests}
    assert kinds == {
        "ConfigMap",
        "CronJob",
        "Deployment",
        "NetworkPolicy",
        "PersistentVolumeClaim",
        "PodDisruptionBudget",
        "Service",
        "ServiceAccount",
    }
    assert 8080 in {port["port"] for port in manifests["Service", NAME]["spec"]["ports"]}
    assert "replicas" not in deployment  # applying again leaves what kubectl scale said


def test_selectors_choose_the_pods_that_they_mean(manifests, deployment, job, extended):
    labels = deployment["template"]["metadata"]["labels"].items()
    assert deployment["selector"]["matchLabels"].items() <= labels
    assert manifests["Service", NAME]["spec"]["selector"].items() <= labels
    for kind in ("PodDisruptionBudget",):
        assert manifests[kind, NAME]["spec"]["selector"]["matchLabels"].items() <= labels
    assert manifests["NetworkPolicy", NAME]["spec"]["podSelector"]["matchLabels"].items() <= labels
    (spread,) = deployment["template"]["spec"]["topologySpreadConstraints"]
    assert spread["labelSelector"]["matchLabels"].items() <= labels
    assert extended["PodMonitor"]["spec"]["selector"]["matchLabels"].items() <= labels
    retraining = manifests["NetworkPolicy", "neuromorphic-retrain"]["spec"]["podSelector"]["matchLabels"]
    assert retraining.items() <= job["metadata"]["labels"].items()
    assert not retraining.items() <= labels


def test_ports_lead_to_where_the_service_listens(manifests, container, extended):
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    listens = container["args"][container["args"].index("--port") + 1]
    grpc = manifests["ConfigMap", NAME]["data"]["SNNLAB_GRPC_PORT"]
    assert ports == {"http": int(listens), "grpc": int(grpc)}
    service = manifests["Service", NAME]["spec"]["ports"]
    assert {port["targetPort"]: port["port"] for port in service} == ports
    (endpoint,) = extended["PodMonitor"]["spec"]["podMetricsEndpoints"]
    assert endpoint["port"] in ports
    policy = manifests["NetworkPolicy", NAME]["spec"]
    assert {port["port"] for rule in policy["ingress"] for port in rule["ports"]} == set(ports.values())


def test_the_network_lets_the_service_reach_what_it_is_told_of(manifests, extended):
    urls = [url for url in manifests["ConfigMap", NAME]["data"].values() if "://" in url]
    urls.append(extended["ScaledObject"]["spec"]["triggers"][0]["metadata"]["adminURL"])
    wanted = {int(port) for url in urls for port in re.findall(r"://[\w-]+:(\d+)", url)}
    assert len(wanted) == 3
    rules = manifests["NetworkPolicy", NAME]["spec"]["egress"]
    assert wanted | {53} <= {port["port"] for rule in rules for port in rule["ports"]}


def test_probes_ask_routes_that_are_free_of_the_key(container):
    probes = {kind: container[f"{kind}Probe"]["httpGet"] for kind in ("startup", "readiness", "liveness")}
    assert {probe["path"] for probe in probes.values()} == _PROBES
    assert probes["liveness"]["path"] == "/livez"
    assert probes["readiness"]["path"] == probes["startup"]["path"] == "/readyz"
    assert {probe["port"] for probe in probes.values()} == {"http"}


def test_a_pod_has_time_to_drain(pod, container):
    _, pause = container["lifecycle"]["preStop"]["exec"]["command"]
    assert pod["terminationGracePeriodSeconds"] >= int(pause) + 10 + 5


def test_nothing_runs_as_root_or_writes_beside_its_volumes(pod, job):
    for spec in (pod, job["spec"]):
        assert spec["securityContext"]["runAsNonRoot"]
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not spec["automountServiceAccountToken"]
        assert not spec["enableServiceLinks"]
        for one in spec["containers"]:
            assert one["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert {"requests", "limits"} == set(one["resources"])
            mounts = {mount["name"]: mount["mountPath"] for mount in one["volumeMounts"]}
            assert set(mounts) == {volume["name"] for volume in spec["volumes"]}
            kept = {e["name"]: e["value"] for e in one["env"] if e["name"] in {"BENTOML_HOME", "NUMBA_CACHE_DIR"}}
            assert all(value.startswith("/tmp/") for value in kept.values())  # noqa: S108 - a volume
            assert "/tmp" in mounts.values()  # noqa: S108


def test_the_environment_is_read_and_what_it_refers_to_is_there(manifests, pod, job, environment_read):
    for spec in (pod, job["spec"]):
        (one,) = spec["containers"]
        maps = [source["configMapRef"]["name"] for source in one.get("envFrom", ())]
        names = {name for found in maps for name in manifests["ConfigMap", found]["data"]}
        names |= {variable["name"] for variable in one["env"]}
        assert names <= environment_read
        assert ("ServiceAccount", spec["serviceAccountName"]) in manifests
        assert re.search(r":\d+\.\d+\.\d+$", one["image"])


def test_the_key_is_the_users_to_make(folder, pod, extended):
    (key,) = [e for e in pod["containers"][0]["env"] if e["name"] == "SNNLAB_API_KEY"]
    wanted = key["valueFrom"]["secretKeyRef"]
    assert (
        f"kubectl create secret generic {wanted['name']} --from-literal={wanted['key']}="
        in (folder / "deployment.yaml").read_text()
    )
    (endpoint,) = extended["PodMonitor"]["spec"]["podMetricsEndpoints"]
    assert endpoint["authorization"]["credentials"] == wanted
    assert "kind: Secret" not in "".join(path.read_text() for path in folder.rglob("*.yaml"))


def test_the_retraining_is_a_command_that_there_is(manifests, job):
    (one,) = job["spec"]["containers"]
    command, *words = one["args"]
    given = typer.main.get_command(app).commands[command].make_context(command, words).params
    (volume,) = [volume for volume in job["spec"]["volumes"] if "persistentVolumeClaim" in volume]
    (mount,) = [mount for mount in one["volumeMounts"] if mount["name"] == volume["name"]]
    assert given["data"].startswith(mount["mountPath"] + "/")
    assert ("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]) in manifests
    assert manifests["CronJob", "neuromorphic-retrain"]["spec"]["concurrencyPolicy"] == "Forbid"


def test_replicas_follow_the_backlog_that_the_broker_tells(folder, extended, manifests):
    scaled = extended["ScaledObject"]["spec"]
    assert ("Deployment", scaled["scaleTargetRef"]["name"]) in manifests
    (trigger,) = scaled["triggers"]
    assert trigger["type"] == "pulsar"
    namespace = manifests["ConfigMap", NAME]["data"]["SNNLAB_BUS"].split("/", 3)[3]
    assert trigger["metadata"]["topic"].startswith(f"persistent://{namespace}/")
    assert trigger["metadata"]["isPartitionedTopic"] == "true"
    assert scaled["maxReplicaCount"] == 8
    named = set(re.findall(r"neuromorphic_\w+", (folder / "autoscaling" / "keda.yaml").read_text()))
    assert named == {"neuromorphic_backlog_messages"}
    assert named <= set(HELP)


def test_the_broker_tells_the_autoscaler_what_the_metric_tells(extended, servers):
    from snnlab import streams

    wanted = extended["ScaledObject"]["spec"]["triggers"][0]["metadata"]
    stream = f"{wanted['topic'].rpartition('/')[2]}-{uuid4().hex[:8]}"
    with streams.connect(servers["pulsar"].url) as bus:
        bus.create(stream, 2)
        for shard in range(2):
            bus.seek(wanted["subscription"], stream, shard, None)
        batch = EventBatch.from_columns(np.ones((50, 1)), ["cpu"], entities=[f"host-{row}" for row in range(50)])
        for _ in range(3):
            bus.publish(stream, batch)
        address = f"{bus.address.admin}/admin/v2/persistent/{bus.address.namespace}/{stream}/partitioned-stats"
        told = httpx.get(address, trust_env=False).json()  # as KEDA's scaler asks
        waiting = bus.backlog(wanted["subscription"], stream).messages
    assert told["subscriptions"][wanted["subscription"]]["msgBacklog"] == waiting == 6


def test_the_alerts_find_the_job_that_the_pods_are_scraped_under(bento, extended, deployment):
    monitor = extended["PodMonitor"]["spec"]
    job = deployment["template"]["metadata"]["labels"][monitor["jobLabel"]]
    rules = (bento / "prometheus" / "alerts.yml").read_text()
    assert set(re.findall(r'job="([\w-]+)"', rules)) == {job}
