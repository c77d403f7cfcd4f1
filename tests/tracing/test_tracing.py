import os
import subprocess
import sys
import time

import pytest

from snnlab import tracing
from snnlab.errors import ConfigError

FAR = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
OTHER = "00-5bf92f3577b34da6a3ce929d0e0e4736-10f067aa0ba902b7-01"


@pytest.mark.parametrize(
    ("environment", "on"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True),
        ({"SNNLAB_TRACES": "On"}, True),
        ({"SNNLAB_TRACES": "off", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, False),
        ({"SNNLAB_TRACES": "on", "OTEL_SDK_DISABLED": "true"}, False),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, False),
    ],
)
def test_the_environment_says_whether_there_are_traces(environment, on):
    assert tracing.wanted(environment) is on


def test_a_word_that_is_not_known_is_told():
    with pytest.raises(ConfigError, match=r"SNNLAB_TRACES='perhaps'.*say on, off"):
        tracing.wanted({"SNNLAB_TRACES": "perhaps"})


def test_nothing_is_imported_while_traces_are_off():
    program = (
        "import sys, snnlab.streams.sqlite, snnlab.streams.pulsar, snnlab.serving.worker, snnlab.logs\n"
        "from snnlab import tracing\n"
        "assert not tracing.start('x')\n"
        "with tracing.span('a', n=1) as one:\n"
        "    one.tell(b=2)\n"
        "assert tracing.headers() == {} and tracing.ids() is None\n"
        "print([name for name in sys.modules if name.startswith(('opentelemetry', 'google.protobuf'))])"
    )
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "SNNLAB_TRACES"))}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=clean)
    assert done.stdout.strip() == "[]"


def test_spans_form_a_tree_and_tell_of_themselves(traced):
    with tracing.span("outer", {"messaging.system": "sqlite"}, kind="producer", n_events=3, stream="") as outer:
        header = tracing.headers()["traceparent"]
        ids = tracing.ids()
        with pytest.raises(ValueError, match="broken"), tracing.span("inner", shard=0):
            raise ValueError("broken")
        outer.rename("publish hosts")
        outer.tell(n_dead=1)
    traced.sent()
    (outer,), (inner,) = traced.named("publish hosts"), traced.named("inner")
    assert header.rpartition("-")[0] == f"00-{outer.trace}-{outer.id}"
    assert ids == (outer.trace, outer.id)
    assert (inner.trace, inner.parent, inner.failed, outer.failed) == (outer.trace, outer.id, True, False)
    assert outer.attributes == {"messaging.system": "sqlite", "snnlab.n_events": 3, "snnlab.n_dead": 1}
    assert (outer.kind, outer.service, outer.parent) == ("producer", "tests", "")


def test_one_message_is_the_parent_and_several_are_links(traced):
    with tracing.span("one", parents=[FAR]):
        pass
    with tracing.span("several", parents=[FAR, OTHER, "nonsense"]):
        pass
    with tracing.span("around"), tracing.span("beside", parents=[FAR]):
        pass
    with tracing.span("around"), tracing.span("called", carrier={"traceparent": FAR}):
        pass
    with tracing.span("around"), tracing.span("begun", carrier={"traceparent": "nonsense"}):
        pass
    traced.sent()
    far, other = tuple(FAR.split("-")[1:3]), tuple(OTHER.split("-")[1:3])
    found = {one.name: one for one in traced.spans}
    assert (found["one"].trace, found["one"].parent) == far
    assert found["several"].links == {far, other}
    assert found["several"].parent == ""
    assert found["beside"].links == {far}
    assert found["beside"].parent in {one.id for one in traced.named("around")}
    assert (found["called"].trace, found["called"].parent) == far
    assert found["begun"].parent == ""


def test_the_standard_variables_sample_and_name(collector, monkeypatch):
    for name, value in collector.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_always_off")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "named")
    tracing.start("tests")
    try:
        with tracing.span("left out"):
            assert not int(tracing.headers()["traceparent"][-2:], 16) & 1
        with tracing.span("kept", parents=[FAR]), tracing.span("kept too"):
            pass
    finally:
        tracing.stop(10.0)
    assert sorted(one.name for one in collector.spans) == ["kept", "kept too"]
    assert {one.service for one in collector.spans} == {"named"}


def test_a_collector_that_does_not_answer_holds_nobody_up(monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    tracing.start("tests")
    with tracing.span("lost"):
        pass
    begun = time.monotonic()
    tracing.stop(0.2)
    assert time.monotonic() - begun < 5
    assert not tracing.enabled()
