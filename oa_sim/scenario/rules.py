"""Rules: what a key of a scenario may hold and means, said once beside its field.

The checks are made from a field's rule, and so are the assumptions register, the reference of keys and the controls
of a page. A class that has such fields calls ``check`` when it is made; ``build`` makes it from plain values.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cache, partial
from typing import Any, ClassVar, NamedTuple, cast, get_args, get_origin

from omegaconf import MISSING

from oa_sim.errors import Refusal, unknown

SHARE, SCORE, TRUTH, NAME, NAMES = "share, 0 to 1", "score, 0 to 1", "yes or no", "a name", "names"
WITHOUT_UNIT = ("", TRUTH, NAME, NAMES, "a file", "a folder")  # values whose kind says it all
# units that errors name
SPOKEN = ("years", "funded years", "seconds", "SD", "programmes", "points", "pupils", "scenarios", "draws a chain")
NUMBERS = (float, int)
FEWEST_GROUPED, MOST_GROUPED = 10_000, 1e20
KEY = "\0"  # stands in a sentence where its key goes, which only what holds the key knows in full
SUPPORTS: dict[str, tuple[tuple[str, ...], Callable[[Any], bool], str]] = {  # what a quantity may be distributed as
    "share": (("Beta",), lambda p: p.a >= 0 and p.b <= 1, "is a share, so it must be Beta, or Uniform within 0 to 1"),
    "positive": (("LogNormal",), lambda p: p.a > 0, "must be LogNormal, or Uniform above 0"),
    "gain": (
        ("HalfNormal", "LogNormal", "Beta"),
        lambda p: p.a >= 0,
        "must be HalfNormal, LogNormal, Beta, or Uniform from 0",
    ),
    "normal": (("Normal",), lambda p: False, "must be Normal"),
    "half_normal": (("HalfNormal",), lambda p: False, "must be HalfNormal"),
}


@dataclass(frozen=True)
class Rule:
    """What a key means and may hold."""

    meaning: str
    unit: str = ""
    low: float | None = None  # of the number, or of each number of a list or mapping
    high: float | None = None
    choices: tuple[str, ...] = ()  # that a text, a list of names or the keys of a mapping may have
    has_all: bool = False  # whether a mapping must give a value to each of the choices
    support: str = ""  # of a distribution, a key of SUPPORTS
    owner: str = ""  # the role that confirms the value; by default the owner of the class
    is_assumption: bool = True  # not so for what is asked and where things lie

    @property
    def range(self) -> str:
        """The range or the choices in words; nothing where any value will do."""
        if self.support:
            return SUPPORTS[self.support][2].removeprefix("is a share, so it ").removeprefix("must be ")
        if self.low is None or self.high is None:
            return ", ".join(self.choices)
        return f"{spelled(self.low)} to {spelled(self.high)}"


def spelled(number: float) -> str:
    """Return a number in digits, in groups of three where it is no year."""
    is_grouped = FEWEST_GROUPED <= abs(number) < MOST_GROUPED and number % 1 == 0
    return f"{int(number):,}" if is_grouped else f"{number:.10g}"


def setting(
    meaning: str, unit: str = "", low: Any = None, high: Any = None, default: Any = MISSING, **more: Any
) -> Any:
    """Return a dataclass field with its rule; a default that is a class is called for each object."""
    rule = {"rule": Rule(meaning, unit, low, high, **more)}
    if isinstance(default, type):
        return field(default_factory=default, metadata=rule)
    return field(default=default, metadata=rule)


def distribution(meaning: str, support: str = "share", unit: str = SHARE) -> Any:
    """Return the field of a distribution, of a share unless another support is named."""
    return setting(meaning, unit, support=support)


def requested(meaning: str, *rule: Any, **more: Any) -> Any:
    """Return the field of what is asked, of a name or of a place, which the answer does not take for granted."""
    return setting(meaning, *rule, is_assumption=False, **more)


def scores(meaning: str, names: tuple[str, ...]) -> Any:
    """Return the field of a score of 0 to 1 for each of some names."""
    return setting(meaning, SCORE, 0, 1, choices=names, has_all=True)


class WrongValue(Refusal):
    """A refusal that knows the key of the value, so that what holds the value can name it in full."""

    def __init__(self, sentence: str, key: str = "", owner: str = ""):
        super().__init__(sentence.replace(KEY, ".".join(filter(None, (owner, key)))))
        self.sentence, self.key = sentence, key

    def inside(self, name: str) -> "WrongValue":
        """Return the refusal with its key seen from one level above."""
        return WrongValue(self.sentence, f"{name}.{self.key}" if self.key else name)


class Checked:
    """What checks itself by the rules of its fields when it is made, and then by ``_check_together``."""

    key: ClassVar[str] = ""  # under which a scenario holds the one object of this class; nothing where it holds several
    owner: ClassVar[str] = ""  # the role that confirms the values

    def __post_init__(self) -> None:
        kind: Any = type(self)
        for name, test in _checks(kind):
            value = getattr(self, name)
            if value is not None:
                try:
                    test(name, value)
                except WrongValue as wrong:
                    raise WrongValue(wrong.sentence, wrong.key, self.key) from None
        self._check_together()

    def _check_together(self) -> None:
        """Refuse values that do not go together."""

    def wrong(self, name: str, sentence: str) -> WrongValue:
        """Return the refusal of a field; the sentence begins after its key."""
        return WrongValue(f"{KEY}{sentence}", name, self.key)

    def unknown(self, name: str, value: str, choices: Iterable[str]) -> WrongValue:
        """Return the refusal of a name that what the value refers to does not have."""
        return unknown_choice(name, value, tuple(choices))


@cache
def _checks(kind: Any) -> tuple[tuple[str, Callable[[str, Any], None]], ...]:
    """Return the fields of a class that have something to check, each with its check."""
    tests = ((item.name, _check_of(item.metadata["rule"], item.type)) for item in fields(kind) if item.metadata)
    return tuple((name, test) for name, test in tests if test)


def _check_of(rule: Rule, kind: Any) -> Callable[[str, Any], None] | None:
    """Return what refuses a value of a field, by its rule and its type; None where any value will do."""
    check_one: Callable[[str, Any], None] | None = None
    if rule.support:
        check_one = partial(_check_support, rule.support)
    elif rule.low is not None and rule.high is not None:
        check_one = partial(_check_range, rule.low, rule.high, rule.unit)
    elif rule.choices:
        check_one = partial(_check_choice, rule.choices)
    if get_origin(kind) is dict:
        return partial(_check_mapping, rule, check_one)
    if get_origin(kind) is list:
        return partial(_check_list, check_one, get_args(kind) != (float,))
    return check_one


def _check_range(low: float, high: float, unit: str, key: str, value: float) -> None:
    if not low <= value <= high:  # so that neither NaN nor an infinity is let through
        limits = limits_in_words(low, high, unit)
        raise WrongValue(f"{KEY} must be {limits}, got {spelled(value)}: choose a number in that range", key)


def limits_in_words(low: float, high: float, unit: str) -> str:
    """Return a range with its unit, as a refusal says it."""
    sign = "£" if unit.startswith("£") else ""
    after = next((f" {spoken}" for spoken in SPOKEN if unit.startswith(spoken)), "")
    return f"{sign}{spelled(low)} to {sign}{spelled(high)}{after}"


def _check_choice(choices: tuple[str, ...], key: str, value: str) -> None:
    if value not in choices:
        raise unknown_choice(key, value, choices)


def unknown_choice(key: str, value: object, choices: tuple[str, ...]) -> WrongValue:
    """Return the refusal of a value that is none of the choices, with the nearest right one."""
    return WrongValue(str(unknown(KEY, value, choices)), key)


def _check_support(support: str, key: str, prior: Any) -> None:
    dists, is_allowed, sentence = SUPPORTS[support]
    if prior.dist not in dists and not (prior.dist == "Uniform" and is_allowed(prior)):
        raise WrongValue(f"{KEY} {sentence}, got {prior}: change it", key)


def _check_list(check_one: Callable[[str, Any], None] | None, is_set: bool, key: str, values: list[Any]) -> None:
    for value in values:
        if isinstance(value, list | dict):  # which Hydra lets through
            raise WrongValue(f"{KEY} must list single values, got {value} within it: take out the brackets", key)
    if check_one:
        for value in values:
            check_one(key, value)
    if is_set and len(set(values)) != len(values):
        raise WrongValue(f"{KEY} must name each once, got {values}: list them once", key)


def _check_mapping(rule: Rule, check_one: Callable[[str, Any], None] | None, key: str, values: dict[str, Any]) -> None:
    for name, value in values.items():
        if rule.choices and name not in rule.choices:
            raise WrongValue(str(unknown(f"key of {KEY}", name, rule.choices)), key)
        if check_one:
            check_one(f"{key}.{name}", value)
    for name in rule.choices if rule.has_all else ():
        if name not in values:
            raise WrongValue(f"{KEY} must give each a value, got none for {name!r}: add it", key)


@cache
def builder(kind: Any) -> Callable[[Any], Any] | None:
    """Return what makes plain values the objects of a schema, inner ones first, in the order of their fields.

    Nothing is shared between what it makes; a refusal names the key in full. None for a kind whose plain value is the
    value.
    """
    if is_dataclass(kind):
        make_object: Any = kind
        inside = [(item.name, builder(cast("Any", item.type))) for item in fields(kind)]
        return lambda plain: make_object(*[_made(make, name, plain[name]) for name, make in inside])
    if get_origin(kind) is dict:
        inner = builder(get_args(kind)[1])
        return lambda plain: {key: _made(inner, key, value) for key, value in plain.items()}
    return list if get_origin(kind) is list else None


def _made(make: Callable[[Any], Any] | None, name: str, value: Any) -> Any:
    try:
        return make(value) if make else value
    except WrongValue as wrong:
        raise wrong.inside(name) from None


class Key(NamedTuple):
    """What the schema says of a dotted key."""

    kind: Any
    rule: Rule | None  # that of a mapping for one of its values, and that of a distribution for one of its numbers
    names: tuple[str, ...]  # in the key, that the user chose, such as an intervention's
    owner: str


def look_up(key: str, schema: Any) -> Key:
    """Return what a schema says of a dotted key; one that it does not have is refused with the nearest."""
    kind, rule, names, owner, above = schema, None, list[str](), "", ""
    for part in key.split("."):
        if is_dataclass(kind):
            owner = getattr(kind, "owner", "") or owner
            members = {item.name: item for item in fields(kind)}
            if part not in members:
                raise unknown("key", f"{above}{part}", [f"{above}{name}" for name in members])
            kind, rule = members[part].type, members[part].metadata.get("rule", rule)
        elif get_origin(kind) is dict:
            kind, names = get_args(kind)[1], [*names, part]
        above += f"{part}."
    return Key(kind, rule, tuple(names), (rule and rule.owner) or owner)
