"""From the package: what a page takes from the code and the configs each time it is built, so that it cannot be old.

A page says where with a comment on a line of its own, such as <!-- from the package: verbs -->.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SYMBOLS = {  # of model.md
    "mu": r"\mu_s",
    "london": r"\Lambda_s",
    "london_trend": r"\gamma_s",
    "level_sd": r"\tau_s",
    "level_partials": "R",
    "drift_sd": r"\psi_s",
    "area_break_sd": r"\varsigma_s",
    "deviation_sd": r"\sigma_s",
    "deviation_alike": r"\rho",
    "persistence": "p_s",
    "noise_sd": r"\nu_s",
    "cohort_link": r"\lambda_m",
    "luck": r"\theta_s",
    "freedom": r"\chi",
    "national_sd": r"\upsilon_s",
    "national_trend": r"\kappa",
    "national_damping": r"\delta",
    "groups_alike": r"\varrho",
    "break_sd": r"\beta",
    "behaviour_break_sd": r"\beta'",
}
MARK = re.compile(r"^<!-- from the package: (\w+) -->$", re.M)


def setup(app) -> dict:
    """Fill the marks of each page as it is read."""
    app.connect("source-read", _fill)
    app.connect("env-before-read-docs", _read_again)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _fill(app, docname: str, source: list[str]) -> None:
    source[0] = filled(source[0])


def _read_again(app, env, docnames: list[str]) -> None:
    """Have pages with a mark read at every build, since what they take may have changed."""
    marked = [name for name in env.found_docs if MARK.search(Path(env.doc2path(name)).read_text(encoding="utf-8"))]
    docnames += [name for name in sorted(marked) if name not in docnames]


def filled(text: str) -> str:
    """Return a page with its marks filled; a mark that nothing fills is a KeyError."""
    return MARK.sub(lambda mark: PARTS[mark[1]](), text)


def verbs() -> str:
    """Return what the bare command prints, and the help of each verb."""
    from oa_sim.cli.commands import COMMANDS, explanation, overview

    helps = [f"### oa-sim {verb}\n\n```text\n{explanation(verb)}```" for verb in COMMANDS]
    return "\n\n".join([f"```text\n{overview()}```", "## Verbs", *helps])


def choices() -> str:
    """Return the config groups and the choices of each."""
    from oa_sim.scenario.overrides import groups, sweep_groups

    rows = [(f"`{name}`", ", ".join(f"`{one}`" for one in found)) for name, found in groups().items()]
    rows += [(f"`{name}` (sweep)", ", ".join(f"`{one}`" for one in found)) for name, found in sweep_groups().items()]
    return table(("group", "choices"), rows)


def probability_words() -> str:
    """Return the fixed table of probability words."""
    from oa_sim import formatting

    rows = table(("word", "published band", "used here for"), formatting.table())
    return f"{rows}\n\nSource: {formatting.SOURCE}."


def signs() -> str:
    """Return the signs that stand beside figures in the packs."""
    from oa_sim.report.reported_statistic import SIGNS

    return table(("sign", "means"), [(f"`{sign.strip()}`", meaning) for sign, meaning in SIGNS.items()])


def notation() -> str:
    """Return the parameters of the baseline with symbol and meaning, from the dictionary."""
    from oa_sim.definitions import POSTERIOR_NAMES

    rows = [(f"${SYMBOLS[name]}$", f"`{name}`", said) for name, said in POSTERIOR_NAMES.items()]
    return table(("symbol", "name in the posterior", "meaning"), rows)


def measures() -> str:
    """Return the measures with unit, pupils and channel, from the dictionary."""
    from oa_sim.definitions import MEASURES

    rows = [
        (f"`{name}`", about.label, about.unit, ", ".join(about.groups), _span(about.year_groups), about.channel)
        for name, about in MEASURES.items()
    ]
    return table(("measure", "label", "unit", "groups modelled", "year groups", "channel"), rows)


def _span(years: tuple[int, ...]) -> str:
    return str(years[0]) if len(years) == 1 else f"{years[0]} to {years[-1]}"


def configs() -> str:
    """Return every config file as a table of keys, values and comments, group by group."""
    import config_tables

    return config_tables.page(ROOT / "configs")


def gallery() -> str:
    """Return the gallery: question, command, answer and picture of each experiment that was run."""
    import gallery

    return gallery.page()


def table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Return a table in Markdown; what stands in a cell is kept within it."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell(value) for value in line) + " |" for line in lines)


def cell(value: str) -> str:
    """Return a text as it stands in a cell of a table."""
    return str(value).replace("|", "\\|").replace("\n", " ")


PARTS = {
    "verbs": verbs,
    "choices": choices,
    "probability_words": probability_words,
    "signs": signs,
    "notation": notation,
    "measures": measures,
    "configs": configs,
    "gallery": gallery,
}
sys.path[:0] = [str(ROOT / "docs")] if str(ROOT / "docs") not in sys.path else []
