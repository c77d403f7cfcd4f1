"""The demo: the whole road once, on embedded defaults, from generated events to a served champion of each domain."""

from snnlab.demo.road import Road

__all__ = ["Road"]
