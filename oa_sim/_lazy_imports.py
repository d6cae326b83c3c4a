"""Lazy imports: public names, looked up when first used, and names of modules that are now part of another one.

A package imports none of its modules, so that a command loads what it needs and no more.
"""

from __future__ import annotations

import importlib
import sys

TYPE_CHECKING = False  # as typing has it; importing typing takes longer than printing help
if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.abc import Loader
    from importlib.machinery import ModuleSpec
    from types import ModuleType
else:
    Loader = object

MERGED = {  # modules of 0.7 that are part of another one; they go in 1.0
    "compiled.spending_response": "compiled.gradient",
    "compiled.vector_math": "compiled.scalar_laws",
    "inference.state_space": "inference.area_forecast",
    "decide.candidate_plans": "decide.plan_evaluation",
    "decide.voi_settings": "decide.value_of_information",
    "inputs.download_formats": "inputs.published_files",
    "plots.small_multiples": "plots.fan_charts",
    "plots.tornado": "plots.decision_charts",
    "programme.portfolio": "programme.budget",
    "programme.review": "programme.budget",
    "projection.impact": "projection.cohort",
    "report.folder_statistics": "report.folder_brief",
    "report.run_pictures": "report.run_brief",
    "report.workbook_statistics": "report.run_statistics",
    "scenario.scenario_files": "scenario.overrides",
    "simulation.result_tables": "simulation.result",
    "sweep.dry_run": "sweep.sweep_run",
    "sweep.executors": "sweep.blocks",
    "sweep.provenance": "sweep.cases",
    "sweep.tornado": "sweep.sensitivity",
    "targets.assimilation": "targets.monitor",
    "targets.base_rates": "targets.attainable",
    "targets.monitor_settings": "targets.settings",
    "targets.target_settings": "targets.settings",
    "validation.forecasts": "validation.scoring",
}


class _Finder(Loader):
    """Finds a module under its old name, and gives one that hands on what the module of today holds."""

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if fullname.removeprefix("oa_sim.") not in MERGED:
            return None
        from importlib.util import spec_from_loader

        return spec_from_loader(fullname, self)

    def create_module(self, spec: ModuleSpec) -> None:
        import warnings

        new = MERGED[spec.name.removeprefix("oa_sim.")]
        words = f"{spec.name} is oa_sim.{new} since oa_sim 0.8: write that, the old name goes in 1.0"
        # the caller is one level up, since Python leaves frames of importlib out of the count
        warnings.warn(words, DeprecationWarning, 2)

    def exec_module(self, module: ModuleType) -> None:
        there = importlib.import_module(f"oa_sim.{MERGED[module.__name__.removeprefix('oa_sim.')]}")
        vars(module).update({name: value for name, value in vars(there).items() if not name.startswith("__")})


def install() -> None:
    """Let the old names be imported."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.append(_Finder())


def exports(package: str, where: dict[str, str]) -> Callable[[str], object]:
    """Return the ``__getattr__`` of a package: its modules, public functions and classes, imported when first used.

    Parameters
    ----------
    package
        ``__name__`` of the package.
    where
        By public name, the module of the package that holds it.
    """

    def __getattr__(name: str) -> object:
        if name in where:
            return getattr(importlib.import_module(f"{package}.{where[name]}"), name)
        # an old name is left to the import system, which calls the finder: its warning then names the caller's line
        if not name.startswith("_") and f"{package}.{name}".removeprefix("oa_sim.") not in MERGED:
            from importlib.util import find_spec

            if find_spec(f"{package}.{name}") is not None:
                return importlib.import_module(f"{package}.{name}")
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return __getattr__
