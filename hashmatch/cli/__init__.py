"""The `hashmatch` command."""

from hashmatch.cli.main import main

__all__ = ["main"]
