"""oa_sim: pupil outcomes in the twelve Opportunity Areas, with and without the programme.

The public names, in the order a study uses them. They are looked up when first used, so that
``import oa_sim`` and ``oa-sim --help`` load neither NumPy nor PyMC.
"""

from oa_sim import _moved

__version__ = "0.6.1"

_WHERE = {
    "load_scenario": "oa_sim.scenario.load",
    "Scenario": "oa_sim.scenario.schema",
    "run": "oa_sim.simulation.scenario_run",
    "compare": "oa_sim.simulation.comparison",
    "evidence_ledger": "oa_sim.validation.leave_one_study_out",
    "decide": "oa_sim.decide.decision",
    "promise": "oa_sim.targets.assess",
    "Result": "oa_sim.simulation.result",
    "Comparison": "oa_sim.simulation.comparison",
    "Ledger": "oa_sim.validation.leave_one_study_out",
    "Refusal": "oa_sim.errors",
}
__all__ = [
    *("Comparison", "Ledger", "Refusal", "Result", "Scenario", "__version__", "compare", "decide", "evidence_ledger"),
    *("load_scenario", "promise", "run"),
]

_moved.install()


def __getattr__(name: str):
    """Import a public name on first use."""
    if name not in _WHERE:
        raise AttributeError(f"module 'oa_sim' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_WHERE[name]), name)
    globals()[name] = value
    return value
