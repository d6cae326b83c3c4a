"""Evidence: what trials and other studies say of each type of intervention.

Takes the table of studies and how they are to be read. Hands on the posterior of a random-effects meta-analysis: the
effect at scale of each study type, the spread between them, and what each study keeps on the way to scale.
"""

from oa_sim import _lazy_imports

__all__ = ["meta_analysis", "studies"]

__getattr__ = _lazy_imports.exports(__name__, {})
