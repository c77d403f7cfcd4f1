"""What a public set's original is made of: repository, commit, and every file with its size and checksum."""

import json
from importlib import resources
from typing import Self
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from snnlab.errors import FileFormatError

__all__ = ["Manifest", "Original"]


class Original(BaseModel):
    """One file: its ``path`` in the repository, where it goes ``to`` in the set's folder, ``bytes`` and ``sha256``."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    path: str
    to: str
    bytes: int = Field(ge=0, le=1 << 30)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")

    @field_validator("to")
    @classmethod
    def _stays_in_the_folder(cls, to: str) -> str:
        if to.startswith("/") or ".." in to.split("/"):
            raise ValueError(f"{to!r} leaves the folder of the set")
        return to


class Manifest(BaseModel):
    """The files of a set at one commit of a public repository.

    >>> Manifest.of("nab").url(Manifest.of("nab").files[0], "https://example.org")
    'https://example.org/numenta/NAB/ea702d75cc2258d9d7dd35ca8e5e2539d71f3140/LICENSE.txt'
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    set: str
    owner: str
    repository: str
    commit: str = Field(pattern="^[0-9a-f]{40}$")
    files: list[Original]

    @classmethod
    def of(cls, name: str) -> Self:
        """The manifest of the public set ``name``, which comes with snnlab."""
        path = resources.files("snnlab.datasets") / "manifests" / f"{name}.json"
        return cls.from_json(path.read_text(encoding="utf-8"), name)

    @classmethod
    def from_json(cls, text: str, name: str) -> Self:
        """A manifest from JSON; raises FileFormatError for anything else."""
        try:
            return cls.model_validate(json.loads(text))
        except (ValueError, ValidationError) as wrong:
            raise FileFormatError(f"the manifest of {name} cannot be read: {wrong}") from wrong

    @property
    def total(self) -> int:
        """Bytes of all files."""
        return sum(file.bytes for file in self.files)

    def url(self, file: Original, base: str) -> str:
        """Where a file is, below ``base``."""
        parts = (self.owner, self.repository, self.commit, file.path)
        return "/".join((base.rstrip("/"), *(quote(part, safe="/+") for part in parts)))
