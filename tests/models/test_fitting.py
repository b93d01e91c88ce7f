"""Files of weights as people have them: two sets, wrappers, prefixes, leftovers."""

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.optim.swa_utils import AveragedModel

from neuroinspect_tui.errors import InputError
from neuroinspect_tui.models.fitting import fit_into
from neuroinspect_tui.models.weights import read_state_dict, write_state_dict
from neuroinspect_tui.torchvision_compat import import_torchvision


def network(fill=None):
    module = nn.Sequential()
    module.body = nn.Conv2d(3, 2, 1)
    module.fc = nn.Linear(2, 3)
    if fill is not None:
        for tensor in module.state_dict().values():
            tensor.fill_(fill)
    return module


def loaded(tmp_path, content, average=None, module=None):
    torch.save(content, tmp_path / "w.pt")
    module = network(0) if module is None else module
    return module, fit_into(module, read_state_dict(tmp_path / "w.pt"), average=average)


def prefixed(module, prefix):
    return {prefix + name: tensor for name, tensor in module.state_dict().items()}


PLAIN, AVERAGE = network(1.0), network(2.0)


@pytest.mark.parametrize(
    ("plain", "average", "content", "used"),
    [
        ("state_dict", "state_dict_ema", lambda: AVERAGE.state_dict(), 2.0),
        ("model", "model_ema", lambda: AveragedModel(AVERAGE).state_dict(), 2.0),
        ("model", "model_ema", lambda: AVERAGE.state_dict(), 1.0),
        ("model", "ema", lambda: AVERAGE.state_dict(), 2.0),
        ("state_dict", "ema_state_dict", lambda: AVERAGE.state_dict(), 1.0),
    ],
)
def test_of_two_sets_the_one_that_its_library_evaluates_is_used_and_said(
    tmp_path, plain, average, content, used
):
    """timm, torchvision's references, DeiT, YOLO, MMEngine."""
    file = {plain: PLAIN.state_dict(), average: content(), "epoch": 4}
    module, fitted = loaded(tmp_path, file)
    assert module.fc.weight[0, 0] == used
    chosen, other, switch = (average, plain, "--no-ema") if used == 2 else (plain, average, "--ema")
    assert fitted.notes[0] == (
        f"-w: two sets of weights, {plain} and their moving average {average}: "
        f"{chosen} is used ({switch} takes {other})"
    )
    for asked, value in ((True, 2.0), (False, 1.0)):
        assert loaded(tmp_path, file, asked)[0].fc.weight[0, 0] == value


@pytest.mark.parametrize("average", [True, False])
def test_an_export_leaves_no_unrepaired_second_set(tmp_path, average):
    file = {
        "state_dict": prefixed(PLAIN, "module."),
        "state_dict_ema": AVERAGE.half().state_dict(),
        "epoch": 4,
    }
    _, fitted = loaded(tmp_path, file, average)
    repaired = {name: torch.full_like(tensor, 7) for name, tensor in fitted.state.tensors.items()}
    write_state_dict(tmp_path / "new.pt", repaired, fitted.state)
    new = torch.load(tmp_path / "new.pt", weights_only=True)
    assert new["epoch"] == 4
    assert new["state_dict"].keys() == file["state_dict"].keys()
    assert new["state_dict_ema"].keys() == file["state_dict_ema"].keys()
    assert new["state_dict_ema"]["fc.weight"].dtype == torch.float16
    AVERAGE.float()
    for one in ("state_dict", "state_dict_ema"):
        assert all(bool((tensor == 7).all()) for tensor in new[one].values())


def test_a_second_set_that_is_not_there_cannot_be_asked_for(tmp_path):
    with pytest.raises(InputError) as error:
        loaded(tmp_path, {"state_dict": PLAIN.state_dict()}, average=True)
    line = f"-w {tmp_path / 'w.pt'} holds no moving average of the weights: leave out --ema"
    assert str(error.value) == line


@pytest.mark.parametrize(
    "prefix", ["net.", "backbone.", "net._orig_mod.", "student.module.", "model.model.", "a.b.c."]
)
@pytest.mark.parametrize("wrapper", ["model_state_dict", "weights", "whatever", None])
def test_any_wrapper_and_any_prefix_that_fits(tmp_path, prefix, wrapper):
    state = prefixed(PLAIN, prefix)
    module, fitted = loaded(tmp_path, state if wrapper is None else {wrapper: state, "loss": 0.1})
    assert module.fc.weight[0, 0] == 1
    assert fitted.state.chosen.prefix == prefix and fitted.notes == ()
    assert fitted.state.chosen.wrapper == (() if wrapper is None else (wrapper,))


def test_leftovers_that_no_part_of_the_model_has_are_noted_and_kept(tmp_path):
    extra = {
        "criterion.weight": torch.ones(3),
        "val_acc.total": torch.tensor(4),
        "n_averaged": torch.tensor(9),
    }
    module, fitted = loaded(tmp_path, {"state_dict": prefixed(PLAIN, "net.") | extra})
    assert module.fc.weight[0, 0] == 1
    assert fitted.notes == (
        "-w: the model has no place for 3 tensors of the file: criterion.weight, val_acc.total, n_averaged",
    )
    write_state_dict(tmp_path / "new.pt", fitted.state.tensors, fitted.state)
    assert (
        torch.load(tmp_path / "new.pt")["state_dict"].keys() == prefixed(PLAIN, "net.").keys() | extra.keys()
    )


def test_a_layer_more_inside_a_part_of_the_model_is_another_architecture(tmp_path):
    with pytest.raises(InputError, match=r"does not fit the model: unexpected fc\.scale"):
        loaded(tmp_path, PLAIN.state_dict() | {"fc.scale": torch.ones(1)})


def test_optimizer_states_are_not_taken_for_weights(tmp_path):
    optimizer = torch.optim.Adam(PLAIN.parameters())
    file = {
        "optimizer": optimizer.state_dict(),
        "model": PLAIN.state_dict(),
        "scaler": {"scale": torch.ones(1)},
    }
    module, fitted = loaded(tmp_path, file)
    assert module.fc.weight[0, 0] == 1
    assert fitted.notes == () and fitted.state.others == ()


@pytest.mark.parametrize("kind", ["torch", "safetensors"])
def test_versions_of_parts_are_kept(tmp_path, kind):
    """MNASNet refuses a state dict without them."""
    from safetensors.torch import save_file

    models = import_torchvision().models
    module = models.mnasnet0_5(num_classes=3)
    path = tmp_path / "w"
    torch.save({"model": module.state_dict()}, path) if kind == "torch" else save_file(
        module.state_dict(), path
    )
    other = models.mnasnet0_5(num_classes=3)
    fitted = fit_into(other, read_state_dict(path))
    assert torch.equal(other.classifier[1].weight, module.classifier[1].weight)
    if kind == "torch":
        write_state_dict(tmp_path / "new.pt", fitted.state.tensors, fitted.state)
        models.mnasnet0_5(num_classes=3).load_state_dict(torch.load(tmp_path / "new.pt")["model"])


@pytest.mark.parametrize(
    ("plain", "average", "used"),
    [("model.", "ema_model.", 1.0), ("online_model.", "ema_model.", 2.0), ("net.", "model_ema.module.", 1.0)],
)
@pytest.mark.parametrize("safe", [False, True])
def test_two_sets_in_one_state_dict_are_told_apart_by_their_prefixes(tmp_path, plain, average, used, safe):
    """What another loader takes from the exported file is repaired as well."""
    tensors = prefixed(PLAIN, plain) | prefixed(AVERAGE, average)
    file = tmp_path / ("w.safetensors" if safe else "w.pt")
    if safe:
        save_file(tensors, file)
    else:
        torch.save({"state_dict": tensors}, file)
    module = network(0)
    fitted = fit_into(module, read_state_dict(file))
    assert module.fc.weight[0, 0] == used
    assert len(fitted.notes) == 1 and "two sets of weights" in fitted.notes[0] and "ema" in fitted.notes[0]
    for asked, value in ((True, 2.0), (False, 1.0)):
        fit_into(module, read_state_dict(file), average=asked)
        assert module.fc.weight[0, 0] == value
    chosen = plain if used == 1 else average
    repaired = fitted.state.tensors | {f"{chosen}fc.weight": torch.full((3, 2), 9.0)}
    write_state_dict(tmp_path / "out", repaired, fitted.state)
    for asked in (True, False):
        fit_into(module, read_state_dict(tmp_path / "out"), average=asked)
        assert module.fc.weight[0, 0] == 9.0
