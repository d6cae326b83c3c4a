"""How fast is integration.

Compares the baseline as it is fitted, with levels, deviations and cohorts' luck integrated out, with the same baseline
in which all of them are variables: the same priors, the same graph of hyperparameters, the same part of the panel
(every authority, the series of the early years), the same sampler (nutpie, as it comes, from its own starts), the same
numbers of chains and iterations. Look at the effective sample size of the hyperparameters they share for a second of
processor time; of the explicit forms, states may be centred or not, and the faster of the two counts.

    python experiments/how_fast_is_integration.py path/to/la_panel.csv
"""

import dataclasses
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from oa_sim.inference import baseline_model, observations
from oa_sim.inference import sampling as nuts
from oa_sim.inference.baseline_likelihood import RecordDensity
from oa_sim.inputs import panel, published_files, tables

UNTIL, SEED = 2023, 2017
MEASURES = ("good_level_of_development", "phonics")
RUN = {"chains": 2, "cores": 2, "tune": 300, "draws": 300, "save_warmup": False}


def part_of(known: observations.Record) -> observations.Record:
    """Return the record of some measures, from the first year in which any is published."""
    kept = [s for s, (measure, _) in enumerate(known.series) if measure in MEASURES]
    years = slice(np.flatnonzero(known.observed[kept].any(axis=(0, 1)))[0], None)
    cubes = {name: getattr(known, name)[kept][:, :, years] for name in ("relative", "observed", "sampling")}
    series, national = [known.series[s] for s in kept], [known.national[s] for s in kept]
    return dataclasses.replace(
        known, series=series, years=known.years[years], kin=known.kin[kept, years], national=national, **cubes
    )


def explicit(known: observations.Record, *, centred: bool):
    """Return the model in which levels, deviations and luck are variables instead of integrated out."""
    pm = nuts.load_pymc()
    import pytensor.tensor as pt
    from pytensor.graph.traversal import ancestors

    described = baseline_model.model(known)
    node = next(v.owner for v in ancestors(described.potentials) if v.owner and isinstance(v.owner.op, RecordDensity))
    mean, parts, pace, noise, link = node.inputs
    described.potentials = [one for one in described.potentials if one.name != "history"]
    del described.named_vars["history"]
    shape = (len(known.series), len(known.areas))

    lag = np.subtract.outer(np.arange(len(known.years)), np.arange(len(known.years)))

    def path(name, covariance, pace):
        """Return states (series, area, year) of an autoregressive vector."""
        first, shock = pt.linalg.cholesky(covariance), pt.linalg.cholesky(covariance * (1 - pace[:, None] * pace))
        drawn = (pm.Flat if centred else pm.Normal)(name, shape=(len(known.years), *shape))
        if not centred:
            steps = pt.concatenate([(first @ drawn[0])[None], shock @ drawn[1:]])
            kept = pt.where(lag >= 0, pace[:, None, None] ** np.maximum(lag, 0), 0.0)  # (series, year, step)
            return (kept @ steps.dimshuffle(1, 0, 2)).dimshuffle(0, 2, 1)
        steps = (drawn[1:] - pace[:, None] * drawn[:-1]).dimshuffle(1, 0, 2).reshape((shape[0], -1))
        density = 0.0
        for root, step, n in ((first, drawn[0], shape[1]), (shock, steps, shape[1] * (len(known.years) - 1))):
            scaled = pt.linalg.solve_triangular(root, step, lower=True)
            density += -0.5 * (scaled**2).sum() - n * pt.log(pt.diag(root)).sum()
        pm.Potential(f"{name}_density", density)
        return drawn.dimshuffle(1, 2, 0)

    with described:
        place = mean[:, None, None] + path("level", parts[0], pace[0]) + path("deviation", parts[1], pace[1])
        cohorts, at = np.unique(known.kin, return_inverse=True)
        luck = pm.Normal("luck", shape=(shape[1], len(cohorts)))[:, at.reshape(known.kin.shape)].dimshuffle(1, 0, 2)
        goes_along = link[:, None, None]
        place = place + goes_along * np.sqrt(known.sampling) * luck
        sd = pt.sqrt(known.sampling * (1 - goes_along**2) + noise[:, None, None])
        seen = known.observed > 0
        pm.Normal("seen", place[seen], sd[seen], observed=known.relative[seen])
    return described


def timed(build) -> tuple[float, float, int, object]:
    """Return processor seconds in all and of sampling, the number of variables, and the draws."""
    import nutpie

    began = time.process_time()  # of all threads: other work on the machine does not count
    described = build()
    compiled = nutpie.compile_pymc_model(described)
    ready = time.process_time()
    tree = nutpie.sample(compiled, seed=SEED, progress_bar=False, **RUN)
    done = time.process_time()
    return done - began, done - ready, compiled.n_dim, nuts._dataset(tree["posterior"])


def main(path: str) -> None:
    warnings.simplefilter("ignore")
    from arviz import ess, rhat

    known = part_of(observations.record(panel.history(published_files.read(path), tables.read("breaks"), until=UNTIL)))
    forms = {
        "integrated": lambda: baseline_model.model(known),
        "explicit, not centred": lambda: explicit(known, centred=False),
        "explicit, centred": lambda: explicit(known, centred=True),
    }
    names, rows = [variable.name for variable in baseline_model.model(known).value_vars], {}
    for form, build in forms.items():
        whole, sampling, n, draws = timed(build)
        each, worst = (
            np.concatenate([np.ravel(found[name].values) for name in names])
            for found in (nuts._dataset(statistic(draws[names])) for statistic in (ess, rhat))
        )
        row = {"variables": n, "s in all": whole, "s sampling": sampling, "R-hat most": worst.max()}
        for word, size in (("least", each.min()), ("median", np.median(each))):
            row |= {f"ESS {word}": size, f"{word} / s": size / whole, f"{word} / s sampling": size / sampling}
        rows[form] = row
        table = pd.DataFrame(rows).T
        Path("outputs").mkdir(exist_ok=True)
        table.to_csv("outputs/how_fast_is_integration.csv")
        print(table.round(3).to_string(), file=sys.stderr)
    print(table.round(3).to_string())
    ratio = table.loc["integrated"] / table.drop("integrated").max()
    print(
        f"{len(known.areas)} authorities, {len(known.series)} series, {len(known.years)} years: against the faster of "
        f"the explicit forms, integration gives {ratio['least / s']:.0f} times the least and {ratio['median / s']:.0f} "
        f"times the median effective sample size a processor second, compilation included; of sampling alone, "
        f"{ratio['least / s sampling']:.0f} and {ratio['median / s sampling']:.0f} times."
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
