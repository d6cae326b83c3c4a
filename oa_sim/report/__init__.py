"""Report: what is printed about a folder; ``formats`` says how.

Takes a result or the folder that a command wrote. Hands on the folder of a run, and briefs, workbooks, an assurance
pack and data in which each figure was formed once.
"""

from oa_sim import _names

__all__ = ["assemble", "document", "output_folders"]

__getattr__ = _names.exports(__name__, {}, formerly="report.output_folders")
