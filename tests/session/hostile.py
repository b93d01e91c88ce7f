"""Names that strangers might give to classes, groups, files and concepts."""

from hypothesis import strategies as st

from neuroinspect_tui.text import safe

PAYLOADS = (
    "\x1b]0;owned\x07",
    "\x1b]52;c;cm0gLXJm\x07",
    "\x1b[2J\x1b[H",
    "\x9b31m",
    "gpj.\u202eexe",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style><style>*{display:none}",
    "javascript:alert(1)",
    "{{ 7*7 }}{% raw %}",
    "=cmd|'/c calc'!A0",
    "a | b\n| --- |",
    "[click](javascript:alert(1))",
    "![x](http://example.org/x.png)",
    "[bold red]markup[/]",
    "\ud800\udcff",
    "",
)
NAMES = st.sampled_from(PAYLOADS) | st.text(st.characters(codec=None, exclude_categories=()), max_size=30)


def nothing_hidden(page: str) -> bool:
    """Whether `page` holds no hidden character but its own line breaks."""
    return all(safe(line) == line for line in page.split("\n"))
