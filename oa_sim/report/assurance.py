"""Assurance: what the intervals hold and what they do not, what was verified, what changed since the last version.

What can be checked from the result alone is checked anew. What takes a panel or hours stands as it was measured, with
the version that it was measured in, and as not run for this folder.
"""

import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd

import oa_sim
from oa_sim.definitions import MEASURES, QUANTITIES, percent
from oa_sim.errors import Refusal
from oa_sim.formatting import estimate, who
from oa_sim.inference import mcse
from oa_sim.inference.importance_sampling import LARGEST_K
from oa_sim.inputs import tables
from oa_sim.report.sanitise import in_table
from oa_sim.scenario.unverified import sentence
from oa_sim.simulation import narrative, run_manifest, summaries
from oa_sim.simulation.result import Result

COLUMNS = ("check", "asks", "found", "limit", "verdict", "from")
PASS, FAIL, NOT_RUN, NOT_KNOWN, OTHER = "PASS", "FAIL", "not run for this folder", "not known", "other code"
HERE = "checked now, from the result"
RUN = "kept in the manifest of the run"
CLOSE = 1e-3  # in the unit of a measure: the draws are kept in single precision
RECORD = (  # check, what it asks, as measured, what would be right, where and in which version, the command
    (
        "backtest",
        "Is the baseline any good at forecasting?",
        "learned until 2021/22 and scored on 2022/23, less England: CRPS 0.86 of that of a random walk in the mean of "
        "15 series (1.03 in the worst, suspensions); 50, 80 and 95% intervals held 52, 80 and 95%. Over the pandemic "
        "(until 2018/19, scored on 2021/22 and 2022/23) 0.89, and 47, 77 and 92%",
        "below 1; 50, 80 and 95%",
        "measured in version 0.2.0 (docs/validation.md, Is the baseline any good at forecasting?)",
        "oa-sim backtest panel.path=FILE panel.train_until=YEAR panel.actuals=LATER",
    ),
    (
        "hindcast",
        "Would it have seen what was coming from 2016/17?",
        "80% intervals held 88% of 593 figures of 2017/18 to 2022/23 (persistent absence 60%); less England, in the "
        "six areas that are authorities, 67%. The figures do not tell the programme from none: 0.003 nats a figure in "
        "favour of none, standard error 0.004",
        "80%",
        "measured in version 0.3.0 (docs/validation.md, Would it have seen what was coming?)",
        "python experiments/hindcast.py --actuals FILE",
    ),
    (
        "placebo",
        "Is an effect found where there was no programme?",
        "an effect of -0.000 SD (90% interval -0.021 to 0.020) in twelve matched authorities without a programme; such "
        "intervals are a little too narrow: 83% of 400 random sets of six cover zero",
        "0 within the interval; 90%",
        "measured in version 0.3.0 (docs/validation.md; experiments/README.md)",
        "python experiments/placebo.py --actuals FILE",
    ),
    (
        "promises kept",
        "Are targets met as often as was promised?",
        "promises of 50, 70 and 90% were kept in 51.8, 70.4 and 89.7% of 4,444 cases, less England; higher education "
        "of disadvantaged pupils was off by more than ten points (60.3% of 50, 80.3% of 70)",
        "50, 70 and 90%",
        "measured in version 0.5.0 (docs/validation.md, Are targets met as often as the model says?)",
        "python experiments/are_targets_met.py --actuals FILE --posterior LEARNED",
    ),
    (
        "calibration",
        "Does the machinery find again what made-up records were made from?",
        "in 200 simulations the smallest of 63 p-values of ranks is 0.004 (about 0.016 is usual), one below 0.01",
        "uniform ranks",
        "on record in experiments/README.md and experiments/is_the_machinery_calibrated.csv; not measured again since",
        "python experiments/is_the_machinery_calibrated.py",
    ),
    (
        "record like the model",
        "Does the published record look like the model?",
        "not in all: of 106 statistics 21 lie further out than in 99% of made-up records",
        "about 1 of 106",
        "on record in experiments/README.md; not measured again since",
        "python experiments/does_the_record_look_like_the_model.py PANEL",
    ),
)
_PACKAGE = Path(str(files("oa_sim")))
CHANGELOGS = (_PACKAGE / "CHANGELOG.md", _PACKAGE.parent / "CHANGELOG.md")  # in a wheel, and in a checkout
ENDS = (0.05, 0.95)
INCLUDED = (
    "how authorities differ and how they move, as learned from all of them",
    "England\u2019s course, with breaks to come of unknown size",
    "the noise of cohorts of few pupils",
    "what the studies say and how much of it is left at scale",
    "delivery: lag, ramp, dose, unit costs and what areas differ by",
    "what goes on unpaid, and how gains fade",
    "how much of the link between grades and earnings is causal, for figures in pounds",
)
NOT_INCLUDED = (
    "another law: the form of saturation, fade-out and survival is one of several that could be",
    "other values of numbers that are said without a distribution (the register of assumptions names them)",
    "rising prices: pounds are nominal and nothing is deflated",
    "changes in who counts as disadvantaged, or in how many pupils there are",
)


def verification_log(result: Result) -> pd.DataFrame:
    """Return what was checked of a run, and what is on record of the model.

    Parameters
    ----------
    result
        Of a run.

    Returns
    -------
    DataFrame
        ``check``, ``asks``, ``found``, ``limit``, ``verdict`` (``PASS``, ``FAIL``, ``not run for this folder``,
        ``not known``, or ``other code`` where another version lays the run out than made it) and ``from`` (when and
        where it was found; for what was not run, the command that does).
    """
    rows = [
        *convergence_checks("baseline", result.manifest["gates"]),
        *convergence_checks("synthesis", result.manifest.get("synthesis", {}).get("gates", {})),
        _outside(result),
        *_money(result),
        *_figures(result),
        *_made(result),
        *_record(),
    ]
    return in_table(pd.DataFrame(rows, columns=list(COLUMNS)))


def _judged(passes: bool) -> str:
    return PASS if passes else FAIL


def convergence_checks(which: str, gates: dict) -> Iterator[tuple]:
    """Yield the gates of what was learned: each number with its limit, then the verdict of the whole."""
    learned = {"baseline": "what was learned from all authorities", "synthesis": "the studies read together"}[which]
    limits = gates.get("limits", {})
    asked = (
        ("r_hat_max", "R-hat", "Do the chains agree", "r_hat_max", "at most"),
        ("ess_bulk_min", "ESS in bulk", "Are there enough draws for means", "ess_min", "at least"),
        ("ess_tail_min", "ESS in tails", "Are there enough draws for intervals", "ess_min", "at least"),
        ("divergences", "divergences", "Did the sampler see all of it", "divergences", "at most"),
    )
    for key, name, asks, limit, side in asked:
        if gates.get(key) is not None and limit in limits:
            found, most = float(gates[key]), float(limits[limit])
            passes = found <= most if side == "at most" else found >= most
            said = f"{found:.3f}" if key == "r_hat_max" else f"{found:,.0f}"
            yield f"{which}: {name}", f"{asks}, of {learned}?", said, f"{side} {most:g}", _judged(passes), RUN
    verdict, reason = gates.get("verdict", NOT_KNOWN), gates.get("reason", "the result is older than this gate")
    yield f"{which}: gates", f"May {learned} be used?", reason, PASS, verdict, RUN


def _outside(result: Result) -> tuple:
    seen = result.outside.attrs
    asks = "Do enough draws agree with the outside view to say the headline with it?"
    if not seen.get("speaks"):
        return "outside view: Pareto k", asks, "it does not speak of this run", f"below {LARGEST_K:g}", NOT_KNOWN, RUN
    k = float(seen["pareto_k"])
    found = f"k is {k:.2f}, worth {seen['effective_draws']:,.0f} draws"
    return "outside view: Pareto k", asks, found, f"below {LARGEST_K:g}", _judged(k < LARGEST_K), RUN


def _money(result: Result) -> Iterator[tuple]:
    """Yield whether the money is all there, by the account of the run and added up anew from its tables."""
    account = result.manifest["account_gbp"]
    difference = int(account["difference"])
    asks = "Is every pound allocated, management or unspent?"
    yield "money: account", asks, f"difference {difference:,} GBP", "0 GBP", _judged(difference == 0), RUN
    money = result.money
    parts = [round(float(money[name].sum())) for name in ("spend", "management", "unspent")]
    off = sum(parts) - round(float(account["money_in"]))
    found = f"{parts[0]:,} + {parts[1]:,} + {parts[2]:,} GBP, {off:,} GBP off {account['money_in']:,.0f} GBP"
    asks = "Do the areas\u2019 rows add up to the budget?"
    yield "money: added up anew", asks, found, "0 GBP", _judged(off == 0), HERE


def _figures(result: Result) -> Iterator[tuple]:
    """Yield whether the three quantities hang together on every draw."""
    draws, where = result.draws, _has(result)
    n_bad = {name: int((~np.isfinite(draws[name]) & where).sum()) for name in QUANTITIES}
    found = ", ".join(f"{count} of {name}" for name, count in n_bad.items())
    asks = "Is every draw of every figure a number?"
    yield "figures: finite", asks, f"not finite: {found}", "none", _judged(not any(n_bad.values())), HERE
    off = abs(draws.projection - draws.counterfactual - draws.impact).where(where)
    asks = "Is projection minus counterfactual the impact, draw by draw?"
    yield "figures: impact", asks, _largest(off), f"at most {CLOSE:g}", _judged(float(off.max()) <= CLOSE), HERE
    yield _groups(result)
    paid = bool(result.money.spend.values.any())
    if not paid:
        size = float(abs(draws.impact).where(where).max())
        asks = "Is there no impact without money?"
        yield "figures: no money", asks, f"largest impact {size:g}", "0", _judged(size == 0), HERE


def _has(result: Result):
    """Return which groups each measure has (group, measure)."""
    groups, measures = result.draws.group.values.tolist(), result.draws.measure.values.tolist()
    has = result.draws.proxy.isel(area=0, drop=True).transpose("group", "measure")
    return has.copy(data=np.array([[group in MEASURES[name].table_groups for name in measures] for group in groups]))


def _largest(off) -> str:
    """Return the largest difference and where it is."""
    at = off.max(["chain", "draw", "area", "year"])
    worst = at.where(at == at.max(), drop=True)
    where = who(str(worst.measure.values[0]), str(worst.group.values[0]))
    return f"at most {float(at.max()):.2g} apart in the unit of the measure ({where})"


def _groups(result: Result) -> tuple:
    """Return whether the figure of all pupils is the mean of the two groups, by one weight for each area."""
    asks = "Is the figure of all pupils the mean of both groups, by pupils?"
    limit, draws = f"at most {CLOSE:g}", result.draws
    two = [name for name in draws.measure.values.tolist() if len(MEASURES[name].groups) == 2]
    if not two or "pupils" not in result.value:
        return "figures: groups", asks, "no measure has two groups, or pupils are not kept", limit, NOT_KNOWN, HERE
    pupils = result.value.pupils.sel(measure=two)
    behind = pupils.sel(group="disadvantaged", drop=True)
    share = behind / (behind + pupils.sel(group="other", drop=True))
    off = 0.0
    for name in QUANTITIES:
        of = draws[name].sel(measure=two)
        mean = share * of.sel(group="disadvantaged", drop=True) + (1 - share) * of.sel(group="other", drop=True)
        off = max(off, float(abs(of.sel(group="all", drop=True) - mean).max()))
    return "figures: groups", asks, f"at most {off:.2g} apart", limit, _judged(off <= CLOSE), HERE


def _made(result: Result) -> Iterator[tuple]:
    """Yield whether the run can be traced: its id, the tables and the code that it was made from."""
    manifest = result.manifest
    again = run_manifest.identity(manifest)
    asks = "Does the run id follow from what the run was made from?"
    found = f"{again}, and the manifest has {manifest['run_id']}"
    yield "trace: run id", asks, found, "the same", _judged(again == manifest["run_id"]), HERE
    folder = manifest["scenario"].get("data_folder")
    asks = "Are the tables those that the run was made from?"
    try:
        here = tables.data_hash(Path(folder) if folder else None)
        same, said = here == manifest["data_hash"], f"{here[:12]}, and the run had {manifest['data_hash'][:12]}"
    except Refusal as refusal:
        same, said = False, f"they cannot be read here: {refusal}"
    yield "trace: tables", asks, said, "the same", _judged(same), HERE
    code, had = run_manifest.code_hash(), manifest["code_hash"]
    said = f"{code[:12]} of {oa_sim.__version__}, and the run had {had[:12]} of {manifest['oa_sim']}"
    asks = "Is this page made by the code that made the run?"
    where = f"{HERE}; the numbers are those of the run whichever code lays them out"
    yield "trace: code", asks, said, "the same", PASS if code == had else OTHER, where


def _record() -> Iterator[tuple]:
    """Yield what is on record of the model, none of which was run for this folder."""
    for check, asks, found, limit, where, command in RECORD:
        yield check, asks, f"on record: {found}", limit, NOT_RUN, f"{where}; run it: {command}"
    asks = "Do the tests of the package pass?"
    yield "tests", asks, "no record is kept in a run\u2019s folder", "all pass", NOT_RUN, "run it: python -m pytest"


def uncertainty_statement(result: Result) -> list[str]:
    """Return what the intervals hold and what they do not, how large Monte Carlo error is, and where doubt comes from.

    Parameters
    ----------
    result
        Of a run.

    Returns
    -------
    list of str
        Plain sentences, the most needed first.
    """
    said = [
        f"Intervals run from the 5th to the 95th percentile of {result.n_draws:,} draws, so nine in ten lie within. "
        f"They allow for {'; '.join(INCLUDED)}.",
        f"They do not allow for {'; '.join(NOT_INCLUDED)}.",
        _monte_carlo(result),
        *narrative.sources_of_uncertainty(result),
        *narrative.evidence_behind(result),
        _county(result),
        f"The baseline: {narrative.verdict(result)}.",
        sentence(result.manifest.get("to_verify", {}), "the register of assumptions"),
        *(f"What cannot be said: {line}" for line in narrative.CANNOT_SAY),
    ]
    return [line for line in said if line]


def _monte_carlo(result: Result) -> str:
    """Return how far the headline would move were it drawn again, in a sentence."""
    measure, group = summaries.headline_measure(result)
    what, unit = narrative.subject(result)
    draws = narrative.mean_draws(result, "impact", measure, group, summaries.headline_year(result))
    if not np.ptp(draws) > 0:
        return f"Monte Carlo error: none, since {what} is the same in every draw."
    by_chain = draws.reshape(result.draws.sizes["chain"], result.draws.sizes["draw"])
    mean = mcse.error_of_mean(by_chain)
    worth = (draws.std() / mean) ** 2  # as many independent draws
    low, high = (float(mcse.error_of_quantile(by_chain, at, worth)) for at in ENDS)
    printed = estimate(*mcse.summarise(by_chain), unit=unit)
    return (
        f"Monte Carlo error: were {what} drawn again, its mean of {printed} would move by about "
        f"{mean:.2g}, the lower end by {low:.2g} and the upper end by {high:.2g} (standard errors); the first is "
        f"{percent(mean / draws.std())} of the standard deviation of the draws. {_last_digit(printed, mean)}"
    )


def _last_digit(printed: str, error: float) -> str:
    """Return whether the last digit that is printed of a mean would stand, were it drawn again."""
    step = 10.0 ** -len(printed.split(" ")[0].partition(".")[2])
    return (
        "The digits printed of the mean would stand."
        if error < step / 4
        else f"The last digit printed of the mean stands for {step:g} and may change."
    )


def _county(result: Result) -> str:
    """Return in how many areas a county's figures stand in for the area's, for the headline."""
    measure, group = summaries.headline_measure(result)
    marks = result.draws.proxy.sel(measure=measure, group=group).to_series().astype(bool)
    names = ", ".join(marks.index[marks])
    if not names:
        return ""
    return (
        f"In {int(marks.sum())} of {len(marks)} areas the figures behind the headline are a county\u2019s ({names}); "
        "how far a district lies from its county is in the intervals."
    )


def changes(version: str, text: str | None = None) -> list[str]:
    """Return what changed in a version, what moves results first.

    Parameters
    ----------
    version
        Such as ``0.5.0``.
    text
        The changelog; by default that of the installation.

    Returns
    -------
    list of str
        A line for each change, with its kind before it; one sentence where nothing is known of the version.
    """
    if text is None:
        path = next((path for path in CHANGELOGS if path.is_file()), None)
        if path is None:
            return [f"What changed in version {version} is not known here: this installation holds no changelog."]
        text = path.read_text(encoding="utf-8")
    parts = re.split(r"^## +(\S+).*$", text, flags=re.MULTILINE)
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    if version not in sections:
        known = f"; the last that it knows is {parts[1]}" if len(parts) > 1 else ""
        return [f"What changed in version {version} is not known here: the changelog does not name it{known}."]
    return _lines(sections[version])


def _lines(section: str) -> list[str]:
    """Return the paragraphs and points of a section of the changelog, each as one line, its kind before it."""
    kind, found, is_new = "", [], True
    for line in section.splitlines():
        bare = line.replace("**", "").strip()
        if re.fullmatch(r"[A-Z][a-z]+", bare):
            kind, is_new = bare, True
        elif not bare:
            is_new = True
        elif bare.startswith("- "):
            found.append(f"{kind}: {bare[2:]}" if kind else bare[2:])
            is_new = False
        elif is_new:
            found.append(bare)
            is_new = False
        else:
            found[-1] += f" {bare}"
    return found
