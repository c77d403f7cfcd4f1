"""Models and patterns in Ignite."""

import json
from collections.abc import Mapping
from hashlib import sha256

from snnlab.errors import ModelFormatError, ModelNotFound
from snnlab.stores.base import ModelRecord, Pattern
from snnlab.stores.ignite.kept import Kept, key_of, parts_of

__all__ = ["delete_pattern", "get_model", "list_models", "patterns", "put_model", "put_pattern"]


def put_model(kept: Kept, name: str, body: bytes, metadata: Mapping[str, object], now_us: int) -> ModelRecord:
    """Keep a model's bytes as the next version of that name, counted from 1."""
    digest, known = sha256(body).hexdigest(), dict(metadata)
    with kept.transaction():
        head = key_of("head", name)
        version = int(kept.get(head) or b"0") + 1
        kept.put(head, str(version).encode())
        told = {"digest": digest, "created_at": now_us, "metadata": known}
        kept.put(key_of("model", name, version), json.dumps(told).encode())
        kept.put(key_of("body", name, version), body)
    return ModelRecord(name, version, digest, now_us, known, body)


def get_model(kept: Kept, name: str, version: int | None, where: str) -> ModelRecord:
    """A version of a model, the latest unless said; its bytes are checked against their digest."""
    asked = int(kept.get(key_of("head", name)) or b"0") if version is None else version
    told, body = (kept.get(key_of(part, name, asked)) if asked > 0 else None for part in ("model", "body"))
    if told is None or body is None:
        which = name if version is None else f"{name} version {version}"
        there = ", ".join(f"{record.name} 1-{record.version}" for record in list_models(kept)) or "none"
        raise ModelNotFound(f"no model {which!r} in {where}; there is {there}")
    record = _record(name, asked, told, bytes(body))
    if sha256(record.body).hexdigest() != record.digest:
        raise ModelFormatError(
            f"model {name!r} version {asked} in {where} does not match its digest {record.digest[:12]}; "
            "put it again from the registry, or ask for another version"
        )
    return record


def list_models(kept: Kept) -> list[ModelRecord]:
    """The latest version of each model by name, without the bytes."""
    heads = {parts_of(key)[-1]: int(version) for key, version in kept.below("head").items()}
    keys = {name: key_of("model", name, version) for name, version in heads.items()}
    found = kept.get_all(list(keys.values()))
    return [_record(name, heads[name], found[keys[name]]) for name in sorted(heads)]


def put_pattern(kept: Kept, pattern: Pattern) -> None:
    """Keep a pattern; one whose id is there is written over."""
    told = {
        "name": pattern.name,
        "anomaly_type": pattern.anomaly_type,
        "created_at": pattern.created_at,
        "model": pattern.model,
        "metadata": pattern.metadata,
    }
    # JSON text has no line break of its own: the first one ends it.
    kept.put(key_of("pattern", pattern.pattern_id), json.dumps(told).encode() + b"\n" + pattern.body)


def patterns(kept: Kept, model: str | None) -> list[Pattern]:
    """The patterns, oldest first; those of one model and those of no model, or all."""
    found = []
    for key, value in kept.below("pattern").items():
        told, _, body = value.partition(b"\n")
        found.append(Pattern(parts_of(key)[-1], **json.loads(told), body=body))
    wanted = [one for one in found if model is None or one.model in {model, ""}]
    return sorted(wanted, key=lambda one: (one.created_at, one.pattern_id))


def delete_pattern(kept: Kept, pattern_id: str) -> bool:
    """Forget a pattern; False where there is none of that id."""
    return kept.remove(key_of("pattern", pattern_id))


def _record(name: str, version: int, told: bytes, body: bytes = b"") -> ModelRecord:
    return ModelRecord(name, version, **json.loads(told), body=body)
