"""Read a folder of class folders, alone or under `train/ val/ test/`."""

from __future__ import annotations

import posixpath
from collections import Counter
from dataclasses import replace
from pathlib import Path

from ..errors import InputError
from .class_names import INTEGER
from .label_lists import read_label_list
from .layout import Known, Layout, find_layout, some
from .split_lists import SplitLists, read_split_lists
from .splits import folder_split, plain_split
from .table import Table
from .tree import Folder, is_junk, read_tree

_PICTURES = frozenset(
    (
        *("heic", "heif", "jxl", "svg", "psd", "raw", "cr2", "nef", "arw", "dng"),
        *("npy", "npz", "mp4", "avi", "mov", "webm", "pdf"),
    )
)


def read_folders(root: Path, known: Known | None = None, wanted: str = "val") -> Table:
    """Return the images under `root`, each labelled with its class folder; raises InputError.

    Files count as images by their suffix (whatever they hold); the rest, hidden files and linked folders
    below a class folder are skipped and counted in a note. An empty class folder still makes a class.
    Folders inside a class folder (`cat/cat(sofa)/` of MetaShift) become the column `folder`. Names are
    sorted, so the order is the same everywhere. `known` says which names are classes of the classifier;
    `wanted` is the split that will be debugged. A flat split folder is read with its list of labels.
    """
    top = read_tree(root)
    if not top.filled():
        return _read_flat(root, top)
    if (listed := _read_lists(root, top)) is not None:
        return listed
    table = _divided(table_of_tree(root, top, known, wanted, on_disk=True))
    classes, note = _classes_of_siblings(root, dict.fromkeys(table.classes), known)
    return replace(table, classes=classes, notes=(*table.notes, *note))


def table_of_tree(
    root: Path, top: Folder, known: Known | None = None, wanted: str = "val", on_disk: bool = False
) -> Table:
    """Return the images in a tree of folders, which `root` holds, on a disk or not; raises InputError."""
    layout = find_layout(root, top, known)
    _compare_splits(root, layout, known, plain_split(wanted) or wanted)
    listed = _flat_with_lists(root, layout) if on_disk else {}
    paths, labels, splits, subfolders = [], [], [], []
    for found in layout.classes:
        for path in found.folder.walk(layout.skipped):
            paths.append(path)
            labels.append(found.label)
            splits.append(found.split)
            below = posixpath.dirname(path[len(found.folder.path) + 1 :])
            subfolders.append(posixpath.join(found.place, below) if below else found.place)
    for split, rows in listed.items():
        paths += [path for path, _ in rows]
        labels += [label for _, label in rows]
        splits += [split] * len(rows)
        subfolders += [""] * len(rows)
    if not paths:
        raise _empty(root, top)
    classes = tuple(dict.fromkeys(found.label for found in layout.classes))
    return Table(
        name=root.resolve().name,
        origin=str(root),
        root=root,
        paths=paths,
        labels=labels,
        classes=classes,
        named=True,
        splits=splits if any(splits) else None,
        columns={"folder": subfolders} if any(subfolders) else {},
        notes=tuple(_notes(layout, labels, classes)),
        absent=layout.absent,
    )


def _read_flat(root: Path, top: Folder) -> Table:
    """Read a folder that holds images alone, with the list of its labels; raises InputError."""
    rows = read_label_list(root, top.images) if top.images else None
    if rows is None:
        raise _empty(root, top)
    return Table(
        name=root.resolve().name,
        origin=str(root),
        root=root,
        paths=[path for path, _ in rows],
        labels=[label for _, label in rows],
    )


def _read_lists(root: Path, top: Folder) -> Table | None:
    """Read images that lie in one folder, with lists of splits that say their labels."""
    filled = top.filled()
    inner = next(iter(filled.values()))
    if len(filled) > 1 or top.images or inner.filled():
        return None
    paths = list(inner.walk([]))
    lists = read_split_lists(root, paths)
    if lists is None or not lists.labels:
        return None
    own = [path for path in paths if path in lists.splits]
    return Table(
        name=root.resolve().name,
        origin=str(root),
        root=root,
        paths=own,
        labels=[lists.labels[path] for path in own],
        splits=[lists.splits[path] for path in own],
        notes=_of_lists(lists, len(paths) - len(own)),
    )


def _divided(table: Table) -> Table:
    """Divide class folders by the lists of splits beside them, where there are some."""
    lists = read_split_lists(table.root, table.paths) if table.splits is None else None
    if lists is None:
        return table
    taken = table.taken([row for row, path in enumerate(table.paths) if path in lists.splits])
    left = len(table.paths) - len(taken.paths)
    splits = [lists.splits[path] for path in taken.paths]
    return replace(taken, splits=splits, notes=(*table.notes, *_of_lists(lists, left)))


def _of_lists(lists: SplitLists, left: int) -> tuple[str, ...]:
    rest = f", {left} images in none of them are left out" if left else ""
    return (f"the splits are those of {', '.join(lists.files)}{rest}",)


def _flat_with_lists(root: Path, layout: Layout) -> dict[str, list[tuple[str, str]]]:
    """Return (path, label) of the flat split folders whose list of labels is there: they are not absent."""
    found = {}
    for split, folder in layout.flat.items():
        rows = read_label_list(root / folder.path, folder.images)
        if rows is not None:
            names = _names_of_numbers(root / folder.path, layout, [label for _, label in rows])
            found[split] = [(f"{folder.path}/{path}", names.get(label, label)) for path, label in rows]
            del layout.absent[split]
    return found


def _names_of_numbers(folder: Path, layout: Layout, labels: list[str]) -> dict[str, str]:
    """Return the class folder for each label of a list that numbers the sorted class folders from 0."""
    names = sorted({found.label for found in layout.classes})
    if not all(map(INTEGER.fullmatch, labels)) or any(map(INTEGER.fullmatch, names)):
        return {}
    outside = [label for label in labels if not 0 <= int(label) < len(names)]
    if outside:
        line = f"{folder}: the list gives label {outside[0]}, there are {len(names)} class folders"
        raise InputError(line, f"number them from 0 to {len(names) - 1}, or write their names")
    return {label: names[int(label)] for label in labels}


def _compare_splits(root: Path, layout: Layout, known: Known | None, wanted: str) -> None:
    """Raise InputError where a split has a class that train (else the largest) does not have.

    A split that shares no class with train holds images without labels: it is left out.
    """
    labels: dict[str, dict[str, None]] = {}
    for found in layout.classes:
        labels.setdefault(found.split, {}).setdefault(found.label)
    if len(labels) < 2:
        return
    base = "train" if "train" in labels else max(labels, key=lambda split: len(labels[split]))
    for split, own in labels.items():
        extra = [name for name in own if name not in labels[base] and not (known is not None and known(name))]
        if not extra:
            continue
        line = f'{root}: {split} has a class "{extra[0]}" that {base} does not have'
        if extra == list(own) and split != wanted:
            layout.absent[split] = (f"{root}: {split} has no class of {base}", "label its images")
            layout.notes.append(f"{split} shares no class with {base}: it is left out")
            layout.classes = [found for found in layout.classes if found.split != split]
        else:
            raise InputError(line, "is it a class? Name all with --classes FILE, or move its folder away")


def _classes_of_siblings(
    root: Path, own: dict[str, None], known: Known | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the classes of `root`, with those of the splits beside it where it is a split itself, a note."""
    real = root.resolve()
    if not plain_split(real.name) or any(map(is_split, own)):
        return tuple(own), ()
    beside = {
        path.name: [
            child.name for child in sorted(path.iterdir()) if child.is_dir() and not is_junk(child.name)
        ]
        for path in sorted(real.parent.iterdir())
        if path != real and folder_split(path.name) and path.is_dir()
    }
    beside = {name: classes for name, classes in beside.items() if classes}
    if not beside:
        return tuple(own), ()
    base = next(
        (name for name in beside if plain_split(name) == "train"),
        max(beside, key=lambda name: len(beside[name])),
    )
    extra = [name for name in own if name not in beside[base] and not (known is not None and known(name))]
    if extra and not (plain_split(real.name) == "train" and set(beside[base]) <= set(own)):
        raise InputError(
            f'{root} has a class "{extra[0]}" that {real.parent / base} does not have',
            "is it a class? Name all with --classes FILE, or move its folder away",
        )
    has = f"{root.parent} has {', '.join(beside)} too"
    note = f"{root} is one split of several: {has}, give -d {root.parent} to repair with them"
    return tuple(sorted({*own, *beside[base]})), (note,)


def is_split(name: str) -> bool:
    """Whether a name says a split and nothing else."""
    return plain_split(name) is not None


def _notes(layout: Layout, labels: list[str], classes: tuple[str, ...]) -> list[str]:
    notes = []
    bare = sorted(set(classes) - set(labels))
    if bare:
        notes.append(f"no images of class: {some(bare)}")
    if layout.skipped:
        more = f" and {len(layout.skipped) - 1} more" if len(layout.skipped) > 1 else ""
        notes.append(f"skipped, no image by its name: {layout.skipped[0]}{more}")
    notes += [f"{count} .{suffix} files are not read" for suffix, count in _left_out(layout.skipped)]
    return notes + layout.notes


def _left_out(skipped: list[str]) -> list[tuple[str, int]]:
    """Return the suffixes of picture files that are not read, with how many there are."""
    suffixes = Counter(name.rpartition(".")[2].lower() for name in skipped)
    return [(suffix, count) for suffix, count in sorted(suffixes.items()) if suffix in _PICTURES]


def _empty(root: Path, top: Folder) -> InputError:
    if top.images:
        return InputError(
            f"{root} holds {len(top.images)} images but no class folders",
            "put each class's images in a folder of its name, or give a table of path and label as -d",
        )
    suffixes = Counter(name.rpartition(".")[2].lower() for name in top.all_others() if "." in name)
    if suffixes:
        (suffix, count), *_ = suffixes.most_common(1)
        line = f"{root} holds no images: {count} of its files end in .{suffix}"
        return InputError(line, "convert them, or give a folder of class folders or a table")
    return InputError(f"{root} holds no images", "give a folder of class folders, or a manifest.csv")
