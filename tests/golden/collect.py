"""Collect what the commands write, digested: the same code on the same machine gives the same digests to the last bit.

One command writes them anew: python tests/golden/collect.py tests/golden/golden.json
"""

import contextlib
import csv
import hashlib
import io
import json
import os
import platform
import re
import sys
import tempfile
import zipfile
from importlib.metadata import version
from pathlib import Path

import numpy as np

BUNDLES = (
    *("as_delivered", "early_years_first", "extended_ten_years", "hand_over", "no_programme"),
    *("per_disadvantaged_pupil", "tapered", "three_years_only"),
)
TINY = ("areas=three_areas", "sampler.draws=30", "horizon=5")
COMMANDS = {  # case: what is typed; {case} is the folder that an earlier case wrote
    **{f"run_{name}": ("run", f"scenario={name}", *TINY) for name in BUNDLES},
    "full_run": ("run",),
    "report": ("report", "{full_run}", "--to", "html,docx,pptx,xlsx,csv,json"),
    "compare": ("compare", "no_programme", "as_delivered", *TINY),
    "sweep": ("sweep", "split=equal,per_pupil", "horizon=5,6", *TINY[:2], "--out", "{outputs}/sweep"),
    "sensitivity": ("sensitivity", "{sweep}"),
    "report_sweep": ("report", "{sweep}", "--to", "html,csv,json"),
    "plan": ("optimise", *TINY[:2], "horizon=6", "budget.total_gbp=20e6"),
    "report_plan": ("report", "{plan}", "--to", "html,csv,json"),
    "targets": ("target", *TINY[:2]),
    "report_targets": ("report", "{targets}", "--to", "html,csv,json"),
    "monitor": ("monitor", *TINY[:2], "start_year=2022", "monitor.figures=package"),
    "report_monitor": ("report", "{monitor}", "--to", "html,csv,json"),
    "voi": ("voi", *TINY[:2]),
    "report_voi": ("report", "{voi}", "--to", "html,csv,json"),
    "evidence": ("evidence", *TINY),
}
PARTS = (
    tuple(name for name in COMMANDS if name.startswith("run_")),
    ("full_run", "report"),
    ("plan", "report_plan"),
    ("voi", "report_voi"),
    ("compare", "sweep", "sensitivity", "report_sweep", "targets", "report_targets"),
    ("monitor", "report_monitor", "evidence"),
)
# cases with a search or with pages, of which another machine has other last digits
ONLY_HERE = ("plan", "voi", *(name for name in COMMANDS if name.startswith("report")))
PRINTED = (*(name for name in COMMANDS if "run" in name), "compare", "targets")  # whose sentences are the same anywhere
# Names made from the code or from versions: hexadecimal, with a letter at least, and no part of a number. A name of
# digits alone is one of those that the facts hold, and is masked as such.
NAMES = re.compile(r"(?<![.\w])(?=[0-9]*[a-f])[0-9a-f]{8,64}\b")
MOMENTS = re.compile(r"\d{4}-\d\d-\d\dT[\d:.+]+(?:Z|\b)")
VERSIONS = re.compile(r"\b0\.\d+\.\d+\b")
# A column is as wide as the letters in it, and those of a name are wider or narrower.
OFFICE_TABLES = re.compile(r"<(w|a):tbl>.*?</\1:tbl>", re.DOTALL)
WIDTHS = re.compile(r"(<(?:w:gridCol|w:tcW|w:tblW|a:gridCol|a:tr) [^>]*?\b(?:w:w|w|h)=\")\d+")
OF_CODE = ("run_id", "code_hash", "identity", "written", "created", "versions", "law", "oa_sim")  # keys and columns
ELSEWHERE = {  # file: further keys that say nothing of a number
    "optimise.json": ("search", "seconds"),  # its limits of time are another version's
    "datapackage.json": ("hash", "bytes"),  # of files with such names inside
    "blocks": ("process", "seconds"),
    "sweep.json": ("engine",),
}
IGNORED = ("journal.jsonl", "lock")
KNOWN: set[str] = set()  # names that the facts hold
SOME = 7  # values of an array that are kept as they are


def machine() -> str:
    """Return what last digits depend on: the processor, Python and the libraries that reckon."""
    from llvmlite import binding

    libraries = [f"{name} {version(name)}" for name in ("numpy", "scipy", "numba", "xarray", "pandas", "arviz")]
    return ", ".join([binding.get_host_cpu_name(), platform.python_version(), *libraries])


def summary(values: np.ndarray) -> list[float]:
    """Return a few numbers that tell one array from another: count, finite, mean, size, a mean along a wave, values."""
    flat = np.asarray(values, dtype=float).ravel()
    kept = np.nan_to_num(flat, nan=0.0, posinf=0.0, neginf=0.0)
    wave = np.cos(np.arange(len(kept)))
    size = float(np.sqrt((kept**2).mean())) if len(kept) else 0.0
    means = [float(part.mean()) if len(kept) else 0.0 for part in (kept, kept * wave)]
    some = [float(value) for value in kept[:: max(1, len(kept) // SOME)][:SOME]]
    return [
        len(flat),
        int(np.isfinite(flat).sum()),
        *(float(f"{one:.9g}") for one in (means[0], size, means[1], *some)),
    ]


def masked(text: str, folder: str = "") -> str:
    """Return a text without what is made from code, versions, the moment or the place."""
    text = MOMENTS.sub("MOMENT", VERSIONS.sub("VERSION", text))
    text = re.sub(r"\S*/oa_sim_golden\S*", "FOLDER", text)
    for name in sorted(KNOWN, key=len, reverse=True):
        text = text.replace(name, "ID")
    return NAMES.sub("ID", re.sub(r"synthesis-[0-9a-f]{12}", "synthesis", text))


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def array(values: np.ndarray) -> dict:
    if values.dtype.kind in "OUSTM":
        text = masked("\n".join(str(one) for one in values.ravel()))
        return {"sha": digest(text.encode())}
    return {"sha": digest(np.ascontiguousarray(values).tobytes()), "about": summary(values)}


def table(text: str) -> dict:
    """Return the columns of a CSV table: numbers summarised, words digested."""
    rows = list(csv.reader(io.StringIO(text)))
    return columns({name: cells for name, *cells in zip(*rows, strict=True)})


def columns(cells_of: dict[str, list[str]]) -> dict:
    found = {}
    for name, cells in cells_of.items():
        if name in OF_CODE:
            continue
        try:
            numbers = np.array([float(cell) if cell else np.nan for cell in cells])
            found[name] = {"sha": digest("\n".join(cells).encode()), "about": summary(numbers)}
        except ValueError:
            found[name] = {"sha": digest(masked("\n".join(cells)).encode())}
    return found


def facts(value, left_out: tuple[str, ...], at: str = "") -> tuple[list[float], list[str]]:
    """Return the numbers and the words of nested facts, in order, without what is made from code."""
    if isinstance(value, dict):
        parts = [facts(value[key], left_out, f"{at}.{key}") for key in sorted(value) if key not in left_out]
    elif isinstance(value, list):
        parts = [facts(item, left_out, f"{at}[]") for item in value]
    elif isinstance(value, int | float) and not isinstance(value, bool):
        return [float(value)], [at]
    else:
        return [], [f"{at}: {value}"]
    return [number for numbers, _ in parts for number in numbers], [word for _, words in parts for word in words]


def of_facts(lines: list, left_out: tuple[str, ...]) -> dict:
    numbers, said = facts(lines, left_out)
    held = np.array(numbers, dtype=float)
    return {"numbers": array(held), "words": {"sha": digest(masked("\n".join(said)).encode())}}


def without_widths(table: re.Match[str]) -> str:
    """Return a table of Word or PowerPoint; one that holds what is masked is without the widths that come of it."""
    text = table[0]
    return text if masked(text) == text else WIDTHS.sub(r"\1WIDTH", text)


def words(content: bytes) -> dict:
    text = OFFICE_TABLES.sub(without_widths, content.decode("utf-8"))
    return {"sha": digest(masked(text).encode())}


def of_file(path: Path) -> dict:
    """Return the digests of what a file holds."""
    import xarray as xr

    if path.suffix == ".nc":
        with xr.open_datatree(path, engine="h5netcdf") as tree:
            held = {(node.path, name): one for node in tree.subtree for name, one in node.variables.items()}
            return {f"{at}/{name}".replace("//", "/"): array(one.values) for (at, name), one in sorted(held.items())}
    if path.suffix == ".csv":
        return table(path.read_text(encoding="utf-8"))
    if path.suffix in (".json", ".jsonl"):
        further = ELSEWHERE.get(path.name, ()) + (ELSEWHERE["blocks"] if path.parent.name == "blocks" else ())
        lines = path.read_text(encoding="utf-8").splitlines() if path.suffix == ".jsonl" else [path.read_text("utf-8")]
        return of_facts([json.loads(line) for line in lines], OF_CODE + further)
    if path.suffix == ".parquet":
        from pyarrow import parquet

        held = parquet.read_table(path).to_pydict()
        return columns({name: ["" if one is None else str(one) for one in cells] for name, cells in held.items()})
    if path.suffix in (".docx", ".pptx", ".xlsx"):
        with zipfile.ZipFile(path) as file:
            # pictures are painted with the fonts that a machine has
            names = [name for name in sorted(file.namelist()) if not {"docProps", "media"} & set(name.split("/"))]
            parts = {name: file.read(name) for name in names}
        return {
            name: words(part) if name.endswith((".xml", ".rels")) else {"sha": digest(part)}
            for name, part in parts.items()
        }
    if path.suffix in (".html", ".svg", ".txt", ".md"):
        return {"text": words(path.read_bytes())}
    return {}


def of_store(path: Path) -> dict:
    """Return the digests of the arrays of a sweep's store."""
    import zarr

    group = zarr.open_group(str(path), mode="r")
    return {name: array(one[...]) for name, one in sorted(group.arrays()) if name != "identity"}


def of_folder(folder: Path) -> dict:
    found = {}
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.is_dir() or path.name in IGNORED or "store.zarr" in inside.parts:
            continue
        found[masked(str(inside))] = of_file(path)
    for path in sorted(folder.rglob("store.zarr")):
        found[str(path.relative_to(folder))] = of_store(path)
    return {name: parts for name, parts in found.items() if parts}


def known_names(folder: Path) -> set[str]:
    """Return the names made from code that the facts of a folder hold, and their first digits, which sentences say."""
    held = set()
    for path in [*folder.glob("*.json"), *folder.glob("*.jsonl")]:
        held |= set(re.findall(r'"(?:run_id|code_hash|identity)": ?"([0-9a-f]{12,64})"', path.read_text("utf-8")))
    held |= {folder.name} if re.fullmatch(r"[0-9a-f]{12}", folder.name) else set()
    return held | {name[:n] for name in held for n in (8, 12)}


def pin_changelog() -> None:
    """Let reports print a changelog that stays as it is."""
    from oa_sim.report import assurance

    assurance.CHANGELOGS = (Path(__file__).with_name("CHANGELOG.md"),)


def answer(argv: list[str]) -> tuple[str, Path]:
    """Return what a command prints, and the folder that it ends with."""
    from oa_sim.cli.main import main

    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = main(argv)
    if code:
        raise RuntimeError(f"{argv} ended with {code}")
    printed = out.getvalue()
    return printed, Path(printed.splitlines()[-1].removeprefix("folder: "))


def collect(cases, outputs: Path) -> dict:
    """Return the digests of cases, each answered in a folder of ``outputs``."""
    found, folders = {}, {}
    pin_changelog()
    for name in cases:
        argv = [word.format(outputs=outputs, **folders) for word in COMMANDS[name]]
        if argv[0] not in ("report", "sweep"):
            argv.append(f"outputs={outputs}")
        printed, folder = answer(argv)
        folders[name] = outputs / "sweep" if name == "sweep" else folder
        KNOWN.update(known_names(folders[name]))
        lines = [line for line in printed.splitlines() if str(outputs) not in line]
        if name == "sweep":  # how long it took
            lines = [line for line in lines if not re.search(r"seconds|peak", line)]
        found[name] = {"printed": {"text": words("\n".join(lines).encode())}} | of_folder(folders[name])
    return found


def main(target: str) -> None:
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    found = {}
    with tempfile.TemporaryDirectory(prefix="oa_sim_golden") as folder:
        for part in PARTS:
            found |= collect(part, Path(folder))
            print(", ".join(part), file=sys.stderr)
    text = json.dumps({"machine": machine(), "cases": found}, indent=0, sort_keys=True)
    Path(target).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
