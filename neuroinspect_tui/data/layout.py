"""Which folders are splits and which are classes; what cannot be decided is refused with a question."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import InputError
from .matching import Matcher
from .splits import folder_split, plain_split
from .tree import Folder

Known = Matcher
"""Says whether a name is a class of the classifier or of `--classes`."""

_STORES = frozenset(("images", "image", "imgs", "img", "jpegimages", "photos", "pictures", "jpg", "png"))
_ANNOTATIONS = frozenset(
    (
        *("txt", "xml", "json", "jsonl", "csv", "tsv", "md", "yaml", "yml"),
        *("npy", "npz", "mat", "py", "ipynb", "log", "pt", "pth"),
    )
)
_NAMED = 5
_STRAY = 0.1


@dataclass(frozen=True)
class ClassFolder:
    """A folder of images of the class `label`; `split` is "" where the data is not divided."""

    label: str
    split: str
    folder: Folder
    place: str = ""


@dataclass
class Layout:
    """The class folders, split folders that are `flat`, what was left out and why."""

    classes: list[ClassFolder] = field(default_factory=list)
    absent: dict[str, tuple[str, str]] = field(default_factory=dict)
    flat: dict[str, Folder] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def find_layout(root: Path, top: Folder, known: Known | None = None) -> Layout:
    """Return the class folders below `top`, the tree of `root`; raises InputError with a question.

    Understood are classes, splits above classes, classes above splits, and one folder around any of these.
    `known` decides where the names of the folders alone do not say which level holds the classes.
    """
    layout = Layout()
    top = _unwrapped(top, layout)
    splits = split_folders(root, top)
    flat = {name: folder for name, folder in _flat_splits(top).items() if name not in splits}
    if not splits and len(flat) > 1 and 2 * len(flat) > len(top.filled()):
        raise _without_classes(root, flat)
    if splits:
        for name, folder in flat.items():
            split = plain_split(name) or name
            layout.flat[split], layout.absent[split] = folder, _line_of_flat(root, folder)
        others = [name for name in top.folders if name not in splits and name not in flat]
        if others:
            layout.notes.append(f"not a split, skipped: {some(others)}")
    containers = splits or {"": top}
    reading = _reading_of(root, containers, known)
    for name, container in containers.items():
        _tell_loose(root, container, layout)
        split = name and (plain_split(name) or (folder_split(name) or (name, ""))[0])
        layout.classes += reading(container, split, layout)
    return layout


def split_folders(root: Path, top: Folder) -> dict[str, Folder]:
    """Return the sub-folders that are splits with folders of images in them; raises InputError for twins.

    A rest in the name (`flowers_train`) is allowed where another split has the same.
    """
    named = {
        name: found
        for name, folder in top.folders.items()
        if folder.folders and (found := folder_split(name))
    }
    rests = Counter(rest for _, rest in named.values())
    splits = {name: split for name, (split, rest) in named.items() if not rest or rests[rest] > 1}
    filled = {name: split for name, split in splits.items() if top.folders[name].filled()}
    for split in dict.fromkeys(filled.values()):
        same = [name for name, found in filled.items() if found == split]
        if len(same) > 1:
            raise InputError(
                f"{root}: {' and '.join(f'{name}/' for name in same)} could both be the {split} split",
                "which one is meant? Move the other one away, or give one of them as -d",
            )
    return {name: top.folders[name] for name in splits}


def _flat_splits(top: Folder) -> dict[str, Folder]:
    """Return the sub-folders that are named as splits and hold images, but no folders of images."""
    filled = top.filled().items()
    return {name: folder for name, folder in filled if plain_split(name) and not folder.filled()}


def _unwrapped(top: Folder, layout: Layout) -> Folder:
    """Step into a lone folder around the splits or classes: `PetImages/`, `images/` beside `labels/`."""
    while not top.images:
        filled = top.filled()
        if len(filled) != 1 or any(_is_bare(other) for other in top.folders.values()):
            return top
        (inner,) = filled.values()
        if plain_split(inner.path.rpartition("/")[2]) or inner.images or len(inner.filled()) < 2:
            return top
        layout.notes.append(f"read from {inner.path}/")
        top = inner
    return top


def _is_bare(folder: Folder) -> bool:
    """Whether a folder is an empty class: no images, nor only annotations."""
    return not folder.count() and not _is_annotation(folder)


def _is_annotation(folder: Folder) -> bool:
    others = folder.all_others()
    suffixes = {name.rpartition(".")[2].lower() for name in others}
    return bool(others) and not folder.count() and suffixes <= _ANNOTATIONS


_Reading = Callable[[Folder, str, Layout], list[ClassFolder]]


def _reading_of(root: Path, containers: dict[str, Folder], known: Known | None) -> _Reading:
    """Return how the folders in each container are to be read; raises InputError where that is a question."""
    children = [pair for container in containers.values() for pair in container.filled().items()]
    if not children or any(child.images for _, child in children):
        return _classes
    inner = [(name, below) for name, child in children for below in child.filled()]
    if "" in containers and all(plain_split(below) for _, below in inner):
        return _split_below_class
    shared = _shared(inner)
    if not shared:
        return _classes
    outer = sorted({name for name, _ in children})
    if known is not None and all(map(known.names, outer)):
        return _classes
    if known is not None and all(known.names(below) for _, below in inner):
        return _class_below_place
    raise InputError(
        f"{root}: the classes could be {some(outer)}, or {some(shared)} in each of them",
        "which ones? Name the classes with --classes FILE, or give one folder as -d, for example "
        f"{root / children[0][1].path}",
    )


def _shared(inner: Iterable[tuple[str, str]]) -> list[str]:
    """Return the names of sub-folders that stand in several folders, where a folder has more than one."""
    kept = {pair for pair in inner if pair[1].casefold() not in _STORES}
    counts, widths = Counter(below for _, below in kept), Counter(name for name, _ in kept)
    return (
        sorted(name for name, count in counts.items() if count > 1)
        if max(widths.values(), default=0) > 1
        else []
    )


def _classes(container: Folder, split: str, layout: Layout) -> list[ClassFolder]:
    found = []
    for name, folder in container.folders.items():
        if _is_annotation(folder):
            layout.notes.append(f"not a class, no images in it: {folder.path}/")
        else:
            found.append(ClassFolder(name, split, folder))
    return found


def _split_below_class(container: Folder, _: str, layout: Layout) -> list[ClassFolder]:
    layout.notes.append("the class folders hold the split folders")
    return [
        ClassFolder(name, plain_split(below) or below, folder)
        for name, child in container.filled().items()
        for below, folder in child.filled().items()
    ]


def _class_below_place(container: Folder, split: str, layout: Layout) -> list[ClassFolder]:
    layout.notes.append(f"{some(list(container.filled()))} are not classes: they make the column folder")
    return [
        ClassFolder(below, split, folder, place=name)
        for name, child in container.filled().items()
        for below, folder in child.filled().items()
    ]


def _tell_loose(root: Path, container: Folder, layout: Layout) -> None:
    """Remark on images beside class folders; many of them are refused."""
    loose, count = len(container.images), container.count()
    if not loose or loose == count:
        return
    layout.skipped += container.others
    where = root / container.path if container.path else root
    line = f"{where} holds {loose} images beside its class folders (for example {container.images[0]})"
    if loose > _STRAY * count:
        raise InputError(line, "of which class are they? Move them into its folder, or away")
    layout.notes.append(f"{line}: they are left out")


def _without_classes(root: Path, flat: dict[str, Folder]) -> InputError:
    names = some([f"{name}/" for name in flat])
    return InputError(
        f"{root}: {names} are splits that hold images but no class folders",
        "where are the labels? Give a table of path, label and split as -d, or make class folders",
    )


def _line_of_flat(root: Path, folder: Folder) -> tuple[str, str]:
    return (
        f"{root / folder.path} holds {folder.count()} images but no class folders and no list of labels",
        f"give the list as {root / folder.path}.txt, a line of file name and class for each image",
    )


def some(names: list[str]) -> str:
    """Return the first names, and how many more there are."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
