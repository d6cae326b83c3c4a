"""Inputs: published figures and the package's own tables, read and checked row by row.

Takes CSV files: the tables inside the package, a folder of a user's own, or files as the Department for Education and
the Office for National Statistics publish them. Hands on rows and datasets whose every cell has kept its rules, or one
sentence that names file, row and rule.
"""

from oa_sim import _lazy_imports

__all__ = ["areas", "csv_reader", "panel", "places", "published_files", "schemas", "school_tables", "tables"]

__getattr__ = _lazy_imports.exports(__name__, {})
