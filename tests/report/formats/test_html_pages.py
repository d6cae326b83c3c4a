"""The pages of a report: whole, offline, readable by those who do not see their pictures, and changed by templates."""

import dataclasses
import itertools
import json
import re
import shutil
import subprocess
from html import unescape
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from oa_sim.cli.main import main
from oa_sim.definitions import MEASURES
from oa_sim.errors import Refusal
from oa_sim.report import assemble, document, folder_brief, folder_writers, run_brief, template_files
from oa_sim.report.formats import html_pages
from oa_sim.simulation.result import Result
from oa_sim.validation import district_backtest, scoring
from oa_sim.validation.benchmark_forecasters import PEERS
from oa_sim.validation.scoring import Entry, Forecast, score

AREAS = ("Derby", "Oldham", "St <Helens> & more", *(f"area {i}" for i in range(40)))
MADE = {
    "train_until": 2019,
    "version": "0.9.1",
    "files": {"la_<panel>.csv": "c0ffee" * 8},
    "gates": {"verdict": "PASS", "reason": "all limits are met"},
    "draws": 4000,
}
READ = ["1,234 rows were read & 5 left out.", "A row < 3 is no row."]


def entries(ours="ours <1>"):
    rng = np.random.default_rng(6)
    found = []
    for measure, group in (("key_stage_2", "disadvantaged"), ("key_stage_2", "other"), ("suspensions", "all")):
        for year in (2022, 2023):
            actual = rng.standard_normal(len(AREAS))
            actual[2] += 6
            for kind in ("relative", "level"):
                at = (measure, group, year, year - 2019, kind, AREAS, actual)
                for place, name in enumerate(PEERS):
                    told = Forecast(mean=0.1 * rng.standard_normal(len(AREAS)), sd=np.full(len(AREAS), 1 + place / 3))
                    found.append(Entry(name, *at, told))
                found.append(Entry(ours, *at, Forecast(rng.standard_normal((200, len(AREAS))))))
    return found


class Outline(HTMLParser):
    """The tags of a page, checked to close in order."""

    VOID = ("meta", "br", "hr", "img", "link", "path", "use", "rect", "circle", "line")

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag


def outline_of(page):
    outline = Outline()
    outline.feed(page)
    assert outline.open == []
    return outline.seen


# the brief


@pytest.fixture(scope="module")
def brief(every_area):
    return html_pages.brief_page(run_brief.run_document(every_area))


def test_the_brief_needs_nothing_from_outside(brief):
    seen = outline_of(brief)
    assert not [attrs for _, attrs in seen if "src" in attrs]
    assert not [tag for tag, _ in seen if tag in ("script", "link", "iframe", "object")]
    assert not re.findall(r"url\((?!#)", brief)
    assert all(attrs["href"].startswith("#") for _, attrs in seen if "href" in attrs)


def test_every_picture_of_the_brief_says_in_words_what_it_shows(brief):
    seen = outline_of(brief)
    pictures = [attrs for tag, attrs in seen if tag == "svg"]
    assert len(pictures) == 6
    assert all(attrs["role"] == "img" and len(attrs["aria-label"]) > 20 for attrs in pictures)
    ids = [attrs["id"] for _, attrs in seen if "id" in attrs]
    assert len(ids) == len(set(ids))


def test_headings_are_in_order_and_tables_have_captions_and_scopes(brief):
    seen = outline_of(brief)
    levels = [int(tag[1]) for tag, _ in seen if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    tags = [tag for tag, _ in seen]
    assert tags.count("caption") == tags.count("table") >= 6
    assert all(attrs.get("scope") in ("col", "row") for tag, attrs in seen if tag == "th")


def test_the_brief_names_every_area_and_what_makes_it_traceable(brief, every_area):
    facts = every_area.manifest
    for part in (facts["run_id"], facts["data_hash"][:12], facts["oa_sim"], str(facts["seed"])):
        assert part in brief
    for area in every_area.draws.area.values:
        assert area in brief


def test_the_lead_of_the_brief_comes_before_its_parts(brief):
    assert 0 < brief.index("is expected to raise") < brief.index("<h2")


def test_the_annex_has_what_lasts_and_what_money_buys_by_measure(every_area):
    parts = {part.title: part for part in run_brief.run_document(every_area).annex}
    n_measures = every_area.draws.sizes["measure"]
    lasts, value = parts["What lasts, by measure"], parts["Value"]
    assert lasts.pictures
    assert len(lasts.grids[0].rows) == len(value.grids[0].rows) == n_measures
    known = {one.figure: one.text for one in assemble.of_run(every_area).figures}
    for row in lasts.grids[0].rows:
        for cell in row:
            if not isinstance(cell, str) and cell.figure in known:
                assert cell.text == known[cell.figure]
    assert {"Where the money goes", "Where the uncertainty comes from", "How far to trust this"} <= set(parts)


def test_a_failed_check_leads_the_brief(tiny):
    gates = tiny.manifest["gates"] | {"verdict": "FAIL", "reason": "R-hat is 1.30, above 1.01"}
    failed = dataclasses.replace(tiny, manifest=tiny.manifest | {"gates": gates})
    page = html_pages.brief_page(run_brief.run_document(failed))
    assert page.index("R-hat is 1.30") < page.index("<h1")
    assert "[FAIL]" in page


def test_names_in_the_brief_are_escaped(tiny):
    scenario = tiny.manifest["scenario"] | {"name": "a<b & {{ 1 }}"}
    renamed = dataclasses.replace(tiny, manifest=json.loads(json.dumps(tiny.manifest)) | {"scenario": scenario})
    page = html_pages.brief_page(run_brief.run_document(renamed))
    assert "<b &" not in page
    assert "A&lt;b &amp; {{ 1 }}" in page


def test_a_title_is_words_and_not_a_key(tiny):
    scenario = dict(tiny.manifest["scenario"])
    for name, words in (("hand_over", "Handed over to local partners"), ("my_<own>_plan", "My <own> plan")):
        named = dataclasses.replace(tiny, manifest=tiny.manifest | {"scenario": scenario | {"name": name}})
        assert run_brief.run_document(named).title == f"Opportunity Areas: {words}"


def test_what_run_writes_is_the_brief_that_report_writes(tmp_path, every_area):
    folder = folder_writers.write(every_area, tmp_path)
    report, _, _ = assemble.write_report(folder, ("html",))
    written = (folder / "briefing.html").read_bytes()
    assert (report / "briefing.html").read_bytes() == written
    assert written == html_pages.brief_page(run_brief.run_document(Result.load(folder))).encode()


@pytest.mark.slow
@pytest.mark.parametrize("verdict", ["PASS", "FAIL"])
@pytest.mark.skipif(not shutil.which("chromium") or not shutil.which("pdfinfo"), reason="no program counts pages here")
def test_the_brief_is_two_pages_when_printed(tmp_path, every_area, verdict):
    gates = every_area.manifest["gates"] | {"verdict": verdict, "reason": "R-hat is 1.30, above 1.01"}
    result = dataclasses.replace(every_area, manifest=every_area.manifest | {"gates": gates})
    told = printed(html_pages.brief_page(run_brief.run_document(result)), tmp_path)
    assert re.search(r"Pages:\s+2\b", told)
    assert re.search(r"Page size:\s+59[45][\d.]* x 84[12]", told)


def printed(page, tmp_path):
    """Return what is told of a page as it is printed."""
    (tmp_path / "brief.html").write_text(page, encoding="utf-8")
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
    command += [f"--user-data-dir={tmp_path / 'profile'}", f"--print-to-pdf={tmp_path / 'brief.pdf'}"]
    subprocess.run([*command, (tmp_path / "brief.html").as_uri()], check=True, capture_output=True, timeout=180)
    return subprocess.run(["pdfinfo", str(tmp_path / "brief.pdf")], check=True, capture_output=True, text=True).stdout


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("chromium") or not shutil.which("pdfinfo"), reason="no program counts pages here")
def test_the_brief_of_targets_is_two_pages_when_printed(tmp_path):
    assert main(["target", "sampler.draws=20", f"outputs={tmp_path}"]) == 0
    (folder,) = (path for path in (tmp_path / "target").iterdir() if path.is_dir())
    facts = json.loads((folder / "target.json").read_text(encoding="utf-8"))
    few_draws = facts["gates"]["reason"]
    assert (facts["gates"]["verdict"], len(few_draws) > 300) == ("FAIL", True)  # the longest that a page has to bear
    for gates in ({"verdict": "FAIL"}, {"verdict": "PASS", "reason": "R-hat at most 1.007"}):
        written = json.dumps(facts | {"gates": facts["gates"] | gates})
        (folder / "target.json").write_text(written, encoding="utf-8")
        document = folder_brief.read(folder, "target")
        assert re.search(r"Pages:\s+2\b", printed(html_pages.brief_page(document), tmp_path)), gates


# edited templates


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory, tiny):
    return folder_writers.write(tiny, tmp_path_factory.mktemp("run"))


def edited(folder, name, before, after):
    """Put an edited copy of a shipped template into a folder."""
    text = template_files.template_file(name).read_text(encoding="utf-8")
    assert before in text
    (folder / name).write_text(text.replace(before, after), encoding="utf-8")


def test_colour_logo_and_heading_style_change_by_templates_alone(tmp_path, run_folder):
    edited(tmp_path, "theme.css", "--accent: #0072b2", "--accent: #7a1f5c")
    edited(tmp_path, "style.css", "h2 { font-size: 1.12rem;", "h2 { font-size: 2rem; font-style: italic;")
    (tmp_path / "logo.html").write_text('<svg role="img" aria-label="Our Department"><path d="M0 0h9v9z"/></svg>\n')
    before = html_pages.brief_page(assemble.open_folder(run_folder, "run").dossier)
    report, _, _ = assemble.write_report(run_folder, ("html",), templates=tmp_path)
    for name in ("briefing.html", "assurance.html", "pictures.html"):
        page = (report / name).read_text(encoding="utf-8")
        assert "--accent: #7a1f5c" in page
        assert "--accent: #0072b2" not in page
        assert "font-size: 2rem; font-style: italic" in page
        assert 'aria-label="Our Department"' in page
    page = (report / "briefing.html").read_text(encoding="utf-8")
    assert page[page.index("<main") :] == before[before.index("<main") :]  # what is said stays
    again, _, _ = assemble.write_report(run_folder, ("html",))
    assert (again / "briefing.html").read_text(encoding="utf-8") == before


@pytest.mark.parametrize(
    ("name", "before", "after", "line", "reason"),
    [
        ("brief.html", "{% block main %}", "{% block %}", 3, "expected token"),
        ("brief.html", "draw.numbers(document.numbers)", "draw.numbers(document.figurs)", 5, "figurs"),
        ("base.html", '{% include "logo.html" %}', '{% include "lgoo.html" %}', 17, "no template 'lgoo.html'"),
        ("brief.html", "draw.badge(document)", "document.__class__.__mro__", 2, "unsafe"),
        ("theme.css", "--ink: #222;", "--ink: {{ 1 / 0 }};", 8, "zero"),
    ],
)
def test_a_broken_template_is_refused_with_file_and_line(tmp_path, run_folder, name, before, after, line, reason):
    edited(tmp_path, name, before, after)
    kept = {path.name: path.read_bytes() for path in (run_folder / "report").glob("*")}
    with pytest.raises(Refusal) as refused:
        assemble.write_report(run_folder, ("html", "json"), templates=tmp_path)
    told = str(refused.value)
    assert told.startswith(f"{tmp_path / name}, line {line}: ")
    assert reason in told
    assert "\n" not in told
    assert {path.name: path.read_bytes() for path in (run_folder / "report").glob("*")} == kept
    assert not list(run_folder.glob(".partial*"))


def test_a_template_that_is_no_text_is_refused(tmp_path, run_folder):
    (tmp_path / "logo.html").write_bytes(b"one\ntwo\n\xff\xfe")
    with pytest.raises(Refusal, match=r"logo\.html, line 3: the text is not UTF-8"):
        assemble.write_report(run_folder, ("html",), templates=tmp_path)


def test_a_comparison_is_a_page_of_the_same_document_model(tmp_path, run_tiny, tiny):
    import pandas as pd

    from oa_sim.simulation.comparison import Comparison

    made = Comparison((run_tiny("scenario=no_programme"), tiny), pd.DataFrame())
    folder = folder_writers.write_comparison(dataclasses.replace(made, table=made.means()), tmp_path)
    opened = assemble.open_folder(folder, "compare").dossier
    page = html_pages.brief_page(opened)
    outline_of(page)
    words = unescape(re.sub("<.*?>", "", page[page.index("<body") :]))
    for part in opened.passages:
        assert part.title in words
        for line in (*part.said, *part.points):
            assert document.plain(line) in words


# the page of a contest


@pytest.fixture(scope="module")
def scores():
    return score(entries(), "ours <1>")


@pytest.fixture(scope="module")
def page(scores):
    return html_pages.backtest_page(scores, READ, MADE)


@pytest.fixture(scope="module")
def seen(page):
    return outline_of(page)


def test_it_needs_nothing_from_outside(page, seen):
    assert not [attrs for _, attrs in seen if "src" in attrs]
    assert not [tag for tag, _ in seen if tag in ("script", "link", "iframe", "object")]
    assert not re.findall(r"url\((?!#)", page)
    assert all(attrs["href"].startswith("#") for _, attrs in seen if "href" in attrs)


def test_it_is_for_readers_of_british_english_who_may_not_see_it(seen):
    assert ("html", {"lang": "en-GB"}) in seen
    pictures = [attrs for tag, attrs in seen if tag == "svg"]
    assert len(pictures) == 2
    assert all(attrs["role"] == "img" and re.search(r"\d", attrs["aria-label"]) for attrs in pictures)
    tags = [tag for tag, _ in seen]
    assert tags.count("caption") == tags.count("table") >= 8
    assert all(attrs.get("scope") in ("col", "row") for tag, attrs in seen if tag == "th")


def test_no_two_parts_of_the_page_have_one_name(seen):
    ids = [attrs["id"] for _, attrs in seen if "id" in attrs]
    assert len(ids) == len(set(ids))


def test_it_holds_every_number_of_the_table(page, scores):
    rows = page[page.index("Every score") :].split("<tr>")[2:]
    assert len(rows) == len(scores.table)
    for row, text in zip(scores.table.itertuples(), rows, strict=True):
        cells = [unescape(re.sub(r"<.*?>", "", cell)) for cell in re.findall(r"<t[hd].*?</t[hd]>", text)]
        assert cells[0] == row.model
        assert cells[4:6] == [str(row.horizon), row.scale]
        assert cells[6:9] == [str(row.n), f"{row.crps:.4f}", f"{row.crps_ratio_rw:.3f}"]
        held = [float(cell.removesuffix("%")) for cell in cells[9:]]
        np.testing.assert_allclose(held, [100 * row.cov50, 100 * row.cov80, 100 * row.cov95], atol=0.051)


def test_the_verdict_stands_first_in_two_sentences_with_numbers(page, scores):
    first, second = scoring.verdict(scores)
    assert re.search(r"is \d\.\d\d \(relative scale\) and \d\.\d\d \(level scale\)", first)
    assert "258 held-out figures for 2021/22 and 2022/23" in first
    assert re.search(r"50%, 80% and 95% intervals cover \d+%, \d+% and \d+% of the figures", second)
    assert page.index("held-out figures") < page.index("<h2")


def test_ours_leads_every_table_of_models(page):
    contest = page[page.index("The contest") : page.index("Does it know")]
    names = re.findall(r'<th scope="row">(.*?)</th>', contest)
    assert names == 2 * [f"<bdi>{name}</bdi>" for name in ("ours &lt;1&gt;", *PEERS)]
    assert contest.count('<tr class="ours">') == 2


def test_the_worst_miss_is_named(page):
    missed = page[page.index("The worst misses") : page.index("What was read")]
    assert missed.count("St &lt;Helens&gt; &amp; more") == 6
    assert "Key stage 2" in missed


def test_names_are_escaped(page):
    for part in ("ours <1>", "St <Helens>", "la_<panel>", "read & 5", "row < 3"):
        assert part not in page
    for part in ("ours &lt;1&gt;", "la_&lt;panel&gt;", "read &amp; 5", "row &lt; 3"):
        assert part in page


def test_it_says_how_it_was_made(page):
    for part in ("2018/19", "0.9.1", "c0ffee" * 8, "all limits are met", "4000"):
        assert part in page


def test_a_failed_gate_leads_the_page(scores):
    gates = {"verdict": "FAIL", "reason": "R-hat is 1.30, above 1.01"}
    page = html_pages.backtest_page(scores, READ, MADE | {"gates": gates})
    assert page.index("R-hat is 1.30") < page.index("<h1")


def of_districts(ours="oa_sim"):
    """Return made-up scores of districts, as a backtest has them."""
    rows = [
        (model, "key_stage_2", group, year, n, crps, county, walk, 0.5, 0.8, 0.95)
        for model, crps, county, walk in ((ours, 0.1, 0.7, 0.8), ("county", 0.2, 1.0, np.nan), ("rw", 0.13, 1.1, 1.0))
        for group, year, n in (("disadvantaged", 2024, 90), ("disadvantaged", 2025, 80), ("all", 2024, 90))
    ]
    return pd.DataFrame(rows, columns=district_backtest.COLUMNS)


def test_the_report_on_a_backtest_has_districts_where_they_were_scored(scores):
    table = of_districts()
    table.loc[0, ["crps_ratio_county", "cov80"]] = 0.9, 0.6
    page = html_pages.backtest_page(scores, READ, MADE, table)
    outline_of(page)
    section = unescape(re.search(r"<h2>Districts</h2>(.*?)</section>", page, re.DOTALL)[1])
    for line in district_backtest.sentences(table):
        assert line in section
    cells = [re.sub("<[^>]*>", "", cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", section)]
    assert cells[:5] == ["Model", "Figures", "CRPS", "CRPS, county = 1", "CRPS, random walk = 1"]
    at = cells.index("oa_sim")  # a mean of ratios over cells, of coverage over figures
    held = 100 * (90 * 0.6 + 170 * 0.8) / 260
    assert cells[at : at + 8] == ["oa_sim", "260", "0.1000", "0.77", "0.80", "50.0%", f"{held:.1f}%", "95.0%"]
    at = cells.index(f"{MEASURES['key_stage_2'].label}, disadvantaged pupils")
    assert cells[at + 1 : at + 5] == ["170", "0.1000", "0.80", "0.80"]
    assert cells[cells.index("county") + 4] == html_pages.NONE
    assert "<h2>Districts</h2>" not in html_pages.backtest_page(scores, READ, MADE)


def test_one_scale_and_no_peer_but_the_random_walk_are_enough():
    some = [e for e in entries("ours") if e.model in ("ours", "random walk") and e.scale == "relative"]
    page = html_pages.backtest_page(score(some, "ours"), [], MADE)
    assert "scale level" not in page
    assert "best of the other peers" not in page
