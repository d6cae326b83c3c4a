"""Learn how districts differ from their counties, and write ``oa_sim/data/district_law.json``.

    python docs/make_district_law.py PANEL

PANEL is a wide panel of authorities with a column ``region``. Districts of two-tier counties have few measures; so that
the others are known too, levels are learned from both at once: from districts less their county, and from authorities
outside London less their region, of which all measures are published. Both share one correlation matrix; districts have
a scale of their own for each measure that they have, and its geometric mean for the others. It is found by expectation
and maximisation over the mean of each place's figures. What reverts is that of authorities (the shipped posterior), but
for key stage 2, of which districts have years enough.
"""

import json
import sys

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from oa_sim.definitions import series
from oa_sim.inference import area_forecast, baseline_fit, link_functions, observations
from oa_sim.inference.district_law import FILE
from oa_sim.inputs import panel, published_files, tables

SERIES = series()
LONDON = ("Inner London", "Outer London")
SCALED = ("key_stage_2 disadvantaged", "key_stage_2 other", "good_level_of_development", "attainment_8",
          "persistent_absence")  # fmt: skip
SHRUNK_BY = 6  # places that say that measures are not correlated, against over-fitting
ROUNDS, GRID = 60, 1.12
UNTIL = 2023  # last year that is learned from, so that later ones are left to score the law
DISADVANTAGED = 0.25  # of pupils, where a district's share is not in the tables


def unit_mean_variance(pace: float, years: np.ndarray) -> float:
    """Return the variance of the mean over years of a reverting deviation of variance 1."""
    return float(np.mean(pace ** np.abs(np.subtract.outer(years, years))))


def weights(measure: str, group: str, share: float, scale: float = 1.0) -> np.ndarray:
    """Return what a figure is of, by series."""
    parts = {"disadvantaged": share, "other": 1 - share} if group == "all" else {group: 1.0}
    if (measure, "all") in SERIES:
        parts = {"all": 1.0}
    out = np.zeros(len(SERIES))
    for part, weight in parts.items():
        out[SERIES.index((measure, part))] = scale * weight
    return out


def authorities(path: str, law: area_forecast.Law) -> list[tuple]:
    """Return loading, figures and error variances of each authority outside London less its region's mean."""
    history = panel.history(published_files.read(path), tables.read("breaks"))
    record = observations.record(history)
    region = pd.read_csv(path).drop_duplicates("la_name", keep="last").set_index("la_name").region
    seen = record.observed > 0
    n = np.maximum(seen.sum(axis=2), 1)
    mean = np.where(seen.any(axis=2), np.where(seen, record.relative, 0).sum(axis=2) / n, np.nan).T
    table = pd.DataFrame(mean, index=record.areas)
    of = region.reindex(table.index)
    table = table[~of.isin(LONDON) & of.notna()]
    table = table - table.groupby(of.reindex(table.index)).transform("mean")
    sd, pace = deviations(law)
    rows = []
    for area, values in table.iterrows():
        a, known = record.areas.index(area), np.isfinite(values.to_numpy())
        error = [sd[s] ** 2 * unit_mean_variance(pace[s], record.years[seen[s, a]]) if known[s] else 0.0
                 for s in range(len(SERIES))]  # fmt: skip
        error = np.array(error) + record.sampling[:, a].mean(axis=1) / n[:, a]
        rows.append((np.eye(len(SERIES))[known], values.to_numpy()[known], error[known], "authority"))
    return rows


def deviations(law: area_forecast.Law) -> tuple[np.ndarray, np.ndarray]:
    """Return SD and pace of what reverts, by series: means over the draws."""
    pace = law.pace.mean(axis=0)
    return np.sqrt(np.diagonal(law.shock.mean(axis=0)) / (1 - pace**2)), pace


def figures() -> pd.DataFrame:
    """Return districts' figures less their county's, on the latent scale, with their sampling variance."""
    rows = pd.read_csv(tables.FOLDER / "district_figures.csv").dropna(subset="county_value")
    rows, parts = rows[(rows.year <= UNTIL) & rows.error.isna()], []  # what is scaled is of a few districts
    for measure, part in rows.groupby("measure"):
        own, theirs = (link_functions.to_latent(measure, part[name].clip(2, 98)) for name in ("value", "county_value"))
        variance = link_functions.sampling_variance(measure, part.value, part.pupils.clip(lower=20))
        parts.append(part.assign(gap=own - theirs, variance=variance))
    return pd.concat(parts)


def shares(rows: pd.DataFrame) -> pd.Series:
    """Return the disadvantaged share of pupils at key stage 2, by district."""
    pupils = rows[rows.measure == "key_stage_2"].pivot_table(index="code", columns="group", values="pupils")
    return (pupils.disadvantaged / (pupils.disadvantaged + pupils.other)).fillna(DISADVANTAGED)


def districts(rows: pd.DataFrame, scales: dict[str, float], sd, pace, noise) -> list[tuple]:
    """Return loading, figures and error variances of each district."""
    share, out = shares(rows), []
    wanted = rows[~((rows.measure == "key_stage_2") & (rows.group == "all"))]
    for code, part in wanted.groupby("code"):
        loading, values, errors = [], [], []
        for (measure, group), cells in part.groupby(["measure", "group"]):
            name = f"{measure} {group}" if measure == "key_stage_2" else measure
            plain = weights(measure, group, share.get(code, DISADVANTAGED))
            reverting = (plain @ sd) ** 2 * unit_mean_variance(float(plain @ pace), cells.year.to_numpy())
            loading.append(scales[name] * plain)
            values.append(cells.gap.mean())
            errors.append(reverting + (cells.variance.mean() + plain**2 @ noise) / len(cells))
        out.append((np.array(loading), np.array(values), np.array(errors), "district"))
    return out


def maximise(rows: list[tuple], rounds: int) -> tuple[np.ndarray, float]:
    """Return the covariance of levels under which the rows are the likeliest, and their log likelihood."""
    n = len(SERIES)
    start = np.diag([np.mean([y[h[:, s] == 1] ** 2 for h, y, _, kind in rows if kind == "authority"
                              and (h[:, s] == 1).any()]) for s in range(n)])  # fmt: skip
    spread, likelihood = start.copy(), 0.0
    for _ in range(rounds):
        total, likelihood = SHRUNK_BY * start, 0.0
        for loading, values, errors, _ in rows:
            variance = loading @ spread @ loading.T + np.diag(errors)
            gain = np.linalg.solve(variance, loading @ spread).T
            mean = gain @ values
            likelihood -= 0.5 * (np.linalg.slogdet(variance)[1] + values @ np.linalg.solve(variance, values))
            total = total + np.outer(mean, mean) + spread - gain @ loading @ spread
        spread = total / (len(rows) + SHRUNK_BY)
    return spread, likelihood


def key_stage_2(rows: pd.DataFrame) -> dict[str, np.ndarray | float]:
    """Return what is fitted to the years of key stage 2 by districts.

    That is what reverts, its pace, noise, the pace of levels, and by which power of a district's pupils the variance of
    what reverts falls: it is of schools, and a small district has few over which it could cancel.
    """
    cells = rows[(rows.measure == "key_stage_2") & (rows.group != "all")]
    wide = cells.pivot_table(index="code", columns=["group", "year"], values=["gap", "variance"])
    gaps, variances = wide["gap"].to_numpy(), wide["variance"].to_numpy()
    pupils = cells.groupby(["code", "year"]).pupils.sum().groupby("code").mean().reindex(wide.index).to_numpy()
    typical = float(np.exp(np.log(pupils).mean()))
    years = np.array([year for _, year in wide["gap"].columns if _ == "disadvantaged"])
    apart = np.abs(np.subtract.outer(years, years))

    def covariance(x):
        level, reverting = np.exp(x[0:2]), np.exp(x[3:5])
        pace, slow = 1 / (1 + np.exp(-x[[6, 9]]))
        alike = [np.array([[1, r], [r, 1]]) for r in np.tanh(x[[2, 5]])]
        levels, parts = (np.kron(r * np.outer(sd, sd), p**apart)
                         for r, sd, p in zip(alike, (level, reverting), (slow, pace), strict=True))  # fmt: skip
        return levels + np.kron(np.diag(np.exp(2 * x[7:9])), np.eye(len(years))), parts

    # centre and spread of a weak prior on the logarithms, so that what the years hardly tell stays sensible
    centre = np.array([*np.log([0.08, 0.08]), 0.5, *np.log([0.06, 0.05]), 0.5, 0.8, *np.log([0.02, 0.02]), 3.5, 0.5])
    width = np.array([1, 1, 1, 1, 1, 1, 1, 0.7, 0.7, 1.0, 0.5])

    def loss(x):
        (same, reverting), total = covariance(x), 0.5 * np.sum(((x - centre) / width) ** 2)
        for values, variance, size in zip(gaps, variances, pupils / typical, strict=True):
            seen = np.isfinite(values)
            spread = (same + reverting * size ** -x[10])[np.ix_(seen, seen)] + np.diag(variance[seen])
            total += 0.5 * (np.linalg.slogdet(spread)[1] + values[seen] @ np.linalg.solve(spread, values[seen]))
        return total

    x = minimize(loss, centre, method="BFGS", options={"maxiter": 80}).x
    pace, slow = 1 / (1 + np.exp(-x[[6, 9]]))
    return {"sd": np.exp(x[3:5]), "alike": float(np.tanh(x[5])), "pace": float(pace), "noise": np.exp(2 * x[7:9]),
            "level_pace": float(slow), "size_power": float(x[10]), "pupils": typical}  # fmt: skip


def main(path: str) -> None:
    """Write the law."""
    law, rows = area_forecast.law(baseline_fit.load(), SERIES), figures()
    sd, pace = deviations(law)
    noise, own = law.noise.mean(axis=0), key_stage_2(rows)
    of_key_stage_2 = [SERIES.index(("key_stage_2", group)) for group in ("disadvantaged", "other")]
    sd[of_key_stage_2], pace[of_key_stage_2], noise[of_key_stage_2] = own["sd"], own["pace"], own["noise"]
    power = np.zeros(len(SERIES))
    power[of_key_stage_2] = own["size_power"]
    known, scales = authorities(path, law), dict.fromkeys(SCALED, 1.0)
    best = maximise([*known, *districts(rows, scales, sd, pace, noise)], 12)[1]
    for step in (GRID**2, GRID, GRID**0.5):
        for name in SCALED:
            for factor in (step, 1 / step):
                while True:
                    tried = scales | {name: scales[name] * factor}
                    likelihood = maximise([*known, *districts(rows, tried, sd, pace, noise)], 12)[1]
                    if likelihood <= best + 0.05:
                        break
                    best, scales = likelihood, tried
    spread, best = maximise([*known, *districts(rows, scales, sd, pace, noise)], ROUNDS)
    typical = float(np.exp(np.mean(np.log(list(scales.values())))))
    scale = np.array([scales.get(f"{m} {g}", scales.get(m, typical)) for m, g in SERIES])
    shock_law = law.shock.mean(axis=0)
    alike = shock_law / np.sqrt(np.outer(np.diagonal(shock_law), np.diagonal(shock_law)))
    alike[np.ix_(of_key_stage_2, of_key_stage_2)] = np.array([[1, own["alike"]], [own["alike"], 1]])
    size = sd * np.sqrt(1 - pace**2)
    made = {
        "series": SERIES,
        "level": (spread * np.outer(scale, scale)).round(7).tolist(),
        "level_pace": round(own["level_pace"], 5),
        "shock": (alike * np.outer(size, size)).round(8).tolist(),
        "pace": pace.round(5).tolist(),
        "noise": noise.round(8).tolist(),
        "size_power": power.round(4).tolist(),
        "pupils": round(own["pupils"], 1),
        "scales": {name: round(value, 3) for name, value in scales.items()} | {"others": round(typical, 3)},
        "n": {"authorities": len(known), "districts": int(rows.code.nunique())},
        "source": "OWN-PANEL",
    }
    FILE.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
    print(made["scales"], made["n"], "log likelihood", round(best, 1))
    level = np.sqrt(np.diagonal(made["level"]))
    print(pd.DataFrame({"level": level, "reverting": sd, "pace": pace, "noise": np.sqrt(noise)}, SERIES).round(3))


if __name__ == "__main__":
    main(sys.argv[1])
