"""Explore: a page that answers without a network, and levers on this machine.

Takes the folder of a run or of a sweep. Hands on one HTML file with all its numbers inside, or a local server whose
answers come from the compiled law.
"""

from oa_sim import _lazy_imports

__all__ = ["page", "server", "session", "views"]

__getattr__ = _lazy_imports.exports(__name__, {})
