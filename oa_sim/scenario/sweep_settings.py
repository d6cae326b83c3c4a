"""Sweep settings: which points of a space a sweep asks about, and who answers, as values that check themselves.

A sampled design is points of the unit cube, a coordinate for each key that varies; ``sweep.expand`` says what they
mean.
"""

from dataclasses import dataclass, field

from oa_sim.errors import Refusal, between, one_of

NAMED = ("grid", "list")  # the values are named, by the words or by a file
SAMPLED = ("sobol", "latin_hypercube", "saltelli")
DESIGNS = (*NAMED, *SAMPLED)
ENGINES = ("local", "processes", "dask")
IN_POWERS = ("sobol", "saltelli")  # a Sobol sequence is balanced only at powers of two
MOST_SCENARIOS = 1_000_000


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

    def __post_init__(self) -> None:
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

    def __post_init__(self) -> None:
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

    def __post_init__(self) -> None:
        between("block", self.block, 1, 10_000, " scenarios")


def check_number(n: int) -> None:
    """Refuse more scenarios than a sweep takes."""
    if n > MOST_SCENARIOS:
        raise Refusal(
            f"a sweep takes at most {MOST_SCENARIOS:,} scenarios, got {n:,}: name fewer values or sample them, "
            "such as design=sobol design.n=1024"
        )


def _power(n: int) -> int:
    """Return the power of two that is nearest to n."""
    below = 1 << (n.bit_length() - 1)
    return below if n - below <= 2 * below - n else 2 * below
