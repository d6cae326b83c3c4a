"""Markup: ready pieces of a page, made of cells and words that are already HTML."""


def as_table(caption: str, head: list[str], rows: list[list[str]], *, kind: str = "plain", total: bool = False) -> str:
    """Return a table of ready HTML cells; the first of each row names it, and ``total`` sets the last row apart."""
    top = "".join(f'<th scope="col">{cell}</th>' if cell else "<td></td>" for cell in head)
    lines = []
    for i, (name, *cells) in enumerate(rows):
        mark = ' class="total"' if total and i == len(rows) - 1 else ""
        body = "".join(f"<td>{cell}</td>" for cell in cells)
        lines.append(f'<tr{mark}><th scope="row">{name}</th>{body}</tr>\n')
    return (
        f'<div class="scroll" tabindex="0"><table class="{kind}">\n<caption>{caption}</caption>\n'
        f"<thead><tr>{top}</tr></thead>\n<tbody>\n{''.join(lines)}</tbody>\n</table></div>"
    )
