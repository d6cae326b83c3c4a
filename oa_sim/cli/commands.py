"""Commands: every verb of the command line with its help, flags and examples, and the parser made from them.

One table serves help, parsing, shell completion and the tests. Printing help imports no library, not even argparse.
"""

from __future__ import annotations

import os

from oa_sim.errors import Refusal, nearest, unknown

TYPE_CHECKING = False  # as typing has it
if TYPE_CHECKING:
    from argparse import Namespace

WIDTH = 100  # columns of help


class Flag:
    """A flag of one or more commands.

    Attributes
    ----------
    names
        How it is typed, the short form first.
    meaning
        One line of help.
    value
        What stands for its value in help; empty for a switch.
    """

    def __init__(self, names: str, meaning: str, value: str = "") -> None:
        self.names, self.meaning, self.value = tuple(names.split()), meaning, value

    @property
    def name(self) -> str:
        """The form that sentences use."""
        return self.names[-1]


class Key:
    """A setting that a command takes as ``name=value``.

    Attributes
    ----------
    name, meaning
        What is typed, and one line of help with its unit.
    default
        What holds where nothing is typed, as an override writes it; empty where it depends on the command.
    """

    def __init__(self, name: str, meaning: str, default: str = "") -> None:
        self.name, self.meaning, self.default = name, meaning, default


class Command:
    """One verb of the command line.

    Attributes
    ----------
    summary
        One line for the overview.
    description
        What it does and what it writes.
    arguments
        What stands for its positional arguments in help, and the meaning of each.
    flags, keys, examples
        Its own flags, the keys that it takes most, and two command lines.
    """

    def __init__(
        self,
        summary: str,
        description: str,
        arguments: dict[str, str],
        flags: tuple[Flag, ...],
        keys: tuple[Key, ...],
        examples: tuple[str, str],
    ) -> None:
        self.summary, self.description, self.arguments = summary, description, arguments
        self.flags, self.keys, self.examples = flags, keys, examples


JSON = Flag("--json", "print the answer as one line of JSON")
DRY_RUN = Flag("--dry-run", "print what would run, for how long and with how much memory; run nothing")
MULTIRUN = Flag("-m --multirun", "run every combination of keys with several values, one folder each")
OUT = Flag("--out", "folder for the results of the sweep (required, but for a dry run)", "DIR")
FAIL_FAST = Flag("--fail-fast", "stop at the first scenario that fails")
TO = Flag("--to", "formats, with commas: html, docx, pptx, xlsx, csv, json (default: all)", "LIST")
TEMPLATES = Flag("--templates", "folder of edited templates, each in place of the shipped one", "FOLDER")
COPY_TEMPLATES = Flag("--copy-templates", "copy the shipped templates into a new folder, and stop", "FOLDER")
HELP = Flag("-h --help", "print this help")
VERSION = Flag("--version", "print the version")

OVERRIDES = {"KEY=VALUE": "settings of the scenario, as Hydra overrides"}
SEVERAL = {"KEY=VALUES": "settings; several values as a,b or range(5,11), in a sample as interval(1e7,2e8)"}
OUTPUTS = Key("outputs", "folder for results", "outputs")
SCENARIO = (
    Key("scenario", "named scenario, or a YAML file of your own", "as_delivered"),
    Key("horizon", "years projected, 5 to 15", "10"),
    Key("start_year", "first funded year, which is the first projected: 2024 is 2023/24", "2024"),
    Key("areas", "a named set, or names: 'areas=[Norwich, Oldham]'", "opportunity_areas"),
    Key("budget.total_gbp", "money for the areas over all funded years, £", "108_000_000"),
    Key("split", "how the money is divided between areas", "equal"),
    Key("portfolio", "how the money is divided between interventions", "balanced"),
    Key("sampler.draws", "posterior draws a chain, 10 to 500", "500"),
    Key("seed", "seed of the random numbers", "2017"),
    Key("posterior", "a baseline of your own, from oa-sim fit (null: the one in the package)", "null"),
    OUTPUTS,
)
BRIEF = tuple(key for key in SCENARIO if key.name in ("scenario", "horizon", "areas", "budget.total_gbp", "outputs"))
PANEL = (
    Key("panel.path", "published figures of all local authorities, a file or folder (required)", "null"),
    Key("panel.train_until", "last year used for fitting: 2019 is 2018/19 (null: all)", "null"),
)
SAMPLER = (
    Key("sampler.chains", "chains of the sampler", "4"),
    Key("sampler.tune", "tuning iterations a chain", "300"),
    Key("sampler.draws", "draws kept a chain", "500"),
    Key("seed", "seed of the random numbers", "2017"),
    OUTPUTS,
)
OBJECTIVE = Key("objective.of", "what to maximise: extra_pupils, gap_closed, earnings", "extra_pupils")
GROUP = Key("objective.group", "whose outcomes count: all, disadvantaged or other", "all")
DESIGN = Key("design", "grid, list, sobol, latin_hypercube or saltelli", "grid")
ENGINE = (
    Key("engine", "threads of this process (local), processes, or a cluster (dask)", "local"),
    Key("engine.workers", "threads or processes (0: one for each core)", "0"),
)
SWEEP_FOLDER = {"DIR": "folder of a sweep"}
RESULT_FOLDER = {"DIR": "folder that another command printed as its last line"}

COMMANDS = {
    "run": Command(
        "project one scenario: outcomes, impact, cost, and how long the impact lasts",
        """\
Project outcomes with and without the programme, and print the answer in a few sentences. The folder
holds briefing.html (one page to read), the tables as CSV, result.nc (all draws) and run.json. The same
question has the same folder.""",
        OVERRIDES,
        (MULTIRUN, DRY_RUN, JSON),
        SCENARIO,
        ("oa-sim run scenario=early_years_first horizon=15", "oa-sim run -m split=equal,per_pupil --dry-run"),
    ),
    "compare": Command(
        "compare scenarios on the same draws",
        """\
Run two or more scenarios on the same draws and compare each with the first. The folder holds compare.csv,
means.csv (mean of the areas), ranking.csv and compare.json.""",
        {"SCENARIO": "names of two scenarios or more; the first is the reference"} | OVERRIDES,
        (DRY_RUN, JSON),
        tuple(key for key in SCENARIO if key.name != "scenario"),
        ("oa-sim compare no_programme as_delivered hand_over", "oa-sim compare no_programme hand_over horizon=15"),
    ),
    "evidence": Command(
        "show how far each study moves the estimated impact",
        """\
Run a scenario again without each study in turn. The folder holds ledger.csv (a row for each study),
headlines.csv, the meta-analysis and evidence.json.""",
        OVERRIDES,
        (JSON,),
        (*BRIEF, Key("evidence.without", "studies to leave out, by name", "[]")),
        ("oa-sim evidence scenario=hand_over", "oa-sim evidence 'evidence.without=[Phonics strand]'"),
    ),
    "sweep": Command(
        "run a grid, a list or a sample of scenarios",
        """\
Run all scenarios of a design into one folder: summary.csv and summary.parquet (a row for each scenario)
and store.zarr (all results). A scenario that fails is recorded with the reason, and the rest go on.""",
        SEVERAL,
        (OUT, FAIL_FAST, DRY_RUN, JSON),
        (
            DESIGN,
            Key("design.n", "points of a sampled design"),
            Key("design.file", "of design=list: a row for each scenario, a column for each key"),
            *ENGINE,
            Key("block", "scenarios computed and written together", "16"),
        ),
        (
            "oa-sim sweep split=equal,per_pupil horizon=5,10,15 --out sweeps/splits",
            "oa-sim sweep design=sobol design.n=1024 'budget.total_gbp=interval(5e7,2e8)' --out sweeps/money",
        ),
    ),
    "resume": Command(
        "resume an interrupted sweep",
        """\
Compute the scenarios that a sweep has not finished, in the folder that it has. Finished scenarios are
checked and not computed again.""",
        SWEEP_FOLDER | {"engine=KIND": "another engine, or other workers"},
        (FAIL_FAST, JSON),
        ENGINE,
        ("oa-sim resume sweeps/splits", "oa-sim resume sweeps/splits engine.workers=1"),
    ),
    "extend": Command(
        "add scenarios to a sweep",
        """\
Add scenarios to a sweep and compute them, in the folder that it has. Scenarios that are there already
are not computed again.""",
        SWEEP_FOLDER | SEVERAL,
        (FAIL_FAST, JSON),
        (DESIGN, Key("design.n", "points of a sampled design"), *ENGINE),
        (
            "oa-sim extend sweeps/splits split=per_disadvantaged_pupil horizon=5,10,15",
            "oa-sim extend sweeps/splits split=as_paid horizon=5 --json",
        ),
    ),
    "sensitivity": Command(
        "variance-based sensitivity analysis of a sweep or a run",
        """\
Estimate what share of the variance of a headline each key explains (for a run: each source of
uncertainty). The folder holds indices.csv, sensitivity.json and, of a sweep, a tornado diagram.""",
        {"DIR": "folder of a sweep or of a run"},
        (JSON,),
        (
            Key("headline", "column of summary.csv that is explained", "impact_mean"),
            Key("fails", "what failing means, such as 'impact_q05<0': finds the scenarios where a plan fails"),
            Key("outputs", "folder for results (default: DIR/sensitivity)"),
        ),
        (
            "oa-sim sensitivity sweeps/money",
            "oa-sim sensitivity sweeps/money headline=impact_mean 'fails=impact_q05<0'",
        ),
    ),
    "optimise": Command(
        "find the best allocation of the budget, with a bound on its quality",
        """\
Find the plan (GBP by area, intervention and year) that maximises an objective, with an upper bound on
what any plan could reach. The folder holds plan.csv, tables on its robustness, four charts and
optimise.json.""",
        OVERRIDES,
        (JSON,),
        (
            OBJECTIVE,
            GROUP,
            Key("objective.risk", "mean, cvar (the worst draws) or floor", "mean"),
            Key("constraints.area_floor_gbp", "least for an area over all years, £: '{each: 5e6}'", "{}"),
            Key("constraints.most_priorities", "most interventions in an area (null: no limit)", "null"),
            Key("search.seconds", "time limit of the search, seconds", "600"),
            *BRIEF,
        ),
        (
            "oa-sim optimise objective.group=disadvantaged",
            "oa-sim optimise constraints.most_priorities=4 horizon=10",
        ),
    ),
    "target": Command(
        "find attainable levels, and the probability of meeting targets",
        """\
Work out which level of each measure is reached with probability 0.5, 0.7 and 0.9, and how likely each
target is. The folder holds promises.csv, targets.csv, ladder.svg and target.json.""",
        OVERRIDES,
        (JSON,),
        (
            Key("target.table", "targets of your own, CSV or Excel (null: none)", "null"),
            Key("target.levels", "probabilities of the attainable levels", "[0.5, 0.7, 0.9]"),
            Key("target.package", "assess the delivery-plan targets of the package too", "true"),
            Key("want.area", "area of one target, to find the least money for it (null: none)", "null"),
            Key("want.level", "level of that target, in the unit of its measure", "0"),
            *BRIEF,
        ),
        ("oa-sim target target.table=targets.xlsx", "oa-sim target target.package=false horizon=5"),
    ),
    "monitor": Command(
        "compare this year's figures with what was expected",
        """\
Compare published figures with what the scenario expected of them, rate them green, amber or red, and
update the projection. The folder holds monitor.csv, priorities.csv, changes.csv and monitor.json.""",
        OVERRIDES,
        (JSON,),
        (
            Key("monitor.figures", "this year's figures: a file, or package (required)", "null"),
            Key("monitor.until", "last year whose figures are used (null: all)", "null"),
            Key("monitor.last", "folder of an earlier monitor, to report changes (null: none)", "null"),
            Key("start_year", "first funded year: must lie before the figures", "2024"),
            *BRIEF,
        ),
        (
            "oa-sim monitor start_year=2022 monitor.figures=package",
            "oa-sim monitor start_year=2022 monitor.figures=package monitor.until=2022 --json",
        ),
    ),
    "voi": Command(
        "estimate the value of information: what a study would be worth",
        """\
Estimate what it would be worth to resolve each uncertainty before choosing a plan, what a trial would be
worth, and what it would be worth to decide in stages. The folder holds voi.csv, evsi.csv, gates.csv,
decisions.csv, charts and voi.json.""",
        OVERRIDES,
        (JSON,),
        (
            OBJECTIVE,
            Key("voi.plans", "files of plans to choose between, such as plan.csv of oa-sim optimise", "[]"),
            Key("voi.trial_pupils", "sizes of the trials, pupils", "[1_000, 4_000, 16_000, 64_000]"),
            Key("voi.trial_fixed_gbp", "fixed cost of a trial, £", "200_000"),
            *BRIEF,
        ),
        ("oa-sim voi objective.of=earnings", "oa-sim voi 'voi.trial_pupils=[2000, 8000]' horizon=10"),
    ),
    "backtest": Command(
        "out-of-sample forecast evaluation against later figures",
        """\
Fit the baseline on figures up to a year, forecast the years after it, and score the forecast and simple
benchmarks against what was published. The folder holds scores.csv, calibration.csv, misses.csv and
backtest.html.""",
        {"KEY=VALUE": "settings of the panel and the sampler"},
        (JSON,),
        (
            *PANEL,
            Key("panel.actuals", "later figures to score against, a file or folder (required)", "null"),
            *SAMPLER,
        ),
        (
            "oa-sim backtest panel.path=panel.csv panel.train_until=2019 panel.actuals=later.csv",
            "oa-sim backtest panel.path=panel.csv panel.train_until=2017 panel.actuals=panel.csv --json",
        ),
    ),
    "fit": Command(
        "fit the baseline model to figures of all local authorities",
        """\
Fit the baseline model by MCMC, which takes minutes. The folder holds learned.nc (use it with
oa-sim run posterior=FILE), reading.txt (what was read of the panel) and learned.json (convergence).""",
        {"KEY=VALUE": "settings of the panel and the sampler"},
        (JSON,),
        (*PANEL, *SAMPLER),
        ("oa-sim fit panel.path=panel.csv", "oa-sim fit panel.path=panel.csv panel.train_until=2019 sampler.chains=2"),
    ),
    "check": Command(
        "test the installation: configs, tables and a small example",
        "Compose every config, read every table and run a small example. Nothing is written.",
        OVERRIDES,
        (JSON,),
        (Key("data_folder", "tables of your own (null: those in the package)", "null"),),
        ("oa-sim check", "oa-sim check data_folder=my_tables --json"),
    ),
    "show": Command(
        "print every setting of a scenario",
        "Print a scenario in full, as the YAML of a config file. Nothing is run or written.",
        OVERRIDES,
        (JSON,),
        BRIEF[:-1],
        ("oa-sim show scenario=hand_over split=per_pupil", "oa-sim show --json"),
    ),
    "report": Command(
        "write briefs, a workbook and data files from a result",
        """\
Write what a command found as documents, into DIR/report: a brief (HTML, Word, PowerPoint), a workbook,
an assurance pack, tables and figures.json. Other files in that folder stay.""",
        RESULT_FOLDER,
        (TO, TEMPLATES, COPY_TEMPLATES, JSON),
        (),
        (
            "oa-sim report outputs/as_delivered/ID --to html,docx,pptx,xlsx --templates my_templates",
            "oa-sim report --copy-templates my_templates",
        ),
    ),
    "explore": Command(
        "open a page with sliders on this computer",
        """\
Serve a page on this computer whose sliders change a scenario, and print its address. Ctrl-C ends it.
Needs the extra: pip install 'oa-sim[explore]'.""",
        {"DIR": "folder of a run or a sweep"},
        (JSON,),
        (
            Key("port", "port, 1024 to 65535 (0: any free one)", "0"),
            Key("outputs", "folder for saved scenarios (default: DIR/scenarios)"),
        ),
        ("oa-sim explore outputs/as_delivered/ID", "oa-sim explore sweeps/splits port=8000"),
    ),
    "completion": Command(
        "print a completion script for bash, zsh or fish",
        """\
Print a script that completes verbs, flags, keys and choices. Load it in the start-up file of the shell;
print it again after new config files.""",
        {"SHELL": "bash, zsh or fish"},
        (),
        (),
        ('eval "$(oa-sim completion bash)"', "oa-sim completion fish > ~/.config/fish/completions/oa-sim.fish"),
    ),
}
SECTIONS = {
    "Answer a question": ("run", "compare", "evidence"),
    "Run many scenarios": ("sweep", "resume", "extend", "sensitivity"),
    "Decide and follow up": ("optimise", "target", "monitor", "voi"),
    "Fit and check the model": ("fit", "backtest", "check"),
    "Read and share": ("show", "report", "explore", "completion"),
}
SWEEP_GROUPS = ("design", "engine")
FORMS = {  # how an argument stands in a line of usage, where it may be left out or repeated
    "SCENARIO": "SCENARIO SCENARIO ...",
    "KEY=VALUE": "[KEY=VALUE ...]",
    "KEY=VALUES": "[KEY=VALUES ...]",
    "engine=KIND": "[engine=KIND]",
}


def overview() -> str:
    """Return the help of the command line as a whole, one screen."""
    lines = [
        "oa-sim: pupil outcomes in England's Opportunity Areas, with and without the programme",
        "",
        "Usage: oa-sim VERB [KEY=VALUE ...] [FLAG ...]      oa-sim VERB --help explains a verb",
    ]
    for title, verbs in SECTIONS.items():
        lines += ["", title, *(f"  {verb:<12} {COMMANDS[verb].summary}" for verb in verbs)]
    lines += [
        "",
        "A first answer: oa-sim run          Another: oa-sim run scenario=hand_over horizon=15",
        "Every setting is a key=value: oa-sim run --help lists them, oa-sim show prints their values.",
        "Flags of every verb: --help, --version; of most: --json, --dry-run (run, compare, sweep).",
    ]
    return "\n".join(lines) + "\n"


def usage(verb: str) -> str:
    """Return the one line that says how a verb is typed."""
    command = COMMANDS[verb]
    words = [FORMS.get(word, word) for word in command.arguments]
    flags = [f"[{' '.join((flag.names[0], flag.value)).strip()}]" for flag in command.flags]
    return " ".join(["oa-sim", verb, *words, *flags])


def command_help(verb: str) -> str:
    """Return the help of one verb, with the groups that belong to it."""
    return explanation(verb) + _choices_of(verb)


def explanation(verb: str) -> str:
    """Return what a verb does and writes, its arguments, flags and keys, and two examples."""
    command = COMMANDS[verb]
    flags = [(", ".join(flag.names) + f" {flag.value}".rstrip(), flag.meaning) for flag in (*command.flags, HELP)]
    keys = [(key.name, f"{key.meaning} [{key.default}]" if key.default else key.meaning) for key in command.keys]
    sections = {"Arguments": list(command.arguments.items()), "Flags": flags, "Keys used most [default]": keys}
    text = f"Usage: {usage(verb)}\n\n" + _wrapped(command.description.split())
    for title, rows in sections.items():
        wide = max([len(name) for name, _ in rows], default=0)
        text += f"\n{title}\n" * bool(rows) + "".join(f"  {name:<{wide}}  {meaning}\n" for name, meaning in rows)
    return text + "\nExamples\n" + "".join(f"  {example}\n" for example in command.examples)


def _choices_of(verb: str) -> str:
    """Return the groups that belong to a verb's help, or where to read them."""
    command, choices = COMMANDS[verb], group_choices()
    if verb == "run":
        return _listing("Groups and their choices", {g: c for g, c in choices.items() if g not in SWEEP_GROUPS}) + (
            _listing("Of a sweep", {group: choices[group] for group in SWEEP_GROUPS if group in choices})
            + "\noa-sim show prints every key with its value; any of them can be changed.\n"
        )
    if {"KEY=VALUE", "KEY=VALUES"} & set(command.arguments) and verb not in ("fit", "backtest"):
        return "\nAll keys: oa-sim show. All groups and their choices: oa-sim run --help.\n"
    return ""


def _listing(title: str, choices: dict[str, list[str]]) -> str:
    """Return groups and their choices, each on lines of at most ``WIDTH`` columns."""
    text = f"\n{title}\n"
    for group, names in choices.items():
        text += _wrapped([f"  {group}:", *", ".join(names).split()], indent="    ")
    return text


def _wrapped(words: list[str], indent: str = "") -> str:
    """Return words on lines of at most ``WIDTH`` columns, all but the first of them indented."""
    text, line = "", words[0]
    for word in words[1:]:
        if len(f"{line} {word}") > WIDTH:
            text, line = f"{text}{line}\n", f"{indent}{word}"
        else:
            line += f" {word}"
    return f"{text}{line}\n"


def group_choices() -> dict[str, list[str]]:
    """Return every config group with its choices, from the file names alone; nothing where there are no configs."""
    package = os.path.dirname(
        os.path.dirname(os.path.abspath(__file__))
    )  # importlib.resources takes longer than all help
    inside = os.path.join(package, "configs")  # as in a wheel; in a checkout they lie beside the package
    home = inside if os.path.isdir(inside) else os.path.join(os.path.dirname(package), "configs")
    groups = sorted(entry.name for entry in os.scandir(home) if entry.is_dir()) if os.path.isdir(home) else []
    files = {group: sorted(os.listdir(os.path.join(home, group))) for group in groups}
    return {group: [name[:-5] for name in names if name.endswith(".yaml")] for group, names in files.items()}


def find_verb(words: list[str]) -> tuple[str | None, list[str]]:
    """Return the verb of a command line, and all other words; flags may stand before it."""
    with_value = {name for flag in (OUT, TO) for name in flag.names}
    for i, word in enumerate(words):
        is_value = i > 0 and words[i - 1] in with_value
        if not word.startswith("-") and not is_value:
            return word, words[:i] + words[i + 1 :]
    return None, words


def parse(verb: str, words: list[str]) -> Namespace:
    """Return the arguments of a verb: ``words`` and a value for each of its flags.

    Parameters
    ----------
    verb
        A name of ``COMMANDS``.
    words
        What was typed but for the verb. Flags may stand anywhere before ``--``; all behind it are arguments.

    Raises
    ------
    Refusal
        For a flag that the verb does not have, a value that is missing, and one too many.
    """
    import argparse

    parser = argparse.ArgumentParser(f"oa-sim {verb}", allow_abbrev=False, add_help=False, exit_on_error=False)
    parser.add_argument("words", nargs="*")
    for flag in COMMANDS[verb].flags:
        if flag.value:
            parser.add_argument(*flag.names, action="append", default=[])
        else:
            parser.add_argument(*flag.names, action="store_true")
    end = words.index("--") if "--" in words else len(words)  # by hand, since versions of argparse differ on it
    try:
        arguments, others = parser.parse_known_intermixed_args(words[:end])
    except argparse.ArgumentError as error:
        raise _wrong_value(verb, str(error.argument_name).split("/")[-1], words) from None
    for word in others:
        raise _no_such_flag(verb, word)
    arguments.words += words[end + 1 :]
    for word in arguments.words:
        _check_argument(verb, word)
    return arguments


def _check_argument(verb: str, word: str) -> None:
    """Refuse an empty argument, and a choice that is typed without its group."""
    if not word.strip():
        raise Refusal(f"an argument of {verb} is empty: leave it out, or write it as in {COMMANDS[verb].examples[0]}")
    if COMMANDS[verb].arguments == OVERRIDES and "=" not in word:
        choices = group_choices()
        for group in ("scenario", *choices):
            if word in choices.get(group, []):
                raise Refusal(f"a setting of {verb} is typed as key=value, got {word!r}: write {group}={word}")


def _wrong_value(verb: str, name: str, words: list[str]) -> Refusal:
    """Return the refusal of a flag whose value is missing, or that takes none."""
    flag = next(flag for flag in COMMANDS[verb].flags if name in flag.names)
    if flag.value:
        return missing_value(verb, flag)
    typed = next((word for word in words if word.startswith(flag.names) and word not in flag.names), name)
    return Refusal(f"{name} takes no value, got {typed}: write {name} alone")


def missing_value(verb: str, flag: Flag) -> Refusal:
    """Return the refusal of a flag that needs a value and has none."""
    what = "formats" if flag is TO else "a folder"
    example = next(example for example in COMMANDS[verb].examples if flag.names[0] in example)
    return Refusal(f"{flag.names[0]} needs {what}, got none: write it as in {example}")


def _no_such_flag(verb: str, word: str) -> Refusal:
    """Return the refusal of a flag that a verb does not have, with those that it has."""
    name = word.split("=", 1)[0]
    own = (*COMMANDS[verb].flags, HELP)
    takes = f"{verb} takes {_and([flag.name for flag in own])}"
    others = [other for other, command in COMMANDS.items() if any(name in flag.names for flag in command.flags)]
    if others:
        return Refusal(f"{name} goes with {_and(others)}, got {verb}: leave it out, since {takes}")
    guess = nearest(name, [own_name for flag in own for own_name in flag.names])
    return Refusal(f"unknown flag {name!r}: {takes}" + (f"; did you mean {guess!r}?" if guess else ""))


def unknown_verb(word: str) -> Refusal:
    """Return the refusal of a verb that is not there; a setting without a verb is given one."""
    if "=" in word:
        return Refusal(f"the first word is a verb, got {word!r}: write oa-sim run {word}")
    return unknown("verb", word, COMMANDS)


def check_flags(words: list[str]) -> None:
    """Refuse a flag that no command has, where no verb is typed."""
    flags = (HELP, VERSION, *(flag for command in COMMANDS.values() for flag in command.flags))
    names = list(dict.fromkeys(name for flag in flags for name in flag.names))
    for word in words:
        if word.startswith("-") and word.split("=", 1)[0] not in names:
            raise unknown("flag", word, names)


def _and(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
