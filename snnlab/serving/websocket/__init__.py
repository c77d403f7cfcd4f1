"""The WebSockets: anomalies of a stream as they are told, and how a model fires, beside REST on the same port."""

from snnlab.serving.websocket.limits import SocketLimits
from snnlab.serving.websocket.routes import router

__all__ = ["SocketLimits", "router"]
