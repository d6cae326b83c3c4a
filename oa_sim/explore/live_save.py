"""Live save: a setting as a scenario file, written whole or not at all, and read back before it is said to be there."""

import os
import shlex
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

from oa_sim.errors import Refusal
from oa_sim.explore import live_base, session
from oa_sim.explore.live_base import Base
from oa_sim.scenario import files, load
from oa_sim.scenario.schema import Scenario


def save(asked: session.Setting, base: Base, name: str, folder: Path, *, over: bool = False) -> tuple[Path, str]:
    """Write a setting as a scenario file, read it back, and return its path and the command that runs it.

    Parameters
    ----------
    asked, base
        What is saved.
    name
        Of the scenario and its file.
    folder
        Where it goes; it is made.
    over
        Whether a file of that name may be written over.

    Raises
    ------
    Refusal
        For a name that no scenario may have, a file that is there, and what no file can say.
    """
    made = session.scenario(asked, base, _name(name))
    path = folder / f"{made.name}.yaml"
    if path.exists() and not over:
        raise Refusal(f"{path.name} is there already: choose another name, or tick that it may be written over")
    chosen = _choices(made)
    words = [
        f"{group}={choice}"
        for group, choice in chosen.items()
        if group in ("portfolio", "split") and choice != "custom"
    ]
    command = f"oa-sim run {shlex.quote(f'scenario={path}')}"
    text = files.text_of(asdict(made), live_base.default(*words), chosen, str(path))
    temporary = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=folder, suffix=".yaml")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        again = load.load_scenario(f"scenario={temporary}")
        if asdict(replace(again, outputs=made.outputs)) != asdict(made):
            raise Refusal("the base has values that a scenario file cannot say: change the base with typed overrides")
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
        temporary = None
    except OSError as error:
        raise Refusal(f"{path} cannot be written ({error.strerror or error}): start with another outputs=") from None
    finally:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
    return path, command


def _name(name: str) -> str:
    """Return a name that a scenario may have; the rule is the scenario's own, but never a path."""
    if not name.isascii() or not all(letter.isalnum() or letter in "-_" for letter in name) or not 0 < len(name) < 65:
        raise Refusal("name must be 1 to 64 letters, digits, - and _, since a file bears it: change it")
    return name


def _choices(made: Scenario) -> dict[str, object]:
    """Return the choice of each group that a file names."""
    kept = {name: one for name, one in live_base.kept_portfolios().items() if one == made.portfolio}
    chosen: dict[str, object] = {"split": made.split.rule, "portfolio": next(iter(kept), "custom")}
    everything = live_base.default()["interventions"]
    if set(made.interventions) != set(everything):
        chosen["intervention"] = list(made.interventions)
    return chosen
