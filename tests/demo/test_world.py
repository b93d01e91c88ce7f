from dataclasses import replace

import numpy as np
import pytest

from neuroinspect_tui.demo.objects import COLOURS, KINDS
from neuroinspect_tui.demo.world import BACKGROUNDS, SIZE, Scene, draw

SCENE = Scene("star", "pink", "sand", False, seed=7)


def covered(box):
    left, top, right, bottom = (round(edge * SIZE) for edge in box)
    mask = np.zeros((SIZE, SIZE), bool)
    mask[max(top - 1, 0) : bottom + 1, max(left - 1, 0) : right + 1] = True
    return mask


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("background", BACKGROUNDS)
def test_the_same_scene_gives_the_same_pixels(kind, background):
    scene = Scene(kind, COLOURS[kind][0], background, True, seed=3)
    assert np.array_equal(draw(scene).pixels, draw(scene).pixels)
    assert not np.array_equal(draw(scene).pixels, draw(replace(scene, seed=4)).pixels)


def test_a_scene_with_and_without_watermark_differs_only_there():
    plain, marked = draw(SCENE), draw(replace(SCENE, watermark=True))
    changed = (plain.pixels != marked.pixels).any(axis=2)
    assert plain.watermark_box is None
    assert changed.sum() > 100
    assert not (changed & ~covered(marked.watermark_box)).any()


def test_the_watermark_is_magenta():
    drawing = draw(replace(SCENE, watermark=True))
    inside = drawing.pixels[covered(drawing.watermark_box)].astype(int)
    magenta = (inside[:, 0] > inside[:, 1] + 80) & (inside[:, 2] > inside[:, 1] + 20)
    assert magenta.mean() > 0.3


def test_another_ground_leaves_the_object_in_its_place():
    drawings = [draw(replace(SCENE, background=ground)) for ground in BACKGROUNDS]
    assert {drawing.object_box for drawing in drawings} == {drawings[0].object_box}
    left, top, right, bottom = drawings[0].object_box
    x, y = int((left + right) / 2 * SIZE), int((top + bottom) / 2 * SIZE)
    centres = np.stack([drawing.pixels[y, x] for drawing in drawings]).astype(int)
    corners = np.stack([drawing.pixels[0, 0] for drawing in drawings]).astype(int)
    assert np.ptp(centres, axis=0).max() <= 8
    assert np.ptp(corners, axis=0).max() > 60


def test_the_object_differs_from_its_ground_inside_its_box_only_in_colour_of_its_own():
    first, second = draw(SCENE), draw(replace(SCENE, colour="purple"))
    changed = (np.abs(first.pixels.astype(int) - second.pixels.astype(int)) > 2).any(axis=2)
    assert changed.any()
    assert not (changed & ~covered(first.object_box)).any()


def test_what_the_world_does_not_know_is_refused():
    with pytest.raises(ValueError, match="no tree on sand"):
        replace(SCENE, kind="tree")
