"""Which parts of the baseline earn their place.

Fits the baseline to the wide panel as it is and without each of its parts, and compares how well each expects the
whole record of an authority that it has not seen (leave one authority out, by Pareto-smoothed importance sampling).
Draws are from the normal distribution about the mode of each posterior (Laplace): eight fits by NUTS take hours, and
what is compared are differences of tens and hundreds of nats.
The density of an authority is the fitted one: the mean sampling variance of its band, level, deviation and luck
integrated out. Look at the difference over its standard error, and at Pareto k: above 0.7 the estimate is not to be
trusted, and the last year of each authority given its other years stands beside it.

    python experiments/which_parts_earn_their_place.py path/to/la_panel.csv
"""

import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import gammaln

from oa_sim.inference import baseline_model, observations, sampling
from oa_sim.inference.baseline_likelihood import RecordDensity
from oa_sim.inputs import panel, published_files, tables
from oa_sim.rng import stream

UNTIL, SEED = 2025, 2017
DRAWS = 400  # of each form


def authorities(known: observations.Record, last: int | None = None) -> list[RecordDensity | None]:
    """Return the density of each authority; without the years from ``last`` on, if given, None where none is left."""
    found = []
    for band in baseline_model.bands(known):
        kept = np.ones(len(band.year), bool) if last is None else band.year < last
        cells = {name: getattr(band, name)[kept] for name in ("series", "mean", "year", "kin", "sampling")}
        cells["breaks"] = band.breaks[np.ix_(kept, kept)]
        ones = [band._replace(value=row[None, kept], **cells) for row in band.value]
        found += [RecordDensity([one]) if kept.any() else None for one in ones]
    return found


def about_the_mode(described) -> xr.Dataset:
    """Return draws of the unbounded variables (chain, draw, ...) from the normal distribution about the mode."""
    best, covariance, named = sampling.mode(described)
    root = np.linalg.cholesky(covariance + 1e-12 * np.eye(len(best)))
    points = best + stream(SEED, "about the mode").standard_normal((DRAWS, len(best))) @ root.T
    drawn = [named(point) for point in points]
    values = {name: np.stack([one[name] for one in drawn])[None] for name in drawn[0]}
    return xr.Dataset({n: (("chain", "draw", *(f"{n}_{i}" for i in range(v.ndim - 2))), v) for n, v in values.items()})


def log_likelihood(described, draws: xr.Dataset, densities: list[RecordDensity]) -> np.ndarray:
    """Return the log density of each authority (chain, draw, authority) given each draw."""
    from pytensor.graph.traversal import ancestors

    node = next(v.owner for v in ancestors(described.potentials) if v.owner and isinstance(v.owner.op, RecordDensity))
    names = [variable.name for variable in described.value_vars]
    graphs = described.replace_rvs_by_values(node.inputs)
    compiled = described.compile_fn(graphs, inputs=described.value_vars, mode="FAST_COMPILE", on_unused_input="ignore")
    out = np.empty((draws.sizes["chain"], draws.sizes["draw"], len(densities)))
    for chain, draw in np.ndindex(out.shape[:2]):
        inputs = compiled({name: draws[name].values[chain, draw] for name in names})
        freedom = float(inputs[-1][0])
        out[chain, draw] = [one.evaluate(*inputs)[0] + scale(one, freedom) if one else 0.0 for one in densities]
    return out


def scale(density: RecordDensity, freedom: float) -> float:
    """Return what the degrees of freedom alone bring to the log density of one authority."""
    n = len(density.bands[0][0])
    return gammaln((freedom + n) / 2) - gammaln(freedom / 2) - n / 2 * np.log(freedom - 2)


def leave_one_out(log_density: np.ndarray):
    """Return the expected log density of each authority left out, and its Pareto k."""
    import arviz as az

    log_density = log_density[..., log_density.std(axis=(0, 1)) > 0]  # the others have no figure to expect
    groups = {"posterior": {"x": log_density[..., 0]}, "log_likelihood": {"authority": log_density}}
    # ArviZ 0.23 takes the groups as keyword arguments
    data = az.from_dict(groups) if int(az.__version__.split(".")[0]) else az.from_dict(**groups)
    found = az.loo(data, pointwise=True)
    each = found.elpd_i if hasattr(found, "elpd_i") else found.loo_i
    return np.asarray(each), np.asarray(found.pareto_k)


def compared(rows: dict[str, tuple]) -> pd.DataFrame:
    """Return the table: what each part brings, whole authorities and their last year."""
    table = {}
    for part, ways in rows.items():
        table[part] = {}
        for name, (each, k), (whole, _) in zip(("authority", "last year"), ways, rows["nothing"], strict=True):
            gain = whole - each
            table[part] |= {
                f"{name}: gain": gain.sum().round(1),
                f"{name}: SE": (np.sqrt(len(gain)) * gain.std(ddof=1)).round(1),
                f"{name}: k > 0.7": int((k > 0.7).sum()),
                f"{name}: k max": k.max().round(2),
            }
    return pd.DataFrame(table).T.rename_axis("left out")


def main(path: str) -> None:
    warnings.simplefilter("ignore")
    known = observations.record(panel.history(published_files.read(path), tables.read("breaks"), until=UNTIL))
    whole, earlier = authorities(known), authorities(known, last=UNTIL)
    Path("outputs").mkdir(exist_ok=True)
    rows = {}
    for part in ("nothing", *baseline_model.PARTS):
        described = baseline_model.model(known, without=() if part == "nothing" else (part,))
        draws = about_the_mode(described)
        full, past = (log_likelihood(described, draws, densities) for densities in (whole, earlier))
        rows[part] = (leave_one_out(full), leave_one_out(full - past))
        table = compared(rows)
        table.to_csv("outputs/which_parts_earn_their_place.csv")  # as far as it is: the whole takes half an hour
        print(f"without {part}: done", file=sys.stderr)
    print(table.to_string())
    for way in ("authority", "last year"):
        earns = table.index[table[f"{way}: gain"] > 2 * table[f"{way}: SE"]]
        print(f"Gain of more than twice its standard error, by {way}: {', '.join(earns) or 'none'}.")


if __name__ == "__main__":
    main(*sys.argv[1:])
