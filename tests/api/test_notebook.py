"""The notebook of the docs runs from top to bottom and says what it says there."""

from __future__ import annotations

import json
import re
from itertools import chain
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parents[2] / "docs" / "tour.ipynb"
NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e-?\d+)?")
"""Those of another processor may differ in their last digit."""


@pytest.mark.slow
def test_the_notebook_gives_the_numbers_that_it_shows(tmp_path, monkeypatch):
    import nbformat
    from nbclient import NotebookClient

    monkeypatch.setenv("PYTHONPATH", str(NOTEBOOK.parents[1]))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    shown = [_texts(cell) for cell in json.loads(NOTEBOOK.read_text())["cells"]]
    NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    ).execute()
    found = [_texts(cell) for cell in notebook.cells]
    assert [[_words(text) for text in texts] for texts in found] == [
        [_words(text) for text in texts] for texts in shown
    ]
    for one, other in zip(chain(*found), chain(*shown), strict=True):
        assert _numbers(one) == pytest.approx(_numbers(other), rel=0.02, abs=0.02), (one, other)


def _words(text):
    return NUMBER.split(text)


def _numbers(text):
    return [float(number) for number in NUMBER.findall(text)]


def _texts(cell):
    """The plain texts of a cell's outputs; those of standard error are warnings of libraries."""
    found = [output for output in cell.get("outputs", []) if output.get("name") != "stderr"]
    texts = (output.get("text") or output.get("data", {}).get("text/plain", "") for output in found)
    return ["".join(text) for text in texts]
