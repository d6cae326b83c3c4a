"""Picture: what is painted once comes out as SVG for a page and as PNG for a document.

A picture is painted when it is asked for, and always to the same bytes: no date, no random identifier. Every name that
goes into one goes through ``legible``, since a name may be anything.
"""

import re
import textwrap
import unicodedata
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from matplotlib.typing import RcKeyType

Look = dict[str, Any]  # keywords of Matplotlib that say how a mark looks
WITH, CHANGE, WIDE, NARROW, INK = "#0072b2", "#b34700", "#d9d9d9", "#a6a6a6", "#222222"
STYLE: "dict[RcKeyType, Any]" = {
    "font.family": "DejaVu Sans",  # what matplotlib brings along, so that no font is ever looked for in vain
    "font.size": 8,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.titlesize": 8,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.3,
    "svg.fonttype": "none",
    "svg.hashsalt": "oa_sim",
}
FONTS = "system-ui, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"
ELLIPSIS, NBSP = "\N{HORIZONTAL ELLIPSIS}", "\N{NO-BREAK SPACE}"
LONGEST_NAME = 40  # characters of a name inside a picture; its words have it in full
DOTS_PER_INCH = 200

Paint = Callable[[Figure], None]


@dataclass(frozen=True, eq=False)
class Picture:
    """What is painted, with its words."""

    name: str  # its own in a page; its identifiers begin with it
    title: str  # what a heading or a caption says
    alternative: str  # what is seen, in words, for those who cannot see it
    width: float  # inches
    height: float
    make: Callable[[], Figure] = field(repr=False)

    @cached_property
    def svg(self) -> str:
        """One SVG element of no fixed size; its text is text, so a page's own fonts draw every sign."""
        buffer = StringIO()
        self._save(buffer, format="svg", transparent=True, metadata={"Date": None})
        svg = re.sub(r"<metadata>.*?</metadata>", "", buffer.getvalue(), flags=re.DOTALL)
        svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{self.name}-", svg).replace("'DejaVu Sans'", FONTS)
        body = svg[svg.index("<svg") :].partition(">")[2]
        space = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
        view, words = f"0 0 {72 * self.width:g} {72 * self.height:g}", escape(self.alternative)
        return f'<svg {space} viewBox="{view}" role="img" aria-label="{words}"><title>{words}</title>{body}'

    @cached_property
    def png(self) -> bytes:
        """The same marks on white, as the bytes of a PNG file; a sign that the font lacks is a box."""
        buffer = BytesIO()
        self._save(buffer, format="png", dpi=DOTS_PER_INCH, facecolor="white", metadata={"Software": None})
        return buffer.getvalue()

    def _save(self, buffer: StringIO | BytesIO, **options: Any) -> None:
        with rc_context(STYLE), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=r"Glyph \d+")  # said of signs that a font lacks
            self.make().savefig(buffer, **options)


def drawn(name: str, title: str, words: str, size: tuple[float, float], paint: Paint) -> Picture:
    """Return what ``paint`` draws on a figure of a size (inches) as a picture; it is called again for each format."""

    def make() -> Figure:
        figure = Figure(figsize=size)
        paint(figure)
        return figure

    return Picture(name, visible(title), visible(words), *size, make)


def name_rows(axes: Axes, labels: list[str], *, above: float = 0.6, below: float = 0.4, **look: Any) -> None:
    """Name each row of a picture, the first on top, with some room (rows) above and below them."""
    axes.set_yticks(range(len(labels)), labels, **look)
    axes.set_ylim(len(labels) - below, -above)
    axes.tick_params(axis="y", length=0)


def visible(text: str) -> str:
    """Return a text without what has no shape: control signs (no XML holds them) and turns of direction."""
    shown = (" " if sign.isspace() else sign for sign in text if not _is_hidden(sign))
    return re.sub(" +", " ", "".join(shown)).strip()


def _is_hidden(sign: str) -> bool:
    """Return whether a sign is a control, a turn of direction, half of a pair, or no sign; joiners have a use."""
    kind = unicodedata.category(sign)
    is_joiner = sign in "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"
    return not sign.isspace() and not is_joiner and kind in ("Cc", "Cf", "Cs", "Cn")


def legible(name: str, longest: int = LONGEST_NAME, line: int | None = None, mark: str = "") -> str:
    """Return a name, which may be any text, as a picture can draw it: visible, short, and never read as a formula.

    ``longest`` and ``line`` are numbers of characters: of those that are kept, the last an ellipsis where there are
    more, and of a line where it is to be broken. The mark stands behind the name whole, such as `` (county proxy)``.
    """
    short = visible(name) or "(no name)"
    short = short if len(short) <= longest else short[: longest - 1].rstrip() + ELLIPSIS
    lead, text = mark[: len(mark) - len(mark.lstrip())], mark.lstrip().replace(" ", NBSP)
    whole = f"{short}{lead}{text}"
    whole = textwrap.fill(whole, line) if line else whole  # first: a sign that is set off stays beside what sets it off
    return whole.replace(NBSP, " ").replace("$", r"\$")
