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
from neuroinspect_tui.pipeline.tagging import CueStore
from neuroinspect_tui.results import Sample, TagCounts, states
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


def tags_of(store: CueStore, name: str) -> dict[str, dict[str, str]]:
    return {split: tags for split, tags in store.named(name).tags.items() if tags}


def test_tags_of_each_cue_outlive_the_process_and_come_out_as_csv(session: Session) -> None:
    store = CueStore(session)
    store.set("=water", "val", "b.png", "has")
    store.set("=water", "train", "a.png", "not")
    store.set("sticker", "val", "b.png", "mislabelled")
    store.set("sticker", "val", "c.png", "has")
    store.set("sticker", "val", "c.png", "")
    again = CueStore(session)
    assert tags_of(again, "=water") == {"val": {"b.png": "has"}, "train": {"a.png": "not"}}
    assert tags_of(again, "sticker") == {"val": {"b.png": "mislabelled"}}
    assert (session.root / "tags.csv").read_text() == (
        "path,cue,tag\na.png,'=water,not\nb.png,'=water,has\nb.png,sticker,mislabelled\n"
    )
    assert again.as_csv(["sticker"]) == "path,cue,tag\nb.png,sticker,mislabelled\n"


def test_cues_are_renamed_merged_cleared_and_left_out(session: Session) -> None:
    store = CueStore(session)
    store.add(" lake ", "mode", "3")
    for path, tag in (("a", "has"), ("b", "not"), ("c", "not")):
        store.set("lake", "val", path, tag)
    for path, tag in (("a", "not"), ("d", "mislabelled")):
        store.set("sea", "val", path, tag)
    assert [(cue.name, cue.origin, cue.source, cue.tags) for cue in store.all()] == [
        ("lake", "mode", "3", TagCounts(1, 2, 0)),
        ("sea", "hand", "", TagCounts(0, 1, 1)),
    ]
    store.rename("lake", "water")
    assert [cue.name for cue in store.all()] == ["water", "sea"]
    assert [cue.name for cue in store.used(())] == ["water"], "sea has images of one tag alone"
    store.merge("sea", "water")
    assert tags_of(store, "water") == {"val": {"a": "has", "b": "not", "c": "not", "d": "mislabelled"}}
    store.leave_out("water", True)
    assert store.used(()) == () and store.all()[0].left_out
    assert [cue.name for cue in store.used(["water"])] == ["water"], "named, it is used all the same"
    store.clear("water")
    assert CueStore(session).all()[0].tags == TagCounts()
    store.clear("water", forget=True)
    assert CueStore(session).all() == ()


def test_unusable_names_and_tags_are_refused(session: Session) -> None:
    store = CueStore(session)
    store.add("water")
    store.add("lake")
    for wrong in (
        lambda: store.add("  "),
        lambda: store.add("x" * 81),
        lambda: store.rename("water", "lake"),
        lambda: store.set("water", "val", "a", "maybe"),
    ):
        with pytest.raises(InputError):
            wrong()
    with pytest.raises(InputError, match='there is no cue "sea": the cues are: water, lake'):
        store.used(["sea"])


@pytest.mark.parametrize(
    ("old", "cues"),
    [
        ({"a": "cue", "b": "no cue", "c": "mislabelled"}, {"cue": ["has", "not", "mislabelled"]}),
        ({"a": "land", "b": "water", "c": "land"}, {"water": ["not", "has", "not"]}),
        (
            {"a": "sky", "b": "sea", "c": "land"},
            {"land": ["not", "not", "has"], "sea": ["not", "has", "not"], "sky": ["has", "not", "not"]},
        ),
        ({"a": "mislabelled"}, {"cue": ["mislabelled"]}),
        ({}, {}),
    ],
)
def test_tags_of_the_first_version_become_cues(
    session: Session, old: dict[str, str], cues: dict[str, list[str]]
) -> None:
    session.save(states.TAGS, {"val": old})
    found = {cue.name: list(cue.tags["val"].values()) for cue in CueStore(session)}
    assert found == cues


def test_a_tag_file_is_taken_over_by_path(session: Session, dataset: ImageDataset, tmp_path: Path) -> None:
    file = tmp_path / "tags.csv"
    file.write_text(
        "path,cue,tag\nval/red-none-0.png,tint,not\ntest/blue-red-3.png,tint,has\n"
        "val/red-none-0.png,noise,has\nval/red-none-1.png,,\n"
    )
    store = CueStore(session)
    store.set("tint", "val", "val/red-none-2.png", "has")
    assert store.read(file, dataset) == 3
    assert tags_of(store, "tint") == {
        "val": {"val/red-none-2.png": "has", "val/red-none-0.png": "not"},
        "test": {"test/blue-red-3.png": "has"},
    }
    assert tags_of(store, "noise") == {"val": {"val/red-none-0.png": "has"}}


def test_a_tag_file_without_cues_is_one_cue(session: Session, dataset: ImageDataset, tmp_path: Path) -> None:
    file = tmp_path / "tags.csv"
    file.write_text("path,tag\nval/red-none-0.png,has\nval/red-none-1.png,not\n")
    store = CueStore(session)
    assert store.read(file, dataset) == 2
    assert [(cue.name, cue.tags) for cue in store.all()] == [("cue", TagCounts(1, 1, 0))]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("file,tag\n", "has no column path: its first line must be path,cue,tag"),
        (
            "path,tag\nval/red-none-00.png,x\n",
            '"val/red-none-00.png" is not an image of the data: did you mean',
        ),
        ("path,cue,tag\nval/red-none-0.png,tint,maybe\n", '"maybe" is not a tag: tags are has, not'),
        ("path,cue,tag\nval/red-none-0.png,,has\n", '"val/red-none-0.png" has a tag, but no cue'),
    ],
)
def test_bad_tag_files_are_refused(
    session: Session, dataset: ImageDataset, tmp_path: Path, text: str, line: str
) -> None:
    file = tmp_path / "tags.csv"
    file.write_text(text)
    with pytest.raises(InputError) as caught:
        CueStore(session).read(file, dataset)
    assert line in str(caught.value)


def test_tags_are_told_by_cue_and_row(session: Session) -> None:
    store = CueStore(session)
    for path, tag in (("a", "has"), ("c", "not"), ("d", "mislabelled")):
        store.set("water", "val", path, tag)
    store.set("sky", "val", "b", "has")
    assert store.by_row({"val": features(["d", "b", "c"])}, store) == {
        "water": {"val": {0: "mislabelled", 2: "not"}},
        "sky": {"val": {1: "has"}},
    }


def test_samples_carry_their_tags(session: Session) -> None:
    store = CueStore(session)
    store.set("water", "val", "b", "has")
    samples = [Sample("val", row, path, 0, 1, 0.5) for row, path in enumerate("ab")]
    assert [sample.tag for sample in store.label(samples)] == ["", "has"]
    store.set("sky", "val", "b", "not")
    assert [sample.tag for sample in store.label(samples)] == ["", "water has, sky not"]


def test_what_comes_out_as_csv_goes_in_again(session: Session, tmp_path: Path) -> None:
    paths = [
        "plain.png",
        "-minus.png",
        "soft\u00adhyphen.png",
        "=1.png",
        b"caf\xe9.png".decode("utf-8", "surrogateescape"),
    ]
    cues = ["cue", "-dark", "=1+1", "'quoted", "@x"]
    store = CueStore(session)
    for path, cue in zip(paths, cues, strict=True):
        store.set(cue, "val", path, "has")
    split = Split("val", paths, torch.zeros(5, dtype=torch.int64), {}, FileImages(tmp_path, paths))
    dataset = ImageDataset("set", tmp_path, ("a", "b"), {"val": split})
    with Session.open(tmp_path / "other") as other:
        again = CueStore(other)
        assert again.read(session.root / "tags.csv", dataset) == 5
        found = {cue.name: cue.tags["val"] for cue in again}
        assert found == {cue: {path: "has"} for path, cue in zip(paths, cues, strict=True)}
