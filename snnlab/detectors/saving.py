"""Between a detector and its model file: what is packed, and whose code may run when it is unpacked."""

from collections.abc import Sequence

from snnlab.detectors.model_file import ModelFile
from snnlab.detectors.plan import Plan
from snnlab.detectors.shard import Shard
from snnlab.domains import Domain
from snnlab.encoders.custom import digest, is_custom, load_source, source_of
from snnlab.encoders.registry import KINDS
from snnlab.errors import ConfigError, ModelFormatError, UntrustedCode
from snnlab.types import Arrays, Json

__all__ = ["admit", "expect", "packed", "unpack"]


def packed(plan: Plan, flags: Json, n_events: int, shards: Sequence[Shard]) -> ModelFile:
    """Everything about a detector: its domain, what its shards learnt and remember, and its own encoders' source."""
    arrays: Arrays = {}
    for at, shard in enumerate(shards):
        arrays |= {f"{at}/learnt/{name}": array for name, array in shard.learnt.items()}
        arrays |= {f"{at}/state/{name}": array for name, array in shard.state.items()}
    manifest = {
        "domain": plan.domain.to_json(),
        "flags": flags,
        "n_events": n_events,
        "entities": [list(shard.pool.rows.items()) for shard in shards],
    }
    own = {type(encoder) for encoder in plan.codes.encoders if is_custom(type(encoder))}
    return ModelFile(manifest, arrays, {encoder.kind: source_of(encoder) for encoder in own})


def unpack(model: ModelFile, shards: Sequence[Shard]) -> None:
    """Give fresh shards what was packed.

    Raises KeyError where an array is missing, ModelFormatError where one does not fit.
    """
    for at, (shard, rows) in enumerate(zip(shards, model.manifest["entities"], strict=True)):
        kept = {name.removeprefix(f"{at}/"): array for name, array in model.arrays.items()}
        shard.restore(kept, {entity: int(row) for entity, row in rows})


def expect(model: ModelFile, domain: Domain) -> None:
    """Compare what a manifest asks to be made with the arrays beside it, before anything is made.

    Raises ModelFormatError where it asks for another network, or for more shards, than the file holds.
    """
    neurons, shards = domain.network.reservoir.neurons, len(model.manifest["entities"])
    if shards > len({name.partition("/")[0] for name in model.arrays}):
        raise ModelFormatError(f"the model tells of {shards} shards, and holds fewer; fetch or save the model again")
    membrane = model.arrays.get("0/state/reservoir/membrane")
    if membrane is not None and membrane.shape[-1:] != (neurons,):
        raise ModelFormatError(
            f"state/reservoir/membrane has shape {membrane.shape}, not {neurons} neurons a row; "
            "fetch or save the model again"
        )


def admit(model: ModelFile, *, trust_code: bool) -> None:
    """Make the model's own encoders known, if the caller trusts them; code that is known here already is no news.

    Raises:
        UntrustedCode: it carries code that is not known here, and ``trust_code`` is not set.
    """
    foreign = {kind: code for kind, code in model.sources.items() if not _is_known(kind, code)}
    if foreign and not trust_code:
        raise UntrustedCode(
            f"the model carries code of its own (encoder {', '.join(map(repr, sorted(foreign)))}) that is not the "
            "code known here by that name; load it with trust_code=True if you trust where it comes from"
        )
    for code in foreign.values():
        load_source(code)


def _is_known(kind: str, code: str) -> bool:
    """Whether an encoder of this kind is registered here with the very same source, so that nothing new would run."""
    if kind not in KINDS:
        return False
    try:
        return digest(source_of(KINDS[kind])) == digest(code)
    except ConfigError:  # a class whose source cannot be found cannot be compared
        return False
