"""Report: what is printed about a folder; ``formats`` says how.

Takes a result or the folder that a command wrote. Hands on the folder of a run, and briefs, workbooks, an assurance
pack and data in which each figure was formed once.
"""

from oa_sim import _lazy_imports

__all__ = ["assemble", "document", "folder_writers", "template_files"]

__getattr__ = _lazy_imports.exports(__name__, {})
