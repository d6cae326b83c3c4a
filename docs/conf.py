"""Settings of Sphinx: python -m sphinx -W --keep-going -b html docs docs/_build/html."""

import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "extensions"), str(HERE.parent)]

from oa_sim import __version__  # noqa: E402  found by the line above

project, author, release = "oa_sim", "the authors of oa_sim", __version__
copyright = "the authors of oa_sim, MIT licence"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "formulas", "from_the_package"]
exclude_patterns = ["_build"]
language = "en_GB"

myst_enable_extensions = ["dollarmath", "deflist", "colon_fence"]
myst_heading_anchors = 4

html_theme = "furo"
html_title = f"oa_sim {__version__}"
html_static_path = ["static"]
html_css_files = ["own.css"]
html_math_renderer = "mathml"
html_show_sphinx = html_copy_source = html_show_sourcelink = False
html_last_updated_fmt = None  # no date, so that the same text gives the same pages
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_class_signature = "separated"
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
NAMES = re.compile(r"^\w+(, \w+)+$")  # of attributes, as numpydoc takes them together


def setup(app) -> None:
    """Mend what readers would stumble over."""
    app.connect("autodoc-process-docstring", _join_names, priority=400)  # before napoleon, which takes them for types
    app.connect("html-page-context", _reachable)


def _join_names(app, what, name, thing, options, lines: list[str]) -> None:
    """Have attributes that share a line of a docstring read as what they are."""
    if what == "class":
        for at, line in enumerate(lines):
            names, colon, rest = line.partition(" : ")
            if NAMES.match(names):
                lines[at] = names.replace(", ", ",\u200b") + colon + rest


def _reachable(app, pagename, templatename, context, doctree) -> None:
    """Let a keyboard reach blocks that scroll."""
    context["body"] = context.get("body", "").replace("<pre>", '<pre tabindex="0">')
