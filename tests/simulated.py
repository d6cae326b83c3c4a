"""Simulated records: the baseline played forward year by year, written apart from the model that is fitted to them.

Nothing is integrated out and no covariance of the record is ever formed: levels and deviations are walked from year to
year, pupils' luck is drawn cohort by cohort, England's changes one after another.
"""

import dataclasses

import numpy as np

from oa_sim.inference.baseline_model import TOLD
from oa_sim.inference.observations import National, Record, kin

BEGINS = 2013  # the year in which levels have the spread that is named
LONDON = 0.16  # its share of England's pupils
BURN_IN = 400  # years, after which a deviation no longer knows where it began
SERIES = [
    ("good_level_of_development", "disadvantaged"),
    ("good_level_of_development", "other"),
    ("phonics", "disadvantaged"),
    ("phonics", "other"),
    ("neet_16_17", "all"),
]
LINKED_ORDER = (
    "good_level_of_development", "phonics", "key_stage_2", "attainment_8", "level_3_by_19", "he_entry_by_19",
)  # fmt: skip
FREE = (  # the hyperparameters that are drawn from the priors
    *("mu", "london", "london_trend", "level_sd", "drift_sd", "area_break_sd"),
    *("deviation_sd", "noise_sd", "national_sd"),
    *(
        "persistence",
        "luck",
        "level_partials",
        "deviation_alike",
        "cohort_link",
        "national_trend",
        "national_damping",
        "groups_alike",
    ),
    *("break_sd", "behaviour_break_sd", "freedom"),
)


def small(n_areas: int = 24) -> Record:
    """Return a record without figures: five series, six years, gaps, two sizes of authority, a break in England."""
    years = np.arange(2014, 2020)
    shape = (len(SERIES), n_areas, len(years))
    observed, sampling = np.ones(shape), np.empty(shape)
    observed[2:4, :, 3] = 0  # no phonics in 2017
    observed[4, n_areas // 2 :, :2] = 0  # the larger authorities publish NEET later: a pattern of their own
    for s, pupils in enumerate((150, 600, 150, 600, 1500)):
        sampling[s, : n_areas // 2] = 1.6 / pupils
        sampling[s, n_areas // 2 :] = 1.6 / (4 * pupils)
    every = np.arange(2008, 2020)
    seen = [every, every, every[every != 2013], every[every != 2013], every[4:]]  # a gap; one that begins later
    shifts, otherwise = [(2016,), (2016,), (), (), ()], [(), (), (2017,), (2017,), ()]
    courses = [
        National(years, np.zeros(len(years)), *marks) for years, *marks in zip(seen, shifts, otherwise, strict=True)
    ]
    areas = [f"Area {a}" for a in range(n_areas)]
    return Record(
        SERIES,
        areas,
        years,
        np.zeros(shape),
        observed,
        sampling,
        kin(SERIES, years),
        courses,
        np.arange(n_areas) % 3 == 0,
    )


def typical() -> dict:
    """Return a value of each hyperparameter that is likely enough, for five series."""
    n = len(SERIES)
    by_series = {"mu": -0.1, "level_sd": 0.12, "deviation_sd": 0.06, "noise_sd": 0.02, "national_sd": 0.04}
    truth = {name: np.full(n, value) for name, value in (by_series | {"persistence": 0.8}).items()}
    truth |= {
        "london": np.full(n, 0.2),
        "london_trend": np.full(n, 0.01),
        "drift_sd": np.full(n, 0.015),
        "area_break_sd": np.full(n, 0.04),
        "luck": np.full(n, 0.8),
    }
    truth |= {"level_partials": np.full(n * (n - 1) // 2, 0.2)}
    truth |= {name: np.full(len(LINKED_ORDER), 0.5) for name in ("deviation_alike", "cohort_link")}
    return truth | {
        "national_trend": 0.4,
        "national_damping": 0.8,
        "groups_alike": 0.7,
        "break_sd": 0.12,
        "behaviour_break_sd": 0.25,
        "freedom": 15.0,
    }


def play(known: Record, truth: dict, rng: np.random.Generator) -> Record:
    """Return the record with figures made up from known hyperparameters, its gaps and sizes as they are.

    Parameters
    ----------
    known
        Gives series, areas, years, what is observed, and sampling variances.
    truth
        One value of each hyperparameter, named as in the posterior.
    rng
        Source of chance.
    """
    n_series, n_areas, _ = known.relative.shape
    here = np.array([LINKED_ORDER.index(measure) if measure in LINKED_ORDER else -1 for measure, _ in known.series])
    level_root, drift_root, break_root = (
        np.linalg.cholesky(levels(truth["level_partials"], truth[name], known.series))
        for name in ("level_sd", "drift_sd", "area_break_sd")
    )
    pace = truth["persistence"]
    push = np.diag((truth["deviation_sd"] * np.sqrt(1 - pace**2)) ** 2)
    for s in range(n_series):
        for r in range(n_series):
            if s != r and known.series[s][0] == known.series[r][0]:
                push[s, r] = truth["deviation_alike"][here[s]] * np.sqrt(push[s, s] * push[r, r])
    push_root = np.linalg.cholesky(push)
    deviation = np.zeros((n_series, n_areas))
    for _ in range(BURN_IN):
        deviation = pace[:, None] * deviation + push_root @ rng.standard_normal(deviation.shape)
    level = level_root @ rng.standard_normal(deviation.shape)
    level += truth["mu"][:, None] + truth["london"][:, None] * known.london
    for year in range(BEGINS + 1, int(known.years[0]) + 1):
        level = level + _moved(known, year, drift_root, break_root, rng, n_areas)
    children: dict[int, np.ndarray] = {}
    relative = np.zeros_like(known.relative)
    for year in range(int(known.years[0]), int(known.years[-1]) + 1):
        for t in np.flatnonzero(known.years == year):
            for s in range(n_series):
                luck = rng.standard_normal(n_areas)
                if known.kin[s, t] >= 0:
                    same = children.setdefault(int(known.kin[s, t]), rng.standard_normal(n_areas))
                    goes_along = truth["cohort_link"][here[s]]
                    luck = goes_along * same + np.sqrt(1 - goes_along**2) * luck
                is_unsure = year in (*known.national[s].shifts, *known.national[s].otherwise)
                noise = truth["noise_sd"][s] * rng.standard_normal(n_areas)
                noise += is_unsure * truth["area_break_sd"][s] * rng.standard_normal(n_areas)
                place = level[s] + deviation[s] + truth["london_trend"][s] * (year - 2019) * (known.london - LONDON)
                relative[s, :, t] = place + np.sqrt(truth["luck"][s] * known.sampling[s, :, t]) * luck + noise
        level = level + _moved(known, year + 1, drift_root, break_root, rng, n_areas)
        deviation = pace[:, None] * deviation + push_root @ rng.standard_normal(deviation.shape)
    # an area whose figures move more than others': all that is about its mean is larger by one factor
    freedom = float(truth["freedom"])
    factor = np.sqrt((freedom - 2) / rng.chisquare(freedom, n_areas))[:, None]
    mean = truth["mu"][:, None, None] + truth["london"][:, None, None] * known.london[:, None]
    mean = mean + truth["london_trend"][:, None, None] * (known.years - 2019) * (known.london - LONDON)[:, None]
    relative = mean + factor * (relative - mean)
    return dataclasses.replace(known, relative=relative * known.observed, national=_england(known, truth, rng))


def _moved(known, year, drift_root, break_root, rng, n_areas) -> np.ndarray:
    """Return what a year adds to levels (series, area): drift, and in a year that shifts levels a shock of its own."""
    shifts = np.array([[year in course.shifts] for course in known.national])
    shape = (len(known.series), n_areas)
    return drift_root @ rng.standard_normal(shape) + shifts * (break_root @ rng.standard_normal(shape))


def levels(partials, sd, names) -> np.ndarray:
    """Return the covariance of levels: series by series, what is left after those before it have told their part."""
    told = sorted(names, key=TOLD.index)
    root, rest = np.zeros((len(sd), len(sd))), iter(partials)
    for i, name in enumerate(told):
        left = 1.0
        for j in range(i):
            root[names.index(name), j] = np.tanh(next(rest)) * np.sqrt(left)
            left -= root[names.index(name), j] ** 2
        root[names.index(name), i] = np.sqrt(left)
    root *= np.asarray(sd)[:, None]
    return root @ root.T


def _england(known: Record, truth: dict, rng: np.random.Generator) -> list[National]:
    """Return England's courses: level and trend walked from year to year, figures read off where there are any."""
    groups_alike, courses = truth["groups_alike"], []
    damping, share = truth["national_damping"], truth["national_trend"]
    first, last = (pick(course.years[end] for course in known.national) for pick, end in ((min, 0), (max, -1)))
    shocks: dict[str, np.ndarray] = {}
    for (measure, _), pattern, sd in zip(known.series, known.national, truth["national_sd"], strict=True):
        shock = rng.standard_normal((last - first + 1, 4))
        if measure in shocks:
            shock = groups_alike * shocks[measure] + np.sqrt(1 - groups_alike**2) * shock
        shocks[measure] = shock
        size = truth["break_sd" if measure in LINKED_ORDER else "behaviour_break_sd"]
        level, trend, fading, figures = 0.0, None, 0.0, {}
        for year, (one, other, broken, passing) in zip(range(first, last + 1), shock, strict=True):
            pushed = share * sd * other
            trend = pushed if trend is None else damping * trend + np.sqrt(1 - damping**2) * pushed
            level += trend + sd * one + size * broken * (year in pattern.shifts)
            fading = fading / 2 + size * passing * (year in pattern.shifts)
            figures[year] = level + fading + size * broken * (year in pattern.otherwise)
        courses.append(dataclasses.replace(pattern, figures=np.array([figures[year] for year in pattern.years])))
    return courses
