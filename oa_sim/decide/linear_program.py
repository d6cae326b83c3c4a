"""Linear program: which spending profiles to take, given what each brings: a linear problem, then an integer one.

Each line takes one course, or none; a mixture of courses is allowed in the linear problem only, whose prices bound
what any choice can bring (the Lagrangian, by HiGHS). The whole problem is solved by branch and bound over the courses
that the prices do not rule out. Where the constraints cannot all be kept, the smallest change that would help is found.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from oa_sim.decide.constraints import Constraints, Row
from oa_sim.errors import Refusal
from oa_sim.formatting import number, with_unit

SLACK_GBP = 0.5  # less than this is no change worth telling
ROUNDING_GBP = 0.05  # what the solver may be off by
MILLION = 1e6  # in which it reckons, since its tolerance is absolute
RELAXATION_NODES = 20_000  # of branch and bound, alike on every machine
MOST_NODES = 2_000  # of branch and bound, alike on every machine; what it has by then is near enough


def check(
    rows: list[Row], settings: Constraints, pinned: dict[tuple[int, int], np.ndarray], shape: tuple[int, int, int]
) -> None:
    """Refuse constraints that no plan keeps, with the smallest relaxation that would help.

    ``pinned`` is GBP / year (funded year) by place of area and intervention; ``shape`` is areas, interventions, funded
    years.
    """
    _check_pinned(settings, pinned)
    if _least_slack(rows, settings, pinned, shape, allowed=range(0)) is not None:
        return
    alone = {}
    for r in range(len(rows)):
        slack = _least_slack(rows, settings, pinned, shape, allowed=[r])
        if slack is not None:
            alone[r] = float(slack.sum())
    if alone:
        r = min(alone, key=lambda each: (round(alone[each]), each < shape[2], each))  # the years' money comes last
        raise Refusal(f"no plan keeps {_which(rows, alone)}: {_remedy(rows[r], alone[r])}")
    slack = _least_slack(rows, settings, pinned, shape, allowed=range(len(rows)))
    if slack is None:
        least = _to_the_pound(settings.smallest_gbp)
        raise Refusal(
            f"no plan has lines of at least {least} a year that keep every constraint: lower constraints.smallest_gbp"
        )
    some = np.flatnonzero(slack > SLACK_GBP)
    remedies = ", and ".join(_remedy(rows[r], slack[r]) for r in some)
    raise Refusal(f"no plan keeps every constraint, and no single change would help: {remedies}")


def _check_pinned(settings: Constraints, pinned: dict[tuple[int, int], np.ndarray]) -> None:
    """Refuse more pinned lines in an area than it may fund."""
    if settings.most_priorities is None:
        return
    funded = [a for (a, _), money in pinned.items() if money.any()]
    most = max((funded.count(a) for a in funded), default=0)
    if most > settings.most_priorities:
        raise Refusal(
            f"constraints.pinned funds {most} interventions in one area, got "
            f"most_priorities={settings.most_priorities}: raise it to {most}"
        )


def _which(rows: list[Row], alone: dict[int, float]) -> str:
    """Return the constraints that stand in each other's way, in words."""
    names = [rows[r].name for r in sorted(alone, key=lambda r: alone[r])]
    first = names[:3]
    return " and ".join([", ".join(first[:-1]), first[-1]]) if len(first) > 1 else f"{first[0]} beside the others"


def _remedy(row: Row, pounds: float) -> str:
    verb = "lower" if row.is_least else "raise"
    return f"{verb} {row.name} by {_to_the_pound(np.ceil(pounds - ROUNDING_GBP))} ({row.key})"


def _to_the_pound(amount: float) -> str:
    return with_unit(number(amount, 0), "GBP")


def _least_slack(
    rows: list[Row],
    settings: Constraints,
    pinned: dict[tuple[int, int], np.ndarray],
    shape: tuple[int, int, int],
    allowed: Iterable[int],
) -> np.ndarray | None:
    """Return the least pounds by which rows must give way for a plan to be there (row); None where none is.

    Cells come first, then the slack of each row, then whether a line is funded and whether a cell is.
    """
    n_areas, n_all, n_years = shape
    n, n_rows, n_lines = n_areas * n_all * n_years, len(rows), n_areas * n_all
    has_lines, has_cells = settings.most_priorities is not None, settings.smallest_gbp > 0
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
    limits = signs * np.array([row.limit for row in rows]) / MILLION
    held = [LinearConstraint(sparse.hstack([use, -sparse.eye_array(n_rows), blank]), -np.inf, limits)]
    if settings.most_priorities is not None:
        held += _lines_held(shape, n_rows, n_more, largest, settings.most_priorities)
    if has_cells:
        smallest = np.where(low == high, low, settings.smallest_gbp / MILLION)  # what is pinned may be smaller
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


def _lines_held(
    shape: tuple[int, int, int], n_rows: int, n_more: int, largest: np.ndarray, most: int
) -> list[LinearConstraint]:
    """Return that money flows in funded lines only, and that an area has no more of them than it may."""
    n_areas, n_all, n_years = shape
    n_lines, n = n_areas * n_all, n_areas * n_all * n_years
    rest = sparse.csr_array((n, n_more - n_lines))
    funded = sparse.kron(sparse.eye_array(n_lines), np.ones((n_years, 1)))
    opened = sparse.hstack([sparse.diags_array(np.maximum(largest, 1 / MILLION)) @ funded, rest])
    cells = sparse.hstack([sparse.eye_array(n), sparse.csr_array((n, n_rows)), -opened])
    count = sparse.kron(sparse.eye_array(n_areas), np.ones((1, n_all)))
    counted = sparse.hstack([sparse.csr_array((n_areas, n + n_rows)), count, rest[:n_areas]])
    return [LinearConstraint(cells, -np.inf, 0.0), LinearConstraint(counted, 0.0, float(most))]


class Table(NamedTuple):
    """What courses bring, a row each."""

    line: np.ndarray  # (course)
    way: np.ndarray  # (course): when it begins and ends; courses of one way may be mixed
    brings: np.ndarray  # (course): in the objective's unit, beyond what the line brings without money
    uses: sparse.csc_array  # (row, course): what it takes of each constraint

    def taken(self, which: np.ndarray) -> "Table":
        """Return some of the courses."""
        return Table(self.line[which], self.way[which], self.brings[which], self.uses[:, which])

    def joined(self, other: "Table") -> "Table":
        """Return the courses of both."""
        line, way, brings = (np.concatenate(both) for both in zip(self[:3], other[:3], strict=True))
        return Table(line, way, brings, sparse.hstack([self.uses, other.uses], format="csc"))


@dataclass(frozen=True, eq=False)
class Limits:
    """What the rows may take."""

    most: np.ndarray  # (row): each row's use is at most this; the least is written with the signs turned
    n_lines: int
    must: np.ndarray  # (line): whether it must take a course
    groups: np.ndarray  # (line): its area
    most_in_group: int | None = None  # lines of an area that may take a course; None: all


@dataclass(frozen=True, eq=False)
class Mixture:
    """The answer of the linear problem."""

    share: np.ndarray  # (course): how much of it is taken
    brings: float | None  # None where the limits cannot be kept
    price: np.ndarray  # (row): what one more of each limit would bring
    place: np.ndarray  # (line): what its own place is worth, and its area's


def _membership(group: np.ndarray, n_groups: int) -> sparse.csr_array:
    """Return 1 where a column is of a group (group, column), by the group of each column."""
    n = len(group)
    return sparse.csr_array((np.ones(n), (group, np.arange(n))), shape=(n_groups, n))


def mixture(table: Table, limits: Limits) -> Mixture:
    """Return the best mixture of courses, with its prices."""
    per_line = _membership(table.line, limits.n_lines)
    parts, most = [table.uses.tocsr(), per_line], [limits.most, np.ones(limits.n_lines)]
    if limits.most_in_group is not None:
        n_groups = int(limits.groups.max()) + 1
        parts.append(_membership(limits.groups[table.line], n_groups))
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
        return Mixture(np.zeros(len(table.line)), None, np.zeros(len(limits.most)), np.zeros(limits.n_lines))
    price = -np.asarray(solution.ineqlin.marginals) * scale
    n_rows = len(limits.most)
    place = price[n_rows : n_rows + limits.n_lines].copy()
    if len(must):
        place[must] += -np.asarray(solution.eqlin.marginals) * scale
    if limits.most_in_group is not None:
        place += price[n_rows + limits.n_lines :][limits.groups]
    return Mixture(solution.x, -solution.fun * scale, np.maximum(price[:n_rows], 0.0), place)


def bound(limits: Limits, price: np.ndarray, best: np.ndarray) -> float:
    """Return what no choice of courses can pass, at any prices of the rows that are not below 0: the Lagrangian.

    ``best`` (line) is the most that any course of a line brings once its use of the rows is paid for; not below 0 where
    it need not take any.
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
    return np.asarray(table.brings - price @ table.uses)


def whole(table: Table, limits: Limits, gap: float) -> np.ndarray | None:
    """Return how much of each course is taken (course) where each line keeps to one way; None where none can.

    Branch and bound stops within ``gap``, a share of the best.
    """
    n = len(table.line)
    ways, way = np.unique(np.stack([table.line, table.way]), axis=1, return_inverse=True)
    n_ways, lines = ways.shape[1], ways[0]
    # first the shares of the courses, then which way of each line is open
    opened, each = _membership(way.ravel(), n_ways), _membership(lines, limits.n_lines)
    none = sparse.csr_array((len(limits.most), n_ways))
    constraints = [
        LinearConstraint(sparse.hstack([table.uses.tocsr(), none]), -np.inf, limits.most),
        LinearConstraint(sparse.hstack([opened, -sparse.eye_array(n_ways)]), 0.0, 0.0),
        LinearConstraint(sparse.hstack([sparse.csr_array((limits.n_lines, n)), each]), limits.must.astype(float), 1.0),
    ]
    if limits.most_in_group is not None:
        n_groups = int(limits.groups.max()) + 1
        grouped = _membership(limits.groups[lines], n_groups)
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
