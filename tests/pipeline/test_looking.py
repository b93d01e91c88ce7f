"""What a repaired layer fixes and breaks is listed image by image, and a repair can stand on another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import neuroinspect_tui as ni
from neuroinspect_tui import jobs
from neuroinspect_tui.errors import InputError
from neuroinspect_tui.results import Repair
from tests.tiny import make_tiny


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ni.Inspection, Path]]:
    root = tmp_path_factory.mktemp("looked")
    tiny, out = make_tiny(root), root / "session"
    given = {"image_size": 8, "crop_pct": 1.0, "mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}
    with ni.load(tiny.model, tiny.manifest, tiny.weights, device="cpu", session=out, **given) as found:
        yield found, out


@pytest.fixture(scope="module")
def repaired(opened: tuple[ni.Inspection, Path]) -> Repair:
    opened[0].failure_modes()
    return opened[0].repair("blue", "ridge", groups=["tint"]).found


def test_the_fixed_images_are_those_that_only_the_untouched_layer_got_wrong(
    opened: tuple[ni.Inspection, Path], repaired: Repair
) -> None:
    layer = opened[0].ask(jobs.LookThrough(repaired.number))
    assert (layer.number, layer.split) == (1, "test")
    assert (len(layer.of("fixed")), len(layer.of("broken")), layer.of("still")) == (6, 0, ())
    for image in layer.of("fixed"):
        assert (image.sample.label, image.sample.predicted, image.repaired) == (0, 2, 0)
        assert image.sample.groups == {"tint": "red"}
        assert image.modes == (0,)  # the only cause there is


def test_a_cause_has_its_accuracy_before_and_after(
    opened: tuple[ni.Inspection, Path], repaired: Repair
) -> None:
    layer = opened[0].ask(jobs.LookThrough(repaired.number))
    (change,) = layer.modes
    assert (change.id, change.count, change.before, change.after) == (0, 6, 0.0, 1.0)


def test_a_repair_on_top_of_another_is_judged_beside_it(
    opened: tuple[ni.Inspection, Path], repaired: Repair
) -> None:
    found, out = opened
    second = found.ask(jobs.RepairHead(2, "bias", base=repaired.number))
    assert (second.number, second.base) == (2, 1)
    assert second.before.accuracy == repaired.after.accuracy == 1.0
    assert second.unchanged  # nothing was left to repair: the layer of the first is kept
    first, kept = (load_file(out / made.head) for made in (repaired, second))
    assert torch.equal(first["weight"], kept["weight"])
    assert found.ask(jobs.LookThrough(second.number)).images == ()


def test_the_same_request_on_another_layer_is_another_repair(
    opened: tuple[ni.Inspection, Path], repaired: Repair
) -> None:
    plain = opened[0].ask(jobs.RepairHead(2, "bias"))
    assert plain.base is None
    assert plain.before.accuracy == 30 / 36


def test_a_repair_that_does_not_exist_is_refused(opened: tuple[ni.Inspection, Path]) -> None:
    with pytest.raises(InputError, match="there is no repair 9"):
        opened[0].ask(jobs.LookThrough(9))
    with pytest.raises(InputError, match="there is no repair 9"):
        opened[0].ask(jobs.RepairHead(0, "bias", base=9))


def test_the_neighbours_of_an_image_are_right_images_of_its_class(
    opened: tuple[ni.Inspection, Path], repaired: Repair
) -> None:
    (first, *_) = opened[0].ask(jobs.LookThrough(repaired.number)).of("fixed")
    found = opened[0].ask(jobs.FindNeighbours("test", first.sample.row))
    assert len(found.right) == 6
    assert {(one.label, one.predicted, one.groups["tint"]) for one in found.right} == {(0, 0, "none")}
    assert len(found.labels) == 10
    assert found.labels[:5] == (0,) * 5  # the other images of its class and tint
    assert found.self_confidence < 0.5
    with pytest.raises(InputError, match="no image 99"):
        opened[0].ask(jobs.FindNeighbours("test", 99))
