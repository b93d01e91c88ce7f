import pytest
import torch
from torch import nn

from neuroinspect_tui.data.transforms import Preprocess
from neuroinspect_tui.models.classifier import prepare
from neuroinspect_tui.models.sources import ModelSource
from neuroinspect_tui.stages.counterfactual_pictures import (
    Answer,
    CounterfactualPicture,
    cover_test,
    fixed_more,
    flip_rates,
    with_cue,
    without_cue,
)
from neuroinspect_tui.stages.failure_modes import Pictures, conclude, find_failure_modes
from neuroinspect_tui.stages.failure_modes.arrays import split_of
from neuroinspect_tui.stages.metrics import wilson_interval
from neuroinspect_tui.stages.regions import cover, elsewhere, strongest_region

SIZE = 32
PREPROCESS = Preprocess(image_size=SIZE, crop_pct=1.0, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))


class Spots(nn.Module):
    """Neurons: mean red, green and blue of 4 x 4 squares. Class 0 lives on red, class 1 on green and on blue."""

    def __init__(self):
        super().__init__()
        self.pool = nn.AvgPool2d(4)
        self.fc = nn.Linear(3, 2, bias=False)
        self.fc.weight.data = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 6.0]])

    def forward(self, images):
        return self.fc(self.pool(images).mean((2, 3)))


@pytest.fixture
def spots():
    """A classifier, images of both classes of which some have a blue spot, which have it, their labels."""
    classifier = prepare(ModelSource("spots", Spots()), 2, SIZE, torch.device("cpu"))
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(64) % 2
    images = 0.05 * torch.rand(64, 3, SIZE, SIZE, generator=generator)
    images[torch.arange(64), labels] += 0.3
    spotted = torch.rand(64, generator=generator) < 0.5
    for place in spotted.nonzero().squeeze(1).tolist():
        top, left = (4 * torch.randint(1, 5, (2,), generator=generator)).tolist()
        images[place, 2, top : top + 8, left : left + 8] = 1.0
        images[place, :2, top : top + 8, left : left + 8] = 0.0
    return classifier, images, spotted, labels


def test_the_region_is_where_the_map_is_highest_and_always_as_large():
    maps = torch.zeros(2, 4, 4)
    maps[0, 1, 2] = 1.0
    region = strongest_region(maps, 16, 16, share=0.1)
    assert region.sum((1, 2)).tolist() == [26, 26]
    assert bool(region[0, 5, 9]) and not bool(region[0, 0, 0])
    assert all(moved.sum() == region.sum() for moved in elsewhere(region))
    assert not (elsewhere(region)[2] & region)[0].any()


def test_a_cover_takes_the_colour_of_what_surrounds_it_and_leaves_the_rest():
    images = torch.full((1, 3, 16, 16), 0.25)
    region = torch.zeros(1, 16, 16, dtype=torch.bool)
    region[0, 4:9, 4:9] = True
    images[:, :, 4:9, 4:9] = 1.0
    assert torch.allclose(cover(images, region), torch.full_like(images, 0.25), atol=1e-5)
    everywhere = torch.ones_like(region)
    assert torch.isfinite(cover(images, everywhere)).all()


def test_covering_the_cue_mends_and_covering_elsewhere_does_not(spots):
    classifier, images, spotted, labels = spots
    rows = (spotted & (labels == 0)).nonzero().squeeze(1).tolist()
    pictures = list(
        without_cue(classifier, PREPROCESS, torch.tensor([0.0, 0.0, 1.0]), rows, lambda r: images[r])
    )
    assert {picture.before.predicted for picture in pictures} == {1}
    found = cover_test(pictures, labels[rows].tolist())
    assert (found.mended, found.images) == (1.0, len(rows))
    assert found.elsewhere < 0.2
    assert cover_test([], []) is None
    assert all(
        picture.after.confidence > 0.5 and picture.rgb.shape == (SIZE, SIZE, 3) for picture in pictures
    )


def test_whether_the_own_region_mends_more_than_chance_by_hand():
    def picture(own, *controls):
        before, answers = Answer(1, 1.0), [Answer(label, 1.0) for label in (own, *controls)]
        return CounterfactualPicture(
            0, None, torch.zeros(1), torch.zeros(1), before, answers[0], tuple(answers[1:])
        )

    alone, none, control = picture(0, 1, 1, 1), picture(1, 1, 1, 1), picture(1, 0, 1, 1)
    assert fixed_more([alone, alone], [0, 0]) == pytest.approx(1 / 16)
    assert fixed_more([alone, alone, none], [0, 0, 0]) == pytest.approx(1 / 16)
    assert fixed_more([alone, control], [0, 0]) == pytest.approx(1 - (3 / 4) ** 2)
    assert fixed_more([picture(0, 0, 0, 0)], [0]) == 1.0
    assert fixed_more([], []) == 1.0


def test_putting_the_cue_in_flips_the_other_class_alone(spots):
    classifier, images, spotted, labels = spots
    plain = (~spotted).nonzero().squeeze(1).tolist()
    donor = int((spotted & (labels == 1)).nonzero()[0])
    pictures = list(
        with_cue(
            classifier,
            PREPROCESS,
            torch.tensor([0.0, 0.0, 1.0]),
            plain,
            [donor] * len(plain),
            lambda r: images[r],
        )
    )
    first, second = flip_rates(pictures, labels[plain].tolist())
    assert (first.target, first.rate, first.flipped) == (0, 1.0, first.images)
    assert first.interval == wilson_interval(first.images, first.images)
    assert (second.target, second.rate) == (1, 0.0)
    assert pictures[0].donor == donor


def test_evidence_is_gathered_and_the_planted_cue_called_spurious(spots):
    classifier, images, _, labels = spots
    data = split_of(classifier.forward(images).features, labels, classifier.head)
    found = find_failure_modes(data, classifier.head)
    pictures = Pictures(lambda rows: images[rows], lambda rows: torch.full((len(rows), 2), 32.0))
    seen = []
    concluded = conclude(
        data,
        found,
        classifier,
        PREPROCESS,
        pictures,
        on_progress=lambda done, total: seen.append(done / total),
    )
    mode = concluded.modes[0]
    assert mode.spurious
    assert mode.cover.mended > 0.9 and mode.cover.elsewhere < 0.2
    assert mode.statistic.name in ("red", "blue", "contrast", "sharpness")
    assert abs(mode.statistic.effect) > 0.95
    assert mode.name is None
    assert seen == sorted(seen)
    assert conclude(data, found).modes[0].cover is None
