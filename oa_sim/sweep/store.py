"""Store: the results of a sweep as one labelled Zarr store, a dimension ``scenario`` before all others.

Three ideas: a chunk is a block of scenarios and is written by a rename, so it is there whole or not at all; what a law
gives is placed by its labels, so scenarios with other areas or years stand side by side, NaN where one has nothing to
say; and the same numbers give the same bytes. A chunk counts as whole only where it is what its
checksum says.
"""

import json
import os
import warnings
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr
from numcodecs import Zstd
from zarr.codecs import ZstdCodec

from oa_sim.atomic_write import atomic_folder, write_file
from oa_sim.errors import Refusal
from oa_sim.sweep.journal import command

Labels = dict[str, list[Any]]  # of each dimension: words, or years
Arrays = dict[str, np.ndarray]  # of one scenario, by name
Columns = dict[str, tuple[str, Sequence[Any]]]  # kind and values of each column, None where a scenario has none
NAME = "store.zarr"
METADATA = "zarr.json"  # of a group or an array of format 3
DIMENSION = "scenario"
# quick, and as small as slower ones on these numbers, whose last bits are noise; it looks back far enough to find that
# what would have happened anyway is the same in all scenarios of a block; each chunk carries a checksum of its own
PACKED = ZstdCodec(level=1, checksum=True)
EMPTY = {"str": "", "int": np.nan, "float": np.nan, "float32": np.nan}
DTYPES = {"str": "string", "int": "float64", "float": "float64", "float32": "float32"}  # NaN where there is none


@dataclass(frozen=True)
class Layout:
    """What every scenario of a store gives."""

    labels: Labels  # of each dimension but ``scenario``, in their order
    arrays: dict[str, tuple[str, ...]]  # dimensions of each array, ``scenario`` left out
    columns: dict[str, str]  # kind of each single value: ``str``, ``int``, ``float`` or ``float32``


def layout_of(result: xr.Dataset, labels: Labels) -> Layout:
    """Return the layout of a scenario's summary; its values without a dimension and its attributes become columns.

    ``labels`` is the union over all scenarios, for the dimensions whose labels a scenario chooses.
    """
    own = {str(dim): result[dim].values.tolist() for dim in result.dims}
    arrays = {str(name): tuple(map(str, values.dims)) for name, values in result.data_vars.items() if values.ndim}
    single = {name: "float32" if value.dtype == np.float32 else "float" for name, value in _single(result).items()}
    marks = {name: _kind(value) for name, value in marks_of(result).items()}
    return Layout(own | {dim: labels[dim] for dim in own if dim in labels}, arrays, single | marks)


def marks_of(result: xr.Dataset) -> dict[str, str | int | float]:
    """Return what a result says of itself in single words and numbers: run id, verdict and the like."""
    return {str(name): value for name, value in result.attrs.items() if isinstance(value, str | int | float)}


def numbers_of(result: xr.Dataset) -> dict[str, float | None]:
    """Return the single numbers of a result, with no more digits than their precision has; None for NaN."""
    return {name: float(str(value)) if np.isfinite(value) else None for name, value in _single(result).items()}


def _single(result: xr.Dataset) -> dict[str, Any]:
    # plain variables: an array with coordinates for each costs more than all the rest
    return {
        str(name): result.variables[name].values[()] for name in result.data_vars if not result.variables[name].ndim
    }


def _kind(value: str | int | float) -> str:
    return "str" if isinstance(value, str) else "int" if isinstance(value, int) else "float"


def create(
    folder: Path, layout: Layout, n: int, block: int, result: xr.Dataset, made: dict[str, Any] | None = None
) -> None:
    """Make an empty store of n scenarios, ``block`` of them in a chunk, whole or not at all.

    The variables of a scenario's summary give their units and meanings; ``made`` stands at its head.
    """
    with atomic_folder(folder / NAME) as part:  # an earlier one, in which every scenario failed, is put aside whole
        _fill(part, layout, n, block, result, made or {})


def _fill(path: Path, layout: Layout, n: int, block: int, result: xr.Dataset, made: dict[str, Any]) -> None:
    """Write the groups, labels and empty arrays of a store."""
    group = zarr.create_group(path, zarr_format=3, attributes={**made, "columns": layout.columns})
    for dim, labels in layout.labels.items():
        kind = "string" if isinstance(labels[0], str) else np.asarray(labels).dtype
        label = group.create_array(dim, shape=(len(labels),), dtype=kind, dimension_names=(dim,))
        label[:] = np.asarray(labels, dtype=object if kind == "string" else kind)
    for name, dims in layout.arrays.items():
        shape = tuple(len(layout.labels[dim]) for dim in dims)
        group.create_array(
            name,
            shape=(n, *shape),
            chunks=(block, *shape),
            dtype="float32",
            fill_value=np.nan,
            compressors=PACKED,
            dimension_names=(DIMENSION, *dims),
            attributes={key: value for key, value in result[name].attrs.items() if isinstance(value, str | int)},
        )
    _consolidate(path)


def layout(folder: Path) -> Layout | None:
    """Return the layout of a store, or None where there is none, or one without results."""
    if not (folder / NAME).is_dir() or not any((folder / NAME).iterdir()):
        return None
    try:
        return _read_layout(folder / NAME)
    except Exception as error:  # a damaged file fails in as many ways as there are readers
        why = f"{METADATA} is missing" if not (folder / NAME / METADATA).exists() else type(error).__name__
        raise Refusal(
            f"{folder / NAME} cannot be read ({why}), and is left as it is: put it back from a copy, or move "
            f"{NAME} away and compute it again with {command('resume', folder)}"
        ) from None


def _read_layout(path: Path) -> Layout | None:
    with warnings.catch_warnings():  # a process that died may have left the beginnings of a column, which is made again
        warnings.simplefilter("ignore", UserWarning)
        # each array's own description, which is what is written by
        group = zarr.open_group(path, mode="r", use_consolidated=False)
        columns = group.attrs.get("columns")
        if not isinstance(columns, dict) or not columns:
            return None
        stored = dict(group.arrays())
    dimensions = {name: tuple(getattr(array.metadata, "dimension_names", None) or ()) for name, array in stored.items()}
    labels = {
        name: np.asarray(stored[name][:]).tolist()
        for name, dims in dimensions.items()
        if dims == (name,) != (DIMENSION,)
    }
    arrays = {name: dims[1:] for name, dims in dimensions.items() if len(dims) > 1}
    lost = {dim for dims in arrays.values() for dim in dims} - set(labels)
    if lost or not arrays:
        raise KeyError(lost)
    return Layout(labels, arrays, {name: str(kind) for name, kind in columns.items()})


def placed(result: xr.Dataset, layout: Layout) -> Arrays:
    """Return the arrays of a result in single precision, in the store's order, NaN where it has no such label."""
    own = {str(name): result.variables[name] for name in result.data_vars}
    more = {name for name, values in own.items() if values.ndim} - set(layout.arrays)
    if more:
        raise Refusal(f"the result has {sorted(more)[0]!r}, which the first scenario has not: sweep it apart")
    places = {dim: _places(dim, result[dim].values.tolist(), layout) for dim in result.dims}
    arrays = {}
    for name in layout.arrays:
        arrays[name] = _nothing(name, layout)
        if name in own:
            dims = layout.arrays[name]
            arrays[name][np.ix_(*(places[dim] for dim in dims))] = own[name].transpose(*dims).values
    return arrays


def _nothing(name: str, layout: Layout) -> np.ndarray:
    """Return an array of a scenario that has nothing to say."""
    return np.full([len(layout.labels[dim]) for dim in layout.arrays[name]], np.nan, dtype=np.float32)


def _places(dim: Hashable, labels: list[Any], layout: Layout) -> list[int]:
    places = {label: i for i, label in enumerate(layout.labels[str(dim)])}
    for label in labels:
        if label not in places:
            raise Refusal(f"the store has no {dim} {label!r}: sweep the scenarios that have it into another folder")
    return [places[label] for label in labels]


def write(folder: Path, start: int, results: Sequence[Arrays | None], layout: Layout) -> None:
    """Write scenarios that stand next to each other within one chunk, each array in one rename; None for a failure."""
    # a chunk of nothing but NaN is written too, since a chunk that is not there is one that was lost
    with zarr.config.set({"array.write_empty_chunks": True}):
        # a process that died while the store grew may have left the consolidated metadata behind the arrays' own
        group = zarr.open_group(folder / NAME, mode="r+", use_consolidated=False)
        for name in layout.arrays:
            nothing = _nothing(name, layout)
            values = np.stack([nothing if result is None else result[name] for result in results])
            _array(group, name)[start : start + len(values)] = values


def read(folder: Path, numbers: list[int], layout: Layout) -> list[Arrays]:
    """Return the arrays of scenarios that are written, as ``placed`` gave them."""
    group = zarr.open_group(folder / NAME, mode="r", use_consolidated=False)
    arrays = {name: np.asarray(_array(group, name).oindex[np.asarray(numbers)]) for name in layout.arrays}
    return [{name: values[i] for name, values in arrays.items()} for i in range(len(numbers))]


def grow(folder: Path, n: int, layout: Layout) -> None:
    """Make room for more scenarios; what stands in the store stays as it is."""
    group = zarr.open_group(folder / NAME, mode="r+", use_consolidated=False)
    short = [array for array in (_array(group, name) for name in layout.arrays) if array.shape[0] != n]
    for array in short:
        array.resize((n, *array.shape[1:]))
    if short:
        _consolidate(folder / NAME)


def _array(group: zarr.Group, name: str) -> "zarr.Array[Any]":
    array = group[name]
    assert isinstance(array, zarr.Array)  # a store has no groups within it
    return array


def write_columns(folder: Path, columns: Columns, varied: list[str]) -> None:
    """Write one value for each scenario and column, in the place of what stood there; the varied are coordinates.

    Where there is no store, since every scenario failed, one of columns alone is made.
    """
    group = zarr.open_group(folder / NAME, mode="a", zarr_format=3, use_consolidated=False)
    group.attrs.update({"coordinates": " ".join(varied)})
    for name, (kind, values) in columns.items():
        whole = kind == "int" and None not in values
        dtype, empty = ("int64", 0) if whole else (DTYPES[kind], EMPTY[kind])
        filled = [empty if value is None else value for value in values]
        array = group.create_array(
            name, shape=(len(filled),), dtype=dtype, fill_value=empty, dimension_names=(DIMENSION,), overwrite=True
        )
        array[:] = np.asarray(filled, dtype=object if kind == "str" else dtype)
    _consolidate(folder / NAME)


def packed_size(result: xr.Dataset) -> int:
    """Return the bytes that a result takes in a store, at most about: what many have in common is counted each time."""
    arrays = [np.ascontiguousarray(values, dtype=np.float32) for values in result.data_vars.values() if values.ndim]
    return sum(len(Zstd(PACKED.level).encode(values)) for values in arrays)


def _consolidate(path: Path) -> None:
    """Put all metadata into the root's file, where Zarr and xarray look first.

    Written here since Zarr's own way warns that its format 3 has yet to adopt this, and a warning cannot be hushed
    safely while scenarios are computed: filters belong to the process, and other threads put theirs back in between.
    """
    root = json.loads((path / METADATA).read_bytes())
    children = sorted(file.parent for file in path.glob(f"*/{METADATA}"))
    inside = {child.name: json.loads((child / METADATA).read_bytes()) for child in children}
    root["consolidated_metadata"] = {"kind": "inline", "must_understand": False, "metadata": inside}
    write_file(path / METADATA, json.dumps(root, indent=2))


def are_whole(folder: Path, start: int, layout: Layout, block: int) -> bool:
    """Return whether every array has the chunk in which a scenario stands, and each is what its checksum says."""
    return all(map(_is_whole, _paths(folder, start, layout, block)))


def drop(folder: Path, start: int, layout: Layout, block: int) -> None:
    """Take away the chunks in which a scenario stands; one that is damaged can neither be read nor written into."""
    for path in _paths(folder, start, layout, block):
        path.unlink(missing_ok=True)


def settle(folder: Path, start: int, layout: Layout, block: int) -> None:
    """Wait until the chunks in which a scenario stands are on the disk, so that a mark never gets there before them."""
    for path in _paths(folder, start, layout, block):
        with path.open("rb") as file:
            os.fsync(file.fileno())


def _paths(folder: Path, start: int, layout: Layout, block: int) -> Iterator[Path]:
    for name, dims in layout.arrays.items():
        yield folder.joinpath(NAME, name, "c", str(start // block), *("0" for _ in dims))


def _is_whole(chunk: Path) -> bool:
    try:
        Zstd().decode(chunk.read_bytes())
    except (OSError, RuntimeError, ValueError, MemoryError):  # not there, not all of it, not what its checksum says
        return False
    return True
