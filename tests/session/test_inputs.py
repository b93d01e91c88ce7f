from dataclasses import replace

from neuroinspect_tui.config import DataConfig, ModelConfig, PreprocessConfig, RunConfig
from neuroinspect_tui.session.inputs import changes_of_inputs

OLD = RunConfig(ModelConfig("resnet18", "a.pt"), DataConfig("data"), PreprocessConfig(image_size=64))


def test_options_that_differ_are_told_with_both_values():
    new = replace(OLD, model=ModelConfig("resnet18", "b\x1b.pt"), preprocess=PreprocessConfig(crop_pct=0.9))
    assert changes_of_inputs(OLD, new, ["model"]) == "-w a.pt → b\\x1b.pt"
    assert changes_of_inputs(OLD, new, ["model", "preprocessing"]) == (
        "-w a.pt → b\\x1b.pt, --image-size 64 → none, --crop-pct none → 0.9"
    )


def test_where_no_option_differs_the_files_have_changed():
    assert changes_of_inputs(OLD, OLD, ["model", "data"]) == (
        "what -m and -w name has changed, what -d names has changed"
    )
    assert changes_of_inputs(None, OLD, ["data"]) == "what -d names has changed"


def test_an_input_of_a_newer_version_is_named_as_it_is():
    assert changes_of_inputs(OLD, OLD, ["tokens"]) == "tokens has changed"
