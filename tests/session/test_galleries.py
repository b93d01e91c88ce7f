"""The images that a repair fixed and broke, in the HTML and the Markdown report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from neuroinspect_tui.results import RepairedImage, Sample
from neuroinspect_tui.session.findings import Findings, FlippedGallery
from neuroinspect_tui.session.html import render_html
from neuroinspect_tui.session.markdown import render_markdown
from neuroinspect_tui.session.report import build_report

from . import synthetic

HOSTILE = "<img src=x onerror=alert(1)>|a.jpg"


def image(path: str, before: int, after: int) -> RepairedImage:
    return RepairedImage(Sample("test", 0, path, 0, before, 0.9), after)


@pytest.fixture
def found() -> Findings:
    findings = synthetic.findings()
    (debugged,) = findings.debugged
    gallery = FlippedGallery(
        (image(HOSTILE, 1, 0), image("b.jpg", 1, 0)), (image("c.jpg", 0, 1),), {"b.jpg": "thumbnails/b.png"}
    )
    number = debugged.repairs[0].number
    return replace(findings, debugged=(replace(debugged, galleries={number: gallery}),))


def test_both_reports_show_how_many_there_are_and_their_answers(found: Findings, tmp_path: Path) -> None:
    report = build_report(found)
    repair = report.repairs[0]
    assert [row.path for row in repair.fixed_images] == [HOSTILE, "b.jpg"]
    assert [(row.label, row.predicted, row.repaired) for row in repair.broken_images] == [(0, 0, 1)]
    title = f"Fixed: 2 of {repair.fixed}, the surest answers first (before → after)"
    html, text = render_html(report, tmp_path.joinpath), render_markdown(report)
    assert title in html and title in text
    assert "![fixed](thumbnails/b.png)" in text


def test_paths_stay_text(found: Findings, tmp_path: Path) -> None:
    html = render_html(build_report(found), tmp_path.joinpath)
    assert "<img" not in html
    assert "&lt;img src=x onerror=alert(1)&gt;" in html
    text = render_markdown(build_report(found))
    assert r"\<img src=x onerror=alert(1)\>\|a.jpg" in text and HOSTILE not in text


def test_without_known_images_there_is_no_gallery(tmp_path: Path) -> None:
    report = build_report(synthetic.findings())
    assert "surest answers" not in render_html(report, tmp_path.joinpath)
    assert "surest answers" not in render_markdown(report)
