"""The champions of the registry, gathered for a service that is built from them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from snnlab.detectors.model_file import ModelFile
from snnlab.errors import ModelNotFound
from snnlab.tracking import prepare, registered
from snnlab.tracking.loading import load_bytes

__all__ = ["Champion", "champions"]


@dataclass(frozen=True)
class Champion:
    """A champion's bytes, which match the digest that the registry holds (``sha256:`` and hexadecimal).

    ``code`` tells whether the model carries code of its user's: the digest vouches for it.
    """

    name: str
    version: str
    domain: str
    digest: str
    code: bool
    content: bytes = field(repr=False)


def champions(names: Sequence[str] | None = None, *, uri: str | None = None) -> list[Champion]:
    """The champions of these models, or of every registered model that has one, by name.

    Raises ModelNotFound for a named model without a champion, and where there is none at all; ModelFormatError where
    a champion's bytes changed since it was registered.
    """
    prepare(uri)
    import mlflow

    asked = sorted(names if names is not None else (m.name for m in mlflow.MlflowClient().search_registered_models()))
    found = []
    for name in asked:
        version = registered(name, "champion", uri=uri)
        if version is None:
            if names is not None:
                raise ModelNotFound(f"model {name!r} has no @champion; train one and promote it first")
            continue
        content = load_bytes(version.uri, uri=uri)
        code = bool(ModelFile.read(content).sources)
        found.append(Champion(name, version.version, version.domain, version.digest, code, content))
    if not found:
        raise ModelNotFound("no model has a @champion; train one and promote it first")
    return found
