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
COMMANDS = {  # case: what is typed; {run} is the folder of the case full_run
    **{f"run_{name}": ("run", f"scenario={name}", *TINY) for name in BUNDLES},
    "full_run": ("run",),
    "report": ("report", "{run}", "--to", "html,docx,pptx,xlsx,csv,json"),
    "compare": ("compare", "no_programme", "as_delivered", *TINY),
    "sweep": ("sweep", "split=equal,per_pupil", "horizon=5,6", *TINY[:2], "--out", "{outputs}/sweep"),
    "plan": ("optimise", *TINY[:2], "horizon=6", "budget.total_gbp=20e6"),
    "targets": ("target", *TINY[:2]),
    "monitor": ("monitor", *TINY[:2], "start_year=2022", "monitor.figures=package"),
    "voi": ("voi", *TINY[:2]),
}
PARTS = (tuple(name for name in COMMANDS if name.startswith("run_")), ("full_run", "report"), ("plan",), ("voi",),
         ("compare", "sweep", "targets", "monitor"))  # fmt: skip
ONLY_HERE = (
    "plan",
    "voi",
    "report",
)  # cases with a search or with pages, of which another machine has other last digits
# what is made from code, versions or the moment, and says nothing of a number
NAMES = re.compile(r"\b[0-9a-f]{12,64}\b|\b[0-9a-f]{8}\b|\d{4}-\d\d-\d\dT[\d:.+]+(?:Z|\b)")
VOLATILE = {
    *("run_id", "code_hash", "oa_sim", "written", "identity", "seconds", "versions", "made", "law", "folder", "python"),
    *("search", "created", "hash", "bytes", "process", "at"),
}
SOME = 7  # values of an array that are kept as they are
IGNORED = ("journal.jsonl", "lock", "assurance", "docProps", "zarr.json", ".zattrs")


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


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def array(values: np.ndarray) -> dict:
    if values.dtype.kind in "OUSTM":
        text = "\n".join(NAMES.sub("ID", str(one)) for one in values.ravel())
        return {"sha": digest(text.encode())}
    return {"sha": digest(np.ascontiguousarray(values).tobytes()), "about": summary(values)}


def table(text: str) -> dict:
    """Return the columns of a CSV table: numbers summarised, words digested."""
    rows = list(csv.reader(io.StringIO(text)))
    found = {}
    for name, *cells in zip(*rows, strict=True):
        if name in VOLATILE:
            continue
        try:
            numbers = np.array([float(cell) if cell else np.nan for cell in cells])
            found[name] = {"sha": digest("\n".join(cells).encode()), "about": summary(numbers)}
        except ValueError:
            found[name] = {"sha": digest(NAMES.sub("ID", "\n".join(cells)).encode())}
    return found


def plain(value):
    """Return facts without what is made from code, versions or the moment."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if key not in VOLATILE}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return NAMES.sub("ID", value) if isinstance(value, str) else value


def words(content: bytes) -> dict:
    """Return a text without names that are made from code, and its words alone, without any digit."""
    text = NAMES.sub("ID", content.decode("utf-8").replace("0.6.1", "VERSION").replace("0.7.0", "VERSION"))
    text = re.sub(r"synthesis-\S+?\.nc", "synthesis.nc", text)
    text = re.sub(r"\S*/(oa_sim_golden\S*)", "FOLDER", text)
    return {"sha": digest(text.encode())}


def of_file(path: Path) -> dict:
    """Return the digests of what a file holds."""
    import xarray as xr

    if path.suffix == ".nc":
        with xr.open_datatree(path, engine="h5netcdf") as tree:
            held = {(node.path, name): one for node in tree.subtree for name, one in node.variables.items()}
            return {f"{at}/{name}".replace("//", "/"): array(one.values) for (at, name), one in sorted(held.items())}
    if path.suffix == ".csv":
        return table(path.read_text(encoding="utf-8"))
    if path.suffix == ".json":
        text = json.dumps(plain(json.loads(path.read_text(encoding="utf-8"))), sort_keys=True)
        return {"facts": words(text.encode())}
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
        if path.is_dir() or any(part in str(inside) for part in IGNORED) or "store.zarr" in inside.parts:
            continue
        found[re.sub(r"synthesis-\w+", "synthesis", str(inside))] = of_file(path)
    for path in sorted(folder.rglob("store.zarr")):
        found[str(path.relative_to(folder))] = of_store(path)
    return {name: parts for name, parts in found.items() if parts}


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
    for name in cases:
        argv = [word.format(outputs=outputs, run=folders.get("full_run")) for word in COMMANDS[name]]
        if argv[0] not in ("report", "sweep"):
            argv.append(f"outputs={outputs}")
        printed, folders[name] = answer(argv)
        folder = outputs / "sweep" if name == "sweep" else folders[name]
        lines = [line for line in printed.splitlines() if str(outputs) not in line and "seconds" not in line]
        found[name] = {"printed": {"text": words("\n".join(lines).encode())}} | of_folder(folder)
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
