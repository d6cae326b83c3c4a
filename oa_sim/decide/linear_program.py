"""Linear program: which spending profiles to take, given what each brings: a linear problem, then an integer one.

Each line takes one course, or none; a mixture of courses is allowed in the linear problem only, whose prices bound
what any choice can bring (the Lagrangian, by HiGHS). The whole problem is solved by branch and bound over the courses
that the prices do not rule out. Where the constraints cannot all be kept, the smallest change that would help is found.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from oa_sim.decide.constraints import Constraints, Row
from oa_sim.errors import Refusal

SLACK_GBP = 0.5  # less than this is no change worth telling
ROUNDING_GBP = 0.05  # what the solver may be off by
MILLION = 1e6  # in which it reckons, since its tolerance is absolute
RELAXATION_NODES = 20_000  # of branch and bound, alike on every machine
MOST_NODES = 2_000  # of branch and bound, alike on every machine; what it has by then is near enough


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
    first = names[:3]
    return " and ".join([", ".join(first[:-1]), first[-1]]) if len(first) > 1 else f"{first[0]} beside the others"


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
        columns = slice((a * n_all + k) * n_years, (a * n_all + k + 1) * n_years)
        low[columns] = high[columns] = money / MILLION
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
    solution = milp(
        np.concatenate([np.zeros(n), np.ones(n_rows), np.zeros(n_more)]),
        integrality=np.concatenate([np.zeros(n + n_rows), np.ones(n_more)]),
        bounds=Bounds(np.concatenate([low, np.zeros(n_rows + n_more)]), np.concatenate([high, may, np.ones(n_more)])),
        constraints=held,
        options={"node_limit": RELAXATION_NODES, "mip_rel_gap": 1e-6},
    )
    return None if solution.x is None else solution.x[n : n + n_rows] * MILLION


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


class Table(NamedTuple):
    """What courses bring, a row each.

    Attributes
    ----------
    line, way : array (course)
        Which line it belongs to; when it begins and ends: courses of one way may be mixed.
    brings : array (course)
        In the objective's unit, beyond what the line brings without money.
    uses : sparse array (row, course)
        What it takes of each constraint.
    """

    line: np.ndarray
    way: np.ndarray
    brings: np.ndarray
    uses: sparse.csc_array

    def taken(self, which: np.ndarray) -> "Table":
        """Return some of the courses."""
        return Table(*(part[which] for part in self[:3]), self.uses[:, which])

    def joined(self, other: "Table") -> "Table":
        """Return the courses of both."""
        parts = (np.concatenate(both) for both in zip(self[:3], other[:3], strict=True))
        return Table(*parts, sparse.hstack([self.uses, other.uses], format="csc"))


@dataclass(frozen=True, eq=False)
class Limits:
    """What the rows may take.

    Attributes
    ----------
    most : array (row)
        Each row's use is at most this; the least is written with the signs turned.
    n_lines
        How many lines there are.
    must : array (line)
        Lines that must take a course.
    groups : array (line)
        The area of each line.
    most_in_group
        Lines of an area that may take one; None: all.
    """

    most: np.ndarray
    n_lines: int
    must: np.ndarray
    groups: np.ndarray
    most_in_group: int | None = None


@dataclass(frozen=True, eq=False)
class Mixture:
    """The answer of the linear problem.

    Attributes
    ----------
    share : array (course)
        How much of each course is taken.
    brings
        What the mixture brings; None where the limits cannot be kept.
    price : array (row)
        What one more of each limit would bring.
    place : array (line)
        What a line's own place is worth, and its area's.
    """

    share: np.ndarray
    brings: float | None
    price: np.ndarray
    place: np.ndarray


def mixture(table: Table, limits: Limits) -> Mixture:
    """Return the best mixture of courses, with its prices."""
    n = len(table.line)
    per_line = sparse.csr_array((np.ones(n), (table.line, np.arange(n))), shape=(limits.n_lines, n))
    parts, most = [table.uses.tocsr(), per_line], [limits.most, np.ones(limits.n_lines)]
    if limits.most_in_group is not None:
        n_groups = int(limits.groups.max()) + 1
        parts.append(sparse.csr_array((np.ones(n), (limits.groups[table.line], np.arange(n))), shape=(n_groups, n)))
        most.append(np.full(n_groups, float(limits.most_in_group)))
    must = np.flatnonzero(limits.must)
    scale = max(np.abs(table.brings).max(initial=0.0), 1e-30)
    solution = linprog(
        -table.brings / scale,
        A_ub=sparse.vstack(parts, format="csc"),
        b_ub=np.concatenate(most),
        A_eq=per_line[must] if len(must) else None,
        b_eq=np.ones(len(must)) if len(must) else None,
        bounds=(0, None),
        method="highs",
    )
    if solution.status != 0:
        return Mixture(np.zeros(n), None, np.zeros(len(limits.most)), np.zeros(limits.n_lines))
    price = -np.asarray(solution.ineqlin.marginals) * scale
    n_rows = len(limits.most)
    place = price[n_rows : n_rows + limits.n_lines].copy()
    if len(must):
        place[must] += -np.asarray(solution.eqlin.marginals) * scale
    if limits.most_in_group is not None:
        place += price[n_rows + limits.n_lines :][limits.groups]
    return Mixture(solution.x, -solution.fun * scale, np.maximum(price[:n_rows], 0.0), place)


def bound(limits: Limits, price: np.ndarray, best: np.ndarray) -> float:
    """Return what no choice of courses can pass, at any prices of the rows: the Lagrangian.

    Parameters
    ----------
    limits
        What the rows may take.
    price : array (row)
        Not below 0.
    best : array (line)
        The most that any course of a line brings once its use of the rows is paid for; not below 0 where it need not
        take any.
    """
    must = limits.must.astype(bool)
    total = float(price @ limits.most) + float(best[must].sum())
    gains = np.where(must, 0.0, np.maximum(best, 0.0))
    if limits.most_in_group is None:
        return total + float(gains.sum())
    for group in np.unique(limits.groups):
        in_group = limits.groups == group
        room = limits.most_in_group - int(must[in_group].sum())
        total += float(np.sort(gains[in_group])[::-1][: max(room, 0)].sum())
    return total


def left(table: Table, price: np.ndarray) -> np.ndarray:
    """Return what each course brings once its use of the rows is paid for (course)."""
    return table.brings - price @ table.uses


def whole(table: Table, limits: Limits, gap: float) -> np.ndarray | None:
    """Return how much of each course is taken (course) where each line keeps to one way; None where none can.

    Parameters
    ----------
    table
        The courses that are left to choose from.
    limits
        What the rows may take.
    gap
        Share of the best at which branch and bound may stop.
    """
    n = len(table.line)
    ways, way = np.unique(np.stack([table.line, table.way]), axis=1, return_inverse=True)
    n_ways, lines = ways.shape[1], ways[0]
    # first the shares of the courses, then which way of each line is open
    opened = sparse.csr_array((np.ones(n), (way.ravel(), np.arange(n))), shape=(n_ways, n))
    each = sparse.csr_array((np.ones(n_ways), (lines, np.arange(n_ways))), shape=(limits.n_lines, n_ways))
    none = sparse.csr_array((len(limits.most), n_ways))
    constraints = [
        LinearConstraint(sparse.hstack([table.uses.tocsr(), none]), -np.inf, limits.most),
        LinearConstraint(sparse.hstack([opened, -sparse.eye_array(n_ways)]), 0.0, 0.0),
        LinearConstraint(sparse.hstack([sparse.csr_array((limits.n_lines, n)), each]), limits.must.astype(float), 1.0),
    ]
    if limits.most_in_group is not None:
        n_groups = int(limits.groups.max()) + 1
        grouped = sparse.csr_array(
            (np.ones(n_ways), (limits.groups[lines], np.arange(n_ways))), shape=(n_groups, n_ways)
        )
        most = np.full(n_groups, float(limits.most_in_group))
        constraints.append(LinearConstraint(sparse.hstack([sparse.csr_array((n_groups, n)), grouped]), 0.0, most))
    scale = max(np.abs(table.brings).max(initial=0.0), 1e-30)
    solution = milp(
        np.concatenate([-table.brings / scale, np.zeros(n_ways)]),
        integrality=np.concatenate([np.zeros(n), np.ones(n_ways)]),
        bounds=Bounds(0.0, 1.0),
        constraints=constraints,
        options={"node_limit": MOST_NODES, "mip_rel_gap": gap},
    )
    return None if solution.x is None else solution.x[:n]
