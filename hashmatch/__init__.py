"""hashmatch: perceptual-hash media matching as a service, with a native core."""

from importlib.metadata import version

__version__ = version("hashmatch")
