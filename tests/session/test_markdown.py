import re
from dataclasses import replace

from hypothesis import given, settings

from neuroinspect_tui.results import Preprocessing
from neuroinspect_tui.session.markdown import render_markdown
from neuroinspect_tui.session.report import build_report

from . import synthetic
from .hostile import NAMES, nothing_hidden
from .test_html import hostile


def lines_of(found) -> list[str]:
    return render_markdown(build_report(found)).splitlines()


def test_the_page_begins_with_the_numbers_that_count():
    title, _, facts, *_ = lines_of(synthetic.findings())
    assert title == "# NeuroInspect: small resnet on demo/val"
    assert facts == (
        "288 images, 8 classes · accuracy **84.7 %** · mean of classes **84.7 %** · "
        "worst group **5.6 %** (star, background grass)"
    )


def test_classes_neurons_illusions_and_repairs_have_their_rows():
    lines = lines_of(synthetic.findings())
    assert "| star | 33.3 % | 19.3 %–45.3 % | 12/36 | 87.5 % | 50.0 % | ring 15, moon 9 |" in lines
    assert "| star, background grass | 5.6 % | 1/18 |" in lines
    assert "| 5 | grass | 75.0 % | 0.93 | 57.7 % | 2.0 % |" in lines
    assert "| 17 | not shown here | 0.62 | 0.50 | 1 | 93.0 % | 64 % |" in lines
    assert "| 5 | ![neuron 5](illusions/0/5-0.png) | 1.40 | 1.12 | 1 | 93.0 % | 64 % |" in lines
    assert "|  | untouched | ridge | control: bias | control: finetune |" in lines
    groups = ("6.0 % (star, background grass)", "78.0 % (star, background grass)")
    assert f"| worst group | {groups[0]} | {groups[1]} |" in " ".join(lines)
    assert "- over all images 41 fixed, 6 broken (exact McNemar test, p \\< 0.0001)" in lines
    assert "- fitted on 2 400 images of train (80 tags, carried to 2320 images)" in lines
    assert "| star | bias shift | 72 | 14 | 3 | 71.0 → 86.0 % | +15.0 (+4.0 to +26.0) | p = 0.013 |" in lines
    assert "| ring | 75.0 % | 71.0 % | 72 |" in lines


def test_it_tells_the_story_of_the_page_in_its_order():
    lines = lines_of(synthetic.findings())
    assert [line for line in lines if line.startswith("## ")] == [
        "## Why it fails",
        "## Cues",
        "## Repair 1: ridge for star",
        "## Repair 2: paper for star",
        "## Stress battery",
        "## Before you rely on it",
        "## Classes, worst first",
        "## Groups, worst first",
        "## 2 images could not be read",
        "## Neurons behind the 24 mistakes on “star”",
        "## How it was made",
        "## Words",
    ]
    assert lines[lines.index("### 1. grass") + 2] == (
        "**19 of 24 mistakes on star, predicted as ring and moon, carry this cue, 3 of 12 right answers too "
        "(p = 0.0021); covering it fixes 68 %, covering elsewhere 6 % (n = 20).** "
        "24 mistakes, 55 % of all · spurious cue"
    )
    row = "| ![mistake](modes/0/wrong-0.png) | star | ring | ![covered](modes/0/covered-0.png) star |"
    assert f"{row} val/star/0000.png |" in lines


def test_without_pictures_a_failure_mode_has_a_table_of_what_is_known():
    found = synthetic.findings()
    lines = lines_of(
        replace(found, failure_modes=tuple(map(synthetic.without_pictures, found.failure_modes)))
    )
    start = lines.index("### 1. grass")
    header = lines.index("| class | predicted as | image |", start)
    assert lines[header + 2] == "| star | ring | val/star/0000.png |"
    assert not any("![" in line for line in lines[start : header + 4])


def test_the_worst_classes_come_first_and_the_rest_is_counted(monkeypatch):
    monkeypatch.setattr("neuroinspect_tui.session.markdown.WORST", 2)
    lines = lines_of(synthetic.findings())
    header = lines.index("## Classes, worst first")
    assert [line.split(" | ")[0] for line in lines[header + 4 : header + 6]] == ["| star", "| ring"]
    assert lines[header + 7] == "… and 6 more in classes.csv."


@settings(max_examples=40, deadline=None)
@given(NAMES, NAMES, NAMES, NAMES)
def test_hostile_names_make_no_line_cell_or_link_of_their_own(name, value, path, concept):
    plain = lines_of(synthetic.findings())
    lines = lines_of(hostile(synthetic.findings(), name, value, path, concept))
    assert len(lines) == len(plain)
    for line, model in zip(lines, plain, strict=True):
        assert nothing_hidden(line)
        assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) == model.count("|")
        assert line.count("](") == model.count("](") + line.count(r"\](")
        assert not re.search(r"(?<!\\)(?:\\\\)*<", line)


def test_the_page_ends_with_what_it_was_made_from_and_its_words():
    found = synthetic.findings()
    opened = replace(
        found.opened,
        preprocessing=Preprocessing(256, 224, False, "bicubic", (0.485, 0.456, 0.406), (0.25, 0.25, 0.25)),
    )
    lines = lines_of(replace(found, opened=opened))
    made = lines.index("## How it was made")
    words = lines.index("## Words")
    assert (
        "- **preprocessing**: shorter side to 256, middle 224 × 224 (bicubic), pixels 0…1, "
        "mean 0.485, 0.456, 0.406, std 0.25, 0.25, 0.25"
    ) in [line.replace("\\", "") for line in lines[made:words]]
    assert "- **weights**: classifier.safetensors" in [line.replace("\\", "") for line in lines[made:words]]
    assert any(line.startswith("- **fixes alone**: share of the mistakes") for line in lines[words:])


def test_long_lists_of_neurons_are_cut_and_counted(monkeypatch):
    monkeypatch.setattr("neuroinspect_tui.session.markdown.NEURONS", 1)
    lines = lines_of(synthetic.findings())
    assert "… and 1 more in neurons.csv." in lines
    assert (
        "The first five of each kind set at once fix 71.0 % of the mistakes, as many random neurons 4.0 %."
        in lines
    )
