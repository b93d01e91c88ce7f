import numpy as np
import pytest
import torch
from PIL import Image

from neuroinspect_tui.config import ModelPreprocess, PreprocessConfig
from neuroinspect_tui.data.images import UnreadableImage
from neuroinspect_tui.data.transforms import Preprocess, resolve_preprocess
from neuroinspect_tui.errors import InputError
from neuroinspect_tui.torchvision_compat import import_torchvision

from .conftest import picture

SIZES = [(500, 375), (375, 500), (224, 224), (257, 256), (33, 90), (1, 7), (640, 213)]
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def noise(width, height):
    pixels = np.random.default_rng(width * height).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("crop", "resize", "interpolation"),
    [
        (224, 256, "bilinear"),
        (224, 232, "bilinear"),
        (299, 342, "bicubic"),
        (32, 32, "bilinear"),
        (97, 110, "nearest"),
    ],
)
def test_equals_torchvision(size, crop, resize, interpolation):
    import_torchvision()
    from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Normalize, Resize, ToTensor

    theirs = Compose(
        [Resize(resize, InterpolationMode(interpolation)), CenterCrop(crop), ToTensor(), Normalize(MEAN, STD)]
    )
    image = noise(*size)
    ours = Preprocess(crop, crop / resize, MEAN, STD, interpolation)
    assert ours.resize_size == resize
    torch.testing.assert_close(ours(image), theirs(image), rtol=0, atol=1e-6)


@pytest.mark.parametrize("size", SIZES)
def test_equals_a_torchvision_weights_own_transform(size):
    import_torchvision()
    from torchvision.models import EfficientNet_B0_Weights

    theirs = EfficientNet_B0_Weights.IMAGENET1K_V1.transforms()
    ours = Preprocess(224, 224 / 256, interpolation="bicubic")
    torch.testing.assert_close(ours(noise(*size)), theirs(noise(*size)), rtol=0, atol=1e-6)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("crop", "crop_pct", "crop_mode", "interpolation"),
    [
        (224, 0.9, "center", "bicubic"),
        (160, 0.95, "squash", "bilinear"),
        (128, 1.0, "squash", "bicubic"),
        (96, 0.9, "border", "bicubic"),
        (95, 1.0, "border", "bilinear"),
    ],
)
def test_equals_timms_evaluation_transform(size, crop, crop_pct, crop_mode, interpolation):
    import_torchvision()
    from timm.data import create_transform

    theirs = create_transform(
        crop, crop_pct=crop_pct, crop_mode=crop_mode, interpolation=interpolation, mean=MEAN, std=STD
    )
    ours = Preprocess(crop, crop_pct, MEAN, STD, interpolation, crop_mode)
    torch.testing.assert_close(ours(noise(*size)), theirs(noise(*size)), rtol=0, atol=1e-6)


def test_resize_sizes_equal_those_of_every_pretrained_timm_model():
    import math

    import_torchvision()
    import timm

    wrong = []
    for name in timm.list_pretrained():
        config = timm.get_pretrained_cfg(name)
        size, crop_pct = config.input_size[-1], config.crop_pct
        if Preprocess(size, crop_pct).resize_size != math.floor(size / crop_pct):
            wrong.append(name)
    assert wrong == []


def test_an_image_stored_at_the_asked_size_is_not_resampled():
    image = noise(32, 32)
    stored = torch.from_numpy(np.array(image)).permute(2, 0, 1) / 255
    assert torch.equal(Preprocess(32, 1.0).pixels(image), stored)


def test_pixels_are_the_frame_and_call_is_normalised_pixels():
    image, preprocess = picture(60, 40), Preprocess(16, 0.8)
    frame = preprocess.frame(image)
    assert frame.size == (16, 16)
    assert preprocess.pixels(image)[1, 5, 7].item() * 255 == pytest.approx(
        frame.getpixel((7, 5))[1], abs=1e-4
    )
    expected = (preprocess.pixels(image)[2] - 0.406) / 0.225
    torch.testing.assert_close(preprocess(image)[2], expected)


def test_preprocessing_is_described_in_plain_values():
    found = Preprocess(64, 0.8, crop_mode="squash").described()
    assert (found.resize, found.size, found.squash, found.interpolation) == (80, 64, True, "bilinear")
    assert found.mean == (0.485, 0.456, 0.406)


def test_normalise_is_differentiable():
    pixels = torch.rand(2, 3, 5, 5, requires_grad=True)
    preprocess = Preprocess()
    preprocess.normalise(pixels).sum().backward()
    torch.testing.assert_close(pixels.grad[1, :, 0, 0], 1 / torch.tensor(STD))


def test_an_endless_strip_is_unreadable_instead_of_filling_the_memory():
    with pytest.raises(UnreadableImage, match="too narrow: 400000 x 1 pixels cannot be resized to 256"):
        Preprocess().frame(Image.new("RGB", (400_000, 1)))


def test_options_stand_over_the_models_facts_over_the_usual_values():
    facts = ModelPreprocess(image_size=299, crop_pct=0.9, mean=(0.5, 0.5, 0.5), interpolation="bicubic")
    options = PreprocessConfig(image_size=64, std=(0.2, 0.2, 0.2))
    found = resolve_preprocess(options, facts)
    assert found == Preprocess(64, 0.9, (0.5, 0.5, 0.5), (0.2, 0.2, 0.2), "bicubic", "center")
    assert resolve_preprocess(PreprocessConfig()) == Preprocess(224, 0.875, MEAN, STD, "bilinear", "center")


def test_an_interpolation_that_is_not_known_is_refused():
    with pytest.raises(InputError) as caught:
        resolve_preprocess(PreprocessConfig(), ModelPreprocess(interpolation="bicubc"))
    assert str(caught.value) == (
        "the model's interpolation 'bicubc' is not known: did you mean \"bicubic\"? "
        "use one of nearest, bilinear, bicubic, lanczos, box, hamming"
    )


@pytest.mark.parametrize(
    ("channels", "mean", "std"),
    [
        (1, (0.25,), (0.5,)),
        (3, (0.1, 0.2, 0.45), (0.5, 0.5, 0.5)),
        (4, (0.1, 0.2, 0.45, 0.0), (0.5, 0.5, 0.5, 1.0)),
    ],
)
def test_means_are_for_the_channels_that_the_model_reads(channels, mean, std):
    found = resolve_preprocess(PreprocessConfig(mean=(0.1, 0.2, 0.45), std=(0.5, 0.5, 0.5)), None, channels)
    assert found.mean == pytest.approx(mean)
    assert found.std == pytest.approx(std)
    image = noise(10, 12).convert({1: "L", 3: "RGB", 4: "RGBA"}[channels])
    own = Preprocess(8, 1.0, found.mean, found.std, "nearest", "squash", channels)
    plain = np.asarray(image.resize((8, 8), Image.Resampling.NEAREST), np.float32).reshape(8, 8, channels)
    np.testing.assert_allclose(own(image).permute(1, 2, 0), (plain / 255 - mean) / std, atol=1e-6)


def test_other_numbers_of_channels_are_refused():
    with pytest.raises(InputError) as caught:
        resolve_preprocess(PreprocessConfig(), None, 6)
    assert str(caught.value) == (
        "the classifier takes images of 6 channels: give one for 1 (grey), 3 (RGB) or 4 (RGB and alpha) channels"
    )
