"""Design: which points of a space a sweep asks about, and who answers, as values that check themselves.

A sampled design is points of the unit cube, a coordinate for each key that varies; ``variants`` says what they mean.
"""

from dataclasses import dataclass, field

from oa_sim.errors import Refusal, between, one_of

NAMED = ("grid", "list")  # the values are named, by the words or by a file
SAMPLED = ("sobol", "latin_hypercube", "saltelli")
DESIGNS = (*NAMED, *SAMPLED)
ENGINES = ("local", "processes", "dask")
IN_POWERS = ("sobol", "saltelli")  # a Sobol sequence is balanced only at powers of two
MOST_SCENARIOS = 1_000_000
SEED_ROOM = 2**31  # what SALib takes as a seed


@dataclass
class Design:
    """Which scenarios a sweep asks about.

    Attributes
    ----------
    kind
        ``grid``: every combination of the values named; ``list``: the rows of a file; ``sobol``,
        ``latin_hypercube``: points that fill the space; ``saltelli``: the layout of first and total Sobol indices.
    n
        Points of a sampled design; of ``saltelli`` base points, each of which takes (keys + 2) scenarios.
    seed
        Root of the random numbers of a sampled design; the scenarios' own seed is another.
    file
        For ``list``: CSV or YAML with a row for each scenario.
    """

    kind: str = "grid"
    n: int = 0
    seed: int = 2017
    file: str | None = None

    def __post_init__(self):
        one_of("design.kind", self.kind, DESIGNS)
        between("design.seed", self.seed, 0, 2**63 - 1)
        if self.kind in NAMED and self.n:
            raise Refusal(
                f"design.n belongs to a sampled design, got {self.n} with {self.kind}: drop it or add design=sobol"
            )
        if self.kind in SAMPLED:
            between("design.n", self.n, 1, MOST_SCENARIOS, " points")
        if self.kind in IN_POWERS and self.n & (self.n - 1):
            raise Refusal(
                f"design.n of {self.kind} must be a power of two, got {self.n}: write design.n={_power(self.n)}"
            )
        if (self.kind == "list") != bool(self.file):
            said = f"{self.kind} with {self.file!r}" if self.file else "none"
            raise Refusal(f"design.file belongs to design=list and names its rows, got {said}: add or drop it")


@dataclass
class Engine:
    """Who computes a sweep.

    Attributes
    ----------
    kind
        ``local``: threads of this process; ``processes``: processes of this machine; ``dask``: a cluster.
    workers
        How many; 0 for as many as there are cores.
    address
        For ``dask``: the cluster's scheduler; None for a cluster on this machine.
    """

    kind: str = "local"
    workers: int = 0
    address: str | None = None

    def __post_init__(self):
        one_of("engine.kind", self.kind, ENGINES)
        between("engine.workers", self.workers, 0, 4096)
        if self.address and self.kind != "dask":
            raise Refusal(f"engine.address belongs to engine=dask, got {self.address!r} with {self.kind}: drop it")


@dataclass
class Sweeping:
    """What a sweep is told beside its scenarios.

    Attributes
    ----------
    block
        Scenarios that are computed and written together.
    fail_fast
        Whether the first scenario that is refused ends the sweep.
    """

    design: Design = field(default_factory=Design)
    engine: Engine = field(default_factory=Engine)
    block: int = 16
    fail_fast: bool = False

    def __post_init__(self):
        between("block", self.block, 1, 10_000, " scenarios")


def n_scenarios(design: Design, n_keys: int) -> int:
    """Return how many scenarios a sampled design asks about.

    Raises
    ------
    Refusal
        Where they are more than a sweep takes.
    """
    found = design.n * (n_keys + 2) if design.kind == "saltelli" else design.n
    check_number(found)
    return found


def check_number(n: int) -> None:
    """Refuse more scenarios than a sweep takes."""
    if n > MOST_SCENARIOS:
        raise Refusal(
            f"a sweep takes at most {MOST_SCENARIOS:,} scenarios, got {n:,}: name fewer values or sample them, "
            "such as design=sobol design.n=1024"
        )


def points(design: Design, keys: tuple[str, ...]):
    """Return the points of a sampled design in the unit cube.

    Parameters
    ----------
    design
        ``sobol``, ``latin_hypercube`` or ``saltelli``.
    keys
        What varies. A coordinate goes by its name, so that the order typed does not move the points; of a Latin
        hypercube another key does not move them either.

    Returns
    -------
    ndarray (scenario, key)
        In [0, 1). Rows of ``saltelli`` lie as SALib's analysis reads them, in the order of ``keys``: for each base
        point A, then A with each key in turn taken from B, then B.

    Raises
    ------
    Refusal
        Where there are too many, or ``saltelli`` is asked for and SALib is not installed.
    """
    import numpy as np

    n_scenarios(design, len(keys))
    rank = np.argsort(np.argsort(keys))
    if design.kind == "latin_hypercube":
        return np.column_stack([_hypercube(design, key) for key in keys])
    if design.kind == "sobol":
        return _sobol(design, len(keys))[:, rank]
    found = _saltelli(design, len(keys)).reshape(design.n, len(keys) + 2, len(keys))
    rows = np.concatenate([[0], 1 + rank, [len(keys) + 1]])
    return found[:, rows][:, :, rank].reshape(-1, len(keys))


def _hypercube(design: Design, key: str):
    """Return one coordinate of a Latin hypercube: a point in each of n even slices, in random order."""
    from oa_sim.rng import stream

    random = stream(design.seed, "design", "latin_hypercube", key)
    return (random.permutation(design.n) + random.random(design.n)) / design.n


def _sobol(design: Design, n_keys: int):
    """Return a scrambled Sobol sequence (Owen 1998; Matousek's linear scrambling, as in SciPy)."""
    from scipy.stats import qmc

    from oa_sim.rng import stream

    sequence = qmc.Sobol(n_keys, scramble=True, seed=stream(design.seed, "design", "sobol"))
    return sequence.random(design.n)


def _saltelli(design: Design, n_keys: int):
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
    return sobol.sample(problem, design.n, calc_second_order=False, seed=seed)


def _power(n: int) -> int:
    """Return the power of two that is nearest to n."""
    below = 1 << (n.bit_length() - 1)
    return below if n - below <= 2 * below - n else 2 * below
