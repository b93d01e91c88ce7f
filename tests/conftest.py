"""Fixtures for every room."""

from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real images and weights that lies beside a development checkout."""
    folder = REPOSITORY.parent / "shared"
    if not (folder / "real").is_dir():
        pytest.skip("needs the real images in ../shared, which a public clone does not have")
    return folder


@pytest.fixture(scope="session")
def real(shared: Path) -> Path:
    """`../shared/real`."""
    return shared / "real"
