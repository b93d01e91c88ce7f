import json
import socket
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from neuroinspect_tui.errors import InputError
from neuroinspect_tui.models.clip import check_clip, load_clip
from neuroinspect_tui.models.prompts import prompts
from neuroinspect_tui.torchvision_compat import import_torchvision

CPU = torch.device("cpu")
REMEDY = "pass --clip NAME:FILE with weights that you have, or --clip none"
CONFIG = {
    "embed_dim": 12,
    "vision_cfg": {"image_size": 16, "layers": 1, "width": 16, "head_width": 8, "patch_size": 8},
    "text_cfg": {"context_length": 12, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}
HALF = {"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]}


def open_clip():
    import_torchvision()
    import open_clip

    return open_clip


def random_model():
    from open_clip.model import CLIP

    with torch.random.fork_rng():
        torch.manual_seed(2)
        return CLIP(**json.loads(json.dumps(CONFIG))).eval()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clip")
    open_clip()
    torch.save({"state_dict": random_model().half().state_dict()}, folder / "w.pt")
    (folder / "tiny.json").write_text(json.dumps(CONFIG))
    (folder / "hub.json").write_text(json.dumps({"model_cfg": CONFIG, "preprocess_cfg": HALF}))
    return folder


@pytest.fixture(scope="module")
def clip(files):
    return load_clip(f"{files / 'hub.json'}:{files / 'w.pt'}", CPU)


def images(size=16):
    return torch.rand(3, 3, size, size, generator=torch.Generator().manual_seed(4))


def test_images_are_normalised_and_embedded_at_unit_length(clip):
    model = random_model().half().float()
    with torch.no_grad():
        expected = F.normalize(model.encode_image((images() - 0.5) / 0.25), dim=-1)
    found = clip.encode_image(images())
    assert torch.allclose(found, expected, atol=1e-5)
    assert torch.allclose(found.norm(dim=1), torch.ones(3))
    assert (clip.image_size, clip.name.endswith("w.pt")) == (16, True)


def test_texts_are_embedded_at_unit_length_in_any_number(clip):
    model = random_model().half().float()
    tokens = open_clip().SimpleTokenizer(context_length=12)(["a star on sand"])
    with torch.no_grad():
        expected = F.normalize(model.encode_text(tokens), dim=-1)
    many = clip.encode_texts(["a star on sand"] * 300)
    assert many.shape == (300, 12)
    assert torch.allclose(many, expected.expand(300, -1), atol=1e-5)


def test_a_class_is_the_renormalised_mean_of_its_prompts(clip):
    expected = clip.encode_texts(prompts("sweet_pea")).mean(0)
    found = clip.class_embedding("sweet_pea")
    assert torch.allclose(found, expected / expected.norm(), atol=1e-6)
    assert clip.class_embedding("sweet_pea") is found


def test_other_sizes_are_resampled(clip):
    flat = torch.full((1, 3, 40, 40), 0.3)
    assert torch.allclose(clip.encode_image(flat), clip.encode_image(flat[..., :16, :16]), atol=1e-4)


def test_the_image_tower_is_differentiable_and_frozen(clip):
    pixels = images(24).requires_grad_()
    target = clip.class_embedding("star")
    (clip.encode_image(pixels) @ target).sum().backward()
    assert pixels.grad.abs().sum() > 0
    assert not any(p.requires_grad or p.grad is not None for p in clip._model.parameters())
    assert not clip.encode_image(images()).requires_grad


def test_a_config_without_preprocessing_gets_that_of_the_first_clip(files):
    found = load_clip(f"{files / 'tiny.json'}:{files / 'w.pt'}", CPU)
    model = random_model().half().float()
    mean, std = (
        torch.tensor(v).view(3, 1, 1)
        for v in (open_clip().OPENAI_DATASET_MEAN, open_clip().OPENAI_DATASET_STD)
    )
    with torch.no_grad():
        expected = F.normalize(model.encode_image((images() - mean) / std), dim=-1)
    assert torch.allclose(found.encode_image(images()), expected, atol=1e-5)


def test_none_is_no_guide():
    assert load_clip("none", CPU) is None
    check_clip("none")


@pytest.mark.parametrize(
    ("spec", "line"),
    [
        ("ViT-B-32", f"--clip 'ViT-B-32' is not complete: write NAME:TAG; {REMEDY}"),
        ("ViT-B-23:x", "--clip 'ViT-B-23' is not an open_clip model: did you mean \"ViT-B-32\"?"),
        ("ViT-B-32:no.safetensors", f"--clip no.safetensors is not a file: {REMEDY}"),
        ("no.json:w.pt", f"--clip no.json is not a file: {REMEDY}"),
        (
            "ViT-B-32:laion3b",
            "--clip ViT-B-32 has no published weights 'laion3b': its tags are openai, laion400m_e31",
        ),
    ],
)
def test_a_guide_that_cannot_be_meant_is_one_line(spec, line):
    for attempt in (check_clip, lambda text: load_clip(text, CPU)):
        with pytest.raises(InputError) as error:
            attempt(spec)
        assert str(error.value).startswith(line)


def test_weights_that_do_not_fit_or_are_no_weights(files, tmp_path):
    torch.save({"visual.proj": torch.ones(2)}, tmp_path / "other.pt")
    (tmp_path / "text.pt").write_text("hello")
    (tmp_path / "list.json").write_text("[1]")
    expected = {
        f"{files / 'tiny.json'}:{tmp_path / 'other.pt'}": f"--clip {tmp_path / 'other.pt'} does not fit the model: missing",
        f"{files / 'tiny.json'}:{tmp_path / 'text.pt'}": f"--clip {tmp_path / 'text.pt'} cannot be read: it is not a torch",
        f"{tmp_path / 'list.json'}:{files / 'w.pt'}": f"--clip {tmp_path / 'list.json'} is not an open_clip model config",
    }
    for spec, line in expected.items():
        with pytest.raises(InputError) as error:
            load_clip(spec, CPU)
        assert str(error.value).startswith(line) and "\n" not in str(error.value)


def test_offline_the_line_names_the_ways_out(monkeypatch):
    def offline(*arguments, **options):
        raise OSError("cannot reach\nthe hub")

    monkeypatch.setattr(open_clip(), "download_pretrained", offline)
    monkeypatch.setattr("neuroinspect_tui.models.downloads.reachable", lambda url: True)
    monkeypatch.setattr("neuroinspect_tui.models.clip._build", lambda config: random_model())
    with pytest.raises(InputError) as error:
        load_clip("ViT-B-32:laion2b_s34b_b79k", CPU)
    assert (
        str(error.value)
        == f"--clip ViT-B-32:laion2b_s34b_b79k could not be downloaded: cannot reach the hub: {REMEDY}"
    )


def test_local_files_never_touch_the_network(monkeypatch, files):
    monkeypatch.setattr(socket, "socket", None)
    assert load_clip(f"{files / 'tiny.json'}:{files / 'w.pt'}", CPU).image_size == 16


def test_a_named_model_with_a_file_uses_the_preprocessing_of_its_published_weights(monkeypatch, tmp_path):
    """All published ViT-B-16-SigLIP weights agree on mean = std = 0.5."""
    torch.save(random_model().state_dict(), tmp_path / "w.pt")
    monkeypatch.setattr("neuroinspect_tui.models.clip._build", lambda config: random_model())
    monkeypatch.setattr("neuroinspect_tui.models.clip._tokenizer", lambda source: None)
    found = load_clip(f"ViT-B-16-SigLIP:{tmp_path / 'w.pt'}", CPU)
    with torch.no_grad():
        expected = F.normalize(random_model().encode_image((images() - 0.5) / 0.5), dim=-1)
    assert torch.allclose(found.encode_image(images()), expected, atol=1e-5)


def test_the_real_stand_in_knows_the_names_of_its_photographs(real: Path):
    """63 photographs, 1,000 names: 30 % right at the first place, by chance 0.1 %."""
    import csv

    from PIL import Image

    from neuroinspect_tui.data.transforms import Preprocess

    folder = real / "miniclip" / "miniclip-mnv2-in1k"
    guide = load_clip(f"{folder}.json:{folder}.safetensors", CPU)
    with (real / "imagenet" / "metadata.csv").open() as stream:
        rows = list(csv.DictReader(stream))[:24]
    names = [
        line.split(",")[0] for line in (real / "imagenet" / "imagenet_classes.txt").read_text().splitlines()
    ]
    preprocess = Preprocess(guide.image_size)
    pixels = [preprocess.pixels(Image.open(real / "imagenet" / row["path"]).convert("RGB")) for row in rows]
    similar = (
        guide.encode_image(torch.stack(pixels)) @ guide.encode_texts([f"a photo of a {n}" for n in names]).T
    )
    truth = torch.tensor([int(row["index"]) for row in rows])
    rank = (similar > similar.gather(1, truth[:, None])).sum(1)
    assert (rank == 0).float().mean() > 0.2
    assert rank.float().median() < 20
