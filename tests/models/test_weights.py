import json
import os
import pickle
from collections import OrderedDict

import pytest
import safetensors.torch
import torch
from torch import nn

from neuroinspect_tui.errors import InputError
from neuroinspect_tui.models.fitting import load_into
from neuroinspect_tui.models.weights import (
    StateDict,
    StateFile,
    read_state_dict,
    tensor_hash,
    write_state_dict,
)


def network():
    torch.manual_seed(3)
    return nn.Sequential(OrderedDict(conv=nn.Conv2d(3, 4, 3), norm=nn.BatchNorm2d(4), fc=nn.Linear(4, 2)))


def blank():
    module = network()
    for tensor in module.state_dict().values():
        tensor.zero_()
    return module


def assert_equal(module, expected):
    found = module.state_dict()
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        assert torch.equal(found[name], tensor), name


def test_a_safetensors_file_is_read_with_its_metadata(tmp_path):
    path = tmp_path / "w.safetensors"
    safetensors.torch.save_file(network().state_dict(), path, {"classes": "a,b"})
    state = read_state_dict(path)
    assert (state.format, state.metadata, state.suffix) == ("safetensors", {"classes": "a,b"}, ".safetensors")
    module = blank()
    load_into(module, state)
    assert_equal(module, network().state_dict())


def test_the_content_decides_what_a_file_is_not_its_name(tmp_path):
    safetensors.torch.save_file(network().state_dict(), tmp_path / "w.pt")
    torch.save(network().state_dict(), tmp_path / "w.bin")
    assert read_state_dict(tmp_path / "w.pt").format == "safetensors"
    assert read_state_dict(tmp_path / "w.bin").format == "torch"


@pytest.mark.parametrize(
    "wrapper", [(), ("state_dict",), ("model",), ("model_ema",), ("net",), ("model", "net")]
)
@pytest.mark.parametrize(
    "prefix", ["", "module.", "_orig_mod.", "model.", "module._orig_mod.", "model.module."]
)
def test_wrappers_and_prefixes_are_undone(tmp_path, wrapper, prefix):
    content = {prefix + name: tensor for name, tensor in network().state_dict().items()}
    for key in reversed(wrapper):
        content = {key: content, "epoch": 3}
    torch.save(content, tmp_path / "w.pt")
    module = blank()
    state = load_into(module, read_state_dict(tmp_path / "w.pt"))
    assert (state.chosen.wrapper, state.chosen.prefix) == (wrapper, prefix)
    assert_equal(module, network().state_dict())


def test_a_prefix_that_the_model_itself_has_is_kept(tmp_path):
    module = nn.ModuleDict({"model": network()})
    torch.save(module.state_dict(), tmp_path / "w.pt")
    other = nn.ModuleDict({"model": blank()})
    assert load_into(other, read_state_dict(tmp_path / "w.pt")).chosen.prefix == ""
    assert_equal(other, module.state_dict())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_float_types_load_into_float32(tmp_path, dtype):
    kept = {name: t.to(dtype) if t.is_floating_point() else t for name, t in network().state_dict().items()}
    torch.save(kept, tmp_path / "w.pt")
    module = blank()
    state = load_into(module, read_state_dict(tmp_path / "w.pt"))
    assert state.tensors["fc.weight"].dtype == dtype
    assert torch.equal(module.fc.weight, kept["fc.weight"].float())


def refusal(module, content, path):
    torch.save(content, path)
    with pytest.raises(InputError) as error:
        load_into(module, read_state_dict(path))
    return str(error.value)


def test_missing_and_unexpected_names_are_listed(tmp_path):
    content = network().state_dict()
    content["head.weight"] = content.pop("fc.weight")
    del content["norm.bias"]
    line = refusal(blank(), content, tmp_path / "w.pt")
    assert line == (
        f"-w {tmp_path / 'w.pt'} does not fit the model: missing norm.bias, fc.weight; unexpected head.weight: "
        "give the weights of this very model, trained on this data set's classes"
    )


def test_wrong_shapes_are_listed_and_nothing_is_loaded(tmp_path):
    content = network().state_dict()
    content["fc.weight"], content["fc.bias"] = torch.ones(7, 5), torch.ones(7)
    module = blank()
    line = refusal(module, content, tmp_path / "w.pt")
    assert "wrong shape fc.weight [7, 5] instead of [2, 4], fc.bias [7] instead of [2]" in line
    assert module.conv.weight.abs().sum() == 0


def test_another_number_of_classes_is_called_that(tmp_path):
    content = network().state_dict()
    content["fc.weight"], content["fc.bias"] = torch.ones(7, 4), torch.ones(7)
    assert refusal(blank(), content, tmp_path / "w.pt") == (
        f"-w {tmp_path / 'w.pt'} has 7 classes, the model 2: "
        "check -m and -w, or name with --classes all that the weights know"
    )


def test_a_long_list_is_cut(tmp_path):
    line = refusal(blank(), {f"other.{i}": torch.ones(1) for i in range(20)}, tmp_path / "w.pt")
    assert "unexpected other.0, other.1, other.2 and 17 more:" in line
    assert "\n" not in line


class Malice:
    """Writes a marker file when unpickled."""

    def __init__(self, marker):
        self.marker = str(marker)

    def __reduce__(self):
        return os.mkdir, (self.marker,)


def hostile_files(folder):
    bad = Malice(folder / "marker")
    torch.save(bad, folder / "zip.pt")
    torch.save({"state_dict": network().state_dict(), "extra": bad}, folder / "wrapped.pt")
    torch.save({"a": bad}, folder / "legacy.pt", _use_new_zipfile_serialization=False)
    for protocol in (0, 2, 4):
        with (folder / f"pickle{protocol}.pt").open("wb") as stream:
            pickle.dump(bad, stream, protocol=protocol)
    return sorted(folder.glob("*.pt"))


def test_a_malicious_pickle_never_runs_and_its_global_is_named(tmp_path):
    files = hostile_files(tmp_path)
    assert len(files) == 6
    for path in files:
        with pytest.raises(InputError) as error:
            read_state_dict(path)
        assert error.value.message.startswith(
            f"-w {path} is a pickle that asks for {os.mkdir.__module__}.mkdir"
        )
        assert "--trust-pickle" in error.value.remedy
    assert not (tmp_path / "marker").exists()


def test_trust_pickle_does_run_it(tmp_path):
    """The counter-check: the file that is refused above is really malicious."""
    torch.save(Malice(tmp_path / "marker"), tmp_path / "zip.pt")
    with pytest.raises(InputError):
        read_state_dict(tmp_path / "zip.pt", trust_pickle=True)
    assert (tmp_path / "marker").exists()


def test_a_pickled_module_is_refused_unless_trusted(tmp_path):
    """Fault 10 of the published code: whole pickled modules are loaded and saved."""
    torch.save(network(), tmp_path / "w.pt")
    with pytest.raises(InputError, match=r"asks for torch\.nn\.modules\.container\.Sequential"):
        read_state_dict(tmp_path / "w.pt")
    module = blank()
    load_into(module, read_state_dict(tmp_path / "w.pt", trust_pickle=True))
    assert_equal(module, network().state_dict())


def test_a_trusted_pickle_whose_classes_are_gone_is_one_line(tmp_path):
    (tmp_path / "w.pt").write_bytes(b"cno_such_module\nThing\n.")
    with pytest.raises(InputError) as error:
        read_state_dict(tmp_path / "w.pt", trust_pickle=True)
    assert str(error.value) == (
        f"-w {tmp_path / 'w.pt'} cannot be unpickled: ModuleNotFoundError: No module named 'no_such_module': "
        "its classes must be importable from here"
    )


def test_files_that_hold_no_state_dict(tmp_path):
    torch.save(network().state_dict(), tmp_path / "whole.pt")
    whole = (tmp_path / "whole.pt").read_bytes()
    safetensors.torch.save_file(network().state_dict(), tmp_path / "whole.safetensors")
    tensors = (tmp_path / "whole.safetensors").read_bytes()
    torch.jit.script(nn.Linear(2, 2)).save(tmp_path / "script.pt")
    torch.save([1, 2], tmp_path / "list.pt")
    torch.save({"epoch": 3}, tmp_path / "epoch.pt")
    (tmp_path / "text.pt").write_text("hello")
    (tmp_path / "empty.pt").write_bytes(b"")
    (tmp_path / "cut.pt").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "cut.safetensors").write_bytes(tensors[:-5])
    expected = {
        "script.pt": "cannot be read: it is a TorchScript archive",
        "text.pt": "cannot be read: it is not a torch file",
        "empty.pt": "cannot be read: it is not a torch file",
        "cut.pt": "cannot be read: it is a damaged archive",
        "list.pt": "holds no state dict",
        "epoch.pt": "holds no state dict",
        "cut.safetensors": "is not a sound safetensors file: Error while deserializing header: incomplete metadata",
        "none.pt": "is not a file",
    }
    for name, reason in expected.items():
        with pytest.raises(InputError) as error:
            read_state_dict(tmp_path / name)
        assert error.value.message.startswith(f"-w {tmp_path / name} {reason}")
        assert error.value.remedy and "\n" not in str(error.value)


def repaired(state):
    return dict(state.tensors) | {"fc.weight": torch.full((2, 4), 0.5), "fc.bias": torch.ones(2)}


def test_a_torch_file_is_written_back_as_it_came(tmp_path):
    optimizer = {"state": {0: {"step": 5, "average": torch.ones(3)}}, "groups": [{"lr": 0.1}]}
    inner = OrderedDict(network().state_dict())
    inner["tied"] = inner["conv.weight"]
    torch.save({"epoch": 9, "state_dict": inner, "optimizer": optimizer}, tmp_path / "w.pt")
    state = read_state_dict(tmp_path / "w.pt")
    write_state_dict(tmp_path / "new.pt", repaired(state), state)
    new = torch.load(tmp_path / "new.pt", weights_only=True)
    assert new["epoch"] == 9
    assert new["optimizer"]["groups"] == [{"lr": 0.1}]
    assert torch.equal(new["optimizer"]["state"][0]["average"], torch.ones(3))
    written = new["state_dict"]
    assert list(written) == list(inner)
    assert written["tied"].data_ptr() == written["conv.weight"].data_ptr()
    changed = [name for name in inner if tensor_hash(written[name]) != tensor_hash(inner[name])]
    assert changed == ["fc.weight", "fc.bias"]


def test_a_trusted_module_is_written_back_as_a_plain_state_dict(tmp_path):
    torch.save({"model": network(), "epoch": 2, "loss": nn.MSELoss()}, tmp_path / "w.pt")
    state = read_state_dict(tmp_path / "w.pt", trust_pickle=True)
    write_state_dict(tmp_path / "new.pt", repaired(state), state)
    new = torch.load(tmp_path / "new.pt", weights_only=True)
    assert new.keys() == {"model", "epoch"}
    assert new["model"].keys() == network().state_dict().keys()
    assert torch.equal(new["model"]["fc.bias"], torch.ones(2))


def test_a_safetensors_file_is_written_back_with_its_metadata(tmp_path):
    safetensors.torch.save_file(network().half().state_dict(), tmp_path / "w.safetensors", {"seed": "4"})
    state = read_state_dict(tmp_path / "w.safetensors")
    write_state_dict(tmp_path / "new.safetensors", repaired(state), state)
    new = read_state_dict(tmp_path / "new.safetensors")
    assert new.metadata == {"seed": "4"}
    assert new.tensors["conv.weight"].dtype == torch.float16
    assert torch.equal(new.tensors["fc.bias"], torch.ones(2))


def test_metadata_stands_in_alphabetical_order_in_the_file(tmp_path):
    notes = {"seed": "4", "classes": "é,b", "architecture": "x"}
    state = StateFile("w", "safetensors", StateDict(network().state_dict()), metadata=notes)
    write_state_dict(tmp_path / "new.safetensors", repaired(state), state)
    packed = (tmp_path / "new.safetensors").read_bytes()
    length = int.from_bytes(packed[:8], "little")
    assert length % 8 == 0
    header = json.loads(packed[8 : 8 + length])
    assert list(header["__metadata__"].items()) == sorted(notes.items())
    new = read_state_dict(tmp_path / "new.safetensors")
    assert new.metadata == notes
    assert torch.equal(new.tensors["fc.bias"], torch.ones(2))


def test_without_an_original_shared_tensors_become_safetensors(tmp_path):
    shared = torch.arange(6.0).reshape(2, 3)
    write_state_dict(tmp_path / "new.safetensors", {"a": shared, "b": shared, "c": shared.t()})
    new = read_state_dict(tmp_path / "new.safetensors").tensors
    assert (
        torch.equal(new["a"], shared) and torch.equal(new["b"], shared) and torch.equal(new["c"], shared.t())
    )


def test_a_full_disk_is_an_error_of_the_disk_in_either_format(tmp_path):
    torch.save(network().state_dict(), tmp_path / "w.pt")
    state = read_state_dict(tmp_path / "w.pt")
    for original in (None, state):
        with pytest.raises(OSError, match="No space left on device"):
            write_state_dict("/dev/full", state.tensors, original)


def test_the_hash_depends_on_type_shape_and_values():
    base = torch.arange(4.0)
    assert tensor_hash(base) == tensor_hash(base.clone())
    others = [base.half(), base.reshape(2, 2), base + 1]
    assert len({tensor_hash(tensor) for tensor in [base, *others]}) == 4
    assert tensor_hash(torch.arange(6.0).reshape(2, 3).t()) == tensor_hash(
        torch.arange(6.0).reshape(2, 3).t().contiguous()
    )
