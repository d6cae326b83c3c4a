"""The page in a browser without a network: what is chosen is shown, read and taken away, by hand, key and machine."""

import csv
import dataclasses
import io
import json
import re
import shutil
from importlib.resources import files

import made_up_view
import pytest
from test_page import intervals

from oa_sim import definitions, formatting, load_scenario
from oa_sim.definitions import MEAN_OF_AREAS, MEASURES, academic_year
from oa_sim.explore import page as explorer_page
from oa_sim.explore import views
from oa_sim.simulation.scenario_run import run

pytestmark = pytest.mark.slow
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
QUIET += ("--disable-component-update", "--disable-sync")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@pytest.fixture(scope="module")
def chromium():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    where = shutil.which("chromium")
    if not where:
        pytest.skip("chromium is not installed")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=where, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium, tmp_path):
    """Open a page as a file with the network off; at the end it has asked for nothing and has complained of nothing."""
    asked, complaints, contexts = [], [], []

    def answer(page, width=1200):
        file = tmp_path / f"explore{len(contexts)}.html"
        file.write_text(page, encoding="utf-8")
        context = chromium.new_context(viewport={"width": width, "height": 900}, accept_downloads=True)
        contexts.append(context)
        context.set_offline(True)
        tab = context.new_page()
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("dialog", lambda dialog: complaints.append(dialog.message) or dialog.dismiss())
        tab.goto(file.as_uri())
        tab.wait_for_selector("#chart svg")
        return tab

    yield answer
    for context in contexts:
        context.close()
    assert [url for url in asked if not url.startswith((tmp_path.as_uri(), "data:", "blob:"))] == []
    assert complaints == []


@pytest.fixture(scope="module")
def view(every_area):
    posterior = every_area.posterior.assign_attrs(gates=json.dumps(every_area.manifest["gates"]))
    other = run(load_scenario("horizon=5", "budget.total_gbp=36e6", "name=less_money"), posterior=posterior)
    return views.of_results([every_area, other])


def violations(tab):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()
    found = axe.run(tab, options={"runOnly": RULES})
    return [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in found.response["violations"]]


def choose(tab, what, label):
    tab.locator(f"#{what}").select_option(label=label)


def words_of(tab, where):
    """Give what is read there, without the signs that keep a label's direction of writing to itself."""
    return re.sub("[\u2068\u2069]", "", tab.locator(f"#{where}").inner_text())


def rows_of(tab):
    """Give the table of the page: the first word of each line's name, the year, then its cells."""
    return tab.evaluate(
        """() => [...document.querySelectorAll("#table tbody")].flatMap((body) =>
        [...body.querySelectorAll("tr[data-year]")].map((row) => [body.querySelector("th").textContent,
        Number(row.dataset.year), ...[...row.querySelectorAll("td")].map((cell) => cell.textContent)]))"""
    )


def printed(view, quantity, case, at):
    """Give a row as the rule of the published figures prints it, from the view's own numbers."""
    found = view.figures[quantity].isel(scenario=case).sel(at)
    error = float(view.figures.error.isel(quantity=list(definitions.QUANTITIES).index(quantity), scenario=case).sel(at))
    mean, q05, q25, q50, q75, q95 = map(float, found.values)
    places = formatting.decimals(q05, q95, error)
    text = [formatting.number(value, places) for value in (mean, q50, q25, q75, q05, q95)]
    return [text[0], text[1], f"{text[2]} to {text[3]}", f"{text[4]} to {text[5]}"]


def test_the_table_has_the_numbers_of_the_results_to_the_printed_digit_whatever_is_chosen(opened, view):
    tab = opened(explorer_page.page(view, "Two scenarios"))
    seen = 0
    for place, measure, group in (
        (MEAN_OF_AREAS, "key_stage_2", "disadvantaged"),
        ("Norwich", "neet_16_17", "all"),
        ("Bradford", "suspensions", "all"),
        ("Hastings", "attainment_8", "other"),
    ):
        chosen = "Mean of the areas" if place == MEAN_OF_AREAS else None
        tab.locator("#measure").select_option(label=MEASURES[measure].label)
        tab.locator("#group").select_option(label=explorer_page.PUPILS[group])
        tab.locator("#place").select_option(str(view.figures.place.values.tolist().index(place)))
        assert chosen is None or chosen in tab.locator("#place option:checked").inner_text()
        for name, year, *cells in rows_of(tab):
            if name == "published":
                continue
            case = 1 if "B: " in name else 0
            of = {"without": "counterfactual", "impact:": "impact"}.get(name.split()[0], "projection")
            at = {"place": place, "measure": measure, "group": group, "year": year}
            assert cells == printed(view, of, case, at), (name, at)
            seen += 1
    assert seen == 4 * 5 * 5


def test_the_page_prints_a_number_as_python_does(chromium):
    figures, error = intervals(200)
    places = explorer_page.decimals(figures, error)
    wanted = [[formatting.number(v, p) for v in row] for row, p in zip(figures.tolist(), places.tolist(), strict=True)]
    script = (files(explorer_page.__package__) / "explorer_data.js").read_text(encoding="utf-8")
    tab = chromium.new_page()
    rows = [explorer_page.in_parts(figures, places).tolist(), places.tolist()]
    tab.add_script_tag(content=script)
    shown = tab.evaluate("([parts, places]) => parts.map((p, i) => Object.values(rowOf(1, p, places[i]).text))", rows)
    tab.close()
    assert shown == wanted
    texts = {text for row in wanted for text in row}
    assert any("," in text for text in texts)
    assert any(text.startswith(formatting.MINUS) for text in texts)
    assert {"0.0", "0"} & texts


def test_each_choice_moves_the_words_the_picture_and_the_table(opened, view):
    tab = opened(explorer_page.page(view, "Two scenarios"))
    heading, said, picture = (tab.locator(name) for name in ("#heading", "#said", "#chart"))
    assert violations(tab) == []
    seen = [()]

    def moved():
        tab.wait_for_timeout(150)
        now = heading.inner_text(), said.inner_text(), picture.inner_html(), picture.get_attribute("aria-label")
        assert now != seen[-1]
        seen.append(now)

    moved()
    choose(tab, "place", "Norwich (own estimate)")
    moved()
    assert "Norwich\u2069 (own estimate)" in heading.inner_text()
    assert "school tables" in tab.locator("#marks").inner_text()
    choose(tab, "measure", "Phonics check (Year 1)")
    moved()
    assert "Phonics" in heading.inner_text()
    assert "county" in tab.locator("#marks").inner_text()
    assert "not collected" in tab.locator("#breaks").inner_text()
    choose(tab, "group", "all pupils")
    moved()
    assert "all pupils" in heading.inner_text()
    assert "percentage points" in said.inner_text()
    tab.get_by_role("button", name="Remove scenario B").click()
    moved()
    assert "Less money" not in said.inner_text()
    tab.get_by_role("button", name="Compare with another scenario").click()
    moved()
    assert "Less money" in said.inner_text()
    assert violations(tab) == []


def test_a_group_that_a_measure_does_not_have_is_not_offered(opened, view):
    tab = opened(explorer_page.page(view, "Two scenarios"))
    choose(tab, "measure", MEASURES["suspensions"].label)
    assert tab.locator("#group option").all_inner_texts() == ["all pupils"]
    assert "all pupils" in tab.locator("#heading").inner_text()


def test_a_year_is_read_with_the_keys_and_with_the_pointer_with_both_intervals(opened, view):
    tab = opened(explorer_page.page(view, "Two scenarios"))
    at = {"place": MEAN_OF_AREAS, "measure": "key_stage_2", "group": "disadvantaged"}
    slider, values = tab.locator("#year"), tab.locator("#values li").nth(3)
    years = view.figures.year.values.tolist()
    slider.focus()
    tab.keyboard.press("Home")
    while tab.locator("#year_said").inner_text() < academic_year(years[0]):
        tab.keyboard.press("ArrowRight")
    for year in years:
        mean, median, half, most = printed(view, "impact", 0, at | {"year": year})
        text = values.inner_text().replace("\N{NO-BREAK SPACE}", " ")
        assert f"{mean} percentage points (median {median}, 50% interval {half}, 90% interval {most})" in text
        assert academic_year(year) in slider.get_attribute("aria-valuetext")
        assert mean in slider.get_attribute("aria-valuetext")
        assert tab.locator("tr.read th").first.inner_text() == academic_year(year)
        tab.keyboard.press("ArrowRight")
    tab.evaluate("document.getElementById('chart').scrollIntoView()")
    box = tab.locator("#chart").bounding_box()
    tab.mouse.move(box["x"] + 60, box["y"] + 150)
    first = tab.locator("#year_said").inner_text()
    tab.mouse.move(box["x"] + box["width"] - 40, box["y"] + 150)
    assert (first, tab.locator("#year_said").inner_text()) == (
        academic_year(rows_of(tab)[0][1]), academic_year(years[-1]),
    )  # fmt: skip
    assert violations(tab) == []


def test_the_page_is_walked_through_with_the_tab_key_alone(opened, view):
    tab = opened(explorer_page.page(view, "Two scenarios"))
    seen = []
    for _ in range(30):
        tab.keyboard.press("Tab")
        seen.append(tab.evaluate("document.activeElement.id || document.activeElement.textContent.trim().slice(0, 12)"))
        if seen[-1] != "BODY" and tab.evaluate("document.activeElement !== document.body"):
            style = tab.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert style != "none", seen[-1]
    assert seen[0].startswith("Skip")
    wanted = ["name-0", "name-1", "place", "measure", "group", "year", "csv", "png"]
    assert [name for name in seen if name in wanted][: len(wanted)] == wanted


def test_the_view_is_taken_away_as_csv_with_the_same_numbers(opened, view, tmp_path):
    tab = opened(explorer_page.page(view, "Two scenarios"))
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Download CSV").click()
    assert download.value.suggested_filename == "key_stage_2-disadvantaged.csv"
    download.value.save_as(tmp_path / "view.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "view.csv").read_text(encoding="utf-8-sig"))))
    shown = rows_of(tab)
    assert len(rows) == len(shown)
    for row, (_, year, mean, *rest) in zip(rows, shown, strict=True):
        assert (row["year"], row["mean"]) == (str(year), mean.replace("\N{MINUS SIGN}", "-"))
        if rest:
            assert f"{row['q05']} to {row['q95']}" == rest[-1].replace("\N{MINUS SIGN}", "-")
    ours = [row for row in rows if row["quantity"] == "projection"]
    assert {row["run_id"] for row in ours} == {case.run_id for case in view.cases}
    assert {(row["n_draws"], row["verdict"], row["county_proxy"], row["own_estimate"]) for row in ours} == {
        ("40", "PASS", "no", "yes")
    }


def test_the_picture_is_taken_away_as_png(opened, view, tmp_path):
    tab = opened(explorer_page.page(view, "Two scenarios"))
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Download PNG").click()
    download.value.save_as(tmp_path / "view.png")
    raw = (tmp_path / "view.png").read_bytes()
    assert len(raw) > 40_000  # an empty picture of this size has a tenth
    assert raw[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(raw[16:20], "big") > 1500


@pytest.mark.parametrize("width", [320, 1200])
def test_a_sweep_of_a_hundred_is_chosen_key_by_key_and_four_are_compared(opened, width):
    view = made_up_view.view()
    page = explorer_page.page(view, "A sweep of 100 scenarios")
    assert len(page.encode()) < 4e6
    tab = opened(page, width)
    add = tab.get_by_role("button", name="Compare with another scenario")
    for _ in range(3):
        add.click()
    assert add.is_disabled()
    tab.locator("#key-3-0").select_option("split 7")
    tab.locator("#key-3-1").select_option("4m")
    name, year, *cells = rows_of(tab)[-1]
    assert name.startswith("impact: D: ")
    assert "scenario 74" in name
    at = {"place": MEAN_OF_AREAS, "measure": "key_stage_2", "group": "disadvantaged", "year": year}
    assert cells == printed(view, "impact", 74, at)
    assert violations(tab) == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= width


def test_hostile_names_of_scenarios_and_areas_are_read_and_do_nothing(opened, tmp_path):
    names = made_up_view.HOSTILE
    view = made_up_view.view(20, places=names)
    cases = [made_up_view.case(names[i % len(names)] + " " * (i >= len(names)) * i) for i in range(20)]
    view = dataclasses.replace(view, cases=cases, keys=[])
    tab = opened(explorer_page.page(view, names[1]), 320)
    assert tab.locator("h1").inner_text() == names[1]
    for i, name in enumerate(names):
        tab.locator("#find-0").fill(name[:12])
        tab.locator("#name-0").select_option(str(i))
        tab.locator("#place").select_option(str(i))
        assert name.split()[0] in tab.locator("#heading").inner_text()
        assert name.split()[0] in tab.locator("#said").inner_text()
        assert tab.evaluate("document.documentElement.scrollWidth") <= 320
        with tab.expect_download() as download:
            tab.get_by_role("button", name="Download CSV").click()
        download.value.save_as(tmp_path / f"{i}.csv")
        row = list(csv.DictReader(io.StringIO((tmp_path / f"{i}.csv").read_text(encoding="utf-8-sig"), newline="")))[-1]
        for cell in (row["scenario"], row["area"]):
            assert cell.removeprefix("'") == name
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert violations(tab) == []


def test_a_failed_gate_stands_beside_its_numbers(opened):
    view = made_up_view.view(2)
    cases = [made_up_view.case("good"), made_up_view.case("bad", verdict="FAIL", reason="R-hat 1.3")]
    tab = opened(explorer_page.page(dataclasses.replace(view, cases=cases, keys=[]), "Two"))
    assert "do not use" in tab.locator("#alarm").inner_text()
    assert "bad [FAIL]" in words_of(tab, "said")
    assert "R-hat 1.3" in tab.locator("#marks").inner_text()
    assert "bad [FAIL]" in words_of(tab, "values")
    assert "bad [FAIL]" in words_of(tab, "table")
    assert violations(tab) == []


def test_a_scenario_that_failed_says_why_and_shows_no_number(opened):
    view = made_up_view.view(2)
    for name in definitions.QUANTITIES:
        view.figures[name][1] = float("nan")
    cases = [made_up_view.case("good"), made_up_view.case("lost", failed="the money cannot be spent")]
    tab = opened(explorer_page.page(dataclasses.replace(view, cases=cases, keys=[]), "Two"))
    tab.locator("#name-0").select_option("1")
    assert "the money cannot be spent" in tab.locator("#said").inner_text()
    assert {row[0] for row in rows_of(tab)} == {"published"}
    assert violations(tab) == []
