"""Programme: from pounds to the treatment effect delivered in a year.

Takes a scenario, the tables and the draws of effects. Hands on money by area, intervention and year, pupils reached,
and the new gain of every stage and year (SD), draw by draw.
"""

from oa_sim import _lazy_imports

__all__ = ["budget", "delivered_effects", "delivery", "laws", "parameters", "pupils_reached"]

__getattr__ = _lazy_imports.exports(__name__, {})
