"""Every name that a store may have: one is what a URL without a name means, and tables of all share partitions."""

import pytest

from snnlab.events import Anomaly
from snnlab.stores import connect


@pytest.mark.parametrize("name", ["", "/snnlab", "/other_name"])
def test_a_store_of_any_name_is_made_and_holds_its_own(ignite_url, name):
    with connect(f"{ignite_url}{name}") as store:
        store.put_anomalies([Anomaly(f"of{name}", 1_000_000, "latency_spike", 0.5)])
        assert store.anomaly(f"of{name}") is not None
        assert store.anomaly("of/elsewhere") is None
        store.put_record("names", "own", name.encode())
        assert store.record("names", "own") == name.encode()
