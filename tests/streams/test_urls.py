import pytest

from snnlab.errors import ConfigError
from snnlab.streams import connect


@pytest.mark.parametrize("url", ["pulsar://localhost:6650", "kafka://x", "bus.db", "sqlite:///", "sqlite://bus.db"])
def test_a_url_without_a_bus_names_the_one_there_is(url):
    with pytest.raises(ConfigError, match="sqlite:///PATH"):
        connect(url)
