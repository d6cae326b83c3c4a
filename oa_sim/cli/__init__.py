"""Command line interface: one file a command, exit code 0, or 2 with one sentence.

Takes what is typed. Hands on printed lines, JSON, and the path of the folder that was written. Nothing heavy is
imported before a command needs it.
"""

from oa_sim import _lazy_imports

__all__ = ["main"]

__getattr__ = _lazy_imports.exports(__name__, {})
