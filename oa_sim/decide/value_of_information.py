"""Value of information: what ``oa-sim voi`` is told, and which uncertain number is worth a study."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from oa_sim.decide import plan_evaluation, staged_decisions, voi_estimators
from oa_sim.decide.objective import Objective
from oa_sim.decide.plan_evaluation import Judge, NamedPlans
from oa_sim.decide.voi_estimators import Worth
from oa_sim.errors import Refusal
from oa_sim.projection import variance_decomposition
from oa_sim.projection.ranking import first
from oa_sim.rng import stream
from oa_sim.scenario.rules import NAMES, Checked, requested, spelled
from oa_sim.scenario.schema import SPLITS, Scenario

PERFECT = "perfect information"
LAST = 0.05  # of the best plan's money: what it brings is the price at the margin
MOST_PUPILS = 10_000_000  # of a trial


@dataclass
class Voi(Checked):
    """Which decisions there are, every split with every portfolio and plans from files, and which studies."""

    key = "voi"
    splits: list[str] = requested(
        "Ways of splitting the money", NAMES, choices=tuple(name for name in SPLITS if name != "custom"), default=list
    )
    portfolios: list[str] = requested("Portfolios", NAMES, default=list)
    plans: list[str] = requested("Files of plans, as oa-sim optimise writes them", "files", default=list)
    trial_pupils: list[int] = requested("Sizes of a trial", "pupils", default=list)
    cluster: float = requested("Pupils of a school in a trial", "pupils", 1, 1000, 25.0)
    correlation: float = requested("Correlation between pupils of one school", "share", 0, 1, 0.15)
    trial_fixed_gbp: float = requested("Cost of a trial, whatever its size", "£", 0, 1e9, 200_000.0)
    trial_gbp_per_pupil: float = requested("Cost of a trial for each pupil in it", "£ per pupil", 0, 1e6, 30.0)
    gate_years: list[int] = requested("After how many years the rest is decided anew", "years", 1, 50, list)

    def _check_together(self) -> None:
        for pupils in self.trial_pupils:
            if not 2 * self.cluster <= pupils <= MOST_PUPILS:
                raise self.wrong(
                    "trial_pupils",
                    f" must have a school or more in each of two arms, {spelled(2 * self.cluster)} to "
                    f"{spelled(MOST_PUPILS)} pupils, got {spelled(pupils)}: choose a number in that range",
                )
        if len(self.splits) * len(self.portfolios) + len(self.plans) < 2:
            raise Refusal("a decision needs two plans or more, got fewer: name more of voi.splits or voi.portfolios")


@dataclass
class Studying:
    """What ``oa-sim voi`` is told beside its scenario."""

    objective: Objective = field(default_factory=Objective)
    voi: Voi = field(default_factory=lambda: Voi(splits=["equal", "per_pupil"], portfolios=["balanced"]))

    def __post_init__(self) -> None:
        if self.objective.risk != "mean":
            raise Refusal(
                f"information is worth what it adds to the mean, got objective.risk={self.objective.risk}: write "
                "objective.risk=mean"
            )


@dataclass(frozen=True, eq=False)
class Information:
    """What information is worth to a choice among plans."""

    decisions: pd.DataFrame  #: a row for each plan: its worth, the chance that it is best, its regret
    #: a row for each block, for blocks added up, and for each effect: EVPPI with its standard error, in GBP too
    known: pd.DataFrame
    #: a row for each effect and size of a trial: EVSI with its standard error, cost, and what is left, GBP
    trials: pd.DataFrame
    gates: pd.DataFrame  #: a row for each gate and signal; see ``staged_decisions.gates``
    pound: float  #: units of the objective for a pound at the margin; NaN where there is none
    manifest: dict[str, Any]  #: what makes the numbers traceable

    def summary(self) -> pd.DataFrame:
        """Return what it is worth to know each block."""
        return self.known


def voi(scenario: Scenario, request: Studying, say: Callable[[str], None] = lambda sentence: None) -> Information:
    """Return what information is worth.

    Parameters
    ----------
    scenario
        From ``load_scenario``; its split and portfolio do not matter.
    request
        Objective, decisions and studies.
    say
        Called with a sentence at each stage.

    Raises
    ------
    Refusal
        For what cannot be asked.
    """
    say("evaluating every plan on every draw")
    judge = plan_evaluation.judge(scenario, request.objective)
    plans = plan_evaluation.named_plans(judge, request.voi.splits, request.voi.portfolios, request.voi.plans)
    say("estimating the value of information")
    whole = voi_estimators.perfect(plans.values)
    pound, average = pounds(judge, plans)
    blocks = _known(judge, plans, whole, pound)
    trials = _trials(judge, plans, request.voi, pound)
    say("estimating the value of deciding in stages")
    stepwise = staged_decisions.gates(plans, request.voi.gate_years)
    more = {
        "evpi_bias": voi_estimators.bias(plans.values),
        "units_a_pound_at_the_margin": pound if np.isfinite(pound) else None,  # as JSON takes it
        "units_a_pound_on_average": average if np.isfinite(average) else None,
        "gate_years_left_out": staged_decisions.left_out(request.voi.gate_years, len(judge.years)),
    }
    made_from = {"asked": asdict(request), "n_draws": len(judge.which)}
    manifest = plan_evaluation.manifest(judge, made_from) | more
    return Information(_decisions(plans), blocks, trials, stepwise, pound, manifest)


def pounds(judge: Judge, plans: NamedPlans) -> tuple[float, float]:
    """Return what a pound of the best plan brings at the margin, and on average, in the objective's unit.

    At the margin: what the last twentieth of its money brings, taken off every line alike. Lines saturate, so this is
    less than the average, and a pupil more costs more. NaN where it brings nothing.
    """
    if judge.objective.unit == "GBP":
        return 1.0, 1.0
    best = int(np.argmax(plans.values.mean(axis=1)))
    plan, brings = plans.planned[best], float(plans.values[best].mean())
    less = np.floor(plan * (1 - LAST))
    saved, lost = float((plan - less).sum()), brings - float(plan_evaluation.worth(judge, less).sum(axis=0).mean())
    average = brings / plan.sum() if plan.any() and brings > 0 else float("nan")
    return lost / saved if saved and lost > 0 else float("nan"), average


def _decisions(plans: NamedPlans) -> pd.DataFrame:
    """Return the plans side by side."""
    values = plans.values
    regret = values.max(axis=0) - values
    table = pd.DataFrame({"plan": plans.names, "mean": values.mean(axis=1), "sd": values.std(axis=1, ddof=1)})
    table["q05"], table["q95"] = np.quantile(values, [0.05, 0.95], axis=1)
    table["p_best"] = first(values)
    table["expected_regret"], table["worst_regret"] = regret.mean(axis=1), regret.max(axis=1)
    return table.assign(unit=plans.judge.objective.unit, n_draws=values.shape[1])


def _known(judge: Judge, plans: NamedPlans, whole: Worth, pound: float) -> pd.DataFrame:
    """Return what it is worth to know each block, blocks one after another, and each effect alone."""
    blocks = _blocks(judge, plans)
    rows = [(PERFECT, "all", whole)]
    rows += [(name, "block", voi_estimators.partial(plans.values, columns)) for name, columns in blocks.items()]
    for n in range(1, len(blocks) + 1):
        so_far = np.concatenate(list(blocks.values())[:n], axis=1)
        rows.append((" + ".join(list(blocks)[:n]), "together", voi_estimators.partial(plans.values, so_far)))
    for name, draws in effects(judge).items():
        rows.append((f"effect of {name}", "effect", voi_estimators.partial(plans.values, draws[:, None])))
    table = pd.DataFrame([(name, kind, worth.value, worth.error) for name, kind, worth in rows])
    table.columns = ["known", "kind", "value", "error"]
    table["share_of_evpi"] = table.value / whole.value if whole.value > 0 else np.nan
    table["gbp"], table["gbp_error"] = table.value / pound, table.error / pound
    return table.assign(unit=judge.objective.unit, n_draws=plans.values.shape[1])


def _blocks(judge: Judge, plans: NamedPlans) -> dict[str, np.ndarray]:
    """Return the parameters of each block (draw, column), of all interventions that any plan funds."""
    some = plans.planned.max(axis=0)
    money = plan_evaluation.money_of(plan_evaluation.richer(judge, some), some)
    return {
        name: columns[judge.which]
        for name, columns in variance_decomposition.blocks(judge.programme.drawn, money).items()
    }


def effects(judge: Judge) -> dict[str, np.ndarray]:
    """Return the effect of each type of intervention (draw), SD per year, by its study type."""
    drawn, by_type = judge.programme.drawn.effect, dict[str, np.ndarray]()
    for name, intervention in judge.scenario.interventions.items():
        if intervention.study_type not in by_type:
            values = drawn.sel(intervention=name).transpose("chain", "draw").values.ravel()
            by_type[intervention.study_type] = values[judge.which]
    return by_type


def _trials(judge: Judge, plans: NamedPlans, settings: Voi, pound: float) -> pd.DataFrame:
    """Return what a trial of each effect is worth, by its size."""
    rows = []
    widened = voi_estimators.design_effect(settings.cluster, settings.correlation)
    for name, draws in effects(judge).items():
        for n in settings.trial_pupils:
            error = voi_estimators.standard_error(n, widened)
            rng = stream(judge.scenario.seed, "trial", name)  # of one noise, so that sizes can be compared
            worth = voi_estimators.sample(plans.values, draws, error, rng)
            cost = settings.trial_fixed_gbp + settings.trial_gbp_per_pupil * n
            gbp = worth.value / pound
            rows.append((name, n, error, worth.value, worth.error, gbp, cost, gbp - cost))
    columns = ["trial_of", "pupils", "standard_error_sd", "value", "error", "gbp", "cost_gbp", "net_gbp"]
    return pd.DataFrame(rows, columns=columns).assign(unit=judge.objective.unit)
