"""Random numbers: one root seed, one named stream of random numbers for each use.

A stream depends on its name alone, never on the order of calls, so that adding an area or an
intervention leaves the random numbers of all others as they were.
"""

import hashlib

import numpy as np


def stream(seed: int, *names: object) -> np.random.Generator:
    """Return the generator that belongs to a scenario's root seed and a name.

    The name says what the numbers are for, from the general to the particular: ``"effect", "early_language"``.
    """
    digest = hashlib.sha256("/".join(str(name) for name in names).encode()).digest()
    words = [int.from_bytes(digest[i : i + 4], "little") for i in range(0, 32, 4)]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *words])))
