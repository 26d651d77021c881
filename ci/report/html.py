"""Pieces of a page. All text from outside is escaped here."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any


def text(value: object) -> str:
    """Return text that is shown as it is, whatever it holds."""
    return escape(str(value))


def section(name: str, title: str, body: str) -> str:
    """Return a part of the page that the navigation leads to."""
    return f'<section id="{name}"><h2>{text(title)}</h2>{body}</section>'


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table that scrolls by itself where it is wider than the page."""
    heads = "".join(f'<th scope="col">{text(name)}</th>' for name in head)
    lines = "".join("<tr>" + "".join(f"<td>{text(value)}</td>" for value in row) + "</tr>" for row in rows)
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="table"><table><thead><tr>{heads}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>"
    )


def facts(of: Mapping[str, Any]) -> str:
    """Return names and values, one below the other."""
    return "<dl>" + "".join(f"<dt>{text(name)}</dt><dd>{text(value)}</dd>" for name, value in of.items()) + "</dl>"


def bullets(lines: Iterable[object]) -> str:
    """Return a list."""
    return "<ul>" + "".join(f"<li>{text(line)}</li>" for line in lines) + "</ul>"


def folded(summary: str, body: str, *, is_open: bool = False) -> str:
    """Return what is shown when the summary, which is HTML, is chosen, by pointer or keyboard."""
    return f"<details{' open' if is_open else ''}><summary>{summary}</summary>{body}</details>"
