"""Value of information: which uncertain number is worth a study, in the objective's unit and in pounds."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from oa_sim.decide import plan_evaluation, staged_decisions, voi_estimators
from oa_sim.decide.candidate_plans import Decisions, decisions
from oa_sim.decide.plan_evaluation import Judge
from oa_sim.decide.voi_estimators import Worth
from oa_sim.decide.voi_settings import Studying
from oa_sim.evidence import meta_analysis
from oa_sim.inference import posterior_files
from oa_sim.projection import variance_decomposition
from oa_sim.projection.ranking import first
from oa_sim.rng import stream
from oa_sim.scenario.schema import Scenario
from oa_sim.simulation import run_manifest

PERFECT = "perfect information"
LAST = 0.05  # of the best plan's money: what it brings is the price at the margin


@dataclass(frozen=True, eq=False)
class Information:
    """What information is worth to a choice among plans.

    Attributes
    ----------
    decisions
        A row for each plan: its worth, the chance that it is best, its regret.
    known
        A row for each block of parameters, for blocks added one to another, and for each effect: EVPPI with its
        standard error, as a share of EVPI, and in GBP.
    trials
        A row for each intervention and size of a trial: EVSI with its standard error, cost, and what is left, GBP.
    gates
        A row for each gate and signal; see ``staged_decisions.gates``.
    pound
        Units of the objective for a pound at the margin, by which others are turned into GBP; NaN where there is none.
    manifest
        What makes the numbers traceable.
    """

    decisions: pd.DataFrame
    known: pd.DataFrame
    trials: pd.DataFrame
    gates: pd.DataFrame
    pound: float
    manifest: dict

    def summary(self) -> pd.DataFrame:
        """Return what it is worth to know each block."""
        return self.known


def voi(scenario: Scenario, asked: Studying, say: Callable[[str], None] = lambda sentence: None) -> Information:
    """Return what information is worth.

    Parameters
    ----------
    scenario
        From ``load_scenario``; its split and portfolio do not matter.
    asked
        Objective, decisions and studies.
    say
        Called with a sentence at each stage.

    Raises
    ------
    Refusal
        For what cannot be asked.
    """
    say("evaluating every plan on every draw")
    judge = plan_evaluation.judge(scenario, asked.objective)
    found = decisions(judge, asked.voi)
    say("estimating the value of information")
    whole = voi_estimators.perfect(found.values)
    pound, average = pounds(judge, found)
    known = _known(judge, found, whole, pound)
    trials = _trials(judge, found, asked, pound)
    say("estimating the value of deciding in stages")
    stepwise = staged_decisions.gates(found, asked.voi.gate_years)
    more = {
        "evpi_bias": voi_estimators.bias(found.values),
        "units_a_pound_at_the_margin": _or_none(pound),
        "units_a_pound_on_average": _or_none(average),
        "gate_years_left_out": staged_decisions.left_out(asked.voi.gate_years, len(judge.years)),
    }
    return Information(_decisions(found), known, trials, stepwise, pound, _manifest(judge, asked) | more)


def pounds(judge: Judge, found: Decisions) -> tuple[float, float]:
    """Return what a pound of the best plan brings at the margin, and on average, in the objective's unit.

    Parameters
    ----------
    judge, found
        The plans and what judges them.

    Notes
    -----
    At the margin: what the last twentieth of its money brings, taken off every line alike. Lines saturate, so this is
    less than the average, and a pupil more costs more. NaN where it brings nothing.
    """
    if judge.objective.unit == "GBP":
        return 1.0, 1.0
    best = int(found.values.mean(axis=1).argmax())
    plan, brings = found.planned[best], float(found.values[best].mean())
    less = np.floor(plan * (1 - LAST))
    saved, lost = float((plan - less).sum()), brings - float(plan_evaluation.worth(judge, less).sum(axis=0).mean())
    average = brings / plan.sum() if plan.any() and brings > 0 else float("nan")
    return lost / saved if saved and lost > 0 else float("nan"), average


def _or_none(value: float) -> float | None:
    """Return a number as JSON takes it."""
    return value if np.isfinite(value) else None


def _decisions(found: Decisions) -> pd.DataFrame:
    """Return the plans side by side."""
    values = found.values
    regret = values.max(axis=0) - values
    table = pd.DataFrame({"plan": found.names, "mean": values.mean(axis=1), "sd": values.std(axis=1, ddof=1)})
    table["q05"], table["q95"] = np.quantile(values, [0.05, 0.95], axis=1)
    table["p_best"] = first(values)
    table["expected_regret"], table["worst_regret"] = regret.mean(axis=1), regret.max(axis=1)
    return table.assign(unit=found.judge.objective.unit, n_draws=values.shape[1])


def _known(judge, found: Decisions, whole: Worth, pound: float) -> pd.DataFrame:
    """Return what it is worth to know each block, blocks one after another, and each effect alone."""
    blocks = _blocks(judge, found)
    rows = [(PERFECT, "all", whole)]
    rows += [(name, "block", voi_estimators.partial(found.values, columns)) for name, columns in blocks.items()]
    so_far, names = [], []
    for name, columns in blocks.items():
        so_far, names = [*so_far, columns], [*names, name]
        worth = voi_estimators.partial(found.values, np.concatenate(so_far, axis=1))
        rows.append((" + ".join(names), "together", worth))
    for name, draws in effects(judge).items():
        rows.append((f"effect of {name}", "effect", voi_estimators.partial(found.values, draws[:, None])))
    table = pd.DataFrame([(name, kind, worth.value, worth.error) for name, kind, worth in rows])
    table.columns = ["known", "kind", "value", "error"]
    table["share_of_evpi"] = table.value / whole.value if whole.value > 0 else np.nan
    table["gbp"], table["gbp_error"] = table.value / pound, table.error / pound
    return table.assign(unit=judge.objective.unit, n_draws=found.values.shape[1])


def _blocks(judge, found: Decisions) -> dict[str, np.ndarray]:
    """Return the parameters of each block (draw, column), of all interventions that any plan funds."""
    some = found.planned.max(axis=0)
    money = plan_evaluation.money_of(plan_evaluation.richer(judge, some), some)
    return {
        name: columns[judge.which]
        for name, columns in variance_decomposition.blocks(judge.programme.drawn, money).items()
    }


def effects(judge) -> dict[str, np.ndarray]:
    """Return the effect of each type of intervention (draw), SD, by its study type."""
    drawn, found = judge.programme.drawn.effect, {}
    for name, about in judge.scenario.interventions.items():
        if about.study_type not in found:
            values = drawn.sel(intervention=name).transpose("chain", "draw").values.ravel()
            found[about.study_type] = values[judge.which]
    return found


def _trials(judge, found: Decisions, asked: Studying, pound: float) -> pd.DataFrame:
    """Return what a trial of each effect is worth, by its size."""
    about, rows = asked.voi, []
    widened = voi_estimators.design_effect(about.cluster, about.correlation)
    for name, draws in effects(judge).items():
        for n in about.trial_pupils:
            error = voi_estimators.standard_error(n, widened)
            rng = stream(judge.scenario.seed, "trial", name)  # of one noise, so that sizes can be compared
            worth = voi_estimators.sample(found.values, draws, error, rng)
            cost = about.trial_fixed_gbp + about.trial_gbp_per_pupil * n
            row = {
                "trial_of": name,
                "pupils": n,
                "standard_error_sd": error,
                "value": worth.value,
                "error": worth.error,
            }
            rows.append(row | {"gbp": worth.value / pound, "cost_gbp": cost, "net_gbp": worth.value / pound - cost})
    columns = ["trial_of", "pupils", "standard_error_sd", "value", "error", "gbp", "cost_gbp", "net_gbp"]
    return pd.DataFrame(rows, columns=columns).assign(unit=judge.objective.unit)


def _manifest(judge: Judge, asked: Studying) -> dict:
    """Return what makes the numbers traceable."""
    scenario, known = judge.scenario, judge.known
    studied = meta_analysis.posterior(known.tables, scenario.evidence)
    made_from = {
        "asked": asdict(asked),
        "synthesis": posterior_files.checksum(studied),
        "n_draws": len(judge.which),
    }
    gates = run_manifest.verdict(scenario, known.posterior, studied)
    return run_manifest.manifest(scenario, known.tables, known.posterior, gates, made_from)
