"""Scenario: what may be asked, and how it is typed, checked and written down.

Takes configs, overrides as they are typed, and scenario files. Hands on a ``Scenario`` (and the settings of a sweep)
that has kept every rule: plain dataclasses that hold values only. Hydra and OmegaConf are known here alone.
"""
