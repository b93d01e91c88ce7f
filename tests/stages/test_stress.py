import pytest
import torch
from scipy.stats import binomtest
from torch import nn

from neuroinspect_tui.data.transforms import Preprocess
from neuroinspect_tui.models.classifier import prepare
from neuroinspect_tui.models.sources import ModelSource
from neuroinspect_tui.stages.stress import battery, stress

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


def test_a_colour_pulls_towards_its_class_and_what_leaves_colour_alone_does_not():
    images, labels = coloured()
    classifier = prepare(ModelSource("colours", Colours()), 3, SIZE, torch.device("cpu"))
    pulls = stress(classifier, PREPROCESS, range(30), labels.tolist(), lambda rows: images[rows])
    assert len(pulls) == 3 * len(battery())
    by = {(pull.change, pull.target): pull for pull in pulls}
    blue = by["blue cast", 2]
    assert (blue.images, blue.gained, blue.lost, blue.pull) == (20, 20, 0, 1.0)
    assert blue.p == pytest.approx(binomtest(20, 20, alternative="greater").pvalue * len(pulls), rel=0.5)
    for change in ("blur", "sharpen", "patch shuffle", "black border", "text top left"):
        assert all(by[change, target].pull == 0 and by[change, target].p == 1 for target in range(3))
    assert pulls[0].pull == 1.0
    assert stress(classifier, PREPROCESS, [], [], lambda rows: images[rows]) == ()


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
