"""Detectors back from the registry or a file, their bytes checked against the digest that was registered."""

import re
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from snnlab.detectors import Detector
from snnlab.errors import ModelError, ModelFormatError, ModelNotFound
from snnlab.tracking.connection import configured_uri, prepare, tracking_uri

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

__all__ = ["DIGEST", "digest_of_bytes", "find_version", "load_bytes", "load_detector", "verified"]

DIGEST = "snnlab.digest"
"""The tag of a model version that holds the SHA-256 of its .snn file."""

_MODEL = re.compile(r"models:/(?P<name>[^/@]+)(?:@(?P<alias>[^/@]+)|/(?P<version>\d+))")


def digest_of_bytes(content: bytes) -> str:
    """``sha256:`` and the SHA-256 of the bytes in hexadecimal.

    >>> digest_of_bytes(b"")[:19]
    'sha256:e3b0c44298fc'
    """
    return f"sha256:{sha256(content).hexdigest()}"


def load_detector(model: str | Path, *, trust_code: bool = False, uri: str | None = None) -> Detector:
    """A detector from ``models:/NAME@ALIAS``, ``models:/NAME/VERSION`` or the path of a .snn file.

    A model that carries its user's code loads from the configured registry, where its bytes match the registered
    digest; from a file, and from another registry (``uri``), only with ``trust_code=True``. Raises ModelNotFound where
    there is no such model, ModelFormatError where the bytes are not those that were registered, UntrustedCode for code
    nobody vouched for.
    """
    if not str(model).startswith("models:/"):
        path = Path(model)
        if not path.is_file():
            raise ModelNotFound(f"no model at {str(model)!r}; give the path of a .snn file or models:/NAME@champion")
        return Detector.load(path, trust_code=trust_code)
    trusted = trust_code or tracking_uri(uri) == configured_uri()
    return Detector.load(load_bytes(str(model), uri=uri), trust_code=trusted)


def load_bytes(model: str, *, uri: str | None = None) -> bytes:
    """The .snn file of a registered model, if it matches its digest. Raises as ``load_detector`` does."""
    import mlflow
    from mlflow.exceptions import MlflowException

    version = find_version(model, uri=uri)
    try:
        folder = Path(mlflow.artifacts.download_artifacts(f"models:/{version.name}/{version.version}"))
        files = sorted((folder / "artifacts").glob("*.snn"))
    except (MlflowException, OSError) as wrong:
        raise ModelNotFound(f"the files of {model} cannot be read: {wrong}; train it again") from wrong
    if len(files) != 1:
        raise ModelFormatError(f"{model} holds {len(files)} .snn files, not one; train it again")
    content = files[0].read_bytes()
    registered = version.tags.get(DIGEST, "none")
    if digest_of_bytes(content) != registered:
        raise ModelFormatError(
            f"{model} has digest {digest_of_bytes(content)[:19]}…, registered was {registered[:19]}…: "
            "its files changed since; train it again, or name another version"
        )
    return content


def find_version(model: str, *, uri: str | None = None) -> "ModelVersion":
    """The registered version that ``models:/NAME@ALIAS`` or ``models:/NAME/VERSION`` names."""
    prepare(uri)
    import mlflow
    from mlflow.exceptions import MlflowException

    found = _MODEL.fullmatch(model)
    if found is None:
        raise ModelNotFound(f"{model!r} names no model; write models:/NAME@champion or models:/NAME/VERSION")
    client = mlflow.MlflowClient()
    try:
        if found["alias"]:
            return client.get_model_version_by_alias(found["name"], found["alias"])
        return client.get_model_version(found["name"], found["version"])
    except MlflowException as wrong:
        there = ", ".join(sorted(known.name for known in client.search_registered_models())) or "none"
        raise ModelNotFound(f"no model {model!r} is registered; there is {there}: train one, or promote it") from wrong


def verified(path: str | Path, digest: str) -> Detector:
    """A detector from the file that MLflow keeps, if it matches the digest it was logged with.

    Its code runs only where a registered version of the prepared store has the same digest. Raises ModelFormatError
    where the bytes changed, UntrustedCode where it carries code and no such version is registered.
    """
    content = Path(path).read_bytes()
    if digest_of_bytes(content) != digest:
        raise ModelFormatError(f"{path} is not the model that was logged: its digest is not {digest}; log it again")
    return Detector.load(content, trust_code=_registered(digest))


def _registered(digest: str) -> bool:
    import mlflow
    from mlflow.exceptions import MlflowException

    try:
        return bool(mlflow.MlflowClient().search_model_versions(f"tags.`{DIGEST}` = '{digest}'", max_results=1))
    except (MlflowException, ModelError):
        return False
