"""oa_sim: pupil outcomes in the twelve Opportunity Areas, with and without the programme.

The public names, in the order a study uses them. They are looked up when first used, so that
``import oa_sim`` and ``oa-sim --help`` load neither NumPy nor PyMC.
"""

from oa_sim import _lazy_imports

TYPE_CHECKING = False  # as typing has it; importing typing takes longer than printing help
if TYPE_CHECKING:  # for type checkers and editors, which do not run ``__getattr__``
    from oa_sim import decide
    from oa_sim.decide.value_of_information import voi as value_of_information
    from oa_sim.errors import InvalidRequest, Refusal
    from oa_sim.inference.baseline_fit import fit
    from oa_sim.scenario.load import load_scenario
    from oa_sim.scenario.schema import Scenario
    from oa_sim.simulation.comparison import Comparison, compare
    from oa_sim.simulation.result import Result
    from oa_sim.simulation.scenario_run import run
    from oa_sim.targets.assess import promise
    from oa_sim.targets.assess import promise as assess_targets
    from oa_sim.validation.leave_one_study_out import Ledger, evidence_ledger

__version__ = "0.10.0"

_WHERE = {  # public name: the module that holds it, and its name there
    "load_scenario": ("scenario.load", "load_scenario"),
    "Scenario": ("scenario.schema", "Scenario"),
    "run": ("simulation.scenario_run", "run"),
    "compare": ("simulation.comparison", "compare"),
    "value_of_information": ("decide.value_of_information", "voi"),
    "assess_targets": ("targets.assess", "promise"),
    "promise": ("targets.assess", "promise"),
    "fit": ("inference.baseline_fit", "fit"),
    "evidence_ledger": ("validation.leave_one_study_out", "evidence_ledger"),
    "Result": ("simulation.result", "Result"),
    "Comparison": ("simulation.comparison", "Comparison"),
    "Ledger": ("validation.leave_one_study_out", "Ledger"),
    "InvalidRequest": ("errors", "InvalidRequest"),
    "Refusal": ("errors", "Refusal"),
}
__all__ = [
    "Comparison",
    "InvalidRequest",
    "Ledger",
    "Refusal",
    "Result",
    "Scenario",
    "__version__",
    "assess_targets",
    "compare",
    "decide",
    "evidence_ledger",
    "fit",
    "load_scenario",
    "promise",
    "run",
    "value_of_information",
]

_lazy_imports.install()


def __getattr__(name: str):
    """Import a public name on first use."""
    from importlib import import_module

    if name == "decide":
        return import_module("oa_sim.decide")
    if name not in _WHERE:
        raise AttributeError(f"module 'oa_sim' has no attribute {name!r}")
    module, own = _WHERE[name]
    value = getattr(import_module(f"oa_sim.{module}"), own)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the names that are there, and the public ones that no one has used yet."""
    return sorted({*globals(), *__all__})
