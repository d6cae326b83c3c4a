"""The same digits: figures of one question read the same from run, every format of report, and both explorers."""

import csv
import io
import json
import signal

import pytest
from printed import Text, book_text, slide_text, word_text
from test_page_in_a_browser import chromium, opened, rows_of  # noqa: F401 - fixtures
from test_server import SET
from test_server import opened as served

from oa_sim import load_scenario
from oa_sim.definitions import MEAN_OF_AREAS, MEASURES
from oa_sim.explore import page as explorer_page
from oa_sim.explore import views
from oa_sim.report import assemble, folder_writers
from oa_sim.report.formats import data_files, excel, html_pages, powerpoint, word
from oa_sim.simulation import narrative
from oa_sim.simulation.scenario_run import run

pytestmark = pytest.mark.slow
QUESTION = ("horizon=5", "sampler.draws=40")


@pytest.fixture(scope="module")
def result():
    return run(load_scenario(*QUESTION))


@pytest.fixture(scope="module")
def document(result):
    return assemble.of_run(result)


@pytest.fixture(scope="module")
def folder(result, tmp_path_factory):
    return folder_writers.write(result, tmp_path_factory.mktemp("digits"))


@pytest.fixture(scope="module")
def figures(document):
    """Give the impacts that the brief prints, by measure, group, area and year: value and interval."""
    impacts = [each for each in document.figures if each.quantity == "impact" and "brief" in each.shown_in]
    chosen = {(each.measure, each.group, each.area, each.year): each for each in impacts}
    assert len(chosen) >= 20  # with both ends of each interval, more than forty numbers
    return chosen


def impacts_of(tab):
    """Give the impact that a page shows: year to mean and 90% interval."""
    return {year: (cells[0], cells[-1]) for name, year, *cells in rows_of(tab) if name.startswith("impact")}


def test_run_and_every_format_of_report_print_them_alike(folder, document, figures, result):
    brief = Text((folder / "briefing.html").read_text(encoding="utf-8")).figures
    page = Text(html_pages.brief_page(document)).figures
    book = {row["figure"]: row["as printed"] for row in book_text(excel.book(document))}
    table = {row["figure"]: row for row in csv.DictReader(io.StringIO(data_files.csv_text(document.figures)))}
    plain = {row["figure"]: row for row in json.loads(data_files.json_text(document))["figures"]}
    documents = (word_text, word.brief(document)), (slide_text, powerpoint.brief(document))
    written = [" ".join(part for parts in text(made) for part in parts) for text, made in documents]
    for each in figures.values():
        assert all(text.startswith(each.text) for text in (*brief[each.figure], *page[each.figure])), each.figure
        assert brief[each.figure] == page[each.figure]
        assert book[each.figure] == each.in_cell
        for rows in (table, plain):
            assert (rows[each.figure]["text"], rows[each.figure]["interval"]) == (each.text, each.interval)
        assert all(each.text in text and each.interval in text for text in written), each.figure
    first = next(iter(figures.values()))
    said = " ".join(narrative.headline(result))
    assert f"{first.text} percentage points (90% interval {first.interval})" in said
    assert said.split(". ")[0] in " ".join(json.loads((folder / "run.json").read_text(encoding="utf-8"))["headline"])


def option(tab, choice, label):
    """Give the value of the option of a choice whose text begins with a label; marks may follow it."""
    options = tab.evaluate(
        "(id) => [...document.querySelectorAll(`#${id} option`)].map((o) => [o.textContent.trim(), o.value])", choice
    )
    return next(value for text, value in options if text.lower().startswith(label.lower()))


def labels_of(measure, group, area):
    """Give the labels of the choices that show a figure, in the order in which they are set."""
    mean = "mean of the areas"
    return {
        "measure": MEASURES[measure].label,
        "group": explorer_page.PUPILS[group],
        "place": mean if area == MEAN_OF_AREAS else area,
    }


def test_the_offline_page_prints_them_alike(opened, figures, result):  # noqa: F811
    tab = opened(explorer_page.page(views.of_results([result]), "One scenario"))
    for (measure, group, area, year), each in figures.items():
        for choice, label in labels_of(measure, group, area).items():
            tab.locator(f"#{choice}").select_option(option(tab, choice, label))
        assert impacts_of(tab)[year] == (each.text, each.interval), each.figure


def test_the_live_page_prints_them_alike(chromium, figures, folder):  # noqa: F811
    process, told = served(folder, f"outputs={folder.parent / 'kept'}")
    tab = chromium.new_page()
    try:
        tab.goto(told["url"])
        tab.wait_for_selector('body[data-answers="1"]', timeout=120_000)
        answers = 1
        for (measure, group, area, year), each in figures.items():
            for choice, label in labels_of(measure, group, area).items():
                value = option(tab, choice, label)
                if tab.evaluate("(id) => document.getElementById(id).value", choice) != value:
                    tab.evaluate(SET, [choice, value])
                    answers += 1
                    tab.wait_for_selector(f'body[data-answers="{answers}"]', timeout=60_000)
            assert impacts_of(tab)[year] == (each.text, each.interval), each.figure
    finally:
        tab.close()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
