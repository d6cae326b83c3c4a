"""The documentation: what it names is there, it builds without a warning, and its commands run."""

import importlib
import json
import re
import shlex
import shutil
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import documented
import pytest
from documented import DOCS, ROOT
from test_experiments import SCRIPTS

from oa_sim.cli.commands import COMMANDS, HELP, VERSION

PAGES = {str(path.relative_to(DOCS)): path for path in documented.pages()}
TEMPLATES = ROOT / "oa_sim/report/templates"
TO_COME = {"report", "explore"}  # verbs of which pages spoke before the door knew them
OF_REPORT = {
    *("briefing.html", "briefing.docx", "briefing.pptx", "workbook.xlsx", "assurance.html", "assurance.docx"),
    *("table.csv", "figures.json", "explore.html"),
}
SOURCES = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "oa_sim").rglob("*.py")))
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
FILE = re.compile(r"`((?:[\w.]+/)*[\w.]*\w\.(?:py|md|csv|nc|json|html|docx|pptx|xlsx|svg|txt|yaml|zarr|parquet))`")


@pytest.fixture(params=PAGES, scope="module")
def page(request):
    return PAGES[request.param].read_text(encoding="utf-8")


def anchor(heading):
    """Return the anchor that a heading has on its page."""
    kept = re.sub(r"[^\w\s-]", "", heading.lower())
    return re.sub(r"\s", "-", kept.strip())


def prose(text):
    """Return a page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)


def doors(text):
    """Return the words of each command of the door on a page, up to the first pipe."""
    said = [command for block in documented.blocks(text) for command in documented.commands(block)]
    said += re.findall(r"`(oa-sim [^`]*)`", prose(text))
    for command in said:
        words = shlex.split(command)
        for at, word in enumerate(words):
            if word.split("/")[-1] == "oa-sim" or word.endswith("/oa-sim"):
                rest = words[at + 1 :]
                yield rest[: rest.index("|")] if "|" in rest else rest


@pytest.mark.parametrize("name", PAGES)
def test_every_relative_link_leads_to_a_page_and_a_heading(name):
    text = PAGES[name].read_text(encoding="utf-8")
    for target in LINK.findall(prose(text)):
        path, _, place = target.partition("#")
        found = (PAGES[name].parent / path).resolve() if path else PAGES[name]
        assert found.is_file(), target
        if place:
            headings = re.findall(r"^#+ (.+)$", found.read_text(encoding="utf-8"), re.M)
            assert place in {anchor(heading) for heading in headings}, target


def test_every_page_is_reached_from_the_first_one():
    reached, left = set(), {DOCS / "index.md"}
    while left:
        one = left.pop()
        reached.add(one)
        text = one.read_text(encoding="utf-8")
        inside = re.search(r"```\{toctree\}\n.*?```", text, re.S)
        for entry in inside[0].splitlines() if inside else []:
            path = one.parent / f"{entry}.md"
            left |= {path} - reached if path.is_file() else set()
    assert reached == set(PAGES.values())


@pytest.mark.parametrize("name", PAGES)
def test_every_file_that_a_page_names_is_in_the_project_or_is_written_by_it(name):
    text = PAGES[name].read_text(encoding="utf-8")
    own = "".join(block.text for block in documented.blocks(text))
    for file in FILE.findall(prose(text)):
        if "/" in file:
            assert (ROOT / file).is_file(), file
        else:
            here = any(
                (folder / file).is_file() for folder in (ROOT, ROOT / "oa_sim", ROOT / "oa_sim" / "data", TEMPLATES)
            )
            written = file in SOURCES or f'"{file.split(".")[0]}"' in SOURCES  # tables are written by their names
            assert here or written or file in own or file in OF_REPORT, file


@pytest.mark.parametrize("name", PAGES)
def test_every_verb_and_flag_that_a_page_names_is_one_of_the_door(name):
    verbs = set(COMMANDS)
    for words in doors(PAGES[name].read_text(encoding="utf-8")):
        verb = next((word for word in words if not word.startswith("-")), None)
        assert verb is None or verb in verbs | TO_COME, words
        if verb in verbs:
            flags = {name for flag in (*COMMANDS[verb].flags, HELP, VERSION) for name in flag.names}
            assert {word for word in words if word.startswith("-")} <= flags, words


@pytest.mark.parametrize("name", ["README.md", "experiments/README.md", *(f"docs/{name}" for name in PAGES)])
def test_every_file_of_code_that_a_page_names_is_there(name):
    named = set(
        re.findall(r"\b(?:oa_sim|tests|docs|experiments)/[\w/]+\.py\b", (ROOT / name).read_text(encoding="utf-8"))
    )
    assert [path for path in sorted(named) if not (ROOT / path).is_file()] == []


README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_readme_is_short_has_a_picture_and_its_links_lead_to_files():
    assert len(README.encode()) <= 8000
    targets = re.findall(r"\]\(([^)\s#]+)[^)]*\)", prose(README))
    assert [target for target in targets if not (ROOT / target).is_file()] == []
    assert re.search(r"!\[[^\]]{80,}\]\([^)]+\.svg\)", README)  # with words for those who do not see it


def test_the_readme_gives_five_commands_and_a_page_of_the_documentation_gives_every_command():
    commands = documented.commands(documented.blocks(README)[2])
    assert len(commands) == 5
    assert {command.split()[1] for command in commands} <= set(COMMANDS)
    named = {words[0] for words in doors(PAGES["guide.md"].read_text(encoding="utf-8")) if words}
    assert set(COMMANDS) <= named


def test_every_figure_of_the_readme_on_forecasts_stands_in_the_page_on_validation():
    told = README.split("## How good are the forecasts?")[1].split("[Validation]")[0]
    figures = re.findall(r"\d[\d.,/]*\d", told)
    assert len(figures) > 10
    validation = PAGES["validation.md"].read_text(encoding="utf-8")
    assert [figure for figure in figures if figure not in validation] == []


def test_the_glossary_is_in_order_and_defines_each_term_once():
    terms = re.findall(r"^(\S.*)\n: ", PAGES["glossary.md"].read_text(encoding="utf-8"), re.M)
    assert len(terms) >= 30
    assert terms == sorted(set(terms), key=str.lower)
    wanted = {"counterfactual", "gain", "retention", "sustainment", "outside view", "attainable level", "county proxy"}
    assert wanted <= set(terms)


def thing(dotted):
    """Return what a dotted name stands for; a module is imported where it is no attribute yet."""
    found, parts = importlib.import_module("oa_sim"), dotted.split(".")
    for at, part in enumerate(parts[1:], 2):
        found = getattr(found, part, None) or importlib.import_module(".".join(parts[:at]))
    return found


@pytest.mark.parametrize("name", ["README.md", *(f"docs/{name}" for name in PAGES)])
def test_every_dotted_name_of_the_package_that_a_page_gives_is_there(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    for dotted in sorted(set(re.findall(r"(?:`|:: )(oa_sim(?:\.\w+)+)", text))):
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # an old name warns
            assert thing(dotted) is not None


PACKAGES = sorted(path.parent.name for path in (ROOT / "oa_sim").glob("*/__init__.py"))
NO_MODULES = {"oa_sim/data", "Result", "Comparison", "report.formats"}  # other words between backticks


def absent_modules(text):
    """Return by package of "The packages" how many modules its paragraph names, and those that are not there."""
    section = text.split("\n## The packages\n")[1].split("\n## ")[0]
    found = {}
    for package, told in re.findall(r"^\*\*(?:`(\w+)`|Shared modules\.)\*\*(.*?)(?=\n\n|\Z)", section, re.M | re.S):
        named = [word for word in re.findall(r"`([^`]+)`", told) if word not in NO_MODULES]
        found[package] = (
            len(named),
            [word for word in named if not (ROOT / "oa_sim" / package / f"{word}.py").is_file()],
        )
    return found


def test_every_module_that_a_paragraph_of_the_architecture_names_is_there():
    text = PAGES["architecture.md"].read_text(encoding="utf-8")
    found = absent_modules(text)
    assert sorted(found) == ["", *PACKAGES]  # without a name: the shared modules
    assert {package: absent for package, (_, absent) in found.items() if absent} == {}
    assert {package for package, (n, _) in found.items() if n < 2} <= {"plots"}  # of which no module is named
    planted = text.replace("`delivered_effects`", "`interventions`").replace("`baseline_fit`", "`delivery`")
    wrong = {package: absent for package, (_, absent) in absent_modules(planted).items() if absent}
    assert wrong == {"programme": ["interventions"], "inference": ["delivery"]}


def test_the_imports_that_the_page_on_python_gives_work_without_a_warning():
    blocks = re.findall(
        r"^```python\n(.*?)^```$", PAGES["reference/python.md"].read_text(encoding="utf-8"), re.M | re.S
    )
    lines = [line for block in blocks for line in block.splitlines() if line.startswith(("from ", "import "))]
    assert {line.split()[1].split(".")[0] for line in lines} == {"oa_sim"}
    went = subprocess.run([sys.executable, "-W", "error", "-c", "\n".join(lines)], capture_output=True, text=True)
    assert (went.returncode, went.stderr) == (0, "")


@pytest.fixture
def architecture_picture(extensions):
    return importlib.import_module("architecture_picture")


def test_the_picture_of_the_architecture_is_what_the_code_gives(architecture_picture, capsys):
    architecture_picture.main(["--check"])
    assert capsys.readouterr() == ("", "")


def test_an_old_picture_is_found_and_what_is_written_is_the_picture(
    architecture_picture, tmp_path, monkeypatch, capsys
):
    committed = architecture_picture.PICTURE.read_bytes()
    monkeypatch.setattr(architecture_picture, "ROOT", tmp_path)
    monkeypatch.setattr(architecture_picture, "PICTURE", tmp_path / "architecture.svg")
    with pytest.raises(SystemExit, match=r"architecture\.svg is not what the code gives"):
        architecture_picture.main(["--check"])
    architecture_picture.main([])
    assert capsys.readouterr().out == "architecture.svg\n"
    assert (tmp_path / "architecture.svg").read_bytes() == committed


def test_an_arrow_stands_for_an_import_that_no_other_path_of_arrows_says(architecture_picture):
    found = architecture_picture.packages()
    arrows = architecture_picture.reduced(found)
    reached = {name: {name} for name in found}
    for _ in found:
        for importer, other in arrows:
            reached[importer] |= reached[other]
    assert all(about.imports <= reached[name] for name, about in found.items())
    for importer, other in arrows:
        others = [end for start, end in arrows if start == importer and end != other]
        assert all(other not in reached[end] for end in others)


def test_no_boxes_of_the_picture_overlap_and_every_import_leads_down(architecture_picture):
    found = architecture_picture.packages()
    boxes = architecture_picture.boxes(found)
    for name, one in boxes.items():
        assert all(boxes[other].y >= one.y + one.height for other in found[name].imports)
        for other in set(boxes) - {name}:
            two = boxes[other]
            is_beside = one.x + one.width <= two.x or two.x + two.width <= one.x
            assert is_beside or one.y + one.height <= two.y or two.y + two.height <= one.y, (name, other)


def test_a_package_below_what_it_imports_ends_the_picture_with_a_sentence(architecture_picture):
    found = architecture_picture.packages()
    wrong = replace(found["inputs"], imports=frozenset({"report"}))
    with pytest.raises(SystemExit, match="inputs imports report but does not lie above it"):
        architecture_picture.drawn(found | {"inputs": wrong})
    with pytest.raises(SystemExit, match="disagree on extra"):
        architecture_picture.drawn(found | {"extra": wrong})


def test_what_is_not_run_with_its_page_says_why_and_by_what_it_is_run_instead():
    reasons = [
        one.reason for path in PAGES.values() for one in documented.blocks(path.read_text("utf-8")) if one.reason
    ]
    assert reasons
    for reason in reasons:
        named = re.findall(r"(?:tests|\.ci)/[\w./]*\w", reason)
        assert named, reason
        assert all((ROOT / name).is_file() for name in named), reason


def test_the_install_command_is_the_one_that_the_readme_gives_and_ci_runs():
    block = documented.blocks(PAGES["tutorial.md"].read_text(encoding="utf-8"))[0]
    for path in ("README.md", ".ci/run"):
        assert block.text.strip() in (ROOT / path).read_text(encoding="utf-8")


def test_every_page_with_commands_is_a_script_that_the_shell_can_read():
    for name, path in PAGES.items():
        went = subprocess.run(
            ["bash", "-n"], input=documented.script(path.read_text("utf-8")), text=True, capture_output=True
        )
        assert went.returncode == 0, (name, went.stderr)


@pytest.fixture
def extensions(monkeypatch):
    """Let what the documentation is built with be imported."""
    monkeypatch.syspath_prepend(DOCS)
    monkeypatch.syspath_prepend(DOCS / "extensions")


def test_every_key_of_every_config_file_is_in_its_table(extensions):
    import config_tables
    import yaml

    def leaves(values, before=""):
        for key, value in values.items():
            yield f"{before}{key}", value
            if isinstance(value, dict):
                yield from leaves(value, f"{before}{key}.")

    for path in sorted((ROOT / "configs").rglob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        _, entries = config_tables.read(text)
        written = {entry.key: entry.value for entry in entries}
        inside = tuple(f"{key}." for key, value in written.items() if value.startswith("{"))
        for key, value in leaves(yaml.safe_load(text) or {}):
            assert key in written or key.startswith(inside), (path, key)
            if key in written and isinstance(value, int | float | str) and not isinstance(value, bool):
                assert yaml.safe_load(written[key]) == value, (path, key)


def test_comments_of_config_files_are_kept_with_their_source(extensions):
    import config_tables

    _, entries = config_tables.read((ROOT / "configs/budget/as_delivered.yaml").read_text(encoding="utf-8"))
    said = {entry.key: entry.said for entry in entries}
    assert said["total_gbp"] == ""  # its unit stands in the schema
    assert "OA-FAQ" in said["payment_rounds"]


def test_the_gallery_has_picture_and_answer_of_every_question_and_the_picture_says_what_is_seen(extensions):
    import gallery

    answers = json.loads((DOCS / "gallery" / "answers.json").read_text(encoding="utf-8"))
    asked = (ROOT / "experiments" / "README.md").read_text(encoding="utf-8")
    assert set(answers) == set(gallery.QUESTIONS) <= set(SCRIPTS)
    for name, question in gallery.QUESTIONS.items():
        assert question.rstrip("?").split(" which one")[0] in asked
        picture = (DOCS / "gallery" / f"{name}.svg").read_text(encoding="utf-8")
        assert len(gallery.alternative(picture)) > 80
        assert not re.search(r"""(?:href|src)=["'](?!#)""", picture)  # nothing from elsewhere
        assert re.search(r"90% interval .* to ", answers[name])


def test_a_formula_that_cannot_be_read_ends_the_build(extensions):
    pytest.importorskip("sphinx", reason="the documentation is built by Sphinx, an extra")
    import formulas
    from sphinx.errors import ExtensionError

    assert formulas.converted(r"\Phi(\eta)", is_block=False).startswith("<math")
    with pytest.raises(ExtensionError, match="MathML"):
        formulas.converted(r"\nosuchcommand{x}", is_block=True)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Build the documentation once."""
    for name in ("sphinx", "myst_parser", "furo"):
        pytest.importorskip(name, reason="the documentation is built by Sphinx, MyST and Furo, an extra")
    folder = tmp_path_factory.mktemp("documentation")
    words = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", str(DOCS), str(folder)]
    went = subprocess.run([*words, "-d", f"{folder}.kept"], capture_output=True, text=True)
    assert (went.returncode, went.stderr) == (0, "")
    return folder


@pytest.mark.slow
def test_the_documentation_builds_without_a_warning_and_draws_its_formulas_itself(built):
    model = (built / "model.html").read_text(encoding="utf-8")
    assert model.count("<math") > 40
    assert "$$" not in model
    configs = (built / "reference" / "configs.html").read_text(encoding="utf-8")
    assert "budget=as_delivered" in configs
    assert "108_000_000" in configs


@pytest.mark.slow
def test_no_page_asks_another_machine_for_anything(built):
    asks = re.compile(r"""<(?:script|link|img|iframe|source)\b[^>]*?(?:src|href)=["'](?:https?:)?//[^"']*""")
    for path in sorted(built.rglob("*.html")):
        found = [tag for tag in asks.findall(path.read_text(encoding="utf-8")) if 'rel="canonical"' not in tag]
        assert not found, (path.name, found)
    for path in sorted((built / "_static").rglob("*.css")):
        assert not re.search(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", path.read_text(encoding="utf-8")), path.name


@pytest.mark.slow
def test_every_page_opens_in_a_browser_without_network_request_or_error_and_shows_its_formulas(built):
    chromium = shutil.which("chromium") or pytest.skip("Chromium is not on this machine")
    playwright = pytest.importorskip("playwright.sync_api", reason="a browser is driven by Playwright, an extra")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    flags += ["--disable-component-update", "--disable-sync"]
    asked, wrong = [], []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=flags)
        page = browser.new_context(offline=True).new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        for name in PAGES:
            page.goto((built / name).with_suffix(".html").as_uri())
            flat = "all => all.filter(one => one.getBoundingClientRect().height < 5).map(one => one.textContent)"
            assert page.eval_on_selector_all("article math", flat) == []
            blind = "all => all.filter(one => !one.naturalWidth || !one.alt).map(one => one.src)"
            assert page.eval_on_selector_all("article img", blind) == []
        browser.close()
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert wrong == []


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, path in PAGES.items() if documented.blocks(path.read_text("utf-8"))])
def test_the_commands_of_a_page_run_one_after_another(name, tmp_path):
    went, skipped = documented.rehearse(PAGES[name].read_text(encoding="utf-8"), tmp_path)
    assert went.returncode == 0, f"{went.stdout[-1500:]}\n{went.stderr[-3000:]}"
    verbs = sorted({words.split()[1] for words in skipped})
    assert set(verbs) <= TO_COME
    if skipped:
        pytest.skip(f"all else ran, but oa-sim does not know yet: {', '.join(verbs)}")


@pytest.mark.slow
def test_the_gallery_is_made_by_its_script(extensions, tmp_path):
    words = [sys.executable, str(DOCS / "gallery.py"), "--quick", "--folder", str(tmp_path)]
    subprocess.run(words, check=True, capture_output=True)
    import gallery

    assert {path.name for path in Path(tmp_path).iterdir()} == {
        "answers.json",
        *(f"{n}.svg" for n in gallery.QUESTIONS),
    }
    again, answer = gallery.run("how_to_split", "--quick")
    assert again == (tmp_path / "how_to_split.svg").read_text(encoding="utf-8")
    assert answer == json.loads((tmp_path / "answers.json").read_text(encoding="utf-8"))["how_to_split"]
