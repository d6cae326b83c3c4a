"""Folder brief: a comparison, a sweep, targets, a plan, monitored figures or the worth of information, as a dossier.

The tables of the folder become figures: a column with its interval is one, other numbers have none. The brief says
first what follows from them, and puts the numbers of ready sentences on record.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from oa_sim import formatting
from oa_sim.definitions import ALL_AREAS, MEASURES, academic_year, headline_of
from oa_sim.errors import Refusal
from oa_sim.formatting import unit, who
from oa_sim.plots import intervals
from oa_sim.plots.picture import legible
from oa_sim.report import reported_statistic
from oa_sim.report.data_dictionary import shipped_rows
from oa_sim.report.document import Cell, Dossier, Drawn, Grid, Only, Passage, Sentence, capital, drawn, figure_of
from oa_sim.report.reported_statistic import FAILED, OWN, PROXY, VERIFY, About, Origin, Published, error_of_band
from oa_sim.scenario import title_of, unverified
from oa_sim.simulation.narrative import CANNOT_SAY
from oa_sim.sweep import findings, results, store

MOST_ROWS, MOST_COLUMNS = 16, 6  # of the table in the brief
SPREAD = ("sd", "q10", "q25", "q50", "q75", "q90")
SPREADS = tuple(f"_{name}" for name in SPREAD)
NO_FIGURES = (
    *("n_draws", "proxy", "estimated", "verdict", "failed", "identity", "run_id", "status", "source", "to_verify"),
    "last_funded_year",
)
YEARS = ("year", "target_year", "headline_year", "baseline_year", "published_year", "promised_year", "last_year")
CHANCES = ("probability", "base_rate", "better_than", "loses")  # beside those whose name says so
SHARES = ("left_5y", "left_10y", "share")


@dataclass(frozen=True)
class Spec:
    """How a kind of folder is read.

    It has the file of its facts; its main table and the columns that name a row of it; the title of the brief; the
    columns that the brief shows with their heads, a triple by the start of its name; and the column by which rows
    stand, largest first (as in the table where empty).
    """

    facts: str
    main: str
    named_by: tuple[str, ...]
    title: str
    shown: dict[str, str]
    ordered_by: str = ""

    def head(self, column: str) -> str:
        """Return what stands above a column."""
        return self.shown.get(column.removesuffix("_mean"), column.removesuffix("_mean").replace("_", " "))


@dataclass(frozen=True)
class Basis:
    """What holds of every figure of a folder: its origin, its marks, units by column, and the prices of its pounds."""

    origin: Origin
    marks: tuple[str, ...] = ()
    units: dict[str, str] = field(default_factory=dict)
    price_base: str = "as in the folder"


Figures = dict[tuple[int, str], Published]  # by row and column of a table

NUMBER = re.compile(r"(?<![\w./-])[-\u2212+]?\d[\d,]*(?:\.\d+)?(?![\w/]|\.\d)")
LONGEST_LABEL = 200
OF_TARGET = ("RED:", "AMBER:", "GREEN:")  # how the sentence of one target begins
FIRST_PAGE = 2850  # letters of sentences that the first page has room for as it is printed
SPECS = {
    row["kind"]: Spec(
        row["facts"], row["main"], tuple(row["named_by"].split()), row["title"],
        dict(zip(row["shown"].split(), row["heads"].split("; "), strict=True)), row["ordered_by"],
    ) for row in shipped_rows("report_folders")
}  # fmt: skip
PICTURES = {  # file name: title, the one that says most first
    "ladder": "Targets, and the chance of each",
    "split": "Where the money goes",
    "trajectory": "This year against what was expected",
    "voi": "What it is worth to know",
    "front": "What closing gaps costs",
    "response": "What more money brings",
    "regret": "What other plans lose",
    "evsi": "What a trial is worth",
    "tornado": "What moves the headline most",
}


def figures_of(name: str, table: pd.DataFrame, spec: Spec, basis: Basis) -> Figures:
    """Return the figures of a table by (row, column).

    A row that failed its gates, or rests on figures to verify, adds its own marks.
    """
    triples, figures = _triples(table), {}
    ends = {end for triple in triples.values() for end in triple[1:]}
    keys = _keys(table, (*spec.named_by, "plan", "part", "constraint", "area", "line"))
    left_out = {*ends, *keys, *NO_FIGURES, *SPREAD, *YEARS}
    numbers = [column for column in table.select_dtypes("number").columns
               if column not in left_out and not column.endswith(SPREADS)]  # fmt: skip
    for i, row in enumerate(table.to_dict("records")):
        whose = ", ".join(_title(key, row[key]) for key in keys) or f"row {i + 1}"
        years = [row[key] for key in YEARS if key in row and row[key] == row[key]]
        where = About(
            "", "", measure=str(row.get("measure", "none")), group=str(row.get("group", "none")),
            area=str(row.get("area", ALL_AREAS)), year=int(years[0]) if years else 0,
            marks=(*_marks(row), *basis.marks), shown_in="workbook",
        )  # fmt: skip
        for column in numbers:
            is_money = "gbp" in column
            head = spec.head(column) if name == spec.main else column.replace("_", " ")
            about = where.named(
                f"{name}.{column}.{i + 1}", f"{head}: {whose}",
                basis.units.get(column) or ("GBP" if is_money else str(row.get("unit", "1"))),
                price_base=basis.price_base if is_money else "none",
            )  # fmt: skip
            figures[i, column] = _figure(about, row, column, triples.get(column), basis.origin)
    return figures


def _keys(table: pd.DataFrame, names: Iterable[str]) -> list[str]:
    """Return the columns that name a row of a table."""
    return [key for key in dict.fromkeys(names) if key in table]


def _triples(table: pd.DataFrame) -> dict[str, tuple[str, str, str]]:
    """Return the columns of a 90% interval by the column of its middle."""
    triples = {}
    for low in (column for column in table.columns if str(column).endswith("q05")):
        start = low.removesuffix("q05")  # ends with an underscore, or is empty
        middles = (f"{start}mean", start.removesuffix("_"), f"{start}q50")
        middle = next((name for name in middles if name and name in table), None)
        if middle and f"{start}q95" in table:
            triples[middle] = (middle, low, f"{start}q95")
    return triples


def _figure(
    about: About, row: dict[str, object], column: str, triple: tuple[str, str, str] | None, origin: Origin
) -> Published:
    value = float(row[column])
    band = tuple(float(row[name]) for name in triple) if triple else (value,) * 3
    is_chance = column.startswith("p_") or "_p_" in column or column in CHANCES
    if any(name in column for name in SHARES) and not is_chance and np.isfinite(value):
        return reported_statistic.of_shares(about, band, error_of_band(band, origin.n_draws), origin)
    if triple:
        spread = float(row.get({"mean": "sd"}.get(column, column.replace("_mean", "_sd")), np.nan))
        error = spread * (1 / np.sqrt(max(origin.n_draws, 1)))
        error = error if column.endswith("mean") and np.isfinite(spread) else error_of_band(band, origin.n_draws)
        return reported_statistic.of_summary(about, band, error if np.isfinite(error) else 0.0, origin)
    if is_chance:
        error = float(row.get("mc_error", np.nan))
        if not np.isfinite(error) and np.isfinite(value):
            error = reported_statistic.error_of_share(value, origin.n_draws)
        return reported_statistic.of_share(about, value, error, origin)
    if column == "value" and "error" in row:
        error = float(row["error"])
        low, high = value - 1.645 * error, value + 1.645 * error
        text, lower, upper = (reported_statistic.short_number(number, 3) for number in (value, low, high))
        figure = reported_statistic.as_said(about, value, text, origin)
        return replace(figure, error=error, lower=low, upper=high, interval=f"{lower} to {upper}")
    return reported_statistic.of_number(about, value, origin)


def _marks(row: dict[str, object]) -> Iterator[str]:
    """Yield what must stand beside the figures of a row by its own columns."""
    if str(row.get("proxy", "")) == "True":
        yield PROXY
    if str(row.get("estimated", "")) == "True":
        yield OWN
    n_unverified = row.get("to_verify")
    if row.get("status") == "to verify" or (isinstance(n_unverified, int | float) and n_unverified > 0):
        yield VERIFY
    if "FAIL" in str(row.get("verdict", "")):
        yield FAILED


def cell_text(key: str, value: object) -> str:
    """Return what names a row as people read it."""
    if key in YEARS and value == value:
        return academic_year(int(value))
    if key == "measure" and value in MEASURES:
        return MEASURES[value].label
    if key == "scenario" and isinstance(value, int | np.integer):
        return f"scenario {value}"
    if isinstance(value, float | np.floating):
        return "" if value != value else f"{value:,.10g}"
    return str(value)


def _title(key: str, value: object) -> str:
    """Return what names a row, a scenario by its title."""
    name, failed, _ = cell_text(key, value).partition(" [FAIL]")
    return f"{title_of('scenario', name) if key == 'scenario' else name}{failed}"


def sheet(name: str, table: pd.DataFrame, figures: Figures) -> Grid:
    """Return a whole table as words and figures."""
    middles = {end: triple[0] for triple in _triples(table).values() for end in triple[1:]}
    columns = [column for column in table.columns if column not in SPREAD and not str(column).endswith(SPREADS)]
    rows = tuple(
        tuple(_in_sheet(figures, i, column, row[column], middles) for column in columns)
        for i, row in enumerate(table.to_dict("records"))
    )
    return Grid(name, tuple(map(str, columns)), rows)


def _in_sheet(figures: Figures, i: int, column: str, value: object, middles: dict[str, str]) -> Cell:
    """Return a cell of a sheet: the ends of an interval as figures in the digits of their middle."""
    middle = figures.get((i, middles.get(column, "")))
    if middle is None or not middle.interval or isinstance(value, str):
        return _cell(figures, i, column, value)
    is_lower, (low, high) = column.endswith("q05"), middle.interval.split(" to ")
    return replace(
        middle,
        figure=f"{middle.figure}/{'lower' if is_lower else 'upper'}",
        value=middle.lower if is_lower else middle.upper,
        text=low if is_lower else high,
        interval="",
    )


def _cell(figures: Figures, i: int, column: str, value: object) -> Cell:
    return figures.get((i, column)) or cell_text(str(column), value)


def table_in_brief(
    spec: Spec, table: pd.DataFrame, figures: Figures, levers: list[str], where: dict[str, object]
) -> Grid | None:
    """Return the rows and columns that the brief shows: of many rows both ends of the order.

    ``levers`` are further columns that name a row, as the varied keys of a sweep; ``where`` has, by column, the value
    of the rows that are meant, as the measure, group and year of a headline.
    """
    columns = [next((c for c in (f"{name}_mean", name) if c in table), "") for name in spec.shown]
    columns = [column for column in columns if column][:MOST_COLUMNS]
    if not len(table) or not columns:
        return None
    rows = _meant(table, where) or list(range(len(table)))
    if spec.ordered_by in table:
        order = table[spec.ordered_by].astype(float).fillna(-np.inf).to_numpy().argsort(kind="stable")[::-1].tolist()
        rows = [i for i in order if i in set(rows)]
    shown = rows if len(rows) <= MOST_ROWS else [*rows[: MOST_ROWS // 2], *rows[-MOST_ROWS // 2 :]]
    banded = {c for c in columns for i in shown if (i, c) in figures and figures[i, c].interval}
    keys, cells = _keys(table, (*spec.named_by, *levers)), []
    for i in shown:
        row: list[Cell] = [", ".join(_title(key, table[key].iloc[i]) for key in keys)]
        for column in columns:
            cell = _cell(figures, i, column, table[column].iloc[i])
            row.append(cell)
            if column in banded:
                row.append((cell.interval if isinstance(cell, Published) else "") or "none")
        cells.append(tuple(row))
    head = ["Row" if spec.named_by != ("scenario",) else "Scenario"]
    for column in columns:
        head += [spec.head(column), *(["90% interval"] if column in banded else [])]
    few = "" if len(shown) == len(rows) else f": {len(shown)} of {len(rows):,}, from both ends"
    return Grid(f"{spec.title}{few}", tuple(head), tuple(cells))


def _meant(table: pd.DataFrame, where: dict[str, object]) -> list[int]:
    """Return the places of the rows that have some values."""
    return [i for i in range(len(table)) if all(table[key].iloc[i] == value for key, value in where.items())]


def headline_place(kind: str, table: pd.DataFrame, headline: list[str]) -> dict[str, object]:
    """Return which rows of a main table a headline speaks of: its measure, group and, of a comparison, its year.

    Of targets, those that have a probability.

    The last academic year that the first of the ready sentences names is the headline\u2019s.
    """
    if kind == "target" and "quantity" in table and (table.quantity == "target").any():
        return {"quantity": "target"}
    if kind not in ("compare", "monitor") or not {"measure", "group", "year"} <= set(table):
        return {}
    measure, group = headline_of([name for name in MEASURES if name in set(table.measure)])
    years = [int(start) + 1 for start in re.findall(r"(20\d\d)/\d\d", headline[0] if headline else "")]
    named = [year for year in years if year in set(table.year)]
    return {"measure": measure, "group": group, "year": named[-1] if named and kind == "compare" else max(table.year)}


def lead_sentence(
    kind: str, table: pd.DataFrame, figures: Figures, where: dict[str, object], headline: list[str], levers: list[str]
) -> tuple[Sentence, list[str]]:
    """Return the sentence that stands for all, from figures where there are, and the ready sentences that are left.

    ``table`` is the main one; ``where`` is from ``headline_place``; ``levers`` are the varied keys of a sweep.
    """
    if kind == "sweep" and "impact_mean" in table and any(column == "impact_mean" for _, column in figures):
        return _of_sweep(table, figures, levers), [line for line in headline if not line.startswith("Over ")]
    rows = _meant(table, where) if kind == "compare" and where else []
    if rows and (rows[0], "mean") in figures:
        return _of_comparison(table, figures, rows, where), headline
    return (headline[0],), headline[1:]


def _of_sweep(table: pd.DataFrame, figures: Figures, levers: list[str]) -> Sentence:
    known = table.impact_mean.dropna()
    measure, group = headline_of(table.headline_measure.dropna().unique().tolist()[:1] or ["key_stage_2"])
    parts: list = [
        f"Over {len(known):,} scenarios, the impact on {who(measure, group)}, on average over the areas, is "
    ]
    for row, end in ((known.idxmin(), "at least "), (known.idxmax(), " and at most ")):
        levels = ", ".join(f"{key}={cell_text(key, table[key].iloc[row])}" for key in levers)
        parts += [end, figures[row, "impact_mean"], f" {unit(measure)} (scenario {table.scenario.iloc[row]}: {levels})"]
    return (*parts, ".")


def _of_comparison(table: pd.DataFrame, figures: Figures, rows: list[int], where: dict[str, object]) -> Sentence:
    measure, group, year = where["measure"], where["group"], int(where["year"])
    parts: list = [f"{capital(who(measure, group))} in {academic_year(year)}, on average over the areas."]
    for i in rows:
        row, chance = table.iloc[i], figures.get((i, "p_better"))
        titles = (_title("scenario", name) for name in (row.scenario, row.reference))
        parts += [" {} compared with {}: a difference of ".format(*titles),
                  figures[i, "mean"], f" {unit(measure)}."]  # fmt: skip
        if chance is not None:
            parts += [f" {capital(formatting.clause(chance.value))} (", Only(chance), ") that pupils do better."]
    return tuple(parts)


def quoted(sentences: list[str], basis: Basis) -> list[Published]:
    """Return the numbers of ready sentences as figures, as the folder\u2019s own command said them."""
    figures = []
    for s, sentence in enumerate(sentences):
        label = sentence if len(sentence) <= LONGEST_LABEL else f"{sentence[: LONGEST_LABEL - 1]}\u2026"
        for k, number in enumerate(NUMBER.finditer(sentence)):
            value = float(number[0].replace(",", "").replace("\u2212", "-"))
            about = About(f"said.{s + 1}.{k + 1}", label, "as the sentence says", marks=basis.marks)
            figures.append(reported_statistic.as_said(about, value, number[0], basis.origin))
    return figures


def kind_of(folder: Path) -> str:
    """Return what a folder holds.

    Raises
    ------
    Refusal
        Where it is not the folder of a finished run, comparison, sweep, target, plan, monitoring or voi.
    """
    if not folder.is_dir():
        raise Refusal(f"{folder} is no folder: give the one that oa-sim run printed")
    if (folder / "result.nc").is_file():
        return "run"
    for kind, spec in SPECS.items():
        if (folder / spec.facts).is_file():
            return kind
    raise Refusal(
        f"{folder} holds neither a result.nc nor the facts of a finished comparison, sweep, target, plan, monitoring "
        "or voi: give the folder that such a command printed"
    )


def read(folder: Path, kind: str) -> Dossier:
    """Return what the packs print of a folder that is not a run's; ``kind`` is from ``kind_of``.

    Raises
    ------
    Refusal
        Where its files cannot be read, or hold no figure.
    """
    spec = SPECS[kind]
    try:
        facts = json.loads((folder / spec.facts).read_text(encoding="utf-8"))
        paths = [path for path in sorted(folder.glob("*.csv")) if path.stat().st_size > 1]
        tables = {path.stem: pd.read_csv(path, keep_default_na=False, na_values=[""]) for path in paths}
        facts, headline, levers = _facts(folder, kind, facts)
        basis = _basis(folder, kind, facts, tables)
    except Refusal:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refusal(f"{folder} cannot be read ({type(error).__name__}): run its command again") from None
    if kind == "compare" and "means" not in tables:  # of a folder from before there were means
        spec = replace(spec, main="compare")
    by_table = {name: figures_of(name, table, spec, basis) for name, table in tables.items()}
    every = {one.figure: one for figures in by_table.values() for one in figures.values()}
    if not every:
        raise Refusal(f"{folder} holds no figure that could be reported: run its command again")
    table, figures = tables.get(spec.main, pd.DataFrame()), by_table.get(spec.main, {})
    where = headline_place(kind, table, headline)
    main = table_in_brief(spec, table, figures, levers, where)
    lead, headline = lead_sentence(kind, table, figures, where, headline, levers)
    in_table = [cell for row in (main.rows if main else ()) for cell in row if isinstance(cell, Published)]
    printed = {figure.figure for figure in (*map(figure_of, lead), *in_table) if figure}
    said, rest = _on_first_page(headline, facts["gates"])
    return Dossier(
        kind=kind,
        title=f"Opportunity Areas: {spec.title.lower()}",
        label=basis.origin.scenario,
        verdict=facts["gates"]["verdict"],
        reason=facts["gates"]["reason"],
        headline=lead,
        numbers=tuple(_numbers(in_table)),
        passages=_passages(
            said, facts, [*([main] if main else []), *_not_judged(tables)], pictures(folder) or _side_by_side(main)
        ),
        annex=(Passage("The other targets", tuple((line,) for line in rest)),) if rest else (),
        figures=(
            *(replace(one, shown_in="brief, workbook") for name, one in every.items() if name in printed),
            *quoted(headline, basis),
            *(one for name, one in every.items() if name not in printed),
        ),
        manifest=facts,
        sheets={name: sheet(name, table, by_table[name]) for name, table in tables.items()},
    )


def _facts(folder: Path, kind: str, facts: dict) -> tuple[dict, list[str], list[str]]:
    """Return facts in the same form for every kind, the sentences of the answer, and the varied keys of a sweep."""
    headline, levers = [str(sentence) for sentence in facts.get("headline", [])], []
    if kind == "sweep":
        sweep = results.read(folder)
        headline, levers = findings.ends(sweep)[::-1], list(sweep.keys)
        verdict = findings.sweep_verdict(sweep)
        facts = facts | {"gates": {"verdict": verdict, "reason": _reason(sweep.table)}}
        facts["units"] = {name: findings.unit_of(sweep.table, facts, name) for name in sweep.headlines}
        facts["n_to_verify"] = findings.n_unverified(sweep) or 0
        facts |= {"data_hash": next(iter(facts["data_hash"].values()), "none")}
        facts |= {"posterior": next(iter(facts["posterior"].values()), "none")}
    if kind == "compare":
        runs = facts["runs"]
        facts = {"label_of_all": " against ".join(reversed(facts["scenarios"]))} | runs[0] | facts
        facts |= {"to_verify": unverified.together([run.get("to_verify", {}) for run in runs])}
        bad = [run["gates"] for run in runs if run["gates"]["verdict"] != "PASS"]
        facts["gates"] = bad[0] if bad else runs[0]["gates"]
    scenario = facts.get("scenario")
    seed = scenario.get("seed") if isinstance(scenario, dict) else facts.get("design", {}).get("seed", "not kept")
    facts = {"run_id": folder.resolve().name, "learned": {}, "seed": seed} | facts
    facts.setdefault("gates", {"verdict": str(facts.get("verdict", "FAIL")), "reason": "see the folder"})
    return facts, headline or ["No sentence is on record in this folder."], levers


def _reason(table: pd.DataFrame) -> str:
    """Return why a sweep passed its gates or did not: of one that failed, where there is any."""
    failed = table[table.get("verdict", pd.Series("", table.index)).astype(str).str.contains("FAIL")]
    reasons = (failed if len(failed) else table).get("reason", pd.Series(dtype=str)).dropna().astype(str).tolist()
    reason = reasons[0] if reasons else "see summary.csv"
    return f"{len(failed)} of {len(table)} scenarios failed theirs, the first: {reason}" if len(failed) else reason


def _basis(folder: Path, kind: str, facts: dict, tables: dict[str, pd.DataFrame]) -> Basis:
    draws = [int(table.n_draws.max()) for table in tables.values() if "n_draws" in table and len(table)]
    scenario = facts.get("scenario")
    name = facts.get("label_of_all") or (scenario.get("name", "") if isinstance(scenario, dict) else "")
    label = str(name or folder.resolve().name)
    whole = facts["gates"]["verdict"] != "PASS" and kind != "sweep"  # rows of a sweep have verdicts of their own
    origin = Origin(
        scenario=f"{label}{' [FAIL]' if whole and '[FAIL]' not in label else ''}",
        run_id=str(facts["run_id"]),
        draws=str(facts.get("posterior", "none")),
        data_hash=str(facts["data_hash"]),
        version=str(facts["oa_sim"]),
        n_draws=max(draws, default=int(facts.get("n_draws", 0))),
    )
    marks = (
        *((VERIFY,) if facts.get("to_verify") else ()),
        *(_kinds_in_store(folder) if kind == "sweep" else ()),
    )
    return Basis(origin, marks, facts.get("units", {}), str(facts.get("price_base", "as in the folder")))


def _kinds_in_store(folder: Path) -> Iterator[str]:
    """Yield the marks of districts' figures in a sweep: of a county's that stand in, and of their own."""
    with xr.open_zarr(folder / store.NAME) as kept:
        for name, mark in (("proxy", PROXY), ("estimated", OWN)):
            if name in kept and bool((kept[name].isel(scenario=0) > 0).any()):
                yield mark


def _numbers(first: list[Published]) -> Iterator[tuple[str, Published]]:
    """Yield four figures, those with an interval where there are any, each with what it is."""
    for figure in ([one for one in first if one.interval] or first)[:4]:
        yield f"{figure.label} ({figure.printed_unit})" if figure.unit != "1" else figure.label, figure


def _not_judged(tables: dict[str, pd.DataFrame]) -> list[Grid]:
    """Return the targets of the plans that have no probability; nothing where there is none."""
    rows = [(f"{row.area}: {row.what}", row.why) for row in tables.get("not_judged", pd.DataFrame()).itertuples()]
    return [Grid("Targets of the plans without a probability", ("Target", "Why"), tuple(rows))] if rows else []


def _on_first_page(headline: list[str], gates: dict) -> tuple[list[str], list[str]]:
    """Return the sentences that the first page has room for, and those of targets that stand in the annex."""
    lines = [line for line in headline if not line.startswith(("PASS:", "FAIL:", "Still to verify"))]
    room = FIRST_PAGE - (len(gates["reason"]) if gates["verdict"] != "PASS" else 0)  # of a failure the page says why
    room -= sum(len(line) for line in lines if not line.startswith(OF_TARGET))
    ends = np.cumsum([len(line) if line.startswith(OF_TARGET) else 0 for line in lines])
    rest = [line for line, end in zip(lines, ends, strict=True) if line.startswith(OF_TARGET) and end > room]
    if not rest:
        return lines, rest
    more = f"{len(rest)} more targets are" if len(rest) > 1 else "One more target is"
    where = f"{more} in the table on the next page, and in full in target.json and in the annex of the HTML page."
    at = lines.index(rest[0])
    return [*lines[:at], where, *(line for line in lines[at:] if line not in rest)], rest


def _passages(lines: list[str], facts: dict, grids: list[Grid], shown: list[Drawn]) -> tuple:
    gates = facts["gates"]
    unsure = unverified.sentence(facts["to_verify"], "the facts of the folder") if facts.get("to_verify") else ""
    if facts.get("n_to_verify"):
        unsure = f"Still to verify against a source: {facts['n_to_verify']} figures (column to_verify)."
    sure = [(f"Convergence checks: {gates['verdict']} ({gates['reason']}).",), *([(unsure,)] if unsure else [])]
    return (
        Passage("What the figures say", tuple((line,) for line in lines), pictures=tuple(shown[:1])),
        *([Passage("Side by side", grids=tuple(grids), page=2)] if grids else []),
        Passage("How sure are we?", tuple(sure), page=2),
        Passage("What it cannot say", points=tuple((line,) for line in CANNOT_SAY), page=2),
    )


def pictures(folder: Path) -> list[Drawn]:
    """Return the pictures that a folder holds, the one that says most first."""
    paths = {name: folder / f"{name}.svg" for name in PICTURES}
    return [
        drawn(name, PICTURES[name], path.read_text(encoding="utf-8")) for name, path in paths.items() if path.is_file()
    ]


def _side_by_side(main: Grid | None) -> list[Drawn]:
    """Return the rows of the brief's table as intervals, where their first figure has one."""
    rows = [(row[0], row[1]) for row in (main.rows if main else ()) if len(row) > 1]
    rows = [(str(name), figure) for name, figure in rows if isinstance(figure, Published) and figure.interval]
    if not rows:
        return []
    band = np.array([(figure.value, figure.lower, figure.upper) for _, figure in rows]).T
    title = f"{main.head[1]}, {rows[0][1].printed_unit}"
    labels = [legible(name, 60, 30) for name, _ in rows]
    svg = intervals.intervals_picture("side-by-side", title, labels, band, title).svg
    return [drawn("side-by-side", f"{capital(title)}, with 90% intervals", svg)]
