"""What a workflow gives back: shown in a notebook, and read again from the executed notebook by who ran it."""

from abc import abstractmethod
from typing import Any

from snnlab.types import Json

__all__ = ["MIME", "Result", "last_result"]

MIME = "application/vnd.snnlab.result+json"


class Result:
    """A result that a notebook shows as text and HTML, and carries as JSON beside them."""

    @abstractmethod
    def to_json(self) -> Json:
        """The result as a JSON object."""

    def _repr_html_(self) -> str:
        rows = "".join(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in self.to_json().items())
        return f"<table>{rows}</table>"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Json:  # noqa: ARG002 - Jupyter's
        return {"text/plain": repr(self), "text/html": self._repr_html_(), MIME: self.to_json()}


def last_result(notebook: Any) -> Json:  # noqa: ANN401 - a notebook node of nbformat
    """The last result that an executed notebook shows; empty where it shows none."""
    for cell in reversed(notebook.cells):
        for output in reversed(cell.get("outputs", [])):
            if MIME in output.get("data", {}):
                found: Json = output["data"][MIME]
                return found
    return {}
