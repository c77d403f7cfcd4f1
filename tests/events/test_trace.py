import numpy as np

from snnlab.events import EventBatch
from snnlab.events.arrow import decode_events, encode_events
from snnlab.events.trace import traceparents, with_traceparents

FAR = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def batch(n=4):
    return EventBatch.from_columns(np.arange(float(n))[:, None], ["cpu"], entities=list("abcdefgh"[:n]))


def test_a_batch_keeps_its_contexts_wherever_it_goes():
    told = with_traceparents(batch(), [FAR, FAR])
    assert traceparents(told) == (FAR,)
    assert told == batch()
    assert traceparents(told.slice(1, 3)) == traceparents(told.take([2])) == (FAR,)
    again = decode_events(encode_events(told))
    assert traceparents(again) == (FAR,)
    assert again == batch()
    assert traceparents(decode_events(encode_events(told.take([0])))) == (FAR,)


def test_what_is_no_context_is_left_out_and_there_are_not_too_many():
    assert traceparents(batch()) == traceparents(with_traceparents(batch(), [])) == ()
    assert traceparents(with_traceparents(with_traceparents(batch(), [FAR]), [])) == ()
    zeros = f"00-{'0' * 32}-{'0' * 16}-01"
    assert traceparents(with_traceparents(batch(), ["x", FAR.upper(), zeros, "é"])) == ()
    many = [FAR.replace("4bf9", f"{number:04x}") for number in range(1, 300)]
    assert traceparents(with_traceparents(batch(), many)) == tuple(many[:128])


def test_one_event_that_is_not_arrow_yet_comes_from_nowhere():
    assert traceparents(EventBatch.from_columns(np.ones((1, 1)), ["cpu"])) == ()
    assert traceparents(with_traceparents(EventBatch.from_columns(np.ones((1, 1)), ["cpu"]), [FAR])) == (FAR,)
