"""Scenario files: a scenario of one's own in a file anywhere, in the form of those in ``configs/scenario``.

``scenario=FOLDER/NAME.yaml`` stands for the words that the file says; what is typed beside it has the last word.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from oa_sim.errors import Refusal
from oa_sim.scenario.overrides import OPEN_MAPPINGS, quoted, written

ENDINGS = (".yaml", ".yml")
OVERRIDE = "override /"  # how a default of a scenario file begins, after which stand a group and its choice
HEAD = "# @package _global_\n# oa-sim run scenario={file}\n"


def opened(words: Iterable[str]) -> list[str]:
    """Return overrides in which a scenario that is a file stands as the words it says, before all that is typed.

    Parameters
    ----------
    words
        Overrides as they are typed. A group that is typed takes the place of all that the file says of it.

    Raises
    ------
    Refusal
        Where the file cannot be read or holds what no scenario file does.
    """
    words = list(words)
    files = [word for word in words if word.startswith("scenario=") and word.lower().endswith(ENDINGS)]
    if not files:
        return words
    if len(files) > 1:
        raise Refusal(f"a scenario is one file, got {len(files)}: name one")
    typed = [word for word in words if word not in files]
    keys = {word.split("=", 1)[0].lstrip("+") for word in typed}
    said = words_of(files[0].split("=", 1)[1].strip("'\""))
    return [word for word in said if word.split("=", 1)[0].split(".")[0] not in keys] + typed


def words_of(path: str | Path) -> list[str]:
    """Return what a scenario file says, as overrides.

    Raises
    ------
    Refusal
        Where the file cannot be read or holds what no scenario file does.
    """
    import yaml

    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise Refusal(f"scenario={path}: there is no such file: name one that oa-sim explore saved") from None
    except (OSError, UnicodeDecodeError) as error:
        raise Refusal(f"scenario={path}: cannot be read ({error}): save it as UTF-8 text") from None
    except yaml.YAMLError as error:
        raise Refusal(f"scenario={path}: {' '.join(str(error).split())}, which is no YAML: correct the file") from None
    if not isinstance(content, dict):
        raise Refusal(f"scenario={path}: it must be a mapping such as 'horizon: 10': rewrite it")
    groups = content.pop("defaults", None) or []
    return [_choice(path, default) for default in groups] + list(_flat(content))


def _choice(path: str | Path, default: object) -> str:
    """Return a default of the file as an override of its group."""
    if isinstance(default, dict) and len(default) == 1:
        ((key, choice),) = default.items()
        if str(key).startswith(OVERRIDE):
            choice = f"[{', '.join(choice)}]" if isinstance(choice, list) else choice
            return f"{key.removeprefix(OVERRIDE)}={choice}"
    raise Refusal(f"scenario={path}: a default has the form '- override /split: equal', got {default}: rewrite it")


def _flat(content: dict[str, Any], above: str = "") -> Iterator[str]:
    for key, value in content.items():
        name = f"{above}{key}"
        if isinstance(value, dict) and value and name not in OPEN_MAPPINGS:
            yield from _flat(value, f"{name}.")
        else:
            yield f"{name}={quoted(value) if isinstance(value, str) else written(value)}"


def text_of(wanted: dict[str, Any], there: dict[str, Any], chosen: dict[str, object], file: str) -> str:
    """Return the text of a scenario file.

    Parameters
    ----------
    wanted, there
        The scenario in full, as nested plain values, and what stands where nothing is said: the default scenario
        with the choices of ``chosen``.
    chosen
        Choice of each group that the file names.
    file
        How the file is called in the command that runs it.
    """
    import yaml

    defaults = [{f"{OVERRIDE}{group}": choice} for group, choice in chosen.items()]
    body = ({"defaults": defaults} if defaults else {}) | {"name": wanted["name"]} | _apart(wanted, there)
    head = HEAD.format(file=" ".join(file.split()))
    text: str = yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=100)
    return head + text


def _apart(wanted: dict[str, Any], there: dict[str, Any], above: str = "") -> dict[str, Any]:
    """Return the values in which a scenario differs from another."""
    out = {}
    for key, value in wanted.items():
        other, name = there.get(key), f"{above}{key}"
        if name == "outputs" or value == other:
            continue
        if isinstance(value, dict) and isinstance(other, dict) and name not in OPEN_MAPPINGS:
            out[key] = _apart(value, other, f"{name}.")
        else:
            out[key] = value
    return out
