import sys

import pytest

from snnlab.errors import ConfigError
from snnlab.streams import connect


@pytest.mark.parametrize("url", ["kafka://x", "bus.db", "sqlite:///", "sqlite://bus.db"])
def test_a_url_without_a_bus_names_those_there_are(url):
    with pytest.raises(ConfigError, match="sqlite:///PATH"):
        connect(url)


@pytest.mark.parametrize(
    "url", ["pulsar://", "pulsar://host/tenant", "pulsar://host?encoding=json", "pulsar://host?token=secret"]
)
def test_a_url_of_pulsar_that_cannot_be_used_is_refused_before_anything_connects(url):
    with pytest.raises(ConfigError, match=r"names no Pulsar bus|arrow or as avro"):
        connect(url)


def test_without_the_client_the_way_out_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "pulsar", None)
    with pytest.raises(ConfigError, match=r"install snnlab\[serve\]"):
        connect("pulsar://localhost:6650")
