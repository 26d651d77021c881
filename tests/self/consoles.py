"""What a user sees of what a job prints."""

import io

from rich.console import Console, RenderableType


def console(width: int = 160) -> tuple[Console, io.StringIO]:
    """Return a console that is no terminal, and what is written to it."""
    output = io.StringIO()
    return Console(file=output, width=width, force_terminal=False), output


def shown(*renderables: RenderableType) -> list[str]:
    """Return the lines of what a console shows of these, each with single spaces between its words."""
    on, output = console()
    for renderable in renderables:
        on.print(renderable)
    return [" ".join(line.split()) for line in output.getvalue().splitlines()]
