"""The served Bento of the demo, asked over HTTP: models deployed, events replayed, anomalies fetched."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snnlab.datasets.labelled import LabelledStream
from snnlab.errors import SnnlabError
from snnlab.types import Json

if TYPE_CHECKING:
    from snnlab.streams import Bus

__all__ = ["Client", "built"]

PATIENCE_S = 60.0


def built(names: list[str], home: Path, uri: str) -> str:
    """Build the Bento of these models' champions; returns its tag."""
    from snnlab.serving.bento import NamedModel, build
    from snnlab.workflows.champions import champions

    found = champions(names, uri=uri)
    return build([NamedModel(one.name, one.content, version=one.version, code=one.code) for one in found], home=home)


class Client:
    """The REST interface of a service on this machine."""

    def __init__(self, url: str) -> None:
        import httpx

        self._http: httpx.Client = httpx.Client(base_url=url, trust_env=False, timeout=10.0)

    def deploy(self, model: str, stream: str) -> None:
        """Put a model to work on a stream."""
        self._ask("POST", f"/api/v1/models/{model}/deploy", json={"stream": stream, "shards": 1})

    def replay(self, bus: "Bus", stream: str, events: LabelledStream, model: str) -> float:
        """Publish events to a stream and wait until its model has scored them; returns the seconds that took."""
        from snnlab.streams.replay import replay

        begun = time.monotonic()
        published = replay(events, bus, stream, speed="max").published
        while self._processed(model, stream) < published:
            if time.monotonic() - begun > PATIENCE_S:
                raise SnnlabError(f"{model} has not scored {stream} within {PATIENCE_S:g} s; see the service's log")
            time.sleep(0.05)
        return time.monotonic() - begun

    def anomalies(self, stream: str) -> list[Json]:
        """All anomalies of a stream, the earliest first."""
        return sorted(self._pages(stream), key=lambda one: int(one["detected_at"]))

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    def _pages(self, stream: str) -> Iterator[Json]:
        cursor: str | None = None
        while True:
            page = self._ask("GET", "/api/v1/anomalies", params={"stream": stream, "limit": 1000, "cursor": cursor})
            yield from page["anomalies"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def _processed(self, model: str, stream: str) -> int:
        for one in self._ask("GET", f"/api/v1/models/{model}")["deployments"]:
            if one["stream"] == stream:
                if one["status"] != "running":
                    raise SnnlabError(f"{model} does not work on {stream}: {one['detail'] or one['status']}")
                return int(one["events_processed"])
        raise SnnlabError(f"{model} is not deployed to {stream}")

    def _ask(self, method: str, path: str, **content: Any) -> Json:  # noqa: ANN401 - httpx's own
        if "params" in content:
            content["params"] = {key: value for key, value in content["params"].items() if value is not None}
        answer = self._http.request(method, path, **content)
        if answer.is_error:
            raise SnnlabError(f"{method} {path} answered {answer.status_code}: {answer.text[:300]}")
        told: Json = answer.json()
        return told
