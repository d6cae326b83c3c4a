import pytest

from oa_sim import load_scenario
from oa_sim.targets import assess
from oa_sim.targets.settings import Target

AREAS = ["Derby", "North Yorkshire Coast", "Oldham"]


@pytest.fixture(scope="session")
def scenario():
    return load_scenario(f"areas=[{', '.join(AREAS)}]", "sampler.draws=50", horizon=6)


@pytest.fixture(scope="session")
def found(scenario):
    return assess.promise(scenario, Target())


@pytest.fixture(scope="session")
def seen(found):
    return found.seen
