"""Scenario: what may be asked, and how it is typed, checked and written down.

Takes configs, overrides as they are typed, and scenario files. Hands on a ``Scenario`` (and the settings of a sweep)
that has kept every rule: plain dataclasses that hold values only. Hydra and OmegaConf are known here alone.
"""

from oa_sim import _lazy_imports

__all__ = [
    "Scenario",
    "assumptions",
    "config_files",
    "fields",
    "load",
    "load_scenario",
    "overrides",
    "rules",
    "schema",
    "sweep_settings",
    "title_of",
    "unverified",
]

__getattr__ = _lazy_imports.exports(
    __name__, {"Scenario": "schema", "load_scenario": "load", "fields": "load", "title_of": "config_files"}
)
