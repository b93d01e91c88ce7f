import itertools
import json
import subprocess
import sys

import numpy as np
import pytest
import torch

from neuroinspect_tui.errors import InputError
from neuroinspect_tui.results import Sample, Unreadable
from neuroinspect_tui.session.features import ARRAYS, FeatureStore, iterate_samples
from neuroinspect_tui.session.store import Session
from neuroinspect_tui.tensors import Shard

from .tmpfs import run_on_tmpfs

NEURONS = 3
PATHS = [f"val/{row}.png" for row in range(10)]


@pytest.fixture
def session(tmp_path):
    with Session.open(tmp_path / "session") as opened:
        yield opened


def shard(start: int, stop: int, unreadable: tuple[int, ...] = (), scale: float = 1.0) -> Shard:
    """Row r has features r + 0, 0.25, 0.5, label r % 4, top classes r % 3 and on."""
    rows = torch.tensor([row for row in range(start, stop) if row not in unreadable], dtype=torch.int64)
    features = (rows[:, None] + torch.tensor([0.0, 0.25, 0.5])) * scale
    classes = (rows[:, None] + torch.arange(5)) % 3
    logits = rows[:, None].float() - torch.arange(5)
    pairs = tuple((row, "truncated") for row in unreadable)
    return Shard(start, stop, rows, features, rows % 4, logits, classes, 1 / (rows.float() + 2), pairs)


def write_all(store: FeatureStore, *edges: int, **options) -> None:
    for start, stop in itertools.pairwise(edges):
        store.write(shard(start, stop, **options))


def test_shards_come_back_as_one_split(session):
    store = FeatureStore(session, "val", 10)
    write_all(store, 0, 4, 8, 10)
    split = store.open(PATHS)
    expected = torch.arange(10)[:, None] + torch.tensor([0.0, 0.25, 0.5])
    assert split.features.dtype == torch.float32
    assert torch.equal(split.features, expected)
    assert split.labels.tolist() == [0, 1, 2, 3, 0, 1, 2, 3, 0, 1]
    assert split.predicted.tolist() == [0, 1, 2, 0, 1, 2, 0, 1, 2, 0]
    assert split.mistakes.tolist() == [False, False, False, True, True, True, True, True, True, True]
    assert split.top_logits[7].tolist() == [7, 6, 5, 4, 3]
    assert split.confidence.tolist() == (1 / (torch.arange(10) + 2.0)).tolist()
    assert (split.split, split.paths, split.rows.tolist()) == ("val", PATHS, list(range(10)))


@pytest.mark.parametrize("merged", [False, True])
def test_images_whose_disk_did_not_answer_are_missing_again_once_forgotten(session, merged):
    store, whole = FeatureStore(session, "val", 10), shard(0, 10)
    bad = shard(0, 10, unreadable=(2, 3, 7))
    store.write(Shard(**{**vars(bad), "passing": (2, 3)}))
    if merged:
        store.merge()
    assert store.passing() == [2, 3]
    store.forget(store.passing())
    assert (store.missing(10), store.passing(), store.done()) == ([range(2, 4)], [], 8)
    store.write(shard(2, 4))
    again = store.open(PATHS[:10])
    assert store.unreadable(PATHS) == (Unreadable(PATHS[7], "truncated"),)
    kept = [row for row in range(10) if row != 7]
    assert again.rows.tolist() == kept
    assert torch.equal(again.features.float(), whole.features[kept].half().float())
    assert torch.equal(again.labels, whole.labels[kept])


def test_unreadable_images_are_listed_and_leave_no_row(session):
    store = FeatureStore(session, "val", 10)
    store.write(shard(0, 5, unreadable=(1, 4)))
    store.write(shard(5, 10))
    listed = (Unreadable("val/1.png", "truncated"), Unreadable("val/4.png", "truncated"))
    assert store.unreadable(PATHS) == listed
    split = store.open(PATHS)
    assert store.unreadable(PATHS) == listed
    assert split.rows.tolist() == [0, 2, 3, 5, 6, 7, 8, 9]
    assert split.paths == [PATHS[row] for row in split.rows.tolist()]
    assert split.features[:, 0].tolist() == split.rows.tolist()


def test_a_shard_without_one_readable_image_counts(session):
    store = FeatureStore(session, "val", 10)
    store.write(shard(0, 5, unreadable=(0, 1, 2, 3, 4)))
    store.write(shard(5, 10))
    split = store.open(PATHS)
    assert split.rows.tolist() == [5, 6, 7, 8, 9]
    assert split.features.shape == (5, NEURONS)


def test_a_split_without_any_readable_image_is_empty(session):
    store = FeatureStore(session, "val", 2)
    store.write(shard(0, 2, unreadable=(0, 1)))
    assert len(store.open(PATHS[:2])) == 0


def test_missing_ranges_are_what_is_not_on_disk(session):
    store = FeatureStore(session, "val", 10)
    assert store.missing(4) == [range(4), range(4, 8), range(8, 10)]
    store.write(shard(4, 6))
    assert store.missing(4) == [range(4), range(6, 10)]
    assert store.missing(3) == [range(3), range(3, 4), range(6, 9), range(9, 10)]
    assert (store.done(), store.complete()) == (2, False)
    write_all(store, 0, 4)
    write_all(store, 6, 10)
    assert (store.missing(4), store.done(), store.complete()) == ([], 10, True)
    store.merge()
    assert (store.missing(4), store.done(), store.complete()) == ([], 10, True)
    assert FeatureStore(session, "test", 3).missing(2) == [range(2), range(2, 3)]


def test_a_resumed_split_equals_an_undisturbed_one(session, tmp_path):
    whole = FeatureStore(session, "val", 10)
    write_all(whole, 0, 10)
    resumed = FeatureStore(session, "again", 10)
    write_all(resumed, 4, 6)
    for gap in resumed.missing(3):
        resumed.write(shard(gap.start, gap.stop))
    for name in ARRAYS:
        assert torch.equal(getattr(whole.open(PATHS), name), getattr(resumed.open(PATHS), name))


def test_a_half_written_shard_is_missing(session, monkeypatch):
    store = FeatureStore(session, "val", 10)
    monkeypatch.setattr("neuroinspect_tui.session.features._write_text", lambda path, text: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        store.write(shard(0, 4))
    assert store.missing(10) == [range(10)]
    assert list(store.directory.iterdir()) == []


def test_merging_interrupted_anywhere_can_be_repeated(session, monkeypatch):
    store = FeatureStore(session, "val", 10)
    write_all(store, 0, 4, 10)
    with monkeypatch.context() as patched:
        patched.setattr("neuroinspect_tui.session.features.shutil.rmtree", lambda path: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            store.merge()
    assert len(list(store.directory.iterdir())) == 3
    assert store.complete()
    assert store.open(PATHS).features[:, 0].tolist() == list(range(10))
    assert [entry.name for entry in store.directory.iterdir()] == ["all"]


def test_features_far_from_zero_keep_their_logits(session):
    """In half precision 2000.3 is 2000: every decision that hangs on the difference would be lost."""
    weight = torch.tensor([[1.0, -1.0, 0.5], [-1.0, 1.0, 0.5]])
    part = shard(0, 10)
    part.features[:] = part.features / 10 + 2000
    before = part.features @ weight.T
    store = FeatureStore(session, "val", 10)
    store.write(part)
    after = store.open(PATHS).features @ weight.T
    assert (after - before).abs().max() <= 1e-4
    assert torch.equal(after.argmax(1), before.argmax(1))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_features_that_are_not_finite_are_refused(session, value):
    store = FeatureStore(session, "val", 10)
    bad = shard(4, 8, unreadable=(4,))
    bad.features[1, 2] = value
    with pytest.raises(InputError) as caught:
        store.write(bad)
    assert str(caught.value) == (
        "the classifier's features of image 6 of split val are not finite: "
        "use --precision fp32, and look for NaN in the weights"
    )


def test_the_merged_features_are_mapped_not_read(session):
    store = FeatureStore(session, "val", 10)
    write_all(store, 0, 10)
    path = store.directory / "all" / "features.npy"
    features = store.open(PATHS).features
    changed = np.load(path, mmap_mode="r+")
    changed[3, 0] = 99
    changed.flush()
    assert features[3, 0] == 99
    features[4, 0] = -1
    assert np.load(path)[4, 0] == 4


def test_every_array_loads_without_pickle(session):
    store = FeatureStore(session, "val", 10)
    write_all(store, 0, 10)
    store.open(PATHS)
    kinds = {
        path.stem: np.load(path, allow_pickle=False).dtype.name for path in store.directory.rglob("*.npy")
    }
    assert kinds == {
        "features": "float32",
        "labels": "int64",
        "rows": "int64",
        "top_logits": "float32",
        "top_classes": "int64",
        "confidence": "float32",
    }


def test_a_pickled_array_is_refused(session):
    store = FeatureStore(session, "val", 10)
    write_all(store, 0, 10)
    store.open(PATHS)
    path = store.directory / "all" / "labels.npy"
    np.save(path, np.array([{"run": "me"}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match=r"labels\.npy is damaged"):
        store.open(PATHS)


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-1], lambda data: b"", lambda data: b"text", lambda data: data + b"x"]
)
def test_a_damaged_array_is_named(session, damage):
    store = FeatureStore(session, "val", 10)
    write_all(store, 0, 10)
    store.open(PATHS)
    path = store.directory / "all" / "features.npy"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InputError) as caught:
        store.open(PATHS)
    assert str(caught.value) == f"{path} is damaged: delete {path.parent}: it is made anew by the next run"


def test_a_full_disk_keeps_the_finished_shards(tmp_path):
    code = (
        "import sys, torch, pathlib\n"
        "from neuroinspect_tui.errors import InputError\n"
        "from neuroinspect_tui.session.features import FeatureStore\n"
        "from neuroinspect_tui.session.store import Session\n"
        "from neuroinspect_tui.tensors import Shard\n"
        "with Session.open(pathlib.Path(sys.argv[1], 'session')) as session:\n"
        "    store = FeatureStore(session, 'val', 1000)\n"
        "    try:\n"
        "        for gap in store.missing(100):\n"
        "            rows = torch.arange(gap.start, gap.stop)\n"
        "            five = torch.zeros(100, 5)\n"
        "            store.write(Shard(gap.start, gap.stop, rows, torch.ones(100, 500), rows, five, five, five[:, 0]))\n"
        "    except InputError as error:\n"
        "        print(error)\n"
        "    print(store.missing(1000))\n"
    )
    line, missing = run_on_tmpfs(tmp_path, "size=1m", code).splitlines()
    assert line.startswith(
        f"cannot write {tmp_path}/session/features/val/000000400-000000500 (No space left on device)"
    )
    assert missing == "[range(400, 1000)]"


def test_the_memory_that_a_merge_takes_does_not_grow_with_the_data(tmp_path):
    code = (
        "import sys, torch, pathlib, resource\n"
        "from neuroinspect_tui.session.features import FeatureStore\n"
        "from neuroinspect_tui.session.store import Session\n"
        "from neuroinspect_tui.tensors import Shard\n"
        "with Session.open(pathlib.Path(sys.argv[1])) as session:\n"
        "    store = FeatureStore(session, 'val', 8 * 8192)\n"
        "    for gap in store.missing(8192):\n"
        "        rows = torch.arange(gap.start, gap.stop)\n"
        "        five = torch.zeros(len(gap), 5)\n"
        "        wide = torch.ones(len(gap), 1024, dtype=torch.float32)\n"
        "        store.write(Shard(gap.start, gap.stop, rows, wide, rows, five, five, five[:, 0]))\n"
        "    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "    split = store.open([str(row) for row in range(8 * 8192)])\n"
        "    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "    print((after - before) >> 10, split.features.numel() * 4 >> 20)\n"
    )
    run = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True)
    grown, size = map(int, run.stdout.split())
    assert size == 256
    assert grown < 32


def test_samples_are_streamed_in_order(session):
    store = FeatureStore(session, "val", 10)
    store.write(shard(0, 10, unreadable=(1,)))
    samples = list(iterate_samples(store.open(PATHS), block=4))
    assert len(samples) == 9
    assert samples[0] == Sample("val", 0, "val/0.png", 0, 0, 0.5)
    assert samples[1] == Sample("val", 1, "val/2.png", 2, 2, 0.25)
    assert samples[8] == Sample("val", 8, "val/9.png", 1, 0, pytest.approx(1 / 11))


def test_reasons_with_odd_characters_survive(session):
    store = FeatureStore(session, "val", 1)
    one = shard(0, 1, unreadable=(0,))
    store.write(Shard(**{**vars(one), "unreadable": ((0, "no \udcff \x1b file"),)}))
    assert store.unreadable(["a.png"]) == (Unreadable("a.png", "no \udcff \x1b file"),)
    store.merge()
    assert json.loads((store.directory / "all" / "unreadable.json").read_text()) == [
        [0, "no \udcff \x1b file"]
    ]


def test_a_split_named_to_escape_stays_in_the_session(session):
    store = FeatureStore(session, "../../elsewhere", 1)
    assert store.directory.parent == session.root / "features"
