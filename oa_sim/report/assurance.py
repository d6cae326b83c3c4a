"""Assurance: what the intervals hold and what they do not, and what changed since the last version, in sentences."""

import re
from importlib.resources import files
from pathlib import Path

import numpy as np

from oa_sim.definitions import percent
from oa_sim.formatting import interval
from oa_sim.inference import mcse
from oa_sim.scenario.unverified import sentence
from oa_sim.simulation import narrative
from oa_sim.simulation.result import Result

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
        *narrative.whence(result),
        *narrative.evidence_behind(result),
        _county(result),
        f"The baseline: {narrative.verdict(result)}.",
        sentence(result.manifest.get("to_verify", {}), "the register of assumptions"),
        *(f"What cannot be said: {line}" for line in narrative.CANNOT_SAY),
    ]
    return [line for line in said if line]


def _monte_carlo(result: Result) -> str:
    """Return how far the headline would move were it drawn again, in a sentence."""
    measure, group = narrative.headline_measure(result)
    what, unit = narrative.subject(result)
    draws = narrative.mean_draws(result, "impact", measure, group, narrative.headline_year(result))
    if not np.ptp(draws) > 0:
        return f"Monte Carlo error: none, since {what} is the same in every draw."
    by_chain = draws.reshape(result.draws.sizes["chain"], result.draws.sizes["draw"])
    mean = mcse.error_of_mean(by_chain)
    worth = (draws.std() / mean) ** 2  # as many independent draws
    low, high = (float(mcse.error_of_quantile(by_chain, at, worth)) for at in ENDS)
    return (
        f"Monte Carlo error: were {what} drawn again, its mean of {interval(draws)} {unit} would move by about "
        f"{mean:.2g}, the lower end by {low:.2g} and the upper end by {high:.2g} (standard errors); the first is "
        f"{percent(mean / draws.std())} of the standard deviation of the draws. {_last_digit(draws, mean)}"
    )


def _last_digit(draws: np.ndarray, error: float) -> str:
    """Return whether the last digit that is printed of a mean would stand, were it drawn again."""
    printed = interval(draws).split(" ")[0]
    step = 10.0 ** -len(printed.partition(".")[2])
    return (
        "The digits printed of the mean would stand."
        if error < step / 4
        else f"The last digit printed of the mean stands for {step:g} and may change."
    )


def _county(result: Result) -> str:
    """Return in how many areas a county's figures stand in for the area's, for the headline."""
    measure, group = narrative.headline_measure(result)
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
