"""Picture book: every picture of a run on one page, each with its words, for those who look for one to show."""

from html import escape

from oa_sim.definitions import MEASURES
from oa_sim.plots import fan_charts, posterior, small_multiples
from oa_sim.plots.picture import Picture
from oa_sim.report import document as packs
from oa_sim.report.document import Dossier, Drawn
from oa_sim.report.formats import afterwards, html, sections
from oa_sim.simulation import narrative
from oa_sim.simulation.result import Result


def page(result: Result, dossier: Dossier) -> str:
    """Return the page of pictures.

    Parameters
    ----------
    result
        From ``run`` or ``Result.load``.
    dossier
        The same run as its packs print it.
    """
    return of_folder([Drawn(one.name, one.title, one.alternative, one.svg) for one in pictures(result)], dossier)


def of_folder(drawn: list[Drawn], dossier: Dossier) -> str:
    """Return the page of a folder's own pictures; nothing where it has none.

    Parameters
    ----------
    drawn
        The pictures.
    dossier
        The folder as its packs print it.
    """
    if not drawn:
        return ""
    shown = "\n".join(_figure(one) for one in drawn)
    title = f"Pictures: {dossier.label}"
    body = (
        f"{html.warning(dossier)}<header><h1><bdi>{escape(title)}</bdi></h1></header>\n"
        f'<p class="lead">{html.as_html(dossier.headline)}</p>\n<main class="book">\n{shown}\n</main>\n'
        f'<p class="key">{escape(packs.key(dossier.figures))}</p>\n<footer><p>{escape(dossier.trace)}</p></footer>'
    )
    return html.whole(title, body)


def pictures(result: Result) -> list[Picture]:
    """Return the pictures of a run, from what is asked first to how far to trust it.

    Parameters
    ----------
    result
        From ``run`` or ``Result.load``.
    """
    measure, group = narrative.headline_measure(result)
    found = [fan_charts.fan_picture(result, measure, group)]
    found += [fan_charts.fan_picture(result, name) for name in result.draws.measure.values.tolist()]
    found.append(small_multiples.by_area(result))
    found.append(small_multiples.gaps(result))
    if fan_charts.has_impact(result):
        found.append(fan_charts.side_by_side_picture(result, measure, MEASURES[measure].table_groups[0]))
        found.append(fan_charts.retention_picture(result))
        found.append(afterwards.curves_picture(result) if result.by_intervention.sizes.get("intervention") else None)
    found.append(sections.origins_picture(result) if len(result.uncertainty) else None)
    found.append(posterior.forest(result))
    return [one for one in found if one is not None]


def _figure(picture: Drawn) -> str:
    title = f"<figcaption>{escape(picture.title)}</figcaption>"
    said = f"<details><summary>In words</summary><p>{escape(picture.alternative)}</p></details>"
    return f"<figure>\n{title}\n{picture.svg}\n{said}\n</figure>"
