"""Four thousand requests that are none: each is told a 4xx, nothing is left of them, and a model scores as before."""

import http.client
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import numpy as np
import pytest

from snnlab.detectors import Detector
from snnlab.events import EventBatch

COUNT, WARM, CLIENTS = 4_000, 500, 4
MODEL = "/api/v1/models/web"
ODD = ["text", 7, 1.5, None, True, [], {}, [[]], {"a": 1}]
NUMBERS = [
    "NaN",
    "Infinity",
    "-Infinity",
    "1e400",
    "-1e400",
    "-1",
    "9223372036854775808",
    "1" * 400,
    "1" * 5_000,
    "0x1",
]
STRICT = {"timestamp": (int,), "event_id": (str,), "features": (list,), "metadata": (dict,), "events": (list,)}
STRICT |= {"domain": (str,), "label": (str,), "stream": (str,), "name": (str,), "similarity": (int, float)}
STRICT |= {"learn": (bool,), "seed": (int,), "shards": (int,), "spike_pattern": (list,), "anomaly_type": (str,)}
NULLABLE = {"name", "stream", "spike_pattern"}


def sound(rng, events):
    """A sound request: method, path and body."""
    kinds = [
        ("POST", f"{MODEL}/score", {"events": events(3, begun=int(rng.integers(9_000))), "learn": True}),
        ("PUT", f"{MODEL}/train", {"events": events(2), "labels": {"e0": True}}),
        ("POST", "/api/v1/models", {"domain": "performance", "name": "x", "features": ["cpu"], "seed": 1}),
        ("POST", f"{MODEL}/deploy", {"stream": "hosts", "shards": 8}),
        ("POST", "/api/v1/patterns", {"name": "p", "anomaly_type": "t", "model_id": "web", "spike_pattern": [0.5]}),
        ("POST", "/api/v1/anomalies/none/feedback", {"label": "normal"}),
    ]
    return kinds[rng.choice(len(kinds), p=[0.4, 0.2, 0.15, 0.1, 0.1, 0.05])]


def places(body):
    """The mappings of a body whose keys are fixed."""
    return [body, *(one for one in body.get("events", []) if isinstance(one, dict))]


def cut(rng, text):
    return text.encode()[: int(rng.integers(1, len(text) - 1))]


def noise(rng, text):
    return b"\xff" + rng.bytes(int(rng.integers(1, 300)))


def another_type(rng, text):
    body = json.loads(text)
    there = places(body)
    place = there[rng.integers(len(there))]
    key = [key for key in place if key in STRICT][rng.integers(len([key for key in place if key in STRICT]))]
    odd = [value for value in ODD if type(value) not in STRICT[key] and not (value is None and key in NULLABLE)]
    place[key] = odd[rng.integers(len(odd))]
    return json.dumps(body).encode()


def another_key(rng, text):
    body = json.loads(text)
    there = places(body)
    there[rng.integers(len(there))][str(rng.choice(["colour", "__class__", "Domain", "events ", "$ref", ""]))] = 1
    return json.dumps(body).encode()


def without_a_key(rng, text):
    body = json.loads(text)
    needed = {"events", "domain", "stream", "label", "anomaly_type", "spike_pattern"}
    there = [(body, key) for key in body if key in needed]
    there += [(one, key) for one in body.get("events", []) for key in ("timestamp", "event_id", "features")]
    place, key = there[rng.integers(len(there))]
    del place[key]
    return json.dumps(body).encode()


def a_number(rng, text):
    body = json.loads(text)
    number, mark = str(rng.choice(NUMBERS)), "the-number"
    if "events" in body:
        one = body["events"][rng.integers(len(body["events"]))]
        if rng.random() < 0.5:
            one["timestamp"] = mark
        else:
            one["features"] = [mark, 20.0] if number not in {"-1", "9223372036854775808", "1" * 400} else [mark]
    else:
        key = next((key for key in ("seed", "shards", "similarity") if key in body), "seed")
        body[key] = mark
    return json.dumps(body).replace(f'"{mark}"', number).encode()


def deep(rng, text):
    depth = int(rng.choice([500, 5_000, 100_000]))
    return str(rng.choice(["[" * depth, "[" * depth + "]" * depth, '{"a":' * depth + "1" + "}" * depth])).encode()


def half_a_character(rng, text):
    """A lone surrogate, which is JSON and no text."""
    body = json.loads(text)
    there = [key for key in ("name", "stream", "label", "domain", "anomaly_type") if key in body]
    if there:
        body[there[rng.integers(len(there))]] = "web\ud800"
    for one in body.get("events", [])[:1]:
        kind = rng.integers(4)
        one.update([{"event_id": "\udfff"}, {"event_type": "\ud800"}, {"metadata": {"entity": "\ud800"}}, {}][kind])
        one["metadata"] |= [{}, {}, {}, {"\ud800": "x"}][kind]
    return json.dumps(body).encode()


def too_long(rng, text):
    body = json.loads(text)
    if "events" in body:
        body["events"][-1].update(
            [{"event_id": "x" * 257}, {"features": [0.0] * 4_097}, {"event_id": ""}, {"features": []}][rng.integers(4)]
        )
    else:
        body |= {key: "x" * 201 for key in ("name", "stream", "label") if key in body}
    return json.dumps(body).encode()


SPOILERS = [cut, noise, another_type, another_key, without_a_key, a_number, deep, half_a_character, too_long]
KIND = {"Content-Type": "application/json"}
PATHS = ["/api/v1/models/..%2f..%2fetc%2fpasswd", "/api/v1/models/%00", "/api/v1/models/web%0a", "/etc/passwd", "//x/y"]
PATHS += ["/api/v1/jobs/" + "a" * 4_000, "/api/v1/anomalies/%ff%fe", "/static/../../x", "/api/v1/models/web/score/x"]
QUERIES = [
    "limit=0",
    "limit=1e9",
    "since=-1",
    "severity=nan",
    "severity=2",
    "cursor=x",
    "cursor=%00",
    "page=2",
    "limit=",
]


def in_another_language(rng, method, path, text):
    return (
        method,
        path,
        text,
        {"Content-Type": ["text/plain", "application/xml", "multipart/form-data"][rng.integers(3)]},
    )


def another_method(rng, method, path, text):
    other = [one for one in ("DELETE", "PATCH", "PUT", "POST", "HEAD", "TRACE") if one != method]
    return other[rng.integers(len(other))], path.replace("models/web", "models/none"), text, KIND


def another_path(rng, method, path, text):
    return "GET", PATHS[rng.integers(len(PATHS))], b"", {}


def another_query(rng, method, path, text):
    return "GET", f"/api/v1/anomalies?{QUERIES[rng.integers(len(QUERIES))]}", b"", {}


def without_the_key(rng, method, path, text):
    bad = ["Bearer", "Bearer x", "Basic a2V5", "Bearer " + "x" * 4_000, "\xff"]
    return method, path, text, KIND | {"Authorization": bad[rng.integers(len(bad))]}


def announced_as_larger(rng, method, path, text):
    return method, path, text, KIND | {"Content-Length": str(17 * 2**20)}


def malformed(rng, events):
    """A request that cannot be answered, whatever the service holds: method, path, body and headers."""
    method, path, body = sound(rng, events)
    text = json.dumps(body)
    if rng.random() < 0.82:
        return method, path, SPOILERS[rng.integers(len(SPOILERS))](rng, text), KIND
    makers = [in_another_language, another_method, another_path, another_query, without_the_key, announced_as_larger]
    return makers[rng.choice(len(makers), p=[0.2, 0.2, 0.25, 0.2, 0.1, 0.05])](rng, method, path, text.encode())


def asked(served, requests):
    """The statuses of requests, sent over one connection for as long as it is kept."""
    statuses, wrong = Counter(), []
    there = urlsplit(served.server.url)
    connection = http.client.HTTPConnection(there.hostname, there.port, timeout=30)
    for method, path, body, headers in requests:
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in {**served.headers, "Content-Length": str(len(body)), **headers}.items():
            connection.putheader(name, value.encode("latin-1"))
        connection.endheaders(body)
        answer = connection.getresponse()
        content = answer.read()
        statuses[answer.status] += 1
        problem = answer.headers.get("Content-Type") == "application/problem+json" or method == "HEAD"
        if not 400 <= answer.status < 500 or not problem:
            wrong.append((answer.status, method, path[:80], body[:300], headers, content[:300]))
        if len(body) != int(headers.get("Content-Length", len(body))):
            connection.close()  # what was announced never comes
    connection.close()
    return statuses, wrong


def sent(served, requests):
    with ThreadPoolExecutor(CLIENTS) as clients:
        parts = list(clients.map(lambda at: asked(served, requests[at::CLIENTS]), range(CLIENTS)))
    return sum((statuses for statuses, _ in parts), Counter()), [one for _, wrong in parts for one in wrong]


def scored(served, batch):
    body = json.dumps({"events": batch, "learn": False}).encode()
    there = urlsplit(served.server.url)
    connection = http.client.HTTPConnection(there.hostname, there.port, timeout=30)
    connection.request("POST", f"{MODEL}/score", body, {**served.headers, **KIND})
    answer = connection.getresponse()
    content = json.load(answer)
    connection.close()
    assert answer.status == 200, content
    return [verdict["score"] for verdict in content["verdicts"]]


def expected(served, batch):
    """What a detector says that has seen nothing of all this."""
    columns = {name: [one[name] for one in batch] for name in ("timestamp", "event_id", "features")}
    events = EventBatch.from_columns(
        np.array(columns["features"]),
        ["cpu", "latency"],
        timestamps=columns["timestamp"],
        event_ids=columns["event_id"],
        entities=[one["metadata"]["entity"] for one in batch],
    )
    return Detector.load(served.body).process(events, learn=False).score.tolist()


@pytest.mark.slow  # four thousand requests to a service in processes of its own
def test_four_thousand_malformed_requests_are_told_so_and_leave_nothing(served, events, held):
    rng = np.random.default_rng(4)
    requests = [malformed(rng, events) for _ in range(COUNT)]
    first, wrong = sent(served, requests[:WARM])
    assert not wrong, wrong[:3]
    memory, files = held(served.server)
    statuses, wrong = sent(served, requests[WARM:])
    assert not wrong, wrong[:3]
    assert sum((first + statuses).values()) == COUNT
    assert set(first + statuses) >= {400, 401, 404, 405, 413, 422}
    grown, open_files = held(served.server)
    assert grown - memory < 48 * 2**20
    assert open_files - files < 20
    probe = events(20, begun=1200)
    assert scored(served, probe) == expected(served, probe)
