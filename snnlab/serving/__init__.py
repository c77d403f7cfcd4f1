"""The service: one application object over a bus, a store and detectors, and the doors that lead to it.

``application`` knows no server; ``rest`` is its first door. ``worker`` scores streams in the background, ``bento``
puts models into a Bento and ``run`` serves one. Other doors (WebSocket, gRPC) belong beside ``rest``.
"""

__all__: list[str] = []
