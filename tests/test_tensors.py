import pytest
import torch

from neuroinspect_tui.results import Sample
from tests.stages.worlds import column, random_world


def test_samples_carry_what_the_tables_show():
    groups = {
        "place": column("place", ("land", "water"), [1, -1] * 200),
        "camera": column("camera", ("a", "b"), [0] * 400),
    }
    data, _ = random_world(0, groups=groups)
    first, second = data.samples(torch.tensor([6, 3]))
    confidence = pytest.approx(float(data.confidence[6]))
    own = {"place": "water", "camera": "a"}
    assert first == Sample(
        "val", 6, "6.png", int(data.labels[6]), int(data.predicted[6]), confidence, groups=own
    )
    assert (second.row, second.groups) == (3, {"camera": "a"})
    assert data.samples(torch.tensor([], dtype=torch.int64)) == ()
