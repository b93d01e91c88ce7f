import pytest
import torch
from scipy.stats import binomtest
from torch import nn

from neuroinspect_tui.data.transforms import Preprocess
from neuroinspect_tui.models.classifier import prepare
from neuroinspect_tui.models.sources import ModelSource
from neuroinspect_tui.stages.stress import battery, blend, stress, strongest

SIZE = 32
PREPROCESS = Preprocess(image_size=SIZE, crop_pct=1.0, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))


class Colours(nn.Module):
    """Classes by mean red, green and blue."""

    def __init__(self):
        super().__init__()
        self.pool = nn.AvgPool2d(8)
        self.fc = nn.Linear(3, 3, bias=False)
        self.fc.weight.data = torch.eye(3)

    def forward(self, images):
        return self.fc(self.pool(images).mean((2, 3)))


def coloured(count=30):
    labels = torch.arange(count) % 3
    images = 0.3 * torch.rand(count, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    images[torch.arange(count), labels] += 0.2
    return images, labels


def graded():
    """Twenty flat images of class 0 in ever stronger red: .05, .1 … 1. Every second one has a little green."""
    images = torch.zeros(20, 3, SIZE, SIZE)
    images[:, 0] = torch.arange(1, 21)[:, None, None] / 20
    images[1::2, 1] = 0.01
    return images


def stressed(images, changes=None):
    classifier = prepare(ModelSource("colours", Colours()), 3, SIZE, torch.device("cpu"))
    rows = range(len(images))
    pulls = stress(classifier, PREPROCESS, rows, [0] * len(images), lambda chosen: images[chosen], changes)
    return {(pull.change, pull.target): pull for pull in pulls}


def test_a_cast_is_as_strong_as_moves_a_tenth_of_the_answers_and_pulls_towards_its_class():
    pulls = stressed(graded())
    assert len(pulls) == 2 * len(battery())
    blue = pulls["blue cast", 2]
    # (1 − .4a) r + .06a < .4a of blue: at a = .375 for r = .15, the third image.
    assert 0.375 / 2 ** (6 / 32) < blue.strength <= 0.375
    assert (blue.images, blue.gained, blue.lost, blue.pull) == (20, 2, 0, 0.1)
    for change in ("blur", "sharpen", "patch shuffle", "black border", "text top left"):
        for target in (1, 2):
            still = pulls[change, target]
            assert (still.pull, still.p, still.strength) == (0, 1, 1)
    assert stressed(graded()[:0]) == {}


def lifted(images, marked, plain, amount):
    """Add to green where an image has some, else to blue."""
    has = (images[:, 1:2] > 0).float()
    change = torch.cat(
        [torch.zeros_like(has), marked * has, plain * (1 - has) + (plain - marked) * has], dim=1
    )
    return images + amount * change


def test_at_equal_damage_what_a_class_follows_comes_before_what_only_destroys():
    changes = {
        "destroys": lambda images: lifted(images, 1, 1, 2.0),
        "cue": lambda images: lifted(images, 0, 1, 0.325),
    }
    pulls = stressed(graded(), changes)
    # As they are, 20 answers would move, 10 to either class, and 6 to one: .5, .5 and .3.
    assert [(pull.change, pull.target, pull.gained) for pull in pulls.values()] == [
        ("cue", 2, 2),
        ("destroys", 1, 1),
        ("destroys", 2, 1),
        ("cue", 1, 0),
    ]
    assert [pulls[key].pull for key in (("cue", 2), ("destroys", 2))] == [0.1, 0.05]
    # The third image, r = .15, moves beyond these.
    assert 0.15 / 0.325 / 2 ** (6 / 32) < pulls["cue", 2].strength <= 0.15 / 0.325
    assert 0.075 / 2 ** (6 / 32) < pulls["destroys", 2].strength <= 0.075
    assert pulls["cue", 2].p == 1  # 2 of 2, one in four, times four


def test_beyond_doubt_only_after_correction_for_all_changes_and_classes():
    images = graded().repeat(6, 1, 1, 1)
    pulls = stressed(images, {"cue": lambda images: lifted(images, 0, 1, 0.325)})
    cue = pulls["cue", 2]
    assert (cue.gained, cue.lost, cue.pull) == (12, 0, 0.1)
    assert cue.p == pytest.approx(2 * binomtest(12, 12, alternative="greater").pvalue)


@pytest.mark.parametrize(
    ("limit", "least", "most"),
    [(1.0, 1.0, 1.0), (0.3, 0.3 / 2 ** (6 / 32), 0.3), (0.02, 0.0175, 0.02), (0.0, 1 / 64, 1 / 64)],
)
def test_the_strongest_that_is_bearable_is_found_by_halving(limit, least, most):
    asked = []
    found = strongest(lambda strength: asked.append(strength) or strength <= limit)
    assert least <= found <= most
    assert len(asked) == (1 if limit == 1 else 6)


def test_of_few_images_one_answer_may_move():
    pulls = stressed(graded()[:4], {"cue": lambda images: lifted(images, 0, 1, 1.0)})
    assert pulls["cue", 2].gained == 1
    assert 0.1 / 2 ** (6 / 32) < pulls["cue", 2].strength <= 0.1


def test_progress_never_goes_back_and_is_told_before_every_batch():
    images, told = graded(), list[tuple[int, int]]()
    classifier = prepare(ModelSource("colours", Colours()), 3, SIZE, torch.device("cpu"))
    changes = {"nothing": lambda images: images, "cue": lambda images: lifted(images, 0, 1, 0.325)}
    stress(
        classifier, PREPROCESS, range(20), [0] * 20, images.__getitem__, changes, lambda *at: told.append(at)
    )
    shares = [done / total for done, total in told]
    assert shares == sorted(shares)
    # The sample, "nothing" once, "cue" six times; then both changes of all images.
    assert shares == [0, 0] + 6 * [0.25] + 2 * [0.5]


def test_a_blend_by_hand():
    half = blend(graded()[-1:], lambda images: images * 0 + 0.5, 0.5)
    assert torch.allclose(half[0, :, 0, 0], torch.tensor([0.75, 0.255, 0.25]))


@pytest.mark.parametrize("name", battery())
def test_every_change_keeps_form_and_range_and_changes_something(name):
    images, _ = coloured(4)
    changed = battery()[name](images)
    assert changed.shape == images.shape
    assert float(changed.min()) >= 0
    assert float(changed.max()) <= 1
    assert (changed - images).abs().max() > 0.05


def test_parts_and_tiles_by_hand():
    images, _ = coloured(1)
    centre, rim = battery()["centre only"](images), battery()["rim only"](images)
    assert torch.equal(centre[:, :, 16, 16], images[:, :, 16, 16])
    assert torch.equal(rim[:, :, 0, 0], images[:, :, 0, 0])
    assert torch.allclose(rim[:, :, 16, 16], images.mean((2, 3)))
    shuffled = battery()["patch shuffle"](images)
    assert torch.allclose(shuffled.mean((2, 3)), images.mean((2, 3)), atol=1e-5)
    corner = battery()["text bottom right"](images) != images
    assert not corner[:, :, :16].any() and not corner[:, :, :, :16].any()
