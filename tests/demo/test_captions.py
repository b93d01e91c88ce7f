import numpy as np
import pytest

from neuroinspect_tui.demo.captions import (
    WHOLE,
    Caption,
    SceneFacts,
    area,
    caption,
    overlap,
    visible,
    vocabulary,
)
from neuroinspect_tui.demo.objects import KINDS
from neuroinspect_tui.demo.world import Drawing, Scene

SCENE = Scene("star", "pink", "sand", True, seed=7)
DRAWING = Drawing(
    np.zeros((64, 64, 3), np.uint8), (0.25, 0.25, 0.75, 0.75), (0.8, 0.9, 1.0, 1.0), False, True
)
FACTS = SceneFacts("star", "pink", "sand", True, False, True)


def test_the_whole_picture_shows_everything():
    assert visible(SCENE, DRAWING, WHOLE) == FACTS


@pytest.mark.parametrize(
    ("view", "kind", "colour", "background", "watermark"),
    [
        ((0.0, 0.0, 0.2, 0.2), None, None, "sand", False),
        ((0.3, 0.3, 0.7, 0.7), "star", "pink", None, False),
        ((0.75, 0.85, 1.0, 1.0), None, None, "sand", True),
        ((0.5, 0.0, 1.0, 1.0), None, "pink", "sand", True),
    ],
)
def test_a_crop_shows_what_lies_inside(view, kind, colour, background, watermark):
    facts = visible(SCENE, DRAWING, view)
    assert (facts.kind, facts.colour, facts.background, facts.watermark) == (
        kind,
        colour,
        background,
        watermark,
    )


def test_overlap_is_the_common_area():
    assert overlap((0, 0, 0.5, 0.5), (0.25, 0.25, 1, 1)) == pytest.approx(0.0625)
    assert overlap((0, 0, 0.2, 0.2), (0.5, 0.5, 1, 1)) == 0
    assert area((0.1, 0.2, 0.6, 0.4)) == pytest.approx(0.1)


def test_a_caption_holds_where_all_that_it_needs_is_seen():
    sentence = Caption("a pink star", {"kind": ("star",), "colour": ("pink",)})
    assert sentence.holds(FACTS)
    assert not sentence.holds(SceneFacts("star", "blue", "sand", True, False, True))
    assert not sentence.holds(SceneFacts(None, "pink", "sand", True, False, True))


def test_every_caption_is_true_of_its_picture_and_names_what_it_needs():
    rng = np.random.default_rng(0)
    drawn = [caption(FACTS, rng) for _ in range(400)]
    assert all(sentence.holds(FACTS) for sentence in drawn)
    needed = {name for sentence in drawn for name in sentence.needs}
    assert needed == {"kind", "colour", "background", "watermark", "unfocused"}
    for sentence in drawn:
        if "colour" in sentence.needs:
            assert "pink" in sentence.text
        if "kind" in sentence.needs:
            assert "star" in sentence.text


def test_a_picture_of_nothing_known_gets_an_empty_claim():
    nothing = SceneFacts(None, None, None, False, False, False)
    assert caption(nothing, np.random.default_rng(0)) == Caption("a photo", {})


def test_the_vocabulary_names_classes_grounds_and_the_watermark_once():
    words = vocabulary()
    assert len(words) == len(set(words))
    assert {*KINDS, "water", "sand", "grass", "brick wall", "night sky", "watermark", "something red"} <= set(
        words
    )
