"""The store over TLS, as a user with a password; and whom it does not let in, or does not trust."""

import pytest

from snnlab.errors import ConfigError, StoreError
from snnlab.events.anomaly import Anomaly
from snnlab.stores import ShardKey
from snnlab.stores.ignite import IgniteStore
from snnlab.stores.ignite.address import IgniteSettings
from snnlab.stores.urls import connect


def settings(secured, pem, **changes):
    return IgniteSettings(**{"user": "snnlab", "password": secured.password, "ca": pem.ca, **changes})


@pytest.fixture
def from_the_environment(secured_ignite, pem, monkeypatch):
    for name, value in {"USER": "snnlab", "PASSWORD": secured_ignite.password, "CA": str(pem.ca)}.items():
        monkeypatch.setenv(f"SNNLAB_IGNITE_{name}", value)


def test_a_store_is_written_and_read_over_tls_as_a_user(secured_ignite, from_the_environment):
    with connect(secured_ignite.url) as store:
        store.put_anomalies([Anomaly("a1", 7, "t", 0.5, entity="host-1")])
        assert store.anomaly("a1").entity == "host-1"
        lease = store.acquire(ShardKey("m", "s", 0), "me", hold_s=10)
        assert store.save(lease, 5, b"learnt", {"e": b"row"})
        assert store.load(ShardKey("m", "s", 0)).position == 5


@pytest.mark.parametrize(
    "changes", [{"password": "wrong"}, {"user": "nobody"}, {"user": "ignite", "password": ""}, {"password": "x" * 500}]
)
def test_another_user_or_password_is_refused_and_named(secured_ignite, pem, changes):
    with pytest.raises(ConfigError, match="SNNLAB_IGNITE_PASSWORD") as refused:
        IgniteStore(secured_ignite.url, settings(secured_ignite, pem, **changes))
    assert secured_ignite.password not in str(refused.value)


def test_nobody_comes_in_without_a_password_or_without_tls(secured_ignite, pem):
    with pytest.raises((ConfigError, StoreError)):
        IgniteStore(secured_ignite.url, IgniteSettings(ca=pem.ca))
    with pytest.raises(StoreError):
        IgniteStore(secured_ignite.url.replace("ignite+ssl", "ignite"), settings(secured_ignite, pem))


def test_a_server_of_another_authority_is_not_told_the_password(secured_ignite, stranger, pem):
    with pytest.raises(StoreError, match="certificate verify failed"):
        IgniteStore(secured_ignite.url, settings(secured_ignite, stranger))
    with pytest.raises(StoreError, match="certificate verify failed"):
        IgniteStore(secured_ignite.url, settings(secured_ignite, pem, ca=None))


def test_a_server_with_a_trusted_certificate_of_another_name_is_not_told_the_password(secured_ignite, pem):
    there = secured_ignite.url.replace("127.0.0.1", "localhost")
    with pytest.raises(StoreError, match=r"Hostname mismatch.*'localhost'"):
        IgniteStore(there, settings(secured_ignite, pem))


def test_files_that_cannot_be_used_are_told(secured_ignite, pem, tmp_path):
    with pytest.raises(ConfigError, match="SNNLAB_IGNITE_CA"):
        IgniteStore(secured_ignite.url, settings(secured_ignite, pem, ca=tmp_path / "none.pem"))
