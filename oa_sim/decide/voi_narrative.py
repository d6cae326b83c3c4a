"""Narrative of the value of information: what knowing more is worth, in sentences."""

import numpy as np

from oa_sim.decide.value_of_information import PERFECT, Information
from oa_sim.formatting import chance
from oa_sim.projection.variance_decomposition import LABELS
from oa_sim.scenario import unverified

CLEAR = 2.0  # standard errors: from here a worth is told as one


def sentences(found: Information) -> list[str]:
    """Return what information is worth in a few sentences; the first stands for all."""
    plans, known = found.decisions, found.known
    unit = plans.unit.iloc[0]
    best = plans.loc[plans["mean"].idxmax()]
    whole = known[known.known == PERFECT].iloc[0]
    lines = [
        f"Of {len(plans)} plans {best.plan} is best on average and in {chance(best.p_best)} of draws; to know "
        f"everything before choosing would be worth {_amount(whole, unit)}{_share(whole.value, best['mean'])}."
    ]
    blocks = known[(known.kind == "block") & (known.value > CLEAR * known.error)].sort_values("value", ascending=False)
    told = ", then ".join(f"{LABELS[row.known]} ({_amount(row, unit)})" for _, row in blocks.head(2).iterrows())
    lines.append(f"Of what is not known most would be worth {told}." if told else "No block alone is clearly worth it.")
    effects = known[(known.kind == "effect") & (known.value > CLEAR * known.error)].sort_values("value")[::-1]
    if len(effects):
        each = ", ".join(f"{row.known} ({_amount(row, unit)})" for _, row in effects.head(3).iterrows())
        lines.append(f"Of single effects: {each}.")
    paying = found.trials[(found.trials.net_gbp > 0) & (found.trials.value > CLEAR * found.trials.error)]
    if len(paying):
        row = paying.loc[paying.net_gbp.idxmax()]
        lines.append(
            f"The trial that pays most is of {row.trial_of.replace('_', ' ')} with {int(row.pupils):,} pupils: it is "
            f"worth {row.gbp / 1e6:.1f}m GBP and costs {row.cost_gbp / 1e6:.1f}m; costs and design effect are assumed."
        )
    else:
        lines.append("No trial of a single effect is clearly worth its cost to this choice alone.")
    if unit != "GBP":
        lines.append(_pounds(found, unit))
    lines += _gates(found)
    unsure, gated = unverified.sentence(found.manifest["to_verify"], "voi.json"), found.manifest["gates"]
    return [*lines, *([unsure] if unsure else []), f"{gated['verdict']}: {gated['reason']}"]


def _amount(row, unit: str) -> str:
    """Return a worth with its standard error, and in pounds."""
    pounds = f", {row.gbp / 1e6:.2f}m GBP" if unit != "GBP" and np.isfinite(row.gbp) else ""
    return _told(row.value, row.error, unit) + pounds


def _told(value: float, error: float, unit: str) -> str:
    """Return a worth with its standard error."""
    if unit == "GBP":
        return f"{value / 1e6:.2f}m ± {error / 1e6:.2f}m GBP"
    return f"{value:,.3g} ± {error:.2g} {unit}"


def _plainly(value: float, unit: str) -> str:
    """Return a worth alone, pounds in millions."""
    return f"{value / 1e6:.2f}m" if unit == "GBP" else f"{value:,.3g}"


def _share(value: float, brings: float) -> str:
    """Return a worth as a share of what the best plan brings, where it brings anything."""
    return f", {100 * value / brings:.1f} % of what it brings" if brings > 0 else ""


def _pounds(found: Information, unit: str) -> str:
    """Return where pounds come from."""
    average = found.manifest["units_a_pound_on_average"]
    if not np.isfinite(found.pound):
        return f"No pounds are given: the last of the best plan's money brings no {unit}."
    all_of_it = f" (all of it: {1e6 * average:,.3g} a million)" if average else ""
    return (
        f"Pounds are derived: the last twentieth of the best plan's money brings {1e6 * found.pound:,.3g} {unit} a "
        f"million{all_of_it}."
    )


def _gates(found: Information) -> list[str]:
    """Return which gate is worth most."""
    out = found.manifest["gate_years_left_out"]
    none = [f"No gate stands after year {', '.join(map(str, out))}: the money ends by then."] if out else []
    if not len(found.gates):
        return none
    row = found.gates.loc[found.gates.net.idxmax()]
    sure = row.net > CLEAR * row.error
    said = (
        f"deciding the rest {row.gate} by {row.signal} is worth {_told(row.flexibility, row.error, row.unit)}, "
        f"less {_plainly(max(row.waiting_costs, 0.0), row.unit)} for waiting"
    )
    if sure:
        return [f"{said[0].upper()}{said[1:]}.", *none]
    return [f"No gate is clearly worth more than committing now: {said}.", *none]
