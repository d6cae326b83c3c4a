"""Expand: the scenarios of a sweep, from words that name several values, without composing each anew.

A scenario is composed once for each choice of a group and for each list; numbers are set on what was composed. A list
is a file with a row for each scenario and a column for each key, CSV or YAML.
"""

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oa_sim.errors import Refusal
from oa_sim.inputs import csv_reader
from oa_sim.scenario import load
from oa_sim.scenario.config_files import BUNDLES
from oa_sim.scenario.load import as_text, read_word
from oa_sim.scenario.overrides import bare, check_override, key_of, kind_of, normal, of_kind, written
from oa_sim.scenario.rules import NUMBERS
from oa_sim.scenario.schema import Scenario
from oa_sim.scenario.sweep_settings import NAMED, Design, check_number

if TYPE_CHECKING:
    import numpy as np

Named = dict[str, list[Any]]  # the values of each key that varies
Ranges = dict[str, tuple[float, float]]  # the ends of each that was given as an interval
Pairs = tuple[tuple[str, Any], ...]  # keys with their values
Plain = dict[str, Any]  # a scenario, or some of its fields, as nested plain values
CELLS_KEPT = 4096  # cells that are read once however often they stand
# of each key a number, a truth value, or text as an override writes it; None in a row that leaves the key alone
Values = tuple[Any, ...]
Cells = dict[str, str]  # key: the value as an override writes it; empty where the key is left alone
KEPT = 1024  # parts of scenarios that are kept, so that memory does not grow with the number of scenarios
WORD = re.compile(r"(?!(?:null|true|false|nan|inf)$)[a-z_]\w*", re.IGNORECASE | re.ASCII)  # means itself to Hydra
LEAVES = {float: (int, float), int: (int,), bool: (bool,), str: (str,)}  # kind: what may be set without Hydra
SEED_ROOM = 2**31  # what SALib takes as a seed


def read(file: str) -> tuple[tuple[str, ...], list[Values]]:
    """Return the keys of a file of scenarios, and a value of each key for each row.

    It is CSV with a header of keys, its cells written as overrides write them; or YAML, a list of mappings. An empty
    cell, and a key that a mapping lacks, leave the key alone: the value is None.
    """
    is_yaml = Path(file).suffix.lower() in (".yaml", ".yml")
    try:
        lines = _yaml(file) if is_yaml else _csv(file)
    except FileNotFoundError:
        raise Refusal(f"design.file={file}: there is no such file: name one with a row for each scenario") from None
    except (OSError, UnicodeDecodeError) as error:
        raise Refusal(f"{file}: cannot be read ({error}): save it as UTF-8 text") from None
    if not lines:
        raise Refusal(f"{file}: it holds no scenario: add a row for each")
    check_number(len(lines))
    keys: dict[str, int] = {}  # with the row in which each stands first
    for number, cells in lines:
        for key in cells:
            keys.setdefault(key, number if is_yaml else 1)
    _check_columns(file, keys)
    read_cell = lru_cache(CELLS_KEPT)(_cell)
    rows: dict[Values, int] = {}
    for number, cells in lines:
        values = []
        for key in keys:
            with _located(file, number, key):
                values.append(read_cell(key, cells.get(key, "").strip()))
        row = tuple(values)
        if row in rows:
            raise Refusal(f"{file} row {number}: the same scenario as row {rows[row]}: leave one of them out")
        rows[row] = number
    return tuple(keys), list(rows)


def _check_columns(file: str, keys: dict[str, int]) -> None:
    """Refuse a column that is no key of a scenario, or has a mark of Hydra's."""
    for key, number in keys.items():
        with _located(file, number, key):
            if key.startswith("+"):
                raise Refusal(f"no key is added or forced: write {bare(key)}")
            kind_of(bare(key), Scenario)


@contextmanager
def _located(file: str, number: int, key: str) -> Iterator[None]:
    """Let a refusal say at which row and column of a file it arose."""
    try:
        yield
    except Refusal as refusal:
        raise Refusal(f"{file} row {number}, column {key!r}: {refusal}") from None


def _csv(file: str) -> list[tuple[int, Cells]]:
    """Return the rows of a CSV file, each with its line."""
    missing = f"design.file={file}: there is no such file: name one with a row for each scenario"
    lines = csv_reader.read_lines(Path(file), missing, file)
    return csv_reader.records(file, [line for line in lines if any(cell.strip() for cell in line[1])])


def _yaml(file: str) -> list[tuple[int, Cells]]:
    """Return the mappings of a YAML list, numbered from 1."""
    import yaml

    try:
        listed = yaml.safe_load(Path(file).read_text(encoding="utf-8-sig"))
    except yaml.YAMLError as error:
        raise Refusal(f"{file}: {' '.join(str(error).split())}, which is no YAML: correct the file") from None
    if not isinstance(listed, list) or not all(isinstance(row, dict) for row in listed):
        raise Refusal(f"{file}: it must be a list of mappings such as '- {{split: equal, horizon: 10}}': rewrite it")
    return [
        (number, {str(key): _cell_text(value) for key, value in row.items()}) for number, row in enumerate(listed, 1)
    ]


def _cell_text(value: object) -> str:
    """Return a value of YAML as an override writes it; null leaves the key alone."""
    if isinstance(value, str) and value.startswith(("[", "{")):
        return value  # a list or mapping in quotes, which a cell of CSV reads too
    return "" if value is None else as_text(value)


def _cell(key: str, text: str) -> object:
    """Return the one value of a cell as its key's kind; None where the cell is empty."""
    if not text:
        return None
    value = read_word(f"{key}={text}")
    if isinstance(value, list | tuple):
        raise Refusal(f"a cell holds one value, got {text}: add a row for each")
    return of_kind(key, value)


@dataclass(frozen=True)
class Variants:
    """The scenarios of a sweep, as what they share and what they do not."""

    fixed: tuple[str, ...]  # overrides that all share
    keys: tuple[str, ...]  # what varies, in the order typed
    values: list[Values]  # of each scenario, a value of each key
    bounds: dict[str, tuple[float, float]]  # of each key that was given as an interval; a whole number takes both

    def overrides(self, i: int) -> list[str]:
        """Return the overrides that make scenario i by ``load_scenario``, to the last digit of each number."""
        row = zip(self.keys, self.values[i], strict=True)
        return [*self.fixed, *(f"{key}={written(value)}" for key, value in row if value is not None)]


def expand(words: list[str], design: Design, *, may_be_one: bool = False) -> Variants:
    """Return the scenarios that words and a design ask for.

    The words are Hydra overrides, some with several values: ``"split=equal,per_pupil"``, ``"horizon=range(5,11)"``, or,
    for a sampled design, ``"budget.total_gbp=interval(5e7,2e8)"``. A grid goes through the keys in the order typed, the
    last one fastest; it may be a single scenario where ``may_be_one``. A sampled design gives each of the values of a
    key, and each whole number of an interval of whole numbers, an even share of the points.
    """
    fixed, varied = _fixed_and_varied(words)
    if design.kind == "list":
        if varied:
            raise Refusal(
                f"the rows of design.file say what varies, got {next(iter(varied))} too: name one value of it"
            )
        keys, rows = read(str(design.file))
        typed = {key_of(word) for word in fixed}
        for key in (key for key in keys if bare(key) in typed):
            raise Refusal(f"{design.file}: column {key!r} is given as a word too: drop one of the two")
        return Variants(fixed, keys, rows, {})
    if not varied and not (may_be_one and design.kind == "grid"):
        raise Refusal("nothing varies: name several values of a key, such as split=equal,per_pupil")
    ranges = {key: _ends(key, value) for key, value in varied.items() if isinstance(value, tuple)}
    named = {key: _named(key, value) for key, value in varied.items() if isinstance(value, list)}
    if design.kind in NAMED:
        return Variants(fixed, tuple(varied), _grid(named, ranges), {})
    bounds = {key: (float(low), float(high)) for key, (low, high) in ranges.items()}
    return Variants(fixed, tuple(varied), _sampled(design, tuple(varied), named, ranges), bounds)


def _fixed_and_varied(words: list[str]) -> tuple[tuple[str, ...], dict[str, list[Any] | tuple[Any, ...]]]:
    """Return the words that all scenarios share, checked, and the values or the ends of each key that varies."""
    values = {word: read_word(word) for word in words}
    for word in (word for word in words if word.startswith("~")):
        check_override(word, Scenario)
    for word in (word for word in words if word.startswith("+")):  # marks that would be part of a column's name
        raise Refusal(f"a scenario has all its keys, so that none is added or forced, got {word}: write {bare(word)}")
    typed = [key_of(word) for word in words]
    for key in typed:
        if typed.count(key) > 1:
            raise Refusal(f"{key} is given twice: give its values once, such as {key}=a,b")
    fixed = tuple(word for word, value in values.items() if not isinstance(value, list | tuple))
    for word in fixed:
        check_override(normal(word), Scenario)
    return fixed, {word.split("=", 1)[0]: value for word, value in values.items() if isinstance(value, list | tuple)}


def _grid(named: Named, ranges: Ranges) -> list[Values]:
    """Return every combination of the values, the last key fastest."""
    for key, ends in ranges.items():
        low, high = (f"{end:.10g}" for end in ends)  # as an override takes it
        raise Refusal(
            f"{key}=interval({low},{high}) names no values for a grid: name some, such as {key}={low},{high}, or "
            "choose design=sobol"
        )
    check_number(math.prod(len(values) for values in named.values()))
    return list(product(*named.values()))


def _sampled(design: Design, keys: tuple[str, ...], named: Named, ranges: Ranges) -> list[Values]:
    """Return what the points of a sampled design mean."""
    n_scenarios(design, len(keys))
    columns = []
    for key, shares in zip(keys, points(design, keys).T, strict=True):
        if key in named:
            values = named[key]
            columns.append([values[min(int(share * len(values)), len(values) - 1)] for share in shares.tolist()])
            continue
        low, high = ranges[key]
        if isinstance(low, int):  # a whole number: each has an even bin, both ends too
            columns.append([min(low + int(share * (high - low + 1)), high) for share in shares.tolist()])
        else:
            columns.append([low + share * (high - low) for share in shares.tolist()])
    return list(zip(*columns, strict=True))


def _named(key: str, values: list[Any]) -> list[Any]:
    """Return the values of a key, each checked for its kind and named once."""
    if bare(key) == "outputs":
        raise Refusal("outputs is a place and no part of a scenario: name one, in quotes if it has a comma")
    if not values:
        raise Refusal(f"{key} names no value: name some, such as {key}=a,b or {key}=range(5,11)")
    checked, seen = [of_kind(key, value) for value in values], set()
    for value in checked:
        if value in seen:
            raise Refusal(f"{key} names {written(value)} twice: name each value once, so that no scenario is run twice")
        seen.add(value)
    return checked


def _ends(key: str, ends: tuple[Any, ...]) -> tuple[float, float]:
    """Return the ends of an interval as the kind of their key."""
    kind, (low, high) = kind_of(bare(key), Scenario), ends
    if kind not in NUMBERS:
        raise Refusal(f"{key} is no number, so interval() says nothing about it: name its values, such as {key}=a,b")
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise Refusal(
            f"{key}=interval({low:.10g},{high:.10g}) must run from a low to a high number: swap or change them"
        )
    if kind is int and (low != int(low) or high != int(high)):
        raise Refusal(f"{key} is a whole number, got interval({low:.10g},{high:.10g}): give it whole ends")
    return kind(low), kind(high)


def scenarios(variants: Variants) -> Iterator[Scenario | Refusal]:
    """Yield each scenario, equal to ``load_scenario(*variants.overrides(i))``, or the refusal that would raise.

    Hydra composes once for each choice of a group, list and mapping of each field, beside the named bundle that has
    the last word over it; numbers, truth values and single words are set on what was composed. Every scenario is
    built anew and checks itself. Hydra is no matter for threads: iterate in one.
    """
    parts, kinds = _Parts(variants.fixed), {key: kind_of(bare(key), Scenario) for key in variants.keys}
    for i, row in enumerate(variants.values):
        typed = {key: value for key, value in zip(variants.keys, row, strict=True) if value is not None}
        try:
            yield _made(parts, typed, kinds, variants.overrides(i))
        except Refusal as refusal:
            yield Refusal(str(refusal))  # without the frames it came through


def _made(parts: "_Parts", typed: dict[str, Any], kinds: dict[str, Any], overrides: list[str]) -> Scenario:
    """Return one scenario: its parts, what is set on them, built and checked."""
    chosen = {key: value for key, value in typed.items() if not _is_leaf(key, kinds[key], typed)}
    plain = parts.together(tuple(chosen.items()))
    if isinstance(plain, Refusal):
        return parts.loaded(tuple(chosen.items()), plain, overrides)
    for key, value in typed.items():
        if plain is not None and key not in chosen:
            plain = _set(plain, key.split("."), value)
    if plain is None:  # one choice moves what another chose, or a key that is not there: Hydra's to say
        return load.load_scenario(*overrides)
    try:
        return load.settled(load.made(Scenario, plain), parts.area_names)
    except Refusal:
        raise
    except Exception:  # a rule that cannot even be asked of a number so odd; Hydra puts it in words
        return load.load_scenario(*overrides)


class _Parts:
    """What overrides compose to, kept by the choices that made it."""

    def __init__(self, fixed: tuple[str, ...]):
        self.fixed = fixed
        self.refused: dict[Pairs, Refusal] = {}
        self.whole = lru_cache(KEPT)(self._whole)
        self.field = lru_cache(KEPT)(self._field)
        self.named = lru_cache(KEPT)(lambda names, folder: tuple(load.area_names(list(names), folder)))

    def area_names(self, names: list[str], folder: str | None) -> list[str]:
        """Return the tables' names of areas, read once for each set of areas."""
        return list(self.named(tuple(names), folder))

    def together(self, chosen: Pairs) -> Plain | Refusal | None:
        """Return the plain values that choices make; None where they do not each keep to a field of their own."""
        bundle = tuple(pair for pair in chosen if pair[0] in BUNDLES)
        plain = self.whole(bundle)
        by_field: dict[str, Pairs] = {}
        for key, value in chosen:
            if key not in BUNDLES:
                field = bare(key).split(".")[0]
                field = "interventions" if field == "intervention" else field
                by_field[field] = (*by_field.get(field, ()), (key, value))
        for field, pairs in by_field.items():
            part = self.field(bundle, field, pairs)
            if not isinstance(plain, dict) or not isinstance(part, dict):
                return plain if isinstance(plain, Refusal) else part
            plain = {**plain, **part}
        return plain

    def loaded(self, chosen: Pairs, refusal: Refusal, overrides: list[str]) -> Scenario:
        """Return a scenario of choices of which one was refused, which is so whatever the numbers are."""
        if chosen not in self.refused:
            try:
                return load.load_scenario(*overrides)
            except Refusal as whole:
                if str(whole) != str(refusal) or len(self.refused) >= KEPT:
                    raise
                self.refused[chosen] = whole
        raise self.refused[chosen]

    def _whole(self, pairs: Pairs) -> Plain | Refusal | None:
        try:
            composed = load.composed(*self.fixed, *(f"{key}={written(value)}" for key, value in pairs))
        except Refusal as refusal:
            return refusal
        return None if re.search(r"'\?\?\?'|\$\{", repr(composed)) else composed  # what only Hydra can fill in

    def _field(self, bundle: Pairs, field: str, pairs: Pairs) -> Plain | Refusal | None:
        """Return the one field that choices make; None where they make more than that."""
        plain, composed = self.whole(bundle), self._whole(bundle + pairs)
        if not isinstance(composed, dict) or not isinstance(plain, dict):
            return composed if not isinstance(composed, dict) else None
        moved = {name for name in composed if composed[name] != plain[name]}
        return {field: composed[field]} if moved <= {field} else None


def _is_leaf(key: str, kind: object, typed: dict[str, Any]) -> bool:
    """Return whether setting a key's value on what was composed is all that Hydra would do."""
    value = typed[key]
    if key != bare(key) or not isinstance(kind, type) or type(value) not in LEAVES.get(kind, ()):
        return False
    if isinstance(value, str) and not WORD.fullmatch(value):
        return False
    # a mapping that varies above it may come after it
    return not any(key.startswith(f"{other}.") and str(typed[other]).startswith("{") for other in typed)


def _set(plain: Plain, path: list[str], value: object) -> Plain | None:
    """Return plain values with one changed, the given ones left as they are; None where there is none to change."""
    first, rest = path[0], path[1:]
    if first not in plain:
        return None
    if not rest:
        return {**plain, first: value}
    inner = _set(plain[first], rest, value) if isinstance(plain[first], dict) else None
    return None if inner is None else {**plain, first: inner}


def n_scenarios(design: Design, n_keys: int) -> int:
    """Return how many scenarios a sampled design asks about."""
    n = design.n * (n_keys + 2) if design.kind == "saltelli" else design.n
    check_number(n)
    return n


def points(design: Design, keys: tuple[str, ...]) -> "np.ndarray":
    """Return the points of a sampled design in the unit cube, in [0, 1), as an array (scenario, key).

    A coordinate goes by its name, so that the order typed does not move the points; of a Latin hypercube another key
    does not move them either. Rows of ``saltelli`` lie as SALib's analysis reads them, in the order of ``keys``: for
    each base point A, then A with each key in turn taken from B, then B.
    """
    import numpy as np

    n_scenarios(design, len(keys))
    rank = np.argsort(np.argsort(keys))
    if design.kind == "latin_hypercube":
        return np.column_stack([_hypercube(design, key) for key in keys])
    if design.kind == "sobol":
        return _sobol(design, len(keys))[:, rank]
    sample = _saltelli(design, len(keys)).reshape(design.n, len(keys) + 2, len(keys))
    rows = np.concatenate([[0], 1 + rank, [len(keys) + 1]])
    return sample[:, rows][:, :, rank].reshape(-1, len(keys))


def _hypercube(design: Design, key: str) -> "np.ndarray":
    """Return one coordinate of a Latin hypercube: a point in each of n even slices, in random order."""
    from oa_sim.rng import stream

    random = stream(design.seed, "design", "latin_hypercube", key)
    return (random.permutation(design.n) + random.random(design.n)) / design.n


def _sobol(design: Design, n_keys: int) -> "np.ndarray":
    """Return a scrambled Sobol sequence (Owen 1998; Matousek's linear scrambling, as in SciPy)."""
    from scipy.stats import qmc

    from oa_sim.rng import stream

    sequence = qmc.Sobol(n_keys, scramble=True, seed=stream(design.seed, "design", "sobol"))
    points: np.ndarray = sequence.random(design.n)
    return points


def _saltelli(design: Design, n_keys: int) -> "np.ndarray":
    """Return SALib's rows for first and total indices (Saltelli and others 2010), n (keys + 2) of them."""
    try:
        from SALib.sample import sobol
    except ImportError:
        raise Refusal(
            "design=saltelli needs SALib, which is not installed: install oa-sim[sensitivity], or choose design=sobol"
        ) from None
    from oa_sim.rng import stream

    problem = {"num_vars": n_keys, "names": [str(i) for i in range(n_keys)], "bounds": [[0.0, 1.0]] * n_keys}
    seed = int(stream(design.seed, "design", "saltelli").integers(SEED_ROOM))
    points: np.ndarray = sobol.sample(problem, design.n, calc_second_order=False, seed=seed)
    return points
