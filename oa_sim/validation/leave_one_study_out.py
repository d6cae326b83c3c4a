"""Leave one study out: what each study adds, to the effect of its type and to the headline, found by leaving it out.

The draws are weighed anew by ``1 / p(y_j | theta)``, the share kept summed out; where the largest weights cannot be
trusted (Pareto k of 0.7 or more), the other studies are read again and the scenario is run again without it. Means
are then as by reading again; the SD of a type that loses its only study can come out up to a sixth too low, since the
draws that its study held back hardly reach the family's tails.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from oa_sim.definitions import MEASURES, percent
from oa_sim.evidence import meta_analysis
from oa_sim.evidence import studies as study_evidence
from oa_sim.evidence.studies import FAMILY, Study
from oa_sim.formatting import estimate, number
from oa_sim.inference import importance_sampling
from oa_sim.inputs import tables
from oa_sim.scenario.schema import Scenario
from oa_sim.simulation import narrative, summaries
from oa_sim.simulation.result import Result
from oa_sim.simulation.scenario_run import run

ENDS = (0.05, 0.95)
AS_PUBLISHED = ("study_type", "design", "status", "standard_error_basis", "source", "effect", "effect_unit")
COLUMNS = (
    *("scenario", "study", *AS_PUBLISHED, "effect_sd", "standard_error_sd", "kept_prior", "kept"),
    *("at_scale", "at_scale_sd", "weight_in_type", "family_mean", "family_sd", "mean", "sd"),
    *("without_mean", "without_sd", "moved_sd", "moved_error", "pareto_k", "method", "speaks_for"),
    *("headline", "headline_q05", "headline_q95", "headline_without", "headline_without_q05", "headline_without_q95"),
    *("headline_moved", "headline_moved_error", "proxy", "n_draws", "verdict"),
)
HEADLINE_COLUMNS = (
    *("scenario", "study", "measure", "group", "year", "unit", "mean", "q05", "q95", "without_mean", "without_q05"),
    *("without_q95", "moved", "moved_error", "pareto_k", "method", "proxy", "verdict", "n_draws"),
)


@dataclass(frozen=True, eq=False)
class Ledger:
    """What each study adds.

    Attributes
    ----------
    table
        A row for each study: as published, as read, at scale, what its type is expected to do with and without it
        (SD per fully served pupil), and the headline of the scenario with and without it (unit of its measure).
    headlines
        A row for each study, measure and group: the mean over areas of the impact in the headline's year.
    result
        The scenario with every study.
    studied
        What the studies say, from ``meta_analysis.posterior``.
    file_name
        The name under which the package or the cache would hold it.
    """

    table: pd.DataFrame
    headlines: pd.DataFrame
    result: Result
    studied: xr.Dataset
    file_name: str

    @property
    def verdict(self) -> str:
        """PASS where the run and every reading of the studies passed, FAIL otherwise."""
        failed = self.result.manifest["gates"]["verdict"] != "PASS" or (self.table.verdict != "PASS").any()
        return "FAIL" if failed else "PASS"


def evidence_ledger(
    scenario: Scenario, *, posterior: xr.Dataset | None = None, say: Callable[[str], None] | None = None
) -> Ledger:
    """Return what each study adds to a scenario.

    Parameters
    ----------
    scenario
        From ``load_scenario``.
    posterior
        Draws of the baseline's hyperparameters to use instead of the learned ones.
    say
        Called with a sentence at each stage.

    Raises
    ------
    Refusal
        As of ``run``.
    """
    say = say or (lambda sentence: None)
    result = run(scenario, posterior=posterior, say=say)
    if posterior is None:
        posterior = result.posterior.assign_attrs(gates=json.dumps(result.manifest["gates"]))
    input_tables = tables.read_all(scenario.data_folder)
    studies = study_evidence.studies(input_tables, scenario.evidence)
    studied = meta_analysis.posterior(input_tables, scenario.evidence, say)
    behind = _behind(result, meta_analysis.draws(scenario, input_tables, *result.outside.weight.shape))
    by_type, by_headline = [], []
    for study in studies:
        say(f"leaving out {study.name}")
        effect = studied.theta.sel(study_type=study.study_type).values.ravel()
        weight, k = importance_sampling.weigh(-study.log_likelihood(effect))
        effect_without, again = effect, None
        if k >= importance_sampling.LARGEST_K:
            left_out = [*scenario.evidence.without, study.name]
            without = replace(scenario, evidence=replace(scenario.evidence, without=left_out))
            rest = meta_analysis.posterior(input_tables, without.evidence, say)
            effect_without = rest.theta.sel(study_type=study.study_type).values.ravel()
            again = run(without, posterior=posterior, say=say)
        labels = {"study": study.name, "scenario": result.label, "pareto_k": k}
        labels["method"] = "reweighted" if again is None else "refitted"
        labels["verdict"] = (again or result).manifest["gates"]["verdict"]
        moved = _moved(effect, effect_without, weight)
        by_type.append({**labels, **moved, "moved_sd": moved["moved"], **_as_read(study, studies, studied)})
        by_headline += [{**labels, **row} for row in _headlines(result, again, weight[behind])]
    headlines = pd.DataFrame(by_headline)[list(HEADLINE_COLUMNS)]
    table = _with_headline(pd.DataFrame(by_type), headlines, result).merge(
        _published(input_tables, scenario), on="study"
    )
    return Ledger(
        table[list(COLUMNS)],
        headlines,
        result,
        studied,
        meta_analysis.file_name(studies, study_evidence.study_types(input_tables), scenario.evidence),
    )


def _behind(result: Result, drawn: xr.Dataset) -> np.ndarray:
    """Return which of the draws that are held of the studies stands behind each draw of a result (draw)."""
    behind: np.ndarray = drawn.taken.values.ravel()
    return behind[result.outside.taken.values.ravel()] if result.outside.attrs["is_on"] else behind


def _as_read(study: Study, studies: list[Study], studied: xr.Dataset) -> dict[str, float]:
    """Return a study in SD, at scale, its weight among those of its type, and the family that it is shrunk to."""
    at_scale, sd = study.at_scale()
    own_type = [other.at_scale()[1] ** -2 for other in studies if other.study_type == study.study_type]
    spread = np.sqrt(studied.mu.var() + (studied.tau**2).mean())
    return {
        "effect_sd": study.effect,
        "standard_error_sd": study.error,
        "kept_prior": study.kept[0],
        "kept": float(studied.kept.sel(study=study.name).mean()),
        "at_scale": at_scale,
        "at_scale_sd": sd,
        "weight_in_type": sd**-2 / sum(own_type),
        "family_mean": float(studied.mu.mean()),
        "family_sd": float(spread),
    }


def _published(input_tables: tables.Tables, scenario: Scenario) -> pd.DataFrame:
    """Return the studies as their table has them, with the interventions of the scenario that each speaks for."""
    columns = pd.DataFrame(input_tables["studies"])[["study", *AS_PUBLISHED]]
    interventions = scenario.interventions.items()
    speaks = [
        "; ".join(name for name, intervention in interventions if intervention.study_type == study_type)
        for study_type in columns.study_type
    ]
    return columns.assign(speaks_for=speaks)


def _headlines(result: Result, again: Result | None, weight: np.ndarray) -> list[dict[str, object]]:
    """Return the mean over areas of each measure's impact in the headline's year, with a study and without it."""
    weight, year, rows = weight / weight.sum(), summaries.headline_year(result), []
    for measure in result.draws.measure.values.tolist():
        for group in [name for name in MEASURES[measure].table_groups if name != "other"]:
            impact = _mean_over_areas(result, measure, group, year)
            without = impact if again is None else _mean_over_areas(again, measure, group, year)
            labels = {"measure": measure, "group": group, "year": year, "unit": MEASURES[measure].unit}
            is_proxy = bool(result.draws.proxy.sel(measure=measure, group=group).any())
            moved = _moved(impact, without, weight)
            rows.append({**labels, **moved, "proxy": is_proxy, "n_draws": result.n_draws})
    return rows


def _mean_over_areas(result: Result, measure: str, group: str, year: int) -> np.ndarray:
    impact = result.draws.impact.sel(measure=measure, group=group, year=year)
    mean: np.ndarray = impact.mean("area", dtype=float).values.ravel()
    return mean


def _moved(held: np.ndarray, without: np.ndarray, weight: np.ndarray) -> dict[str, float]:
    """Return mean, SD and interval of draws with a study and without it, and how far the mean moves.

    Those without it are the same draws, which ``weight`` reweights, or others.
    """
    even = np.full(held.size, 1 / held.size)
    used = weight if without is held else even
    before, after = (
        dict(zip(("mean", "sd", "q05", "q95"), _described(*draws), strict=True))
        for draws in ((held, even), (without, used))
    )
    moved = {"moved": before["mean"] - after["mean"], "moved_error": _error(held, even, without, used)}
    return before | {f"without_{name}": value for name, value in after.items()} | moved


def _described(values: np.ndarray, weight: np.ndarray) -> tuple[float, float, float, float]:
    """Return mean, SD and interval of weighted draws."""
    mean = float(weight @ values)
    low, high = importance_sampling.quantiles(values, weight, ENDS)
    return mean, float(np.sqrt(weight @ (values - mean) ** 2)), float(low), float(high)


def _error(first: np.ndarray, first_weight: np.ndarray, second: np.ndarray, second_weight: np.ndarray) -> float:
    """Return the Monte Carlo standard error of the difference of two weighted means, of the same draws or of others."""
    if first is second:
        return float(np.sqrt((((first_weight - second_weight) * (first - second_weight @ first)) ** 2).sum()))
    parts = (
        ((weight * (values - weight @ values)) ** 2).sum()
        for values, weight in ((first, first_weight), (second, second_weight))
    )
    return float(np.sqrt(sum(parts)))


def _with_headline(table: pd.DataFrame, headlines: pd.DataFrame, result: Result) -> pd.DataFrame:
    """Return the table with the scenario's one headline beside each study."""
    measure, group = summaries.headline_measure(result)
    rows = headlines[(headlines.measure == measure) & (headlines.group == group)]
    renamed = {"mean": "headline", "q05": "headline_q05", "q95": "headline_q95", "moved": "headline_moved"}
    renamed |= {f"without_{name}": f"headline_without_{name}" for name in ("q05", "q95")}
    renamed |= {"without_mean": "headline_without", "moved_error": "headline_moved_error"}
    return table.merge(rows[["study", "proxy", "n_draws", *renamed]].rename(columns=renamed), on="study")


def sentences(ledger: Ledger) -> list[str]:
    """Return which studies move the headline most, what it is without them, and how they were left out."""
    table = ledger.table
    n_refitted = int((table.method == "refitted").sum())
    method = (
        f"{len(table) - n_refitted} of {len(table)} studies were left out by reweighting the draws (Pareto k\u0302 "
        f"below {number(importance_sampling.LARGEST_K, 1)}) and {n_refitted} by fitting the meta-analysis again."
    )
    if not table.headline.abs().max() > summaries.SMALLEST_CHANGE:
        return ["No study moves the headline, since its impact is zero.", method]
    subject, unit = narrative.subject(ledger.result)
    by_size = table.reindex(table.headline_moved.abs().sort_values(ascending=False).index)
    first, *others = by_size.head(3).itertuples()
    sentences = [
        f"The study with the largest influence on {subject} is {_name(first)}: without it the mean is "
        f"{_mean(first, 'headline_without', unit)} instead of {_mean(first, 'headline', unit)}, {_share(first)} of it.",
        *(
            f"Without {_name(row)} the mean is {_mean(row, 'headline_without', unit)}, {_share(row)} of it."
            for row in others
        ),
    ]
    n_family = int(((table.speaks_for == "") & (table.study_type != FAMILY)).sum())
    if n_family:
        sentences.append(
            f"{n_family} studies inform no intervention of this scenario directly, only the mean of all trials."
        )
    return [*sentences, method]


def _name(row: Any) -> str:
    mark = f" (marked '{study_evidence.DOUBTED}')" if row.status == study_evidence.DOUBTED else ""
    return f"{row.study!r}{mark}"


def _mean(row: Any, column: str, unit: str) -> str:
    ends = (getattr(row, name) for name in (column, f"{column}_q05", f"{column}_q95"))
    return estimate(*ends, unit=unit)


def _share(row: Any) -> str:
    return percent(row.headline_without / row.headline)
