"""Pledges: promises and judged targets in sentences."""

import pandas as pd

from oa_sim import doubts
from oa_sim.phrases import chance
from oa_sim.targets import Promises
from oa_sim.variables import MEASURES, academic_year, headline_of


def sentences(found: Promises) -> list[str]:
    """Return promises and judged targets in a few sentences; the first stands for all."""
    lines = [_promise(found), *[_judged(row) for _, row in found.judged.iterrows() if row.colour != "none"]]
    baselines = found.judged[found.judged.colour == "none"] if len(found.judged) else found.judged
    if len(baselines):
        lines.append(f"{len(baselines)} rows of the package are baselines without a target: nothing is judged of them.")
    warned = found.promised[(found.promised.warning != "") & (found.promised.scale == "level")]
    if len(warned):
        of = len(found.promised[found.promised.scale == "level"])
        lines.append(
            f"In {len(warned)} of {of} promises most of what is expected against England is regression to the mean, "
            "which comes free: do not call it impact."
        )
    unsure = doubts.sentence(found.facts["to_verify"], "target.json")
    gates = found.facts["gates"]
    return [*lines, *([unsure] if unsure else []), f"{gates['verdict']}: {gates['reason']}"]


def _promise(found: Promises) -> str:
    """Return what can be promised of the headline's measure and group, in the mean of the areas."""
    table = found.promised
    measure, group = headline_of(list(dict.fromkeys(table.measure)))
    year = int(table.year.max())
    mine = table[(table.measure == measure) & (table.group == group) & (table.year == year) & (table.scale == "level")]
    levels = [name for name in mine.columns if name.startswith("promised_")]
    told = ", ".join(f"{mine[name].mean():.1f} with {name[9:]} %" for name in levels)
    unit = "per cent" if MEASURES[measure].unit == "%" else MEASURES[measure].unit
    parts = ", ".join(
        f"{word} {mine[f'{name}_mean'].mean():+.1f} (90 %: {mine[f'{name}_q05'].mean():+.1f} to "
        f"{mine[f'{name}_q95'].mean():+.1f})"
        for name, word in (("england", "England's course"), ("own", "the area's own"), ("programme", "the programme"))
    )
    return (
        f"For {MEASURES[measure].label} of {group} pupils in {academic_year(year)} an area can promise, on average "
        f"over {len(mine)} areas, {told} probability ({unit}; last published {mine['last'].mean():.1f}); of the way "
        f"{parts}."
    )


def _judged(row: pd.Series) -> str:
    at = f"{row.area}, {MEASURES[row.measure].label}, {row.group} pupils"
    than = " above England" if row.scale == "relative" else ""
    what = f"{row.target:g} {row.unit}{than}" if row.target or not than else "above England"
    said = (
        f"{row.colour.upper()}: {at}: {what} in {academic_year(int(row.target_year))} had a chance of "
        f"{chance(row.probability)} as known in {row.judged_from}; comparable authorities moved that far in "
        f"{100 * row.base_rate:.0f} % of {row.base_rate_n:,} cases"
    )
    if row.warning:
        said += f"; {row.warning}"
    if row.met in ("met", "missed"):
        said += f"; published was {row.published:.1f}: {row.met}"
    elif row.published_year:
        said += (
            f"; nothing was published for that year, and {row.published:.1f} of {row.published_of} in "
            f"{academic_year(int(row.published_year))} before it"
        )
    marks = [mark for mark, is_so in (("county proxy", row.proxy), ("to verify", row.status == "to verify")) if is_so]
    marks += [f"[{row.verdict}]"] if row.verdict != "PASS" else []
    marked = f" ({', '.join(marks)})" if marks else ""
    return f"{said}{marked}."
