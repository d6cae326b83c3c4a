"""Sweep settings: which points of a space a sweep asks about, and who answers, as values that check themselves.

A sampled design is points of the unit cube, a coordinate for each key that varies; ``sweep.expand`` says what they
mean.
"""

from dataclasses import dataclass, field

from oa_sim.errors import Refusal
from oa_sim.scenario.rules import NAME, TRUTH, Checked, requested

NAMED = ("grid", "list")  # the values are named, by the words or by a file
SAMPLED = ("sobol", "latin_hypercube", "saltelli")
DESIGNS = (*NAMED, *SAMPLED)
ENGINES = ("local", "processes", "dask")
IN_POWERS = ("sobol", "saltelli")  # a Sobol sequence is balanced only at powers of two
MOST_SCENARIOS = 1_000_000


@dataclass
class Design(Checked):
    """Which scenarios a sweep asks about.

    ``grid``: every combination of the values named; ``list``: the rows of a file; ``sobol``, ``latin_hypercube``:
    points that fill the space; ``saltelli``: the layout of first and total Sobol indices.
    """

    key = "design"
    kind: str = requested("Design", NAME, choices=DESIGNS, default="grid")
    n: int = requested("Points of a sampled design; of saltelli base points, each for (keys + 2) scenarios", default=0)
    seed: int = requested("Root of the design\u2019s random numbers, not the scenarios\u2019", "", 0, 2**63 - 1, 2017)
    file: str | None = requested("CSV or YAML with a row for each scenario, for list", "a file", default=None)

    def _check_together(self) -> None:
        if self.kind in NAMED and self.n:
            raise self.wrong(
                "n", f" belongs to a sampled design, got {self.n} with {self.kind}: drop it or add design=sobol"
            )
        if self.kind in SAMPLED and not 1 <= self.n <= MOST_SCENARIOS:
            raise self.wrong(
                "n", f" must be 1 to {MOST_SCENARIOS:,} points, got {self.n}: choose a number in that range"
            )
        if self.kind in IN_POWERS and self.n & (self.n - 1):
            power = nearest_power_of_two(self.n)
            raise self.wrong("n", f" of {self.kind} must be a power of two, got {self.n}: write design.n={power}")
        if (self.kind == "list") != bool(self.file):
            got = f"{self.kind} with {self.file!r}" if self.file else "none"
            raise self.wrong("file", f" belongs to design=list and names its rows, got {got}: add or drop it")


@dataclass
class Engine(Checked):
    """Who computes a sweep: threads of this process, processes of this machine, or a dask cluster."""

    key = "engine"
    kind: str = requested("Engine", NAME, choices=ENGINES, default="local")
    workers: int = requested("Workers; 0 for as many as there are cores", "", 0, 4096, 0)
    address: str | None = requested("Scheduler of a dask cluster; null: a cluster on this machine", default=None)

    def _check_together(self) -> None:
        if self.address and self.kind != "dask":
            raise self.wrong("address", f" belongs to engine=dask, got {self.address!r} with {self.kind}: drop it")


@dataclass
class Sweeping(Checked):
    """What a sweep is told beside its scenarios."""

    design: Design = field(default_factory=Design)
    engine: Engine = field(default_factory=Engine)
    block: int = requested("Scenarios computed and written together", "scenarios", 1, 10_000, 16)
    fail_fast: bool = requested("Whether the first refused scenario ends the sweep", TRUTH, default=False)


def check_number(n: int) -> None:
    """Refuse more scenarios than a sweep takes."""
    if n > MOST_SCENARIOS:
        raise Refusal(
            f"a sweep takes at most {MOST_SCENARIOS:,} scenarios, got {n:,}: name fewer values or sample them, "
            "such as design=sobol design.n=1024"
        )


def nearest_power_of_two(n: int) -> int:
    """Return the power of two that is nearest to n."""
    below = 1 << (n.bit_length() - 1)
    return below if n - below <= 2 * below - n else 2 * below
