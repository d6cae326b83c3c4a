"""Formulas: LaTeX to MathML as a page is built, so that a reader's browser draws them and nothing is fetched.

The conversion is the one inside docutils, which Sphinx brings along.
"""

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.errors import ExtensionError


def setup(app) -> dict:
    """Register the renderer ``mathml``."""
    app.add_html_math_renderer("mathml", inline_renderers=(_inline, None), block_renderers=(_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def converted(latex: str, *, is_block: bool) -> str:
    """Return a formula as MathML.

    Parameters
    ----------
    latex
        The formula, without dollar signs.
    is_block
        Whether it stands on lines of its own.

    Raises
    ------
    ExtensionError
        Where docutils cannot read the formula, which ends the build.
    """
    try:
        return tex2mathml(latex, as_block=is_block)
    except MathError as error:
        raise ExtensionError(f"a formula cannot be turned into MathML, {latex!r}: {error}") from error


def _inline(translator, node: nodes.math) -> None:
    translator.body.append(converted(node.astext(), is_block=False))
    raise nodes.SkipNode


def _block(translator, node: nodes.math_block) -> None:
    # a wide formula scrolls by itself, by keyboard too, and not the whole page
    translator.body.append('<div class="formula" tabindex="0" role="group" aria-label="formula">')
    translator.body.append(converted(node.astext(), is_block=True))
    translator.body.append("</div>")
    raise nodes.SkipNode
