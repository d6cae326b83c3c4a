"""Robustness: how much better the best plan is, how sure that is, and how far one may depart from it.

It is compared with simple rules on draws that had no part in finding it, and with other plans tried at random on the
draws on which it was found.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from oa_sim.decide import constraints, plan_evaluation
from oa_sim.decide.objective import STANDARDS, Objective
from oa_sim.decide.optimiser import Optimum
from oa_sim.decide.plan_evaluation import Judge
from oa_sim.errors import Refusal
from oa_sim.programme import budget
from oa_sim.projection import ranking
from oa_sim.projection.appraisal import described
from oa_sim.rng import stream
from oa_sim.scenario.schema import Split

BEST = "best plan"
SPLITS = ("equal", "per_pupil", "per_disadvantaged_pupil", "as_paid")  # from the simplest to the least simple
OWN, MIX = "own portfolio", "best mix"
N_PLANS = 60
PERTURBATIONS = (0.02, 0.1, 0.3)  # of the money that a challenger has otherwise
SMALL_LOSS = 0.01  # of the best: what "as good" means here
VIEWS = {  # what is ranked by each, beside what was asked for
    "plain": Objective(),
    "distribution-weighted": Objective(weighting="distribution"),
    "gap-closing": Objective(of="gap_closed"),
}
STEPS = 9  # of a bisection: the edge of a flat region is found to a five-hundredth
LEAST, MOST = 0.0, 3.0  # times its money, how far an area's or an intervention's is moved
MOST_FLIPS = 30  # parameters that are told for two plans, those that matter most
FACTORS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)  # of an intervention's money, for its response
PARAMETERS = {  # titles of those whose key does not say what they are
    "lag": "years before delivery",
    "first_year": "share of the effect left after a year",
    "later": "share of the effect kept in each later year",
    "floor": "share of the effect that never fades",
    "survives": "share of activity that outlives funding",
    "survives_later": "share of activity kept in each later year",
    "spill": "activity taken up by a twin area",
    "happens": "occurrence",
    "kept": "share of the effect kept at scale",
}


@dataclass(frozen=True, eq=False)
class Candidate:
    """A plan among those that are compared."""

    name: str  # of the split, and of what is bought
    split: str  # the rule
    buys: str  # ``OWN``: the scenario's portfolio; ``MIX``: what the best plan buys, the same everywhere; or ``BEST``
    judge: Judge  # whose scenario has the rule's split
    # (area, intervention, funded year): whole GBP / year; None: as the scenario shares the money
    planned: np.ndarray | None

    def by_draw(self) -> np.ndarray:
        """Return what it is worth by area and draw (area, draw)."""
        return plan_evaluation.worth(self.judge, self.planned)


def candidates(judge: Judge, best: np.ndarray) -> tuple[list[Candidate], list[str]]:
    """Return the best plan (whole GBP / year) and the simple ones, and a sentence for each rule that cannot be used."""
    plans, skipped = [Candidate(BEST, BEST, BEST, judge, best)], []
    has_portfolio = bool(judge.scenario.portfolio.shares) or judge.scenario.portfolio.rule != "shares"
    for rule in SPLITS:
        words = plan_evaluation.split_in_words(rule)
        scenario = replace(judge.scenario, split=Split(rule), budget=replace(judge.scenario.budget, plan=None))
        own = replace(judge, scenario=scenario)
        try:
            weights = _weights(own)
        except Refusal as refusal:
            skipped.append(f"the rule {words} is left out: {refusal}")
            continue
        if has_portfolio:
            plans.append(Candidate(f"{words}, {OWN}", rule, OWN, own, None))
        if len(weights) > 1:  # of one area alone it would be the plan itself
            plans.append(Candidate(f"{words}, {MIX}", rule, MIX, own, _mixed(weights, best)))
        elif plans[1:]:
            break  # and all rules are one
    return plans, skipped


def _weights(judge: Judge) -> np.ndarray:
    """Return each area's share of each funded year's money by the scenario's rule (area, funded year)."""
    rule = budget.SPLIT_RULES[judge.scenario.split.rule]
    rolls = judge.known.pupils.rolls.sel(area=judge.scenario.areas.names)
    programme = judge.known.tables["programme"]
    each = [rule(judge.scenario, rolls, programme, t) for t in range(len(judge.years))]
    return (np.array(each) / np.sum(each, axis=1, keepdims=True)).T


def _mixed(weights: np.ndarray, best: np.ndarray) -> np.ndarray:
    """Return what the best plan buys in all areas together, in each area by its weight, in whole pounds."""
    out = np.zeros_like(best)
    for k, t in np.ndindex(best.shape[1:]):
        pounds = round(best[:, k, t].sum())
        if pounds:
            out[:, k, t] = budget.whole_pounds(pounds, weights[:, t].tolist())
    return out


@dataclass(frozen=True, eq=False)
class Challenge:
    """How other plans did."""

    n: int  # plans that keep the constraints and were tried
    best: float  # what the best of them is worth, in the objective's unit; NaN where none was tried
    n_better: int  # worth more than the plan
    n_past_bound: int  # worth more than its bound


def challenge(optimum: Optimum, smallest: float, most_priorities: int | None, seed: int) -> Challenge:
    """Return how other plans do by the whole law, on the draws on which the plan was found.

    A challenger moves part of each year's money to lines at random, from one area or intervention to another, or from
    one line to another; those that break a constraint are left out. ``smallest`` and ``most_priorities`` are the
    constraints that are not in pounds.
    """
    rng, floors = stream(seed, "challengers"), plan_evaluation.floors_of(optimum.judge)
    worth = []
    for i in range(N_PLANS):
        planned = _challenger(optimum.planned, PERTURBATIONS[i % len(PERTURBATIONS)], i // len(PERTURBATIONS) % 4, rng)
        if constraints.is_kept(optimum.rows, planned) and _is_viable(planned, smallest, most_priorities):
            by_draw = plan_evaluation.worth(optimum.judge, planned)
            worth.append(plan_evaluation.risked(optimum.judge.objective, by_draw, floors))
    values = np.array(worth)
    bound = np.inf if optimum.upper_bound is None else optimum.upper_bound
    best = float(values.max()) if len(values) else float("nan")
    return Challenge(len(values), best, int((values > optimum.value).sum()), int((values > bound).sum()))


def _challenger(planned: np.ndarray, step: float, kind: int, rng: np.random.Generator) -> np.ndarray:
    """Return a plan that has part of its money elsewhere, whole GBP."""
    n_areas, n_all, _ = planned.shape
    has = planned.sum(axis=(0, 1))
    if kind == 0:
        part = rng.exponential(size=(n_areas, n_all, 1)) ** 2
        other = part / part.sum() * has
    else:
        other = planned * rng.exponential(size=((n_areas, 1, 1), (1, n_all, 1), (n_areas, n_all, 1))[kind - 1])
        total = other.sum(axis=(0, 1))
        other = other * np.where(total > 0, has / np.where(total > 0, total, 1.0), 0.0)
    return np.asarray(np.floor((1 - step) * planned + step * other))


def _is_viable(planned: np.ndarray, smallest: float, most_priorities: int | None) -> bool:
    most = int(np.max((planned.sum(axis=2) > 0).sum(axis=1)))
    return bool((planned[planned > 0] >= smallest).all()) and (most_priorities is None or most <= most_priorities)


@dataclass(frozen=True, eq=False)
class Sheet:
    """How stable a decision is: tables, and what was left out and why.

    ``optimism`` is by how much the plan's gain over the best simple rule is larger on the draws on which it was found,
    in the objective's unit.
    """

    # a row for each plan: worth, by how much the best is better, how often it is the best, regret
    candidates: pd.DataFrame
    views: pd.DataFrame  # a row for each view and plan: worth, place; ``alarm`` where the first is not the same in all
    flat: pd.DataFrame  # a row for each area and intervention: how far its money may move until ``SMALL_LOSS`` is lost
    prices: pd.DataFrame  # a row for each constraint in pounds: what one more million would bring
    flips: pd.DataFrame  # a row for each parameter: at which value the ranking of two plans would turn
    response: pd.DataFrame  # a row for each intervention and part of its money: what that brings
    notes: list[str]
    optimism: float

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables by name."""
        return {name: getattr(self, name) for name in ("candidates", "views", "flat", "prices", "flips", "response")}


def sheet(
    optimum: Optimum, judge: Judge, say: Callable[[str], None] = lambda sentence: None, *, quick: bool = False
) -> Sheet:
    """Return how stable a decision is, by the same question on draws that had no part in finding the plan.

    ``quick`` leaves out the flat region and the responses, which take the longest.
    """
    say("comparing the plan with simple rules on held-out draws")
    plans, notes = candidates(judge, optimum.planned)
    floors = plan_evaluation.floors_of(judge)
    by_area = {plan.name: plan.by_draw() for plan in plans}
    draws = np.stack([each.sum(axis=0) for each in by_area.values()])
    risked = [plan_evaluation.risked(judge.objective, each, floors) for each in by_area.values()]
    compared = _compared(plans, draws, risked)
    say("ranking them by three welfare weightings")
    views = _views(plans)
    say("finding the near-optimal region")
    flat = pd.DataFrame() if quick else _flat(optimum.planned, judge, risked[0])
    response = pd.DataFrame() if quick else _response(optimum.planned, judge)
    flips = _flips(judge, plans, draws)
    optimism = _optimism(optimum, plans, risked)
    return Sheet(compared, views, flat, _prices(optimum), flips, response, notes, optimism)


def _optimism(optimum: Optimum, plans: list[Candidate], risked: list[float]) -> float:
    """Return by how much the gain over the best simple rule is larger on the draws on which the plan was found."""
    if len(plans) < 2:
        return float("nan")
    rival = 1 + int(np.argmax(risked[1:]))
    rival_judge = replace(optimum.judge, scenario=plans[rival].judge.scenario)
    worth = plan_evaluation.worth(rival_judge, plans[rival].planned)
    before = optimum.value - plan_evaluation.risked(
        optimum.judge.objective, worth, plan_evaluation.floors_of(optimum.judge)
    )
    return before - (risked[0] - risked[rival])


def _compared(plans: list[Candidate], draws: np.ndarray, risked: list[float]) -> pd.DataFrame:
    """Return the plans side by side."""
    best = draws.max(axis=0)
    gain, regret = draws[0] - draws, best - draws
    table = pd.DataFrame({"plan": [plan.name for plan in plans]})
    table["split"], table["buys"] = [plan.split for plan in plans], [plan.buys for plan in plans]
    table["value"] = risked
    for name, values in described(draws).items():
        table[name] = values
    table["gain_of_best_mean"] = gain.mean(axis=1)
    table["gain_of_best_se"] = gain.std(axis=1, ddof=1) / np.sqrt(gain.shape[1])
    for name in ("q05", "q95"):
        table[f"gain_of_best_{name}"] = described(gain)[name]
    table["p_best"] = ranking.first(draws)
    table["p_worse_than_best_plan"] = (gain > 0).mean(axis=1)
    table["expected_regret"], table["worst_regret"] = regret.mean(axis=1), regret.max(axis=1)
    table["loses"] = 1 - np.array(risked) / risked[0] if risked[0] else np.nan
    return table.assign(n_draws=draws.shape[1])


def _views(plans: list[Candidate]) -> pd.DataFrame:
    """Return the plans ranked in three views, and whether these disagree on the first."""
    rows = []
    judge = plans[0].judge
    views = VIEWS if set(judge.scenario.measures) & set(STANDARDS) else {}
    for view, objective in views.items():
        view_judge = plan_evaluation.judge(judge.scenario, objective, judge.which)
        worth = [
            plan_evaluation.worth(replace(view_judge, scenario=plan.judge.scenario), plan.planned).sum(axis=0).mean()
            for plan in plans
        ]
        places = ranking.places(np.array(worth)[:, None])[:, 0]
        rows.append(pd.DataFrame({"view": view, "plan": [p.name for p in plans], "mean": worth, "place": places}))
    table = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=["view", "plan", "mean", "place"])
    simple = table[table.plan != BEST]
    firsts = simple.loc[simple.groupby("view")["mean"].idxmax(), "plan"] if len(simple) else simple.plan
    overall = table.loc[table.groupby("view")["mean"].idxmax(), "plan"] if len(table) else table.plan
    return table.assign(alarm=overall.nunique() > 1 or firsts.nunique() > 1)


def moved(planned: np.ndarray, mine: np.ndarray, factor: float) -> np.ndarray:
    """Return a plan in which some cells have ``factor`` times their money, and the others what that leaves.

    ``mine`` (area, intervention, funded year) is true where a cell is moved; it has less where a year has no more.
    """
    has = planned.sum(axis=(0, 1))
    own = (planned * mine).sum(axis=(0, 1))
    wanted = np.minimum(own * factor, has)
    rest = np.maximum(has - own, 1e-9)
    part = np.where(mine, np.where(own > 0, wanted / np.maximum(own, 1e-9), 1.0), (has - wanted) / rest)
    return np.floor(planned * part)


def _flat(planned: np.ndarray, judge: Judge, best: float) -> pd.DataFrame:
    """Return how far an area's and an intervention's money may move until a small part is lost."""
    scenario, floors = judge.scenario, plan_evaluation.floors_of(judge)

    def loses(mine: np.ndarray, factor: float) -> float:
        worth = plan_evaluation.worth(judge, moved(planned, mine, factor))
        return best - plan_evaluation.risked(judge.objective, worth, floors)

    def edge(mine: np.ndarray, far: float) -> float:
        near, most = 1.0, SMALL_LOSS * abs(best)
        if loses(mine, far) <= most:
            return far
        for _ in range(STEPS):
            middle = (near + far) / 2
            near, far = (middle, far) if loses(mine, middle) <= most else (near, middle)
        return near

    rows = []
    for axis, kind, names in ((0, "area", scenario.areas.names), (1, "intervention", list(scenario.interventions))):
        if len(names) < 2:
            continue
        for i, name in enumerate(names):
            mine = np.zeros(planned.shape, dtype=bool)
            mine[(slice(None),) * axis + (i,)] = True
            pounds = float(planned[mine].sum())
            if pounds:
                row = {"of": kind, "name": name, "gbp": pounds}
                rows.append(row | {"least_gbp": pounds * edge(mine, LEAST), "most_gbp": pounds * edge(mine, MOST)})
    return pd.DataFrame(rows, columns=["of", "name", "gbp", "least_gbp", "most_gbp"]).assign(loses_at_most=SMALL_LOSS)


def _prices(optimum: Optimum) -> pd.DataFrame:
    """Return what one more million of each constraint would bring."""
    unit, rows = optimum.judge.objective.unit, []
    for row in optimum.rows:
        used = float((row.cells * optimum.planned).sum())
        rows.append(
            {
                "constraint": row.name,
                "limit_gbp": row.limit,
                "used_gbp": used,
                "kind": "least" if row.is_least else "most",
                "price_per_million_gbp": optimum.price[row.name] * 1e6,
                "unit": f"{'£' if unit == 'GBP' else unit} per £1m",
                "to_change": row.key,
            }
        )
    return pd.DataFrame(rows)


def _response(planned: np.ndarray, judge: Judge) -> pd.DataFrame:
    """Return what each intervention's money brings beside the rest of the plan, which stays as it is."""
    rows = []
    for k, name in enumerate(judge.scenario.interventions):
        if not planned[:, k].any():
            continue
        without = planned.copy()
        without[:, k] = 0.0
        ground = plan_evaluation.worth(judge, without).sum(axis=0)
        for factor in FACTORS:
            tried = planned.copy()
            tried[:, k] = np.floor(planned[:, k] * factor)
            # more than the plan has is asked here, so the year's money is no limit
            summary = described(plan_evaluation.worth(plan_evaluation.richer(judge, tried), tried).sum(axis=0) - ground)
            row = {"intervention": name, "part": factor, "gbp": float(tried[:, k].sum())}
            rows.append(row | {key: float(summary[key]) for key in ("mean", "sd", "q05", "q50", "q95")})
    columns = ["intervention", "part", "gbp", "mean", "sd", "q05", "q50", "q95"]
    return pd.DataFrame(rows, columns=columns).assign(unit=judge.objective.unit)


def _flips(judge: Judge, plans: list[Candidate], draws: np.ndarray) -> pd.DataFrame:
    """Return at which value of each parameter two plans would change places."""
    order = np.argsort(-draws.mean(axis=1), kind="stable").tolist()
    simple = [i for i in order if plans[i].name != BEST]
    pairs = [(0, simple[0])] if simple else []
    pairs += [(simple[0], simple[1])] if len(simple) > 1 else []
    rows = []
    for first, second in pairs:
        ahead = draws[first] - draws[second]
        for name, values in _parameters(judge):
            rows.append({"first": plans[first].name, "second": plans[second].name} | _flip(name, values, ahead))
    columns = ["first", "second", "parameter", "mean", "sd", "share_of_variance", "turns_at", "p_turned"]
    table = pd.DataFrame(rows, columns=columns)
    ordered = table.sort_values("share_of_variance", ascending=False, kind="stable")
    return ordered.groupby(["first", "second"], sort=False).head(MOST_FLIPS).reset_index(drop=True)


def _flip(name: str, values: np.ndarray, ahead: np.ndarray) -> dict[str, object]:
    """Return where the line of the difference on one parameter crosses zero, and the share of draws beyond it."""
    mean, sd = values.mean(), values.std()
    slope = ((values - mean) * (ahead - ahead.mean())).mean() / sd**2
    share = (slope * sd) ** 2 / max(ahead.var(), 1e-30)
    turns = mean - ahead.mean() / slope if slope else np.nan
    beyond = (values > turns).mean() if (turns > mean) else (values < turns).mean()
    is_there = values.min() <= turns <= values.max()
    return {
        "parameter": name,
        "mean": mean,
        "sd": sd,
        "share_of_variance": share,
        "turns_at": turns if is_there else np.nan,
        "p_turned": beyond if is_there else 0.0,
    }


def _parameters(judge: Judge) -> list[tuple[str, np.ndarray]]:
    """Return every parameter of the programme that differs between draws (draw), by a name that people can read."""
    parameters = []
    titles = {name: intervention.label for name, intervention in judge.scenario.interventions.items()}
    for key, array in judge.programme.drawn.data_vars.items():
        name = PARAMETERS.get(str(key), str(key).replace("_", " "))
        if array.dims[:2] != ("chain", "draw"):
            continue
        values = array.values.reshape(-1, *array.shape[2:])[judge.which]
        for index in np.ndindex(values.shape[1:]):
            draws = values[(slice(None), *index)]
            if draws.std() > 0:
                keys = [str(array[dim].values[i]) for dim, i in zip(array.dims[2:], index, strict=True)]
                whose = ", ".join(titles.get(part, part.replace("_", " ")) for part in keys)
                parameters.append((f"{name} of {whose}" if whose else name, draws))
    return parameters
