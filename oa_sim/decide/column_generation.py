"""Column generation: every line of a plan anew, at the plan's own prices, and what no plan could pass at them.

Courses of money are tried in patterns and bettered a year at a time; a linear problem mixes them under the
constraints, and its prices of the constraints say which courses are worth bettering. At the end every line has its best
course at those prices, so that the Lagrangian is a bound.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from oa_sim.compiled.gradient import Prices
from oa_sim.decide import linear_program, plan_evaluation, spending_profiles
from oa_sim.decide.allocation_problem import Problem
from oa_sim.decide.linear_program import Mixture, Table

WORTH_TAKING = 1e-7  # of what all courses bring: less is rounding
MOST_MIXINGS = 40
NEAR = 3  # courses of each line and way that a later round does with
WHOLE_GAP = 1e-4  # of branch and bound
WHOLE_RANGE = 0.01  # of what all bring: courses that miss the prices by more are left out of branch and bound


class Anew(NamedTuple):
    """What laying every line out anew gives."""

    plan: np.ndarray  # (area, intervention, funded year): the best at the prices, GBP / year; a mixture of courses
    whole: np.ndarray | None  # the same where each line keeps to one way, if lines are on or off
    price: np.ndarray  # (row): what one more of it would bring
    bound: float  # what no plan passes at the prices, in the objective's unit
    near: np.ndarray  # (course of ``spending_profiles.spread``): among the best few of its line and way


@dataclass
class _Bench:
    """The courses that are there so far, of which some are in the linear problem; the openings come first."""

    planned: np.ndarray
    table: Table
    is_in: np.ndarray
    from_spread: np.ndarray  # place among those of ``spending_profiles.spread``, of those right behind the openings
    n_spread: int
    n_openings: int


def anew(
    given: Problem,
    now: np.ndarray,
    by_draw: np.ndarray,
    weight: np.ndarray,
    n_starts: int,
    *,
    whole: bool,
    among: np.ndarray | None = None,
) -> Anew:
    """Return every line of a plan, ``now`` in GBP / year, laid out anew at the plan's own prices.

    ``by_draw`` is what it is worth and ``weight`` what each draw counts for (area, draw). ``n_starts`` courses of each
    line are bettered; ``whole`` says whether the whole problem is to be solved too; ``among`` are the courses of
    ``spending_profiles.spread`` to do with, None: all.
    """
    desk = given.desk
    _, prices = plan_evaluation.priced(desk.judge, now, weight)
    every, nothing = np.arange(desk.n_lines), np.zeros((desk.n_lines, len(desk.has)))
    base = spending_profiles.brings(desk, prices, every, nothing)
    here = spending_profiles.brings(desk, prices, every, now.reshape(desk.n_lines, -1)) - base
    bench = _bench(given, prices, base, now, among)
    mixed = _mixed(given, bench)
    for _ in range(3 if n_starts else 0):
        n_before = len(bench.planned)
        _better(given, bench, prices, base, mixed.price, n_starts)
        if len(bench.planned) == n_before:
            break
        mixed = _mixed(given, bench)
    limits = given.limits
    best = np.full(limits.n_lines, -np.inf)
    np.maximum.at(best, bench.table.line, linear_program.left(bench.table, mixed.price))
    is_funded = now.any(axis=(1, 2))
    promised = here.sum() + bench.table.brings[: given.n_areas][is_funded].sum()
    bound = float((weight * by_draw).sum()) - promised + linear_program.bound(limits, mixed.price, best)
    shape = now.shape
    plan = _laid(bench, mixed.share, shape)
    chosen = _whole(given, bench, mixed, shape) if whole else None
    return Anew(plan, chosen, mixed.price, bound, _near(bench, mixed.price) if among is None else among)


def _bench(given: Problem, prices: Prices, base: np.ndarray, now: np.ndarray, among: np.ndarray | None) -> _Bench:
    """Return the first courses: patterns of every line that is free, the plan's own, and what is pinned."""
    line, planned = spending_profiles.spread(given.desk, given.smallest)
    n_spread = len(line)
    if among is not None:
        line, planned = line[among], planned[among]
    flat = now.reshape(given.desk.n_lines, -1)
    own = np.flatnonzero(flat.any(axis=1))
    if given.is_whole:  # what a line had as part of a mixture may be smaller than is viable
        own = own[np.where(flat[own] > 0, flat[own], np.inf).min(axis=1) >= given.smallest]
    line, planned = np.concatenate([line, own]), np.concatenate([planned, flat[own]])
    free = ~np.isin(line, list(given.pinned))
    from_spread = np.flatnonzero(free[: len(line) - len(own)])
    fixed = [number for number, money in given.pinned.items() if money.any()]
    line = np.concatenate([line[free], np.array(fixed, dtype=int)])
    planned = np.concatenate([planned[free], *(given.pinned[number][None] for number in fixed)])
    brought = spending_profiles.brings(given.desk, prices, line, planned) - base[line]
    n_areas, n_lines = given.n_areas, given.desk.n_lines
    # what national programmes bring without any money of the line is an area's, once it funds something
    national = base.reshape(n_areas, -1).sum(axis=1)
    opening = Table(n_lines + np.arange(n_areas), np.zeros(n_areas, dtype=int), national, given.openings)
    table = opening.joined(Table(line, _way(planned), brought, given.uses(line, planned)))
    is_in = np.zeros(len(table.line), dtype=bool)
    is_in[spending_profiles.SIZES // 2 :: spending_profiles.SIZES] = True
    is_in[:n_areas] = is_in[len(is_in) - len(fixed) - len(own) :] = True
    every = np.concatenate([np.zeros((n_areas, planned.shape[1])), planned])
    return _Bench(every, table, is_in, from_spread, n_spread, n_areas)


def _near(bench: _Bench, price: np.ndarray) -> np.ndarray:
    """Return which courses of ``spending_profiles.spread`` are among the best few of their line and way."""
    patterns = slice(bench.n_openings, bench.n_openings + len(bench.from_spread))
    left = linear_program.left(bench.table, price)[patterns]
    key = bench.table.line[patterns] * (bench.planned.shape[1] ** 2) + bench.table.way[patterns]
    order = np.lexsort((-left, key))
    rank = np.arange(len(order)) - np.searchsorted(key[order], key[order])
    near = np.zeros(bench.n_spread, dtype=bool)
    near[bench.from_spread[order[rank < NEAR]]] = True
    return near


def _way(planned: np.ndarray) -> np.ndarray:
    """Return a number for when each course begins and ends (course)."""
    runs, n = planned > 0, planned.shape[1]
    return np.asarray(runs.argmax(axis=1) * n + n - 1 - runs[:, ::-1].argmax(axis=1))


def _mixed(given: Problem, bench: _Bench) -> Mixture:
    """Return the best mixture of all courses, by taking in those that would add to it until none does."""
    limits, n_ways = given.limits, len(given.desk.has) ** 2
    key = bench.table.line * n_ways + bench.table.way
    for _ in range(MOST_MIXINGS):
        mixture = linear_program.mixture(bench.table.taken(bench.is_in), limits)
        if mixture.brings is None:  # too few courses to keep the constraints: all of them
            if bench.is_in.all():
                break
            bench.is_in[:] = True
            continue
        adds = linear_program.left(bench.table, mixture.price) - mixture.place[bench.table.line]
        best = np.full(limits.n_lines * n_ways, -np.inf)
        np.maximum.at(best, key, adds)
        new = (adds >= best[key]) & (adds > WORTH_TAKING * max(abs(mixture.brings), 1e-30)) & ~bench.is_in
        if not new.any():
            break
        bench.is_in |= new
    share = np.zeros(len(bench.table.line))
    share[bench.is_in] = mixture.share
    return Mixture(share, mixture.brings, mixture.price, mixture.place)


def _better(given: Problem, bench: _Bench, prices: Prices, base: np.ndarray, price: np.ndarray, n_starts: int) -> None:
    """Add the best courses of each line, bettered a year at a time at the prices of the constraints."""
    left = linear_program.left(bench.table, price)
    # the best course of each way of a line, and of them the best few
    order = np.argsort(-left, kind="stable")
    order = order[order >= given.n_areas]
    pairs = np.stack([bench.table.line, bench.table.way])[:, order]
    some = order[np.unique(pairs, axis=1, return_index=True)[1]]
    every = bench.table.line
    some = some[np.lexsort((-left[some], every[some]))]
    rank = np.arange(len(some)) - np.searchsorted(every[some], every[some])
    some = some[(rank < n_starts) & ~np.isin(every[some], list(given.pinned))]
    line, cost = every[some], given.cost(price)
    charged = given.charged(prices, price)
    planned, _ = spending_profiles.bettered(given.desk, charged, cost, line, bench.planned[some], given.smallest)
    brought = spending_profiles.brings(given.desk, prices, line, planned) - base[line]
    new = Table(line, _way(planned), brought, given.uses(line, planned))
    is_new = linear_program.left(new, price) > left[some] + WORTH_TAKING * max(np.max(abs(left)), 1e-30)
    bench.planned = np.concatenate([bench.planned, planned[is_new]])
    bench.table = bench.table.joined(new.taken(is_new))
    bench.is_in = np.concatenate([bench.is_in, np.ones(is_new.sum(), dtype=bool)])


def _laid(bench: _Bench, share: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Return the plan that shares of courses make."""
    n_lines = shape[0] * shape[1]
    out = np.zeros((n_lines + shape[0], shape[2]))
    np.add.at(out, bench.table.line, share[:, None] * bench.planned)
    return out[:n_lines].reshape(shape)


def _whole(given: Problem, bench: _Bench, mixed: Mixture, shape: tuple[int, int, int]) -> np.ndarray | None:
    """Return the best plan in which each line keeps to one way."""
    left = linear_program.left(bench.table, mixed.price) - mixed.place[bench.table.line]
    near = left > -WHOLE_RANGE * max(abs(mixed.brings or 0.0), 1e-30)
    share = linear_program.whole(bench.table.taken(near), given.limits, WHOLE_GAP)
    if share is None:
        return None
    out = np.zeros(len(bench.table.line))
    out[near] = share
    return _laid(bench, out, shape)
