"""Scenario discovery: in which futures does a plan fail, as boxes in the varied keys found by PRIM.

A box that PRIM finds fits the futures it was found in, and would in noise too. Whether it is worth its name is told by
futures that had no part in finding it.
"""

import re
import warnings
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binomtest, hypergeom

from oa_sim.errors import Refusal
from oa_sim.formatting import share, share_estimate, significant
from oa_sim.rng import stream
from oa_sim.sweep.results import is_number, levels, unknown_column, value_in_words, varied

COLUMNS = (
    *("fails", "box", "key", "low", "high", "values", "quasi_p_low", "quasi_p_high"),
    *("coverage", "density", "mass", "held_out_density", "held_out_low", "held_out_high", "held_out_coverage"),
    *("held_out_p", "base_rate", "n_failing", "n_rows"),
)
CONDITION = re.compile(r"\s*([^\s<>=!]+)\s*(<=|>=|<|>)\s*(\S+)\s*")
COMPARE = {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal}
SMALLEST_SAMPLE, MOST_BOXES, FOLDS = 30, 3, 5
LARGEST_P = 0.05  # of a limit: one that costs so little is dropped
WORTH = 0.01  # of a box: how rarely futures that had no part in it would speak for it as clearly by chance
SMALLEST_MASS, FEWEST = 0.05, 5  # of a box: a share of the futures, and a number of them
Limit = tuple[Any, ...]  # low and high of a number, or the codes of a choice's values
Box = dict[str, Limit]  # by key


def condition(text: str, columns: list[str]) -> tuple[str, str, float]:
    """Return a condition such as ``impact_q05<0.1`` as column, operator and number."""
    parts = CONDITION.fullmatch(text)
    if not parts:
        raise Refusal(
            f"fails= takes a column, one of < <= > >= and a number, got {text!r}: write fails='{columns[0]}<0'"
        )
    column, sign, number = parts.groups()
    if column not in columns:
        raise unknown_column("column in fails=", column, columns)
    try:
        value = float(number)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise Refusal(f"fails={text} must compare with a number, got {number!r}: write fails='{column}{sign}0.1'")
    return column, sign, value


def boxes(table: pd.DataFrame, keys: list[str], fails: str, columns: list[str], *, seed: int = 0) -> pd.DataFrame:
    """Return the boxes of futures in which a plan fails, the clearest first.

    The table has the scenarios with an answer that do not hang together; the seed is that of the parts held out.

    Returns
    -------
    DataFrame
        ``COLUMNS``: a row for each box and each key it limits, none where no box is worth its name. ``coverage`` is the
        share of all failing futures that lie in the box, ``density`` the share of the box that fails, ``mass`` the
        share of futures in it. ``held_out`` is the same of futures that had no part in finding it, with 90% intervals.
        Quasi p-values say how often a limit would do as much by chance, had it not been searched for.

    Notes
    -----
    PRIM of the EMA Workbench (Friedman and Fisher 1999; Bryant and Lempert 2010). Of its peeling trajectory the box
    with the greatest harmonic mean of coverage and density is taken, and limits with a quasi p above 0.05 are dropped.
    The search is repeated five times without a fifth of the futures, which then say how good it was; a box is worth its
    name where it fails more often than futures at large, and holds more of those failures than chance would in
    one of a hundred cases. A further box is sought among the futures outside the ones before.
    """
    column, sign, value = condition(fails, columns)
    table = table[np.isfinite(table[column].to_numpy(float))]
    failing = COMPARE[sign](table[column].to_numpy(float), value)
    if len(table) < SMALLEST_SAMPLE:
        raise Refusal(f"a box needs {SMALLEST_SAMPLE} scenarios, got {len(table)}: sweep more")
    if failing.all() or not failing.any():
        how = "all" if failing.all() else "none"
        ends = " to ".join(significant(float(end), 4) for end in np.quantile(table[column].to_numpy(float), [0, 1]))
        raise Refusal(
            f"{how} of {len(table)} scenarios have {fails}, so that there is nothing to tell apart: {column} runs from "
            f"{ends}, choose a number inside"
        )
    keys = varied(table, keys)
    x = _coded(table, keys)
    part = stream(seed, "discovery", "folds").permutation(len(x)) % FOLDS
    rows, left = [], np.ones(len(x), dtype=bool)
    learned = [part != k for k in range(FOLDS)]
    for number in range(1, MOST_BOXES + 1):
        box, quasi = _find(x[left], failing[left])
        if not box:
            break
        inside = left & _holds(box, x)
        tried = _held_out(x, failing, left, learned, part)
        is_clearer = min(failing[inside].mean(), tried["held_out_density"]) > failing.mean()
        if not (is_clearer and tried["held_out_p"] < WORTH):
            break
        facts = {"fails": fails, "box": number, "base_rate": failing.mean(), "n_failing": int(failing.sum())}
        facts |= {"coverage": failing[inside].sum() / failing.sum(), "density": failing[inside].mean()}
        facts |= {"mass": inside.mean(), "n_rows": len(x)} | tried
        rows += [facts | _limits(table, key, box[key], quasi[key]) for key in box]
        left &= ~inside
        if not failing[left].any():
            break
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _held_out(
    x: pd.DataFrame, failing: np.ndarray, left: np.ndarray, learned: list[np.ndarray], part: np.ndarray
) -> dict[str, float]:
    """Return how well boxes found without a part of the futures do in that part, over all parts together."""
    inside = np.zeros(len(x), dtype=bool)
    for k, others in enumerate(learned):
        box, _ = _find(x[others & left], failing[others & left])
        mine = (part == k) & left
        inside[mine] = _holds(box, x[mine]) if box else False
    n, n_inside, n_failing = int(left.sum()), int(inside.sum()), int(failing[left].sum())
    hits = int(failing[inside].sum())
    if not n_inside:
        return {"held_out_density": np.nan, "held_out_p": 1.0}
    low, high = binomtest(hits, n_inside).proportion_ci(0.90, "exact")
    return {
        "held_out_density": hits / n_inside,
        "held_out_low": float(low),
        "held_out_high": float(high),
        "held_out_coverage": hits / int(failing.sum()),
        "held_out_p": float(hypergeom.sf(hits - 1, n, n_failing, n_inside)),
    }


def _coded(table: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Return numbers as floats and choices as codes, which no order of hashing can turn round."""
    return pd.DataFrame({
        key: table[key].to_numpy(float) if is_number(table[key]) else levels(table[key])[0].astype(object)
        for key in keys
    })  # fmt: skip


def _find(x: pd.DataFrame, failing: np.ndarray) -> tuple[Box, dict[str, list[float]]]:
    """Return the limits of the best box and the quasi p-values of each; empty where there is none."""
    if failing.all() or not failing.any():
        return {}, {}
    names = {f"x{k}": key for k, key in enumerate(x)}  # a key that is named scenario would be left out by PRIM
    mass = min(max(SMALLEST_MASS, FEWEST / len(x)), 0.5)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "ipyparallel not installed", UserWarning)
        warnings.filterwarnings("ignore", "altair based interactive inspection", ImportWarning)
        warnings.filterwarnings("ignore", "The inplace keyword in DataFrame.drop")
        try:
            from ema_workbench.analysis.prim import Prim
        except ImportError:
            raise Refusal('fails= needs the EMA Workbench: pip install "oa-sim[sensitivity]"') from None
        box = Prim(x.set_axis(list(names), axis=1), failing, threshold=1e-9, mass_min=mass).find_box()
        steps = box.peeling_trajectory
        good = 2 * steps.coverage * steps.density / (steps.coverage + steps.density)
        box.select(int(good.to_numpy(float).argmax()))
        while weak := _weakest(box.qp[box._cur_box]):
            box.drop_restriction(weak)
    quasi, limits = box.qp[box._cur_box], box.box_lims[box._cur_box]
    return {names[name]: _limit(limits[name], quasi[name]) for name in quasi}, {names[k]: quasi[k] for k in quasi}


def _weakest(quasi: dict[str, list[float]]) -> str | None:
    """Return the key whose limits do least, where they could as well be chance; -1 stands for no limit on a side."""
    strongest = {name: min(p for p in sides if p >= 0) for name, sides in quasi.items()}
    weak = {name: p for name, p in strongest.items() if p > LARGEST_P}
    return max(weak, key=lambda name: weak[name]) if weak else None


def _limit(column: pd.Series, quasi: list[float]) -> Limit:
    """Return low and high of a number, open where a side could as well be chance, or the codes a choice may have."""
    first, second = column.to_numpy()
    if isinstance(first, set):
        return tuple(sorted(first))
    is_open = [not 0 <= p <= LARGEST_P for p in quasi]
    return (-np.inf if is_open[0] else float(first), np.inf if is_open[1] else float(second))


def _holds(box: Box, x: pd.DataFrame) -> np.ndarray:
    """Return which futures lie in a box (row)."""
    inside = np.ones(len(x), dtype=bool)
    for key, limit in box.items():
        column = x[key]
        is_choice = column.dtype == object
        inside &= column.isin(limit).to_numpy() if is_choice else column.between(*limit).to_numpy()
    return inside


def _limits(table: pd.DataFrame, key: str, limit: Limit, quasi: list[float]) -> dict[str, object]:
    """Return what a box says of one key; a side that is not limited is empty."""
    if not is_number(table[key]):
        names = levels(table[key])[1]
        return {"key": key, "values": "; ".join(names[code] for code in limit), "quasi_p_low": quasi[0]}
    row: dict[str, object] = {"key": key}
    for side, end, p in zip(("low", "high"), limit, quasi, strict=True):
        row |= {side: end, f"quasi_p_{side}": p} if np.isfinite(end) else {}
    return row


def sentences(limits: pd.DataFrame, fails: str) -> list[str]:
    """Return in which futures a plan fails, in words."""
    if limits.empty:
        return [
            f"No range of the keys was found in which {fails} is clearly more frequent than elsewhere. What decides "
            "it was not varied, does not depend on single keys, or needs more scenarios to be seen."
        ]
    lines = []
    for number, part in limits.groupby("box"):
        box = part.iloc[0]
        where = " and ".join(_where(row) for row in part.itertuples())
        start = (
            f"{fails} holds in {share(box.base_rate)} of {box.n_rows} scenarios." if number == 1 else "Of the others:"
        )
        held_out = share_estimate(box.held_out_density, box.held_out_low, box.held_out_high)
        lines.append(
            f"{start} Where {where}, it holds in {share(box.density)}. In scenarios that were not used to find this "
            f"range it holds in {held_out}. The range has {share(box.mass)} of all scenarios and "
            f"{share(box.coverage)} of those in which it holds."
        )
    return lines


def _where(row: Any) -> str:
    if isinstance(row.values, str):
        return f"{row.key} is {' or '.join(value_in_words(row.key, value) for value in row.values.split('; '))}"
    ends = [f"above {value_in_words(row.key, row.low)}"] if np.isfinite(row.low) else []
    ends += [f"below {value_in_words(row.key, row.high)}"] if np.isfinite(row.high) else []
    return f"{row.key} is {' and '.join(ends)}"
