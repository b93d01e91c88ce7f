"""What a headless run prints while it works."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from neuroinspect_tui import jobs
from neuroinspect_tui.batch import displays
from neuroinspect_tui.batch.displays import (
    JsonDisplay,
    PlainDisplay,
    display_for,
    event_as_json,
    progress_line,
    task_name,
)
from neuroinspect_tui.events import Finished, Note, Progress, Started
from tests.tui.fake_worker import evaluation as fake_evaluation
from tests.tui.fake_worker import repair as fake_repair


@pytest.mark.parametrize(
    ("job", "words"),
    [
        (jobs.Evaluate(), "evaluating"),
        (jobs.Illustrate(2, (1, 3)), "visualising boat"),
        (jobs.RepairHead(2, "ridge"), "repairing boat by ridge"),
    ],
)
def test_a_task_is_named_by_what_class_and_method(job: jobs.Job, words: str) -> None:
    assert task_name(job, "boat") == words


def test_a_line_has_count_rate_and_the_time_left() -> None:
    event = Progress(jobs.Evaluate(), 128, 480, "images", 2.0)
    assert progress_line(event) == "evaluating 128/480 images, 64.0/s, 6 s left"
    assert (
        progress_line(Progress(jobs.Evaluate(), 480, 480, "images", 2.0))
        == "evaluating 480/480 images, 240.0/s"
    )


def test_lines_come_at_the_end_and_every_five_seconds_of_a_job(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 0.0
    monkeypatch.setattr(displays.time, "monotonic", lambda: now)
    display, job = PlainDisplay(), jobs.Illustrate(0, (1,))
    display.subject = "boat"
    now = 60.0
    display.show(Started(job))
    for now, done in ((60.0, 0), (64.0, 40), (66.0, 60), (70.0, 90), (70.5, 100)):
        display.show(Progress(job, done, 100, "steps", now - 60.0))
    display.show(Note("all \x1b[31mwell", "info"))
    assert capsys.readouterr().err.splitlines() == [
        "visualising boat 60/100 steps, 10.0/s, 4 s left",
        "visualising boat 100/100 steps, 9.5/s",
        r"info: all \x1b[31mwell",
    ]


def test_json_is_shown_where_it_is_asked_for() -> None:
    assert isinstance(display_for(True, sys.stdout), JsonDisplay)
    assert type(display_for(False, sys.stdout)) is PlainDisplay, "the tests have no terminal"


def test_a_repair_as_json_has_its_numbers_and_weights() -> None:
    job = jobs.RepairHead(0, "ridge")
    made = replace(fake_repair(3, job), weights="repairs/3-ridge/model.pt")
    found = event_as_json(Finished(job, made))["value"]
    assert (found["number"], found["class"], found["method"]) == (3, made.target.name, "ridge")
    assert found["weights"] == "repairs/3-ridge/model.pt"
    assert found["before"] == {
        "split": "test",
        "accuracy": 0.847,
        "class_accuracy": 0.333,
        "worst_group": 0.2,
    }
    assert found["after"]["worst_group"] == 0.5


def test_an_evaluation_as_json_names_its_worst_class() -> None:
    found = event_as_json(Finished(jobs.Evaluate(), fake_evaluation()))["value"]
    worst = min(
        (row for row in fake_evaluation().classes if row.accuracy is not None), key=lambda row: row.accuracy
    )
    assert found["worst_class"] == {"class": worst.name, "accuracy": worst.accuracy}
    assert found["worst_class"]["accuracy"] < found["accuracy"]
