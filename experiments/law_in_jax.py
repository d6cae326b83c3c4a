"""Is the law as fast in JAX as in Numba, with the gradient for free.

One law, from money to the published figures of an area, written once in ``jax.numpy`` for one draw: ``jit`` compiles
it, ``vmap`` lays it over the draws, ``grad`` differentiates it. Against it stand the kernel of ``oa_sim.compiled`` and
its gradient by hand. Both are in single precision, on two cores, on the same inputs, in one run. JAX is not among the
dependencies of the package: install it with ``pip install jax``.

    python experiments/law_in_jax.py [--quick]
"""

import json
import sys
import time

import numpy as np
import plain

from oa_sim import load_scenario
from oa_sim.compiled import activity, gradient, jit, outcomes
from oa_sim.inference.link_functions import HUNDRED, LOG_PER_SD, MOST_POINTS, POINTS, PUPIL_SD, SHARE
from oa_sim.programme.laws import MOST_SERVED

BY_INTERVENTION = ("unit_cost", "ramp", "wider", "dose", "goes_on", "later", "effect", "kept")
SHARED = ("overlap", "lost_by_load", "undisturbed")


def flat(blocks: np.ndarray, n_draws: int) -> np.ndarray:
    """Return blocks of draws (block, ..., draw) as (..., draw)."""
    apart = np.moveaxis(blocks, 0, -2)
    return np.ascontiguousarray(apart.reshape(*apart.shape[:-2], -1)[..., :n_draws])


def inputs(about: plain.Made, a: int, n_shown: int) -> tuple[dict, dict]:
    """Return what an area's draws are, each (..., draw), and what no draw changes."""
    drawn, levers, n = about.programme.draws, about.levers, about.ground.shape[-1]
    by_draw = {name: flat(getattr(drawn, name), n) for name in (*BY_INTERVENTION, *SHARED)}
    by_draw["delivery"] = flat(drawn.delivery, n)[a]
    by_draw["lag"] = flat(levers.lag, n)[levers.wait[a]]
    by_draw["latent"] = about.ground[a, :, :n_shown]
    fixed = {"beside": levers.beside[a], "offers": levers.offers[a], "since": levers.since[a]}
    return by_draw, fixed | {"poor": about.programme.shape.poor[a]}


def law(shape: activity.Shape, takes: float, n_shown: int):
    """Return the law: money (intervention, year), one draw and what is fixed, to hundredths of figures.

    The figures, projected and without the programme, are each (row, year), a row for each group that is modelled.
    """
    import jax.numpy as jnp

    capacity = shape.capacity[:, None]

    def below(late, ramp):
        late = jnp.maximum(late, 0)
        return jnp.where(late < ramp, late * late / (2 * ramp), late - ramp / 2)

    def active(spend, draw, fixed):
        cost, ramp, wider, dose = (draw[name][:, None] for name in ("unit_cost", "ramp", "wider", "dose"))
        late = jnp.arange(spend.shape[1], dtype=jnp.float32) - fixed["since"][:, None] - draw["lag"][:, None]
        ready = (below(late + 1, ramp) - below(late, ramp)) * (spend > 0)
        local = capacity * (1 - jnp.exp(-spend / (cost * capacity)))
        whole = capacity * (1 - jnp.exp(-(spend + fixed["beside"]) / (cost * capacity)))
        quality, most = dose * draw["delivery"], capacity * wider
        funded = jnp.minimum((local * ready + whole - local) * wider * quality, most)
        unpaid = [jnp.zeros_like(funded[:, 0])]
        for t in range(1, spend.shape[1]):
            change = funded[:, t] - funded[:, t - 1]
            # at a kink, as where money stays the same, ``where`` takes the slope of one side, as the kernel does
            left = unpaid[-1] - jnp.where(change > 0, change, 0)
            going_on = draw["later"] * jnp.where(left < 0, 0, left)
            unpaid.append(going_on + draw["goes_on"] * jnp.where(change < 0, -change, 0))
        unpaid = jnp.stack(unpaid, axis=1)
        here = jnp.minimum(local * ready / capacity + unpaid / (most * quality), 1)
        load = (shape.stage > 0).astype(np.float32).T @ here + fixed["offers"]
        change = shape.stage @ (jnp.exp(jnp.maximum(load - takes, 0) * draw["lost_by_load"]) - 1)
        return jnp.minimum(funded + unpaid, most) * (1 + change) * draw["undisturbed"]

    def gain(active, draw):  # (measure, group, year)
        n_years = active.shape[1]
        unserved = jnp.log(1 - jnp.minimum(active * shape.widest[:, None], MOST_SERVED))
        left = 1 + (1 - draw["overlap"]) * (jnp.exp(shape.meets @ unserved) - 1)  # (channel, intervention, year)
        new = active * draw["effect"].T[:, :, None] * left
        since = np.arange(n_years) - np.arange(n_years)[:, None]
        held = jnp.where(since >= 0, draw["kept"][:, np.maximum(since, 0)], 0)  # (intervention, given, year)
        seen = shape.sight[:, :, np.maximum(since, 0)] * (since >= 0)
        return jnp.einsum("mkg,kgy,kmgy,ke->mey", new[shape.channel], held, seen, shape.eligible)

    def published(kind, latent):
        from jax.scipy.stats import norm

        if kind == POINTS:
            return jnp.clip(latent * PUPIL_SD, 0, MOST_POINTS) / HUNDRED
        return norm.cdf(latent) if kind == SHARE else jnp.exp(LOG_PER_SD * latent)

    def figures(spend, draw, fixed):
        held = gain(active(spend, draw, fixed), draw)[:, :, :n_shown]
        projected, without = [], []
        for m, kind in enumerate(shape.kind):
            share, first = fixed["poor"][m], shape.series[m]
            groups = held[m] if shape.two_groups[m] else (share * held[m, 0] + (1 - share) * held[m, 1])[None]
            before = draw["latent"][first : first + len(groups)]
            projected.append(published(kind, before + shape.sign[m] * groups))
            without.append(published(kind, before))
        return jnp.concatenate(projected), jnp.concatenate(without)

    return figures


def best(work, times: int) -> float:
    """Return the least of the seconds that some work takes, once it is compiled."""
    work()
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


@jit.compiled
def figures_of(shape, draws, levers, latent, asked, seen, room, first, last, out):
    """Write the figures of some areas (area, projected or without, series, year, draw), % or points, by the kernel."""
    work = np.empty((2, latent.shape[3]), np.float32)
    for a in range(first, last):
        outcomes.area(shape, draws, levers, a, asked, seen, room)
        for m in range(shape.kind.size):
            for g in range(2 if shape.two_groups[m] else 1):
                for t in range(out.shape[3]):
                    for b in range(seen.gain.shape[0]):
                        lo, hi = b * activity.BLOCK, min((b + 1) * activity.BLOCK, latent.shape[3])
                        gain = seen.gain[b, m]
                        for d in range(hi - lo):
                            own, other, share = gain[0, t, d], gain[1, t, d], shape.poor[a, m]
                            mixed = share * own + (activity.ONE - share) * other
                            work[0, lo + d] = gain[g, t, d] if shape.two_groups[m] else mixed
                    row = latent[a, shape.series[m] + g, t]
                    outcomes.add_gain(shape.sign[m], row, work[0])
                    outcomes.publish(shape.kind[m], work[0], out[a, 0, shape.series[m] + g, t])
                    outcomes.publish(shape.kind[m], row, out[a, 1, shape.series[m] + g, t])


def by_numba(about: plain.Made, n_shown: int, n_paid: int, times: int) -> tuple[dict, np.ndarray, np.ndarray]:
    """Return the kernel's seconds, its figures, and what one more pound a pupil adds (area, intervention, year)."""
    made, levers, latent = about.programme, about.levers, about.ground
    (n_areas, n_all, n_years), n_draws, n_blocks = levers.spend.shape, latent.shape[3], made.draws.overlap.shape[0]
    out = np.empty((n_areas, 2, latent.shape[1], n_shown, n_draws), np.float32)
    asked = outcomes.Asked(
        np.array([n_years - 1] * 2), -1, np.array([0, 0]), 0, np.float32(5e-4), np.array([0.5]), np.array([0.05, 0.95]),
        True,
    )  # fmt: skip

    def block(first, last):
        n_measures, nothing = made.shape.kind.size, np.zeros((1, 1, n_draws), np.float32)
        seen = outcomes.Seen(
            np.empty((n_blocks, n_measures, 2, n_years, activity.BLOCK), np.float32),
            np.empty((n_measures, 3, 3, n_draws), np.float32), np.zeros((2, n_draws), np.float32),
            np.empty(n_draws, np.float32), nothing, nothing, np.zeros((n_years, n_draws), np.float32),
        )  # fmt: skip
        room = activity.workspace_for(n_all, n_years)
        figures_of(made.shape, made.draws, levers, latent, asked, seen, room, first, last, out)

    each = np.zeros((n_areas, made.shape.kind.size, 2, n_years), np.float32)
    each[..., :n_shown] = 1
    each[:, ~made.shape.two_groups, 0] = 0  # of one series: it stands with the second group
    weight = np.zeros((n_blocks * activity.BLOCK), np.float32)
    weight[:n_draws] = 1 / n_draws
    factor = np.repeat(weight.reshape(n_blocks, 1, -1), 2, axis=1)
    counts = gradient.Counts(each, np.zeros_like(each), factor)
    size = (n_areas, n_blocks, n_all, n_years, activity.BLOCK)
    prices = gradient.Prices(np.zeros(size, np.float32), np.zeros(size, np.float32))
    worth = np.zeros((n_areas, n_draws))
    lines = [array.ravel() for array in np.indices((n_areas, n_all))]
    courses = gradient.Courses(*lines, levers.spend.reshape(-1, n_years), levers.since.ravel(), levers.wait.ravel())
    slopes = np.zeros((n_areas * n_all, n_paid))

    def price(first, last):
        gradient.follow(made.shape, made.draws, levers, latent, counts, prices, True, first, last, worth)

    def slope(first, last):
        arrays = made.shape, made.draws, levers.beside, levers.lag, prices, courses
        gradient.slopes(*arrays, n_years, first, last, slopes)

    seconds = {
        "block": best(lambda: jit.in_parts(block, n_areas), times),
        "prices": best(lambda: jit.in_parts(price, n_areas), times),
        "slopes": best(lambda: jit.in_parts(slope, len(slopes)), times),
    }
    return seconds, out, slopes.reshape(n_areas, n_all, n_paid)


def by_jax(about: plain.Made, n_shown: int, n_paid: int, times: int) -> tuple[dict, np.ndarray, np.ndarray]:
    """Return the same as ``by_numba`` from JAX; seconds to compile are apart."""
    import jax

    n_areas = about.levers.spend.shape[0]
    figures = law(about.programme.shape, float(about.levers.takes), n_shown)
    spend = about.levers.spend
    each = [jax.device_put(inputs(about, a, n_shown)) for a in range(n_areas)]
    block = jax.jit(jax.vmap(figures, in_axes=(None, -1, None), out_axes=-1))

    def worth(money, draws, fixed):
        projected, without = jax.vmap(figures, in_axes=(None, -1, None), out_axes=-1)(money, draws, fixed)
        return (projected - without).sum((0, 1)).mean()

    slope = jax.jit(jax.grad(worth))
    began = time.perf_counter()
    jax.block_until_ready((block(spend[0], *each[0]), slope(spend[0], *each[0])))
    compiling = time.perf_counter() - began

    def all_areas(work):
        return jax.block_until_ready([work(spend[a], *each[a]) for a in range(n_areas)])

    seconds = {
        "block": best(lambda: all_areas(block), times),
        "gradient": best(lambda: all_areas(slope), times),
        "compiling": compiling,
    }
    found = np.stack([np.stack(two) for two in all_areas(block)])
    return seconds, found, np.stack(all_areas(slope))[..., :n_paid]


def main(*flags: str) -> dict:
    """Measure, print a table and a sentence, and return the measured figures."""
    is_quick = "--quick" in flags
    words = ("areas=three_areas", "horizon=5", "sampler.draws=20") if is_quick else ("horizon=15", "sampler.draws=500")
    scenario = load_scenario(*words)
    about, times, n_shown = plain.made(scenario), 2 if is_quick else 5, scenario.horizon
    n_paid = int(np.flatnonzero(about.levers.spend.any(axis=(0, 1))).max()) + 1
    ours, figures, slopes = by_numba(about, n_shown, n_paid, times)
    theirs, found, found_slopes = by_jax(about, n_shown, n_paid, times)
    kinds = np.repeat(about.programme.shape.kind, np.where(about.programme.shape.two_groups, 2, 1))
    figures = figures / HUNDRED  # hundredths of a figure
    measured = {
        "n_draws": about.ground.shape[-1], "n_areas": len(scenario.areas.names), "n_series": len(kinds),
        "numba_block_s": ours["block"], "jax_block_s": theirs["block"],
        "numba_gradient_s": ours["prices"] + ours["slopes"], "jax_gradient_s": theirs["gradient"],
        "jax_compiling_s": theirs["compiling"],
        "block_ratio": theirs["block"] / ours["block"],
        "gradient_ratio": theirs["gradient"] / (ours["prices"] + ours["slopes"]),
        "largest_difference": float(abs(figures - found).max()),
        "largest_relative_difference_of_a_slope": float(abs(slopes - found_slopes).max() / abs(slopes).max()),
    }  # fmt: skip
    for name, value in measured.items():
        print(f"{name:42} {value:.3g}")
    print(json.dumps(measured))
    print(
        f"JAX takes {measured['block_ratio']:.2f} times as long as the kernel for a block, and "
        f"{measured['gradient_ratio']:.2f} times as long for a gradient."
    )
    return measured


if __name__ == "__main__":
    main(*sys.argv[1:])
