"""Small tables as aligned text and as HTML: what reports print and notebooks show."""

from collections.abc import Sequence
from html import escape

__all__ = ["as_html", "as_text", "number"]


def number(value: float) -> str:
    """A figure in three digits or so; "-" where there is none.

    >>> number(0.12345), number(float("nan")), number(7), number(1234.5)
    ('0.123', '-', '7', '1234')
    """
    if value != value:  # noqa: PLR0124 - the test for NaN
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.3f}" if abs(value) < 100 else f"{value:.0f}"


def as_text(rows: Sequence[Sequence[str]]) -> str:
    """Rows (the first is the header) in columns: the first to the left, the others to the right.

    >>> print(as_text([["score", "AP"], ["detector", "0.9"]]))
    score      AP
    detector  0.9
    """
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(c.rjust(w) if i else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))).rstrip()
        for row in rows
    )


def as_html(rows: Sequence[Sequence[str]]) -> str:
    """The same as an HTML table; cells are escaped.

    >>> as_html([["a"], ["<1"]])
    '<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>&lt;1</td></tr></tbody></table>'
    """
    head, *body = rows
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    lines = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in body)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table>"
