"""Relaxing: whether constraints can all be kept, and the smallest change that would help where they cannot."""

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from oa_sim.decide.constraints import Constraints, Row
from oa_sim.errors import Refusal

SLACK_GBP = 0.5  # less than this is no change worth telling
ROUNDING_GBP = 0.05  # what the solver may be off by
MILLION = 1e6  # in which it reckons, since its tolerance is absolute
MOST_NODES = 20_000  # of branch and bound, alike on every machine


def check(
    rows: list[Row], asked: Constraints, pinned: dict[tuple[int, int], np.ndarray], shape: tuple[int, int, int]
) -> None:
    """Refuse constraints that no plan keeps, with the smallest relaxation that would help.

    Parameters
    ----------
    rows
        The constraints in pounds.
    asked
        Most priorities and smallest size.
    pinned : dict of array (funded year)
        GBP / year of lines that are pinned, by place of area and intervention.
    shape
        Areas, interventions, funded years.

    Raises
    ------
    Refusal
        In one sentence.
    """
    _check_pinned(asked, pinned)
    if _least_slack(rows, asked, pinned, shape, allowed=range(0)) is not None:
        return
    alone = {}
    for r in range(len(rows)):
        slack = _least_slack(rows, asked, pinned, shape, allowed=[r])
        if slack is not None:
            alone[r] = float(slack.sum())
    if alone:
        r = min(alone, key=lambda each: (round(alone[each]), each < shape[2], each))  # the years' money comes last
        raise Refusal(f"no plan keeps {_which(rows, alone)}: {_remedy(rows[r], alone[r])}")
    slack = _least_slack(rows, asked, pinned, shape, allowed=range(len(rows)))
    if slack is None:
        raise Refusal(
            f"no plan has lines of at least {asked.smallest_gbp:,.0f} GBP a year that keep every constraint: lower "
            "constraints.smallest_gbp"
        )
    some = np.flatnonzero(slack > SLACK_GBP)
    remedies = ", and ".join(_remedy(rows[r], slack[r]) for r in some)
    raise Refusal(f"no plan keeps every constraint, and no single change would help: {remedies}")


def _check_pinned(asked: Constraints, pinned: dict[tuple[int, int], np.ndarray]) -> None:
    """Refuse more pinned lines in an area than it may fund."""
    if asked.most_priorities is None:
        return
    funded = [a for (a, _), money in pinned.items() if money.any()]
    most = max((funded.count(a) for a in funded), default=0)
    if most > asked.most_priorities:
        raise Refusal(
            f"constraints.pinned funds {most} interventions in one area, got most_priorities={asked.most_priorities}: "
            f"raise it to {most}"
        )


def _which(rows: list[Row], alone: dict[int, float]) -> str:
    """Return the constraints that stand in each other's way, in words."""
    names = [rows[r].name for r in sorted(alone, key=lambda r: alone[r])]
    told = names[:3]
    return " and ".join([", ".join(told[:-1]), told[-1]]) if len(told) > 1 else f"{told[0]} beside the others"


def _remedy(row: Row, pounds: float) -> str:
    verb = "lower" if row.is_least else "raise"
    return f"{verb} {row.name} by {np.ceil(pounds - ROUNDING_GBP):,.0f} GBP ({row.key})"


def _least_slack(rows, asked, pinned, shape, allowed) -> np.ndarray | None:
    """Return the least pounds by which rows must give way for a plan to be there (row); None where none is.

    Cells come first, then the slack of each row, then whether a line is funded and whether a cell is.
    """
    n_areas, n_all, n_years = shape
    n, n_rows, n_lines = n_areas * n_all * n_years, len(rows), n_areas * n_all
    has_lines, has_cells = asked.most_priorities is not None, asked.smallest_gbp > 0
    n_more = n_lines * has_lines + n * has_cells
    largest = np.tile([row.limit for row in rows[:n_years]], n_lines) / MILLION
    low, high = np.zeros(n), largest.copy()
    for (a, k), money in pinned.items():
        at = slice((a * n_all + k) * n_years, (a * n_all + k + 1) * n_years)
        low[at] = high[at] = money / MILLION
    largest = np.maximum(largest, high)
    may = np.zeros(n_rows)
    may[list(allowed)] = np.inf
    signs = np.array([-1.0 if row.is_least else 1.0 for row in rows])
    use = sparse.csr_array(np.stack([row.cells.ravel() for row in rows]) * signs[:, None])
    blank = sparse.csr_array((n_rows, n_more))
    held = [LinearConstraint(sparse.hstack([use, -sparse.eye_array(n_rows), blank]), -np.inf, signs * _limits(rows))]
    if has_lines:
        held += _lines_held(n, n_rows, n_more, n_years, n_areas, n_all, largest, asked.most_priorities)
    if has_cells:
        smallest = np.where(low == high, low, asked.smallest_gbp / MILLION)  # what is pinned may be smaller
        is_on = sparse.hstack([sparse.csr_array((n, n_more - n)), sparse.diags_array(np.maximum(largest, 1 / MILLION))])
        least = sparse.hstack([sparse.csr_array((n, n_more - n)), sparse.diags_array(smallest)])
        cells = sparse.hstack([sparse.eye_array(n), sparse.csr_array((n, n_rows))])
        held.append(LinearConstraint(sparse.hstack([cells, -is_on]), -np.inf, 0.0))
        held.append(LinearConstraint(sparse.hstack([cells, -least]), 0.0, np.inf))
    found = milp(
        np.concatenate([np.zeros(n), np.ones(n_rows), np.zeros(n_more)]),
        integrality=np.concatenate([np.zeros(n + n_rows), np.ones(n_more)]),
        bounds=Bounds(np.concatenate([low, np.zeros(n_rows + n_more)]), np.concatenate([high, may, np.ones(n_more)])),
        constraints=held,
        options={"node_limit": MOST_NODES, "mip_rel_gap": 1e-6},
    )
    return None if found.x is None else found.x[n : n + n_rows] * MILLION


def _limits(rows: list[Row]) -> np.ndarray:
    return np.array([row.limit for row in rows]) / MILLION


def _lines_held(n, n_rows, n_more, n_years, n_areas, n_all, largest, most) -> list[LinearConstraint]:
    """Return that money flows in funded lines only, and that an area has no more of them than it may."""
    n_lines = n_areas * n_all
    rest = sparse.csr_array((n, n_more - n_lines))
    funded = sparse.kron(sparse.eye_array(n_lines), np.ones((n_years, 1)))
    opened = sparse.hstack([sparse.diags_array(np.maximum(largest, 1 / MILLION)) @ funded, rest])
    cells = sparse.hstack([sparse.eye_array(n), sparse.csr_array((n, n_rows)), -opened])
    count = sparse.kron(sparse.eye_array(n_areas), np.ones((1, n_all)))
    counted = sparse.hstack([sparse.csr_array((n_areas, n + n_rows)), count, rest[:n_areas]])
    return [LinearConstraint(cells, -np.inf, 0.0), LinearConstraint(counted, 0.0, float(most))]
