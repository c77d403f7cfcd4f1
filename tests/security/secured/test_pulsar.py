"""The bus over TLS with a token; and whom it does not let in, or does not trust."""

import numpy as np
import pytest

from snnlab.errors import BusError
from snnlab.events import EventBatch
from snnlab.events.anomaly import Anomaly
from snnlab.streams import connect
from snnlab.streams.pulsar import PulsarBus
from snnlab.streams.pulsar.address import PulsarSettings

EVENTS = EventBatch.from_columns(np.arange(20.0)[:, None], ["cpu"], entities=[f"host-{i % 3}" for i in range(20)])


def settings(secured, pem, **changes):
    return PulsarSettings(**{"token": secured.token(), "ca": pem.ca, **changes})


@pytest.fixture
def from_the_environment(secured_pulsar, pem, monkeypatch):
    monkeypatch.setenv("SNNLAB_PULSAR_TOKEN", secured_pulsar.token())
    monkeypatch.setenv("SNNLAB_PULSAR_CA", str(pem.ca))


def test_events_and_anomalies_travel_over_tls_with_a_token(secured_pulsar, from_the_environment):
    with connect(f"{secured_pulsar.url}/secured/ns") as bus:
        bus.create("web", 2)
        assert bus.publish("web", EVENTS).accepted == 20
        assert sum(len(batch) for shard in range(2) for _, batch in bus.consume("web", shard)) == 20
        bus.publish_anomalies("web", [Anomaly("a1", 7, "t", 0.5)])
        assert [one.anomaly_id for _, one in bus.consume_anomalies("web")] == ["a1"]
        assert sorted(bus.assigned("model", "web")) == [0, 1]
        bus.leave("model", "web")


@pytest.mark.parametrize("role", ["stranger", ""])
def test_a_token_of_a_role_that_may_not_is_refused(secured_pulsar, pem, role):
    told = settings(secured_pulsar, pem, token=secured_pulsar.token(role))
    with pytest.raises(BusError, match=r"40[13]"), PulsarBus(f"{secured_pulsar.url}/other/ns", told) as bus:
        bus.create("web", 1)


@pytest.mark.parametrize("token", [None, "x", "forged"])
def test_a_token_that_is_missing_or_forged_is_refused_and_not_told(secured_pulsar, pem, token):
    if token == "forged":  # signed by somebody else
        token = type(secured_pulsar)(secured_pulsar.url, b"another secret of thirty-two byte").token()
    told = settings(secured_pulsar, pem, token=token)
    with pytest.raises(BusError, match="401") as refused, PulsarBus(f"{secured_pulsar.url}/other/ns", told) as bus:
        bus.create("web", 1)
    assert not token or token == "x" or token not in str(refused.value)


def test_a_broker_refuses_a_client_without_the_token_too(secured_pulsar, pem):
    """The HTTP interface is not the only door: the broker's own is asked, by a client that has a namespace made."""
    import pulsar

    client = pulsar.Client(
        secured_pulsar.url,
        tls_trust_certs_file_path=str(pem.ca),
        tls_validate_hostname=True,
        operation_timeout_seconds=5,
        logger=pulsar.FileLogger(pulsar.LoggerLevel.Error, "/dev/null"),
    )
    with pytest.raises(pulsar.PulsarException):
        client.create_producer("persistent://public/default/web")
    client.close()


@pytest.mark.parametrize("case", ["authority", "name"])
def test_a_server_that_is_not_who_it_should_be_is_not_told_the_token(secured_pulsar, pem, stranger, case):
    told = settings(secured_pulsar, stranger if case == "authority" else pem)
    url = secured_pulsar.url if case == "authority" else secured_pulsar.url.replace("127.0.0.1", "localhost")
    with pytest.raises(BusError, match="certificate verify failed"), PulsarBus(f"{url}/secured/ns", told) as bus:
        bus.create("web", 2)
