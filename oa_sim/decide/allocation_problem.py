"""Allocation problem: what is asked of a plan, ready to solve: allocations, constraints as rows, school capacity.

Rows of pounds come first, each a most (a least with the signs turned); then a row for each area, by which national
programmes come only where an area funds something; then, where it is asked for, a row for each area, stage of schooling
and year: programmes at once, on average, that schools can still take on. Behind the lines stand openings, one an area:
what national programmes bring.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from oa_sim.compiled.gradient import Prices
from oa_sim.decide import constraints, linear_program, plan_evaluation, spending_profiles
from oa_sim.decide.constraints import Optimising, Row
from oa_sim.decide.linear_program import Limits
from oa_sim.decide.plan_evaluation import Judge
from oa_sim.decide.spending_profiles import Desk
from oa_sim.errors import Refusal
from oa_sim.formatting import significant
from oa_sim.programme import budget
from oa_sim.programme.delivery import STAGES

TIGHTER = 1.1  # times what a plan is above the room: a little more, so that a few rounds are enough


@dataclass(frozen=True, eq=False)
class Problem:
    """What is asked, ready to be solved."""

    desk: Desk
    request: Optimising
    rows: list[Row]
    pinned: dict[int, np.ndarray]  # by line, GBP / year (funded year); zeros where it gets nothing
    floors: np.ndarray  # (area) or (area, draw): what each area must reach, for a chance
    # (area, stage, year): programmes that schools can take on beside national ones; empty if not asked for
    rooms: np.ndarray

    @property
    def is_whole(self) -> bool:
        """Whether lines are on or off, so that a mixture of courses is no plan."""
        constraints = self.request.constraints
        return constraints.most_priorities is not None or constraints.smallest_gbp > 0

    @property
    def smallest(self) -> float:
        """Least in each year that has any, GBP."""
        return self.request.constraints.smallest_gbp

    @property
    def areas(self) -> np.ndarray:
        """The area of each line (line)."""
        return np.repeat(np.arange(self.n_areas), self.desk.beside.shape[1])

    @property
    def signs(self) -> np.ndarray:
        """-1 where a row of pounds is a least (row)."""
        return np.array([-1.0 if row.is_least else 1.0 for row in self.rows])

    @property
    def limits(self) -> Limits:
        """What all rows may take; the openings are lines of groups of their own."""
        n_areas, pounds = self.n_areas, self.signs * np.array([row.limit for row in self.rows])
        must = np.zeros(self.desk.n_lines + n_areas, dtype=bool)
        must[[line for line, money in self.pinned.items() if money.any()]] = True
        most = np.concatenate([pounds, np.zeros(n_areas), self.rooms.ravel()])
        groups = np.concatenate([self.areas, n_areas + np.arange(n_areas)])
        return Limits(most, len(must), must, groups, self.request.constraints.most_priorities)

    @property
    def n_areas(self) -> int:
        """How many areas there are."""
        return len(self.desk.beside)

    @property
    def openings(self) -> sparse.csc_array:
        """What the openings take of each row (row, area)."""
        return sparse.vstack(
            [
                sparse.csr_array((len(self.rows), self.n_areas)),
                sparse.eye_array(self.n_areas),
                sparse.csr_array((self.rooms.size, self.n_areas)),
            ],
            format="csc",
        )

    def uses(self, line: np.ndarray, planned: np.ndarray) -> sparse.csc_array:
        """Return what courses of money, (course, funded year) in GBP / year, take of each row (row, course)."""
        cells = np.stack([row.cells.reshape(self.desk.n_lines, -1) for row in self.rows])  # (row, line, year)
        pounds = [(cell[line] * planned).sum(axis=1) for cell in cells]
        blocks = [sparse.csr_array(np.stack(pounds) * self.signs[:, None])]
        of_area = (self.areas[line], np.arange(len(line)))
        blocks.append(sparse.csr_array((-np.ones(len(line)), of_area), shape=(self.n_areas, len(line))))
        if self.rooms.size:
            blocks.append(self._presence(line, planned))
        return sparse.vstack(blocks, format="csc")

    def _presence(self, line: np.ndarray, planned: np.ndarray) -> sparse.csr_array:
        """Return the programmes at once that courses make ((area, stage, year), course)."""
        here = spending_profiles.presences(self.desk, line, planned)[:, : self.rooms.shape[2]]  # (course, year)
        presence = np.stack([here * stage[line][:, None] for stage in self.stages])
        n, (_, n_stages, n_years) = len(line), self.rooms.shape
        index = self.areas[line] * n_stages * n_years + np.arange(n_stages * n_years).reshape(-1, 1)
        return sparse.csr_array(
            (presence.transpose(0, 2, 1).ravel(), (index.ravel(), np.tile(np.arange(n), n_stages * n_years))),
            shape=(self.rooms.size, n),
        )

    def crowded(self, planned: np.ndarray) -> np.ndarray:
        """Return by how many programmes a plan (area, intervention, funded year) is above room (area, stage, year)."""
        if not self.rooms.size:
            return np.zeros_like(self.rooms)
        uses = self._presence(np.arange(self.desk.n_lines), planned.reshape(self.desk.n_lines, -1)).sum(axis=1)
        above: np.ndarray = np.asarray(uses).reshape(self.rooms.shape) - self.rooms
        return above

    def tightened(self, original: "Problem", planned: np.ndarray) -> "Problem":
        """Return the problem with less room where a mixture of courses takes more than its parts do.

        A line is in more schools with half the money of two courses each than half of both, so a mixture that keeps to
        the room by its parts may not by the law; what it is above is taken off.
        """
        if not self.rooms.size:
            return self
        above = np.maximum(original.crowded(planned), 0.0)
        return replace(self, rooms=np.maximum(self.rooms - TIGHTER * above, 0.0))

    @property
    def stages(self) -> list[np.ndarray]:
        """Whether each line works in a stage of schooling (line), by stage."""
        each = self.desk.judge.scenario.interventions.values()
        works = [np.array([bool(set(stage.year_groups) & set(own)) for stage in each]) for own in STAGES.values()]
        n_areas = self.desk.n_lines // len(works[0])
        return [np.tile(stage, n_areas).astype(float) for stage in works]

    def cost(self, price: np.ndarray) -> np.ndarray:
        """Return what a pound costs (line, funded year) where rows have a price, in the objective's unit."""
        cost = np.zeros((self.desk.n_lines, len(self.desk.has)))
        for row_price, sign, row in zip(price, self.signs, self.rows, strict=False):  # other prices stand behind
            cost += row_price * sign * row.cells.reshape(self.desk.n_lines, -1)
        return cost

    def charged(self, prices: Prices, price: np.ndarray) -> Prices:
        """Return prices that hold what a place in a school costs too."""
        if not self.rooms.size:
            return prices
        each = price[len(self.rows) + self.n_areas :].reshape(self.rooms.shape)  # (area, stage, year)
        n_all = self.desk.beside.shape[1]
        works = np.stack([stage[:n_all] for stage in self.stages])  # (stage, intervention)
        charge = np.einsum("ast,sk->akt", each, works) / len(self.desk.judge.which)
        presence = prices.presence.copy()
        presence[:, :, :, : self.rooms.shape[2]] -= charge[:, None, :, :, None].astype(np.float32)
        return Prices(prices.activity, presence)


def problem(judge: Judge, request: Optimising, floors: np.ndarray | None = None) -> Problem:
    """Return what is asked, ready to be solved.

    ``floors`` (area) or (area, draw) is what each area must reach, for a chance; None: that of the objective.

    Raises
    ------
    Refusal
        Where there is no money, or the constraints cannot all be kept: with the smallest relaxation that would help.
    """
    scenario = judge.scenario
    has = budget.for_activity(scenario)
    if not sum(has):
        raise Refusal("a plan needs money, got budget.total_gbp=0: raise it")
    rows = constraints.rows(request.constraints, scenario, has)
    fixed = constraints.pinned(request.constraints, scenario, judge.years)
    n_all = len(scenario.interventions)
    linear_program.check(rows, request.constraints, fixed, (len(scenario.areas.names), n_all, len(has)))
    pinned = {a * n_all + k: money for (a, k), money in fixed.items()}
    desk = spending_profiles.desk(judge, has)
    floors = plan_evaluation.floors_of(judge) if floors is None else floors
    return Problem(desk, request, rows, pinned, floors, _rooms(desk, request))


def _rooms(desk: Desk, request: Optimising) -> np.ndarray:
    """Return programmes that schools can take on beside national ones (area, stage, year)."""
    n_areas = desk.beside.shape[0]
    if not request.constraints.school_capacity:
        return np.zeros((n_areas, 0, 0))
    rooms = desk.judge.scenario.organisation.schools_take - desk.offers[:, :, : desk.until]
    least = np.min(rooms)
    if least < 0:
        raise Refusal(
            f"national programmes alone are {significant(-least, 2)} more at once than schools can take on, got "
            "constraints.school_capacity=true: raise organisation.schools_take or drop it"
        )
    return np.asarray(rooms, dtype=float)
