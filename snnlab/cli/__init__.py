"""The command line: ``snnlab``, one file a group of commands. What a command needs is imported when it runs."""

from snnlab.cli.application import main

__all__ = ["main"]
