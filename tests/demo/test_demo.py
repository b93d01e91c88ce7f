import subprocess
import sys

import pytest

from neuroinspect_tui import demo
from neuroinspect_tui.errors import InputError


def test_the_configuration_needs_neither_torch_nor_numpy():
    code = (
        "import sys; from neuroinspect_tui.demo import demo_config; demo_config();"
        "print(sorted({'torch', 'numpy', 'PIL'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_configuration_names_the_files_of_the_demo():
    config = demo.demo_config(seed=5)
    assets = demo.assets_dir()
    assert config.model.spec == "neuroinspect_tui.demo.network:demo_resnet"
    assert config.model.weights == str(assets / "classifier.safetensors")
    assert config.data.source == str(assets / "data" / "manifest.csv")
    assert config.data.groups == ("background", "watermark")
    assert (config.preprocess.image_size, config.preprocess.crop_pct) == (64, 1.0)
    assert (config.compute.seed, config.debug.clip, config.repair.method) == (5, "demo", "auto")


def test_missing_files_are_named_with_the_remedy(monkeypatch, tmp_path):
    monkeypatch.setattr(demo, "__file__", str(tmp_path / "package" / "demo" / "__init__.py"))
    with pytest.raises(InputError) as raised:
        demo.assets_dir()
    assert str(raised.value) == (
        "the demo's files (assets/) are missing: run `make assets` in a checkout, or install again"
    )


def test_the_installed_package_has_its_own_assets(monkeypatch, tmp_path):
    folder = tmp_path / "package" / "assets" / "data"
    folder.mkdir(parents=True)
    (folder / "manifest.csv").touch()
    monkeypatch.setattr(demo, "__file__", str(tmp_path / "package" / "demo" / "__init__.py"))
    assert demo.assets_dir() == tmp_path / "package" / "assets"
