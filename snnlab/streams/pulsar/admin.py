"""Pulsar's HTTP interface: topics, their partitions, and how far subscriptions have come."""

from typing import Any
from urllib.parse import quote

import httpx

from snnlab.errors import BusError
from snnlab.streams.base import Backlog
from snnlab.streams.pulsar.address import Address
from snnlab.streams.pulsar.position import Place

__all__ = ["Admin"]

_REDIRECTS = 5
_TOPIC = "application/vnd.partitioned-topic-metadata+json"


class Admin:
    """The topics of one namespace. Every method raises BusError where Pulsar refuses or does not answer."""

    def __init__(self, address: Address) -> None:
        self._address = address
        settings = address.settings
        headers = {"Authorization": f"Bearer {settings.token.get_secret_value()}"} if settings.token else {}
        self._http = httpx.Client(
            base_url=f"{address.admin}/admin/v2",
            headers=headers,
            timeout=20.0,
            trust_env=False,
            **_tls(address),
        )

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def make_namespace(self) -> None:
        """Make the tenant and the namespace, where they are not there."""
        tenant = self._address.namespace.split("/")[0]
        if self._asked("GET", f"/namespaces/{self._address.namespace}", missing=True) is not None:
            return
        clusters = self._asked("GET", "/clusters")
        self._asked("PUT", f"/tenants/{tenant}", {"allowedClusters": clusters}, there=True)
        self._asked("PUT", f"/namespaces/{self._address.namespace}", there=True)

    def make_stream(self, topic: str, partitions: int, properties: dict[str, str]) -> None:
        """Make a partitioned topic; one that is there is left as it is."""
        body = {"partitions": partitions, "properties": properties}
        self._asked("PUT", f"{self._topic(topic)}/partitions", body, kind=_TOPIC, there=True)

    def make_topic(self, topic: str) -> None:
        """Make a topic without partitions; one that is there is left as it is."""
        self._asked("PUT", self._topic(topic), there=True)

    def partitioned(self) -> list[str]:
        """Names of the partitioned topics."""
        found = self._asked("GET", f"/persistent/{self._address.namespace}/partitioned", missing=True) or []
        return sorted(name.rpartition("/")[2] for name in found)

    def metadata(self, topic: str) -> tuple[int, dict[str, str]]:
        """How many partitions a topic has, and its properties; 0 where there is no such topic."""
        told = self._asked("GET", f"{self._topic(topic)}/partitions", missing=True) or {}
        return told.get("partitions", 0), told.get("properties") or {}

    def last(self, topic: str) -> Place | None:
        """The end of the last entry of a topic; None while it is empty."""
        told = self._asked("GET", f"{self._topic(topic)}/lastMessageId", missing=True)
        if told is None or told["entryId"] < 0:
            return None
        return Place(told["ledgerId"], told["entryId"])

    def entries(self, topic: str) -> int:
        """How many entries a topic holds."""
        told = self._asked("GET", f"{self._topic(topic)}/internalStats", missing=True) or {}
        return int(told.get("numberOfEntries", 0))

    def acknowledged(self, topic: str, subscription: str) -> Place | None:
        """The end of the entry up to which a subscription has acknowledged; None before the first."""
        told = self._asked("GET", f"{self._topic(topic)}/internalStats", missing=True) or {}
        cursor = told.get("cursors", {}).get(subscription)
        if cursor is None:
            return None
        ledger, entry = (int(part) for part in cursor["markDeletePosition"].split(":"))
        if entry >= 0:
            return Place(ledger, entry)
        earlier = [one for one in told["ledgers"] if one["ledgerId"] < ledger and one["entries"]]
        return Place(earlier[-1]["ledgerId"], earlier[-1]["entries"] - 1) if earlier else None

    def backlog(self, topic: str, subscription: str) -> Backlog:
        """What a subscription has not acknowledged of a partitioned topic: all of it before it has begun."""
        query = "perPartition=true&getPreciseBacklog=true&getEarliestTimeInBacklog=true&excludePublishers=true"
        told = self._asked("GET", f"{self._topic(topic)}/partitioned-stats?{query}")
        messages, oldest = 0, []
        for name, stats in told.get("partitions", {}).items():
            there = stats["subscriptions"].get(subscription)
            waiting = self.entries(name.rpartition("/")[2]) if there is None else int(there["msgBacklog"])
            messages += waiting
            at = 0 if there is None else int(there.get("earliestMsgPublishTimeInBacklog", 0))
            if waiting and at > 0:  # -1 where nothing waits
                oldest.append(at * 1000)
        return Backlog(messages, min(oldest, default=None))

    def reset(self, topic: str, subscription: str, place: Place | None) -> None:
        """Set a subscription to what follows a place, or to the beginning; it is made where it is not there."""
        at = (-1, -1) if place is None else (place.ledger, place.entry + 1)
        body = {"ledgerId": at[0], "entryId": at[1], "partitionIndex": -1}
        path = f"{self._topic(topic)}/subscription/{quote(subscription, safe='')}"
        if self._asked("POST", f"{path}/resetcursor", body, missing=True) is None:
            self._asked("PUT", path, body)

    def active(self, topic: str, subscription: str) -> dict[int, str]:
        """By partition: the consumer that a Failover subscription has chosen."""
        query = "perPartition=true&getPreciseBacklog=false&excludePublishers=true"
        told = self._asked("GET", f"{self._topic(topic)}/partitioned-stats?{query}")
        chosen = {}
        for name, stats in told.get("partitions", {}).items():
            consumer = stats["subscriptions"].get(subscription, {}).get("activeConsumerName")
            if consumer:
                chosen[int(name.rpartition("-")[2])] = consumer
        return chosen

    def _topic(self, topic: str) -> str:
        return f"/persistent/{self._address.namespace}/{quote(topic, safe='')}"

    def _asked(
        self,
        method: str,
        path: str,
        body: Any = None,  # noqa: ANN401 - JSON
        *,
        kind: str = "application/json",
        missing: bool = False,
        there: bool = False,
    ) -> Any:  # noqa: ANN401 - JSON
        """The answer; True for an empty one, None for what is missing or is there already, where that is no error."""
        try:
            answer = self._http.request(method, path, json=body, headers={"Content-Type": kind})
            for _ in range(_REDIRECTS):  # to the broker that has the topic, with the token, which httpx would leave out
                if not answer.has_redirect_location:
                    break
                location = answer.headers["Location"]
                answer = self._http.request(method, location, json=body, headers={"Content-Type": kind})
        except httpx.HTTPError as wrong:
            raise BusError(f"Pulsar's HTTP interface at {self._address.admin}: {wrong}; see that it runs") from wrong
        if (missing and answer.status_code == 404) or (there and _is_there(answer)):
            return None
        if answer.is_error:
            told = answer.text[:300] or answer.reason_phrase
            raise BusError(f"Pulsar refused {method} {path} with {answer.status_code}: {told}")
        return answer.json() if answer.content else True


def _is_there(answer: httpx.Response) -> bool:
    """Whether what was to be made is there: a conflict, or an error where another makes it at the same moment."""
    at_once = "AlreadyExistsException", "BadVersionException"
    return answer.status_code == 409 or (answer.status_code == 500 and any(name in answer.text for name in at_once))


def _tls(address: Address) -> dict[str, Any]:
    settings = address.settings
    known: dict[str, Any] = {}
    if settings.ca is not None:
        known["verify"] = str(settings.ca)
    if settings.certificate is not None and settings.key is not None:
        known["cert"] = (str(settings.certificate), str(settings.key))
    return known
