"""The REST interface: routes over an Application, strict requests, problems as errors, OpenAPI at ``/openapi.json``."""

from snnlab.serving.rest.app import create_app
from snnlab.serving.rest.limits import Limits

__all__ = ["Limits", "create_app"]
