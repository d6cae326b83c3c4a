"""Assurance: what the intervals hold and what they do not, what was verified, what changed since the last version.

What can be checked from the result alone is checked anew. What takes a panel or hours stands as it was measured, with
the version that it was measured in, and as not run for this folder.
"""

import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

import oa_sim
from oa_sim.definitions import MEASURES, QUANTITIES, percent
from oa_sim.errors import Refusal
from oa_sim.formatting import estimate, number, who, with_unit
from oa_sim.inference import mcse
from oa_sim.inference.importance_sampling import LARGEST_K
from oa_sim.inference.mcse import HIGH, LOW
from oa_sim.inputs import tables
from oa_sim.report.data_dictionary import shipped_rows
from oa_sim.report.sanitise import in_table
from oa_sim.scenario.unverified import sentence
from oa_sim.simulation import narrative, run_manifest, summaries
from oa_sim.simulation.result import Result
from oa_sim.validation import track_record

COLUMNS = ("check", "asks", "found", "limit", "verdict", "from")
PASS, FAIL, NOT_RUN, NOT_KNOWN, OTHER = "PASS", "FAIL", "not run for this folder", "not known", "other code"
HERE = "checked now, from the result"
RUN = "kept in the manifest of the run"
Check = tuple[str, ...]  # a row of the log, as in ``COLUMNS``
CLOSE = 1e-3  # in the unit of a measure: the draws are kept in single precision
_PACKAGE = Path(str(files("oa_sim")))
CHANGELOGS = (_PACKAGE / "CHANGELOG.md", _PACKAGE.parent / "CHANGELOG.md")  # in a wheel, and in a checkout


def verification_log(result: Result) -> pd.DataFrame:
    """Return what was checked of a run, and what is on record of the model.

    Columns are ``check``, ``asks``, ``found``, ``limit``, ``verdict`` (``PASS``, ``FAIL``, ``not run for this folder``,
    ``not known``, or ``other code`` where another version lays the run out than made it) and ``from`` (when and where
    it was found; for what was not run, the command that does).
    """
    manifest = result.manifest
    rows = [
        *convergence_checks("baseline", manifest["gates"]),
        *convergence_checks("synthesis", manifest.get("synthesis", {}).get("gates", {})),
        _outside(result),
        *_money(result),
        *_figures(result),
        *_origins(result),
        *_record(),
    ]
    return in_table(pd.DataFrame(rows, columns=list(COLUMNS)))


def _verdict(passes: bool) -> str:
    return PASS if passes else FAIL


def convergence_checks(which: str, gates: dict[str, Any]) -> Iterator[Check]:
    """Yield the gates of what was learned: each number with its limit, then the verdict of the whole."""
    learned = {"baseline": "what was learned from all authorities", "synthesis": "the studies read together"}[which]
    limits = gates.get("limits", {})
    checks = (
        ("r_hat_max", "R-hat", "Do the chains agree", "r_hat_max", 3),
        ("ess_bulk_min", "ESS in bulk", "Are there enough draws for means", "ess_min", 0),
        ("ess_tail_min", "ESS in tails", "Are there enough draws for intervals", "ess_min", 0),
        ("divergences", "divergences", "Did the sampler see all of it", "divergences", 0),
    )
    for key, name, asks, limit, places in checks:
        if gates.get(key) is not None and limit in limits:
            value, most = float(gates[key]), float(limits[limit])
            side, passes = ("at least", value >= most) if limit == "ess_min" else ("at most", value <= most)
            yield (
                *(f"{which}: {name}", f"{asks}, of {learned}?", number(value, places)),
                *(f"{side} {most:g}", _verdict(passes), RUN),
            )
    verdict, reason = gates.get("verdict", NOT_KNOWN), gates.get("reason", "the result is older than this gate")
    yield f"{which}: gates", f"May {learned} be used?", reason, PASS, verdict, RUN


def _outside(result: Result) -> Check:
    name, limit, view = "outside view: Pareto k", f"below {LARGEST_K:g}", result.outside.attrs
    asks = "Do enough draws agree with the outside view to say the headline with it?"
    if not view.get("speaks"):
        return name, asks, "it does not speak of this run", limit, NOT_KNOWN, RUN
    k = float(view["pareto_k"])
    answer = f"k is {number(k, 2)}, worth {number(view['effective_draws'], 0)} draws"
    return name, asks, answer, limit, _verdict(k < LARGEST_K), RUN


def _money(result: Result) -> Iterator[Check]:
    """Yield whether the money is all there, by the account of the run and added up anew from its tables."""
    account, money = result.manifest["account_gbp"], result.money
    difference = int(account["difference"])
    asks = "Is every pound allocated, management or unspent?"
    yield "money: account", asks, f"difference {_pounds(difference)}", "£0", _verdict(difference == 0), RUN
    parts = [round(float(money[name].sum())) for name in ("spend", "management", "unspent")]
    off = sum(parts) - round(float(account["money_in"]))
    answer = f"{' + '.join(map(_pounds, parts))}, {_pounds(off)} off {_pounds(account['money_in'])}"
    asks = "Do the areas\u2019 rows add up to the budget?"
    yield "money: added up anew", asks, answer, "£0", _verdict(off == 0), HERE


def _pounds(total: float) -> str:
    """Return a sum to the pound."""
    return with_unit(number(total, 0), "GBP")


def _figures(result: Result) -> Iterator[Check]:
    """Yield whether the three quantities hang together on every draw."""
    draws, where = result.draws, _has(result)
    n_bad = {name: int((~np.isfinite(draws[name]) & where).sum()) for name in QUANTITIES}
    counts = ", ".join(f"{count} of {name}" for name, count in n_bad.items())
    asks = "Is every draw of every figure a number?"
    yield "figures: finite", asks, f"not finite: {counts}", "none", _verdict(not any(n_bad.values())), HERE
    off = abs(draws.projection - draws.counterfactual - draws.impact).where(where)
    asks = "Is projection minus counterfactual the impact, draw by draw?"
    yield "figures: impact", asks, _largest(off), f"at most {CLOSE:g}", _verdict(float(off.max()) <= CLOSE), HERE
    yield _groups(result)
    if not result.money.spend.values.any():
        size = float(abs(draws.impact).where(where).max())
        asks = "Is there no impact without money?"
        yield "figures: no money", asks, f"largest impact {size:g}", "0", _verdict(size == 0), HERE


def _has(result: Result) -> xr.DataArray:
    """Return which groups each measure has (group, measure)."""
    groups, measures = result.draws.group.values.tolist(), result.draws.measure.values.tolist()
    has = result.draws.proxy.isel(area=0, drop=True).transpose("group", "measure")
    data = np.array([[group in MEASURES[name].table_groups for name in measures] for group in groups])
    table: xr.DataArray = has.copy(data=data)
    return table


def _largest(off: xr.DataArray) -> str:
    """Return the largest difference and where it is."""
    largest = off.max(["chain", "draw", "area", "year"])
    worst = largest.where(largest == largest.max(), drop=True)
    where = who(str(worst.measure.values[0]), str(worst.group.values[0]))
    return f"at most {float(largest.max()):.2g} apart in the unit of the measure ({where})"


def _groups(result: Result) -> Check:
    """Return whether the figure of all pupils is the mean of the two groups, by one weight for each area."""
    name, asks = "figures: groups", "Is the figure of all pupils the mean of both groups, by pupils?"
    limit, draws = f"at most {CLOSE:g}", result.draws
    two = [name for name in draws.measure.values.tolist() if len(MEASURES[name].groups) == 2]
    if not two or "pupils" not in result.value:
        return name, asks, "no measure has two groups, or pupils are not kept", limit, NOT_KNOWN, HERE
    pupils = result.value.pupils.sel(measure=two)
    behind = pupils.sel(group="disadvantaged", drop=True)
    share = behind / (behind + pupils.sel(group="other", drop=True))
    off = 0.0
    for quantity in QUANTITIES:
        by = draws[quantity].sel(measure=two)
        mean = share * by.sel(group="disadvantaged", drop=True) + (1 - share) * by.sel(group="other", drop=True)
        off = max(off, float(abs(by.sel(group="all", drop=True) - mean).max()))
    return name, asks, f"at most {off:.2g} apart", limit, _verdict(off <= CLOSE), HERE


def _origins(result: Result) -> Iterator[Check]:
    """Yield whether the run can be traced: its id, the tables and the code that it was made from."""
    manifest = result.manifest
    again, run_id = run_manifest.identity(manifest), manifest["run_id"]
    asks = "Does the run id follow from what the run was made from?"
    answer = f"{again}, and the manifest has {run_id}"
    yield "trace: run id", asks, answer, "the same", _verdict(again == run_id), HERE
    folder = manifest["scenario"].get("data_folder")
    try:
        here = tables.data_hash(Path(folder) if folder else None)
        same, answer = here == manifest["data_hash"], f"{here[:12]}, and the run had {manifest['data_hash'][:12]}"
    except Refusal as refusal:
        same, answer = False, f"they cannot be read here: {refusal}"
    asks = "Are the tables those that the run was made from?"
    yield "trace: tables", asks, answer, "the same", _verdict(same), HERE
    code, had = run_manifest.code_hash(), manifest["code_hash"]
    answer = f"{code[:12]} of {oa_sim.__version__}, and the run had {had[:12]} of {manifest['oa_sim']}"
    asks = "Is this page made by the code that made the run?"
    where = f"{HERE}; the numbers are those of the run whichever code lays them out"
    yield "trace: code", asks, answer, "the same", PASS if code == had else OTHER, where


def _record() -> Iterator[Check]:
    """Yield what is on record of the model, none of which was run for this folder."""
    for row in shipped_rows("validation_record"):
        where = f"{row['where']}; run it: {row['command']}"
        yield row["check"], row["asks"], f"on record: {row['found']}", row["limit"], NOT_RUN, where
    if record := track_record.record():
        answer = (
            f"on record: frozen with figures to {record.until}; CRPS {number(record.crps_ratio, 2)} of that of a "
            f"random walk on {number(record.n, 0)} figures published since, less England; 80% intervals held "
            f"{percent(record.held)}"
        )
        asks = "How did frozen forecasts do, which used no later figures?"
        where = "oa_sim/data/track_record, each forecast with its hash; run it: oa-sim score FILE"
        yield "track record", asks, answer, "below 1; 80%", NOT_RUN, where
    asks = "Do the tests of the package pass?"
    yield "tests", asks, "no record is kept in a run\u2019s folder", "all pass", NOT_RUN, "run it: python -m pytest"


def interval_words(kind: str) -> list[str]:
    """Return what is said of intervals: what they ``include``, ``leave out``, and those ``of a folder``."""
    return [row["what"] for row in shipped_rows("interval_words") if row["intervals"] == kind]


def uncertainty_statement(result: Result) -> list[str]:
    """Return what the intervals of a run hold and what they do not, Monte Carlo error, and what is in doubt.

    The sentences most needed come first.
    """
    included, left_out = ("; ".join(interval_words(kind)) for kind in ("include", "leave out"))
    lines = [
        f"Intervals run from the 5th to the 95th percentile of {result.n_draws:,} draws, so nine in ten lie within. "
        f"They allow for {included}.",
        f"They do not allow for {left_out}.",
        _monte_carlo(result),
        *narrative.sources_of_uncertainty(result),
        *narrative.evidence_behind(result),
        _county(result),
        f"The baseline: {narrative.verdict(result)}.",
        sentence(result.manifest.get("to_verify", {}), "the register of assumptions"),
        *(f"What cannot be said: {line}" for line in narrative.CANNOT_SAY),
    ]
    return [line for line in lines if line]


def _monte_carlo(result: Result) -> str:
    """Return how far the headline would move were it drawn again, in a sentence."""
    measure, group = summaries.headline_measure(result)
    subject, unit = narrative.subject(result)
    draws = narrative.mean_draws(result, "impact", measure, group, summaries.headline_year(result))
    if not np.ptp(draws) > 0:
        return f"Monte Carlo error: none, since {subject} is the same in every draw."
    by_chain = draws.reshape(result.draws.sizes["chain"], result.draws.sizes["draw"])
    mean = float(mcse.error_of_mean(by_chain))
    worth = (draws.std() / mean) ** 2  # as many independent draws
    low, high = (float(mcse.error_of_quantile(by_chain, end, worth)) for end in (LOW, HIGH))
    printed = estimate(*mcse.summarise(by_chain), unit=unit)
    return (
        f"Monte Carlo error: were {subject} drawn again, its mean of {printed} would move by about "
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
    """Return in how many areas figures behind the headline are a county's, or estimates of the district's own."""
    measure, group = summaries.headline_measure(result)
    said = []
    for kind, whose in (
        ("proxy", "a county\u2019s"),
        ("estimated", "own estimates from school tables"),
    ):
        marks = result.draws[kind].sel(measure=measure, group=group).to_series().astype(bool)
        if marks.any():
            names = ", ".join(marks.index[marks])
            said.append(
                f"In {int(marks.sum())} of {len(marks)} areas the figures behind the headline are {whose} ({names}); "
                "how far a district lies from its county is in the intervals."
            )
    return " ".join(said)


def changes(version: str, text: str | None = None) -> list[str]:
    """Return what changed in a version: a line for each change, with its kind before it, what moves results first.

    ``text`` is the changelog, by default that of the installation. Where nothing is known of the version, one sentence
    says so.
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
    kind, lines = "", []
    for part in re.split(r"\n\s*\n|\n(?=\s*- )|(?<=\*\*)\s*\n", section):
        text = " ".join(part.replace("**", "").split())
        if re.fullmatch(r"[A-Z][a-z]+", text):
            kind = text
        elif text:
            lines.append(text.replace("- ", f"{kind}: " if kind else "", 1) if text.startswith("- ") else text)
    return lines
