"""Flip rates of failure modes: covered in mistakes, put into right answers, with pictures for right exemplars."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pytest
import torch
from PIL import Image

from neuroinspect_tui import jobs, load
from neuroinspect_tui.pipeline import modes
from neuroinspect_tui.results import CoverTest, FlipRate
from neuroinspect_tui.stages.failure_modes import FailureModes
from neuroinspect_tui.stages.failure_modes.evidence import conclude
from neuroinspect_tui.stages.metrics import wilson_interval
from neuroinspect_tui.stages.recolour import Recolour
from neuroinspect_tui.wording.modes import flip_words
from tests.tiny import TinyProject

GIVEN = {"image_size": 8, "crop_pct": 1.0, "mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}


def covered_by(monkeypatch: pytest.MonkeyPatch, by: Literal["region", "colour"]) -> None:
    """Let the cover test of every mode be one by region, or by colour."""

    def concluded(*asked: Any) -> FailureModes:
        found = conclude(*asked)
        return replace(found, modes=tuple(replace(one, cover=CoverTest(1, 0, 6, by)) for one in found.modes))

    monkeypatch.setattr(modes, "conclude", concluded)


def test_flat_colours_flip_nothing_and_right_images_are_shown_with_the_region(
    tiny: TinyProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    covered_by(monkeypatch, "region")
    with load(tiny.model, tiny.manifest, tiny.weights, device="cpu", **GIVEN) as found:
        found.evaluate()
        (mode,) = found.ask(jobs.ExamineFailureModes())
        covered = FlipRate(0, 6, 0, wilson_interval(0, 6), 0.0)
        assert mode.flips[0] == covered
        assert [(row.target, row.change) for row in mode.flips] == [(0, "covered")]
        right = [one for one in mode.exemplars if one.label == one.predicted == 0]
        assert [(one.put_in_predicted, one.put_in is not None) for one in right] == [(0, True)] * 6
        picture = Image.open(found.root / (right[0].put_in or ""))
    # 8 % of 64 pixels are those of a mistake, the others as they were
    colours = picture.getcolors() or []
    assert sorted(count for count, _ in colours) == [5, 59]
    assert max(colours)[1][2] >= 200 and min(colours)[1][0] >= 180


def test_a_mode_tested_by_colour_is_shown_recoloured(
    tiny: TinyProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    zero, one, blue = torch.zeros(3), torch.ones(3), torch.tensor([0.0, 0.0, 1.0])

    covered_by(monkeypatch, "colour")
    monkeypatch.setattr(modes, "colour_change", lambda *asked: Recolour(zero, one, blue, one))
    with load(tiny.model, tiny.manifest, tiny.weights, device="cpu", **GIVEN) as found:
        found.evaluate()
        (mode,) = found.ask(jobs.ExamineFailureModes())
        for exemplar in mode.exemplars:
            before, after = (
                np.asarray(Image.open(found.root / (file or "")))
                for file in (exemplar.image, exemplar.covered)
            )
            assert (after[..., 2] == 255).all() and (after[..., :2] == before[..., :2]).all()


def test_flat_colours_flip_every_answer_by_colour(tiny: TinyProject, monkeypatch: pytest.MonkeyPatch) -> None:
    covered_by(monkeypatch, "colour")
    with load(tiny.model, tiny.manifest, tiny.weights, device="cpu", **GIVEN) as found:
        found.evaluate()
        (mode,) = found.ask(jobs.ExamineFailureModes())
        assert [(row.change, row.by) for row in mode.flips] == [("covered", "colour")]
        assert (mode.flips[0].images, mode.flips[0].flipped) == (6, 6)


def test_flips_in_words_add_up_the_classes() -> None:
    flips = (
        FlipRate(0, 20, 12, (0.39, 0.78), 0.1),
        FlipRate(1, 10, 3, (0.11, 0.6), 0.4),
        FlipRate(0, 8, 1, (0.02, 0.47), 0.0, "put_in"),
    )
    assert flip_words(flips) == (
        "without what it looks at 15 of 30 mistakes change the answer, with the same area elsewhere 20 %; "
        "with that put in 1 of 8 right answers changes the answer, with the same area elsewhere 0 %"
    )
    assert flip_words(()) == ""


def test_flips_by_colour_are_told_as_such() -> None:
    flips = (
        FlipRate(0, 20, 12, (0.39, 0.78), 0.1, by="colour"),
        FlipRate(0, 8, 1, (0.02, 0.47), 0.0, "put_in", "colour"),
    )
    assert flip_words(flips) == (
        "in the colours of images without the cue 12 of 20 mistakes change the answer, in other colours as "
        "far away 10 %; in the colours of images with it 1 of 8 right answers changes the answer, in other "
        "colours as far away 0 %"
    )
