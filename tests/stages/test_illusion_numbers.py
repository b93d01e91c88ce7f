import pytest
import torch

from neuroinspect_tui.stages.augment import Views, draw_views, view
from neuroinspect_tui.stages.illusion_numbers import measure
from neuroinspect_tui.stages.illusion_optimizer import Pair
from neuroinspect_tui.stages.masks import activation_mask
from neuroinspect_tui.stages.recipes import DEFAULT

from .toys import PREPROCESS, SIZE, statistics, toy

PAIRS = [Pair(0, 2), Pair(5, 4), Pair(0, 1)]


def measured():
    classifier, scale = toy(), statistics(toy()).scale()
    rgb = torch.randint(0, 256, (3, SIZE, SIZE, 3), generator=torch.Generator().manual_seed(0)).to(
        torch.uint8
    )
    return (
        measure(classifier, PREPROCESS, None, PAIRS, rgb, [8, 16, 24], scale),
        rgb,
        classifier.module,
        scale,
    )


def plainly(module, images):
    """Features and maps by the toy's own layers, without the classifier."""
    with torch.no_grad():
        maps = torch.relu(module.norm(module.second(torch.relu(module.first(PREPROCESS.normalise(images))))))
    return maps, maps.mean((2, 3))


def test_the_numbers_are_those_of_the_saved_bytes():
    results, rgb, module, scale = measured()
    maps, features = plainly(module, rgb.permute(0, 3, 1, 2).float() / 255)
    logits = module.fc(features)
    for row, (result, pair) in enumerate(zip(results, PAIRS, strict=True)):
        own = features[row, pair.neuron] / scale[pair.neuron]
        assert result.activation == pytest.approx(features[row, pair.neuron].item(), rel=1e-4)
        assert result.ratio == pytest.approx(own.item(), rel=1e-4)
        assert result.rank == 1 + int((features[row] / scale > own + 1e-6).sum())
        assert result.logit == pytest.approx(logits[row, pair.target].item(), rel=1e-4)
        assert result.probability == pytest.approx(logits[row].softmax(0)[pair.target].item(), rel=1e-4)
        assert torch.equal(result.mask, activation_mask(maps[row, pair.neuron], SIZE, SIZE))
        assert torch.equal(result.rgb, rgb[row]) and result.steps == 8 * (row + 1)
        torch.testing.assert_close(result.features, features[row])


def test_the_robust_ratio_is_the_mean_over_sixteen_views_of_the_default_range():
    results, rgb, module, scale = measured()
    drawn = draw_views(torch.Generator().manual_seed(1), 16, DEFAULT.views)
    pixels = rgb.permute(0, 3, 1, 2).float() / 255
    for row, (result, pair) in enumerate(zip(results, PAIRS, strict=True)):
        copies = pixels[row].expand(16, -1, -1, -1)
        _, features = plainly(module, view(copies, Views(drawn.affine, drawn.colour)))
        expected = (features[:, pair.neuron] / scale[pair.neuron]).mean().item()
        assert result.robust_ratio == pytest.approx(expected, rel=1e-4)
