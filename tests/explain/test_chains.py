import numpy as np
import pytest

from snnlab.config import NeuromorphicConfig
from snnlab.errors import ConfigError
from snnlab.explain import spike_chain
from snnlab.reservoirs.engines.base import Activity
from snnlab.reservoirs.network import Network


@pytest.fixture
def network():
    """Three neurons in a row, 0 -> 1 -> 2, and a weak shortcut 0 -> 2; input 0 drives neuron 0, input 1 neuron 2."""
    matrix = np.array([[0.0, 2.0, 0.5], [0.0, 0.0, 2.0], [0.0, 0.0, 0.0]])
    inputs = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    return Network.from_matrix(NeuromorphicConfig(), matrix, inputs=inputs)


def activity(*events):
    neuron = np.array([n for event in events for n in event], np.int32)
    ptr = np.cumsum([0, *map(len, events)]).astype(np.int64)
    return Activity(ptr, neuron, np.ones(len(neuron), np.uint8), len(neuron), 0)


def test_the_chain_leads_back_along_the_strongest_synapses(network):
    chain = spike_chain(network, activity([0], [1], [2]), np.array([[0], [-1], [1]], np.int32))
    assert [(link.event, link.neuron) for link in chain.links] == [(0, 0), (1, 1), (2, 2)]
    assert [link.inputs for link in chain.links] == [(0,), (), (1,)]
    assert chain.links[0].strength == pytest.approx(2.0)
    assert chain.links[-1].strength == 0.0
    told = chain.tell(["a", "b", "c"], ["login failed", "export"])
    assert told == (
        "neuron 0 in event a (driven by login failed) -> neuron 1 in event b -> neuron 2 in event c (driven by export)"
    )


def test_a_push_fades_with_the_events_between(network):
    nothing = np.full((4, 1), -1, np.int32)
    chain = spike_chain(network, activity([0], [], [], [2]), nothing, decay=0.5)
    assert chain.links[0].strength == pytest.approx(0.5 * 0.5**2)
    assert len(spike_chain(network, activity([0], [], [], [2]), nothing, reach=2).links) == 1


def test_what_was_learnt_counts_where_it_is_given(network):
    nothing = np.full((2, 1), -1, np.int32)
    assert len(spike_chain(network, activity([1], [2]), nothing, weights=np.zeros_like(network.weights)).links) == 1


def test_silence_has_no_chain(network):
    chain = spike_chain(network, activity([0], []), np.full((2, 1), -1, np.int32))
    assert chain.links == ()
    assert "no neuron fired" in chain.tell(["a", "b"])


def test_inputs_of_other_events_are_refused(network):
    with pytest.raises(ConfigError, match="1 rows of input spikes for 2 events"):
        spike_chain(network, activity([0], [1]), np.zeros((1, 1), np.int32))
