import sys

import pytest

from snnlab.errors import ConfigError, StoreError
from snnlab.stores import connect


@pytest.mark.parametrize(
    "url", ["ignite://", "ignite://host:port", "ignite://host/a-b", "ignite://host/1", "ignite://host?user=me"]
)
def test_a_url_of_ignite_that_cannot_be_used_is_refused_before_anything_connects(url):
    with pytest.raises(ConfigError, match="names no Ignite store"):
        connect(url)


def test_without_the_client_the_way_out_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyignite", None)
    with pytest.raises(ConfigError, match=r"install snnlab\[serve\]"):
        connect("ignite://localhost:10800")


def test_a_server_that_is_not_there_is_told():
    with pytest.raises(StoreError, match=r"ignite://127\.0\.0\.1:1.*see that it runs"):
        connect("ignite://127.0.0.1:1")
