"""snnlab demo: the whole road on embedded defaults."""

from typing import Annotated

import typer

__all__ = ["demo"]


def demo(
    fast: Annotated[bool, typer.Option("--fast", help="Fewer events and one candidate a domain.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the service up until Ctrl-C.")] = False,
) -> None:
    """Take four domains down the whole road: train, evaluate, promote, serve, and score what is new.

    \b
    Examples:
      snnlab demo
      snnlab demo --keep
    """
    from snnlab.demo import Road

    Road(fast=fast, keep=keep).walk()
