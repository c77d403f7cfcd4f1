"""Detectors into MLflow: models-from-code, with signature, parameters, digest and alias."""

import tempfile
import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from snnlab.datasets.labelled import LabelledStream
from snnlab.detectors import Detector
from snnlab.errors import ModelNotFound
from snnlab.tracking.loading import DIGEST, digest_of_bytes, find_version
from snnlab.tracking.replays import digest_of
from snnlab.tracking.runs import flattened, run
from snnlab.tracking.signature import signature_of

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion as Registered

__all__ = ["ModelVersion", "log_detector", "registered", "version_of"]

DOMAIN = "snnlab.domain"
UNTIL = "snnlab.until_us"
DATA = "snnlab.data_digest"


@dataclass(frozen=True)
class ModelVersion:
    """A registered version of a model.

    ``uri`` loads it; ``digest`` is of its .snn file; ``until_us`` is the time of the last event it was trained on,
    and ``data_digest`` the SHA-256 of those events.
    """

    name: str
    version: str
    domain: str
    digest: str
    run_id: str
    aliases: tuple[str, ...] = ()
    until_us: int | None = None
    data_digest: str = ""

    @property
    def uri(self) -> str:
        """``models:/NAME/VERSION``."""
        return f"models:/{self.name}/{self.version}"

    def _repr_html_(self) -> str:
        aliases = " ".join(f"@{alias}" for alias in self.aliases)
        return f"<p><b>{escape(self.uri)}</b> {escape(aliases)}<br><code>{escape(self.digest)}</code></p>"


def log_detector(
    detector: Detector,
    name: str | None = None,
    *,
    alias: str | None = "challenger",
    trained_on: LabelledStream | None = None,
    tags: Mapping[str, object] | None = None,
    uri: str | None = None,
) -> ModelVersion:
    """Log a detector to the open run (or to one of its own) and register it as the next version of ``name``.

    ``name`` is the domain's unless said; ``alias`` is put on the new version; ``trained_on`` is what it
    last learnt from. The run gets the detector's whole configuration as parameters.
    """
    import mlflow
    from mlflow.exceptions import MlflowException

    name = name or detector.domain.name
    content = detector.save()
    digest = digest_of_bytes(content)
    with run(name, f"log {name}", uri=uri) as opened, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.snn"
        path.write_bytes(content)
        opened.params(flattened({"domain": detector.domain}))
        model_uri, model_id = _logged(path, digest, detector)
    client = mlflow.MlflowClient()
    with suppress(MlflowException):
        client.create_registered_model(name)
    version = str(client.create_model_version(name, model_uri, opened.run_id, model_id=model_id).version)
    known = {DIGEST: digest, DOMAIN: detector.domain.name, **_about(trained_on), **(tags or {})}
    for key, value in known.items():
        client.set_model_version_tag(name, version, key, str(value))
    if alias is not None:
        client.set_registered_model_alias(name, alias, version)
    return _version(client.get_model_version(name, version))


def _logged(path: Path, digest: str, detector: Detector) -> tuple[str, str]:
    """Log the file with its code to the open run; returns the logged model's URI and id."""
    import mlflow
    import mlflow.pyfunc

    import snnlab

    with warnings.catch_warnings():
        # The signature is written out, so no example of the input is needed to guess it from.
        warnings.filterwarnings("ignore", message=".*input example.*")
        logged = mlflow.pyfunc.log_model(
            name="detector",
            python_model=str(Path(__file__).with_name("pyfunc_model.py")),
            artifacts={"detector": str(path)},
            model_config={"digest": digest},
            signature=signature_of(detector),
            # Named outright: MLflow would otherwise load the model in a process of its own to find out.
            pip_requirements=[f"snnlab=={snnlab.__version__}", f"mlflow=={mlflow.__version__}"],
        )
    return str(logged.model_uri), str(logged.model_id)


def _about(stream: LabelledStream | None) -> dict[str, object]:
    if stream is None or not len(stream):
        return {}
    return {"snnlab.data": stream.name, DATA: digest_of(stream), UNTIL: int(stream.events.timestamps.max())}


def registered(name: str, alias: str, *, uri: str | None = None) -> ModelVersion | None:
    """The version of a model that has an alias; None where there is none."""
    try:
        return version_of(f"models:/{name}@{alias}", uri=uri)
    except ModelNotFound:
        return None


def version_of(model: str, *, uri: str | None = None) -> ModelVersion:
    """What ``models:/NAME@ALIAS`` or ``models:/NAME/VERSION`` is. Raises ModelNotFound where there is none."""
    return _version(find_version(model, uri=uri))


def _version(found: "Registered") -> ModelVersion:
    tags = found.tags
    return ModelVersion(
        name=found.name,
        version=str(found.version),
        domain=tags.get(DOMAIN, ""),
        digest=tags.get(DIGEST, ""),
        run_id=found.run_id or "",
        aliases=tuple(found.aliases or ()),
        until_us=int(tags[UNTIL]) if UNTIL in tags else None,
        data_digest=tags.get(DATA, ""),
    )
