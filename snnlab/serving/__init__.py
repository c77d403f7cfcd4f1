"""The service: one application object over a bus, a store and detectors, and the doors that lead to it.

``application`` knows no server; ``rest``, ``websocket`` and ``grpc`` are the doors to it. ``worker`` scores streams in
the background, ``bento`` puts models into a Bento and ``run`` serves one.
"""

__all__: list[str] = []
