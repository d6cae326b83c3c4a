"""Lazy imports: public names, looked up when first used, and old ones, which work for one version more.

A package imports none of its modules, so that a command loads what it needs and no more. Until 0.6 every module lay in
``oa_sim`` itself: ``oa_sim.learned`` is ``oa_sim.inference.baseline_fit`` since 0.7, and so on. What is about old names
goes with 0.8: ``MOVED``, ``_Finder``, ``install``, ``formerly`` and ``make_callable``.
"""

from __future__ import annotations

import importlib
import sys

TYPE_CHECKING = False  # as typing has it; importing typing takes longer than printing help
if TYPE_CHECKING:
    from collections import abc

MOVED: dict[str, str] = {
    "calibrated": "formatting",
    "accounts": "projection.appraisal",
    "advice": "decide.narrative",
    "afterwards": "report.run_brief",
    "areas": "inputs.areas",
    "arithmetic": "compiled.vector_math",
    "arviz_pictures": "plots.posterior",
    "assumptions": "scenario.assumptions",
    "assurance": "report.assurance",
    "assurance_page": "report.formats.html_pages",
    "backtest": "validation.backtest",
    "bars": "plots.intervals",
    "baseline": "inference.baseline_model",
    "blocks": "sweep.blocks",
    "board": "report.formats.powerpoint",
    "brief_page": "report.formats.html_pages",
    "briefing": "report.run_brief",
    "budget": "programme.budget",
    "cells": "report.formats.excel_sheets",
    "challenge": "decide.robustness",
    "charts": "plots.intervals",
    "choices": "scenario.load",
    "chunks": "sweep.store",
    "codebook": "report.data_dictionary",
    "cohort": "projection.cohort",
    "columns": "inputs.schemas",
    "commented": "scenario.config_files",
    "comparison": "simulation.comparison",
    "compiled": "compiled.jit",
    "constraints": "decide.constraints",
    "contrasts": "simulation.narrative",
    "counterfactual": "inference.counterfactual",
    "courses": "decide.spending_profiles",
    "datapackage": "report.formats.data_files",
    "decided": "report.data_dictionary",
    "decision": "decide.decision",
    "decision_charts": "plots.decision_charts",
    "decision_door": "cli.decision_commands",
    "decisions": "decide.candidate_plans",
    "declared": "plots.fan_charts",
    "delivery": "programme.delivery",
    "design": "scenario.sweep_settings",
    "diagrams": "plots.calibration",
    "discovery": "sweep.scenario_discovery",
    "dossier": "report.document",
    "dossiers": "report.assemble",
    "doubts": "scenario.unverified",
    "drawing": "plots.picture",
    "engine": "sweep.blocks",
    "england": "inference.national_trend",
    "evidence": "evidence.studies",
    "explorer": "explore.page",
    "exports": "report.formats.data_files",
    "extended": "report.workbook_statistics",
    "factors": "compiled.arrays",
    "figures": "plots.fan_charts",
    "filing": "report.folder_writers",
    "findings": "sweep.findings",
    "folder_tables": "report.folder_statistics",
    "folders": "report.folder_brief",
    "forecasts": "validation.forecasts",
    "front": "decide.decision",
    "gains": "compiled.gains",
    "gates": "decide.staged_decisions",
    "gaussian": "inference.baseline_likelihood",
    "grounds": "report.run_statistics",
    "harmless": "report.sanitise",
    "hindcast": "validation.hindcast",
    "iamc": "report.formats.data_files",
    "impact": "projection.impact",
    "inference": "inference.sampling",
    "information": "decide.voi_estimators",
    "interventions": "programme.delivered_effects",
    "judging": "decide.plan_evaluation",
    "keeping": "targets.attainable",
    "kept": "inference.posterior_files",
    "kernel": "compiled.simulate",
    "labels": "definitions",
    "ladder": "plots.target_charts",
    "laying": "decide.column_generation",
    "layouts": "inputs.published_files",
    "learned": "inference.baseline_fit",
    "least_money": "targets.minimum_budget",
    "leaves": "report.assumptions_register",
    "ledger": "validation.leave_one_study_out",
    "lines": "compiled.gradient",
    "links": "programme.delivered_effects",
    "listed": "sweep.expand",
    "listings": "simulation.result",
    "live": "explore.session",
    "live_app": "explore.server",
    "live_base": "explore.session",
    "live_door": "cli.folder_commands",
    "live_page": "explore.server",
    "live_picture": "explore.page",
    "live_save": "explore.session",
    "logbook": "sweep.journal",
    "marginal": "compiled.gradient",
    "markup": "report.formats.html_pages",
    "meanings": "report.data_dictionary",
    "ministerial": "report.run_brief",
    "mixing": "decide.linear_program",
    "model": "simulation.scenario_run",
    "monitor": "targets.monitor",
    "monitoring": "targets.settings",
    "monte_carlo": "inference.mcse",
    "movements": "targets.attainable",
    "multiples": "plots.small_multiples",
    "multirun": "cli.model_commands",
    "objective": "decide.objective",
    "office": "report.formats.office",
    "optimise": "decide.optimiser",
    "organisation": "scenario.schema",
    "origins": "projection.variance_decomposition",
    "outlook": "targets.forecast_components",
    "outside": "projection.outside_view",
    "overrides": "scenario.overrides",
    "packed": "explore.page",
    "packs": "report.assemble",
    "panel": "inputs.panel",
    "paper": "report.formats.word",
    "parameters": "programme.parameters",
    "passes": "compiled.activity",
    "patterns": "decide.spending_profiles",
    "peers": "validation.benchmark_forecasters",
    "phrases": "formatting",
    "picture_book": "report.formats.html_pages",
    "placebo": "validation.placebo",
    "placed": "targets.monitor",
    "plan": "cli.model_commands",
    "pledges": "targets.narrative",
    "plots": "report.formats.excel",
    "plotting": "report.formats.excel",
    "portfolio": "programme.portfolio",
    "priors": "scenario.assumptions",
    "problem": "decide.allocation_problem",
    "progress": "cli.output",
    "promises": "targets.attainable",
    "provenance": "sweep.cases",
    "published": "report.reported_statistic",
    "quotable": "report.run_statistics",
    "ranking": "projection.ranking",
    "readers": "inputs.published_files",
    "readings": "compiled.outcomes",
    "readouts": "simulation.summaries",
    "reasons": "projection.sustainability",
    "record": "inference.observations",
    "refusal": "errors",
    "register": "report.assumptions_register",
    "rehearsal": "sweep.dry_run",
    "relaxing": "decide.linear_program",
    "reliability": "report.formats.html_pages",
    "remarks": "sweep.findings",
    "report": "report.folder_writers",
    "report_door": "cli.folder_commands",
    "result": "simulation.result",
    "retention": "projection.impact_retention",
    "review": "programme.budget",
    "risks": "decide.optimiser",
    "roster": "sweep.cases",
    "rounding": "decide.optimiser",
    "rules": "decide.robustness",
    "run_sheets": "report.formats.excel_sheets",
    "sayings": "report.folder_brief",
    "scale": "inference.link_functions",
    "scenario": "scenario.schema",
    "scenario_files": "scenario.overrides",
    "scores": "validation.scoring",
    "sections": "report.run_brief",
    "selection": "compiled.quantiles",
    "sensitivity": "sweep.sensitivity",
    "served": "programme.pupils_reached",
    "sheets": "report.formats.excel_sheets",
    "slides": "report.formats.powerpoint",
    "slopes": "compiled.gradient",
    "smoothing": "inference.importance_sampling",
    "spending": "programme.budget",
    "stability": "decide.robustness",
    "standing": "inference.area_forecast",
    "state_space": "inference.state_space",
    "stepping": "decide.optimiser",
    "store": "sweep.store",
    "streams": "rng",
    "studying": "decide.voi_settings",
    "survival": "programme.delivery",
    "sustain": "projection.sustainability",
    "sweep": "sweep.sweep_run",
    "sweep_door": "cli.sweep_commands",
    "swept": "sweep.results",
    "synthesis": "evidence.meta_analysis",
    "tabled": "report.assumptions_register",
    "tables": "inputs.tables",
    "tally": "sweep.results",
    "targeting": "targets.settings",
    "targets": "targets.assess",
    "threads": "compiled.jit",
    "tiles": "plots.tile_map",
    "tornado": "plots.tornado",
    "trajectories": "plots.target_charts",
    "update": "targets.monitor",
    "usage": "cli.commands",
    "value": "projection.appraisal",
    "variables": "definitions",
    "variants": "sweep.expand",
    "verification": "report.assurance",
    "views": "explore.views",
    "voi": "decide.value_of_information",
    "word": "report.formats.word",
    "wordml": "report.formats.word",
    "words": "simulation.narrative",
    "workbook": "report.formats.excel",
    "world": "compiled.input_cache",
    "worthwhile": "plots.decision_charts",
}
RENAMED: dict[str, str] = {  # names that are not those of before, or lie in another module than the rest
    "advice.sentences": "decide.narrative.plan_sentences",
    "assurance_page.page": "report.formats.html_pages.assurance_page",
    "brief_page.page": "report.formats.html_pages.brief_page",
    "cells.ends": "report.formats.excel_sheets.interval_ends",
    "challenge.STEPS": "decide.robustness.PERTURBATIONS",
    "decided.TABLES": "report.data_dictionary.DECISION_TABLES",
    "decided.TITLES": "report.data_dictionary.DECISION_TITLES",
    "declared.key": "plots.fan_charts.break_key",
    "declared.of": "plots.fan_charts.breaks_of",
    "design.SEED_ROOM": "sweep.expand.SEED_ROOM",
    "design.n_scenarios": "sweep.expand.n_scenarios",
    "design.points": "sweep.expand.points",
    "dossiers.opened": "report.assemble.open_folder",
    "exports.csv": "report.formats.data_files.csv_text",
    "interventions.reach": "programme.laws.reach",
    "listed.KEPT": "sweep.expand.CELLS_KEPT",
    "live.View": "explore.session.Answer",
    "live.view": "explore.session.answer",
    "live_page.page": "explore.server.levers_page",
    "meanings.TABLES": "report.data_dictionary.RUN_TABLES",
    "meanings.TITLES": "report.data_dictionary.RUN_TITLES",
    "model.checked": "simulation.scenario_run.check_scenario",
    "model.code_hash": "simulation.run_manifest.code_hash",
    "model.identity": "simulation.run_manifest.identity",
    "model.known_until": "simulation.scenario_run.last_known_year",
    "model.manifest": "simulation.run_manifest.manifest",
    "model.question": "simulation.run_manifest.question",
    "model.verdict": "simulation.run_manifest.verdict",
    "monitoring.rows": "targets.settings.figure_rows",
    "movements.base_rate": "targets.attainable.movement_rate",
    "patterns.paid": "decide.spending_profiles.as_paid",
    "packs.write": "report.assemble.write_report",
    "picture_book.page": "report.formats.html_pages.pictures_page",
    "placed.rows": "targets.monitor.figure_rows",
    "pledges.sentences": "targets.narrative.target_sentences",
    "plotting.MADE": "report.formats.excel.DRAWN",
    "portfolio.reviewed": "programme.budget.reviewed_shares",
    "provenance.identity": "sweep.cases.identity_of",
    "reasons.behind": "projection.sustainability.rationale",
    "reliability.page": "report.formats.html_pages.backtest_page",
    "remarks.n_doubts": "sweep.findings.n_unverified",
    "remarks.unit": "sweep.findings.unit_of",
    "remarks.verdict": "sweep.findings.sweep_verdict",
    "review.review": "programme.budget.reviewed",
    "review.reviewed": "programme.budget.reviewed_shares",
    "risks.weight": "decide.optimiser.draw_weights",
    "sayings.figures": "report.folder_brief.figures_in",
    "sayings.lead": "report.folder_brief.lead_sentence",
    "sayings.where": "report.folder_brief.headline_place",
    "scenario_files.opened": "scenario.overrides.open_scenario_file",
    "scenario_files.text_of": "scenario.overrides.scenario_file_text",
    "scenario_files.words_of": "scenario.overrides.overrides_in_file",
    "tally.varied": "sweep.results.varied_columns",
    "tornado.COLUMNS": "sweep.tornado.COLUMNS",
    "tornado.FEWEST": "sweep.tornado.FEWEST",
    "tornado.HIGH": "sweep.tornado.HIGH",
    "tornado.LEVEL": "sweep.tornado.LEVEL",
    "tornado.LOW": "sweep.tornado.LOW",
    "tornado.TENTH": "sweep.tornado.TENTH",
    "tornado.draws_interval": "sweep.tornado.draws_interval",
    "tornado.span": "sweep.tornado.span",
    "tornado.table": "sweep.tornado.table",
    "trajectories.sentences": "targets.narrative.monitoring_sentences",
    "worthwhile.CLEAR": "decide.narrative.CLEAR",
    "worthwhile.sentences": "decide.narrative.information_sentences",
}


MERGED = {  # modules of 0.7 that are part of another one; they go in 0.9
    "compiled.spending_response": "compiled.gradient",
    "inputs.download_formats": "inputs.published_files",
    "programme.review": "programme.budget",
    "scenario.scenario_files": "scenario.overrides",
    "simulation.result_tables": "simulation.result",
    "sweep.executors": "sweep.blocks",
    "sweep.provenance": "sweep.cases",
    "targets.assimilation": "targets.monitor",
    "targets.base_rates": "targets.attainable",
    "targets.monitor_settings": "targets.settings",
    "targets.target_settings": "targets.settings",
}


def _warn(old: str, new: str, since: int = 7) -> None:
    import warnings

    said = f"{old} is {new} since oa_sim 0.{since}: write that, the old name goes in 0.{since + 1}"
    # the caller is as many levels up as there are frames of importlib, which Python leaves out of the count
    warnings.warn(said, DeprecationWarning, 3)


class _Finder:
    """Finds a module under its old name, and gives one that hands on what it held then."""

    def find_spec(self, fullname, path=None, target=None):
        package, _, old = fullname.partition(".")
        if package != "oa_sim" or old not in MOVED | MERGED:
            return None
        from importlib.util import spec_from_loader

        return spec_from_loader(fullname, self)

    def create_module(self, spec):
        old = spec.name.partition(".")[2]
        _warn(spec.name, f"oa_sim.{(MOVED | MERGED)[old]}", 8 if old in MERGED else 7)
        return None

    def exec_module(self, module):
        old = module.__name__.partition(".")[2]
        there = importlib.import_module(f"oa_sim.{(MOVED | MERGED)[old]}")

        def __getattr__(name: str) -> object:
            where, _, new = RENAMED.get(f"{old}.{name}", "").rpartition(".")
            return getattr(importlib.import_module(f"oa_sim.{where}"), new) if new else getattr(there, name)

        renamed = {name.partition(".")[2] for name in RENAMED if name.startswith(f"{old}.")}
        held = {name for name, value in vars(there).items() if not isinstance(value, type(sys))}
        module.__all__ = sorted(renamed | {name for name in held if not name.startswith("_")})
        module.__dir__ = lambda: sorted({*vars(module), *module.__all__})
        module.__doc__, module.__getattr__ = there.__doc__, __getattr__


def install() -> None:
    """Let the old names be imported."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.append(_Finder())


def exports(package: str, where: dict[str, str], *, formerly: str = "") -> abc.Callable[[str], object]:
    """Return the ``__getattr__`` of a package: its public functions and classes, each imported when first used.

    Parameters
    ----------
    package
        ``__name__`` of the package.
    where
        By public name, the module of the package that holds it.
    formerly
        The module (below ``oa_sim``) that bore the package's name until 0.6; its names are found here too, with a
        warning.
    """

    def __getattr__(name: str) -> object:
        if name in where:
            return getattr(importlib.import_module(f"{package}.{where[name]}"), name)
        if not name.startswith("_"):
            from importlib.util import find_spec

            if find_spec(f"{package}.{name}") is not None:
                return importlib.import_module(f"{package}.{name}")
            if formerly:
                value = getattr(importlib.import_module(f"oa_sim.{formerly}"), name, None)
                if value is not None:
                    _warn(f"{package}.{name}", f"oa_sim.{formerly}.{name}")
                    return value
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return __getattr__


def make_callable(package: str, module: str, name: str) -> None:
    """Let a package be called as the function that bore its name in ``oa_sim`` until 0.6.

    Parameters
    ----------
    package
        ``__name__`` of the package.
    module, name
        The module of the package that holds the function, and its name.
    """

    class Callable(type(sys)):
        def __call__(self, *args, **keys):
            _warn(package, f"{package}.{module}.{name}")
            return getattr(importlib.import_module(f"{package}.{module}"), name)(*args, **keys)

    sys.modules[package].__class__ = Callable
