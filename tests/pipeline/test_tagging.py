"""Tags: kept, exported, imported, made into a group column."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from neuroinspect_tui.config import DataConfig
from neuroinspect_tui.data.dataset import load_dataset
from neuroinspect_tui.data.files import FileImages
from neuroinspect_tui.data.splits import ImageDataset, Split
from neuroinspect_tui.errors import InputError
from neuroinspect_tui.pipeline.tagging import TagStore
from neuroinspect_tui.results import Sample
from neuroinspect_tui.session.store import Session
from neuroinspect_tui.tensors import SplitFeatures
from tests.tiny import TinyProject


@pytest.fixture
def session(tmp_path: Path) -> Session:
    with Session.open(tmp_path / "session") as session:
        yield session


@pytest.fixture
def dataset(tiny: TinyProject) -> ImageDataset:
    return load_dataset(DataConfig(str(tiny.manifest)))


def features(paths: list[str]) -> SplitFeatures:
    count = len(paths)
    rows = torch.arange(count)
    return SplitFeatures(
        "val", torch.zeros(count, 4), rows, torch.zeros(count, 3), torch.zeros(count, 3), rows, paths, rows
    )


def test_tags_outlive_the_process_and_come_out_as_csv(session: Session) -> None:
    book = TagStore(session)
    book.set("val", "b.png", "cue")
    book.set("train", "a.png", "=1+1")
    book.set("val", "c.png", "none")
    book.set("val", "c.png", "")
    again = TagStore(session)
    assert (again.get("val", "b.png"), again.get("train", "a.png"), again.get("val", "c.png")) == (
        "cue",
        "=1+1",
        "",
    )
    assert (session.root / "tags.csv").read_text() == "path,tag\na.png,'=1+1\nb.png,cue\n"


def test_a_tag_file_is_taken_over_by_path(session: Session, dataset: ImageDataset, tmp_path: Path) -> None:
    file = tmp_path / "tags.csv"
    file.write_text("path,tag\nval/red-none-0.png,plain\ntest/blue-red-3.png,tinted\nval/red-none-1.png,\n")
    book = TagStore(session)
    assert book.read(file, dataset) == 2
    assert book.get("val", "val/red-none-0.png") == "plain"
    assert book.get("test", "test/blue-red-3.png") == "tinted"
    assert book.get("val", "val/red-none-1.png") == ""


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("file,tag\n", "has no column path: its first line must be path,tag"),
        (
            "path,tag\nval/red-none-00.png,x\n",
            '"val/red-none-00.png" is not an image of the data: did you mean',
        ),
    ],
)
def test_bad_tag_files_are_refused(
    session: Session, dataset: ImageDataset, tmp_path: Path, text: str, line: str
) -> None:
    file = tmp_path / "tags.csv"
    file.write_text(text)
    with pytest.raises(InputError) as caught:
        TagStore(session).read(file, dataset)
    assert line in str(caught.value)


def test_tags_are_told_by_row(session: Session) -> None:
    book = TagStore(session)
    for path, tag in (("a", "with"), ("c", "without"), ("d", "mislabelled")):
        book.set("val", path, tag)
    assert book.by_row({"val": features(["d", "b", "c"])}) == {"val": {0: "mislabelled", 2: "without"}}
    assert book


def test_a_book_of_mislabelled_images_only_makes_no_groups(session: Session) -> None:
    book = TagStore(session)
    book.set("val", "a", "mislabelled")
    assert not book


def test_samples_carry_their_tags(session: Session) -> None:
    book = TagStore(session)
    book.set("val", "b", "cue")
    samples = [Sample("val", row, path, 0, 1, 0.5) for row, path in enumerate("ab")]
    assert [sample.tag for sample in book.label(samples)] == ["", "cue"]


def test_what_comes_out_as_csv_goes_in_again(session: Session, tmp_path: Path) -> None:
    paths = [
        "plain.png",
        "-minus.png",
        "soft\u00adhyphen.png",
        "=1.png",
        b"caf\xe9.png".decode("utf-8", "surrogateescape"),
    ]
    tags = ["cue", "-dark", "=1+1", "'quoted", "@x"]
    book = TagStore(session)
    for path, tag in zip(paths, tags, strict=True):
        book.set("val", path, tag)
    split = Split("val", paths, torch.zeros(5, dtype=torch.int64), {}, FileImages(tmp_path, paths))
    dataset = ImageDataset("set", tmp_path, ("a", "b"), {"val": split})
    with Session.open(tmp_path / "other") as other:
        again = TagStore(other)
        assert again.read(session.root / "tags.csv", dataset) == 5
        assert [again.get("val", path) for path in paths] == tags
