"""Which class of the classifier, or of `--classes`, a label or a folder name means."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property

from ..errors import InputError
from ..torchvision_compat import import_torchvision
from .class_names import INTEGER, ClassList

WORDNET_ID = re.compile(r"n[0-9]{8}")
_ID_FIRST = re.compile(r"(n[0-9]{8})[-_. ].+")
_IMAGENET = 1000
_CANDIDATES = 3
_GAP = re.compile(r"[\s_\-]+")


def normal(name: str) -> str:
    """Return a name without the difference of case, Unicode form, spaces, dashes and underscores."""
    return _GAP.sub(" ", unicodedata.normalize("NFKC", name).casefold()).strip()


class Matcher:
    """Finds the indices in a class list that a label may mean: as it stands, loosely, last as an index."""

    def __init__(self, classes: ClassList) -> None:
        self.classes = classes

    @cached_property
    def _levels(self) -> tuple[dict[str, list[int]], ...]:
        """From strict to loose: keys, names, both normalised, the synonyms in `tench, Tinca tinca`."""
        keys, names = self.classes.keys, self.classes.names
        synonyms = [(normal(part), at) for at, name in enumerate(names) for part in name.split(",")]
        both = [(normal(name), at) for listed in (keys, names) for at, name in enumerate(listed)]
        exact = [[(name, at) for at, name in enumerate(listed)] for listed in (keys, names)]
        return tuple(_grouped(pairs) for pairs in (*exact, both, synonyms))

    def find(self, label: str) -> list[int]:
        """Return the indices that `label` names: none, one, or several where it is ambiguous."""
        exact, loose = self._levels[:2], self._levels[2:]
        label = _wordnet_id(label, self.classes.keys)
        for level in exact:
            if label in level:
                return level[label]
        for level in loose:
            if normal(label) in level:
                return level[normal(label)]
        number = int(label) if INTEGER.fullmatch(label) else -1
        return [number] if 0 <= number < len(self.classes.names) else []

    def names(self, label: str) -> bool:
        """Whether `label` is a name or a key, not an index alone."""
        label = _wordnet_id(label, self.classes.keys)
        return any(label in level for level in self._levels[:2]) or any(
            normal(label) in level for level in self._levels[2:]
        )

    def __call__(self, label: str) -> bool:
        """Whether `label` names a class, or several."""
        return bool(self.find(label))

    def nearest(self, label: str) -> str:
        """Return `did you mean …?` for the names most like `label`, or an empty string."""
        known = {normal(name): name for name in (*self.classes.keys, *self.classes.names)}
        alike = difflib.get_close_matches(normal(label), known, _CANDIDATES, 0.5)
        shown = " or ".join(f'"{known[name]}"' for name in alike)
        return f"did you mean {shown}?" if alike else ""


def _wordnet_id(label: str, keys: Sequence[str]) -> str:
    """Return the WordNet id of `n02085620-Chihuahua` where the classes are known by such ids."""
    found = _ID_FIRST.fullmatch(label)
    return found[1] if found is not None and found[1] in keys else label


def _grouped(pairs: Iterable[tuple[str, int]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for name, index in pairs:
        places = found.setdefault(name, [])
        if index not in places:
            places.append(index)
    return found


def with_wordnet_ids(classes: ClassList, labels: Sequence[str]) -> ClassList:
    """Return a list of ImageNet's 1000 names with their WordNet ids as keys, where `labels` are such ids."""
    ids_of = [found[1] if (found := _ID_FIRST.fullmatch(label)) else label for label in labels]
    if len(classes.names) != _IMAGENET or not labels or not all(map(WORDNET_ID.fullmatch, ids_of)):
        return classes
    if any(label in classes.keys for label in ids_of):
        return classes
    import_torchvision()
    from timm.data.imagenet_info import ImageNetInfo

    ids = tuple(ImageNetInfo("imagenet-1k").label_names())
    return ClassList(ids, classes.names, classes.origin) if set(ids_of) <= set(ids) else classes


def match_labels(
    labels: Sequence[str], classes: ClassList, origin: str, row_of: Callable[[str], str]
) -> tuple[dict[str, int], str]:
    """Return the index of each distinct label, and a remark where they are not its names; raises InputError.

    A label is looked up as it stands, then without regard to case and the like. Where some are no names and
    all are whole numbers, they are indices. `row_of` says where a label stands.
    """
    matcher = Matcher(with_wordnet_ids(classes, labels))
    if all(map(INTEGER.fullmatch, labels)) and not all(map(matcher.names, labels)):
        return _as_indices(
            labels, classes, row_of
        ), f"folder names are taken as class numbers of {classes.origin}"
    found = {label: matcher.find(label) for label in labels}
    unknown = [label for label in labels if not found[label]]
    if len(unknown) == len(labels) == len(classes.names) and all(map(WORDNET_ID.fullmatch, labels)):
        return {
            label: index for index, label in enumerate(labels)
        }, f"{classes.origin} names the sorted WordNet folders in its order"
    if unknown:
        more = f" (and {len(unknown) - 1} more)" if len(unknown) > 1 else ""
        line = f'{origin}: class "{unknown[0]}"{more} is not in {classes.origin}'
        raise InputError(line, matcher.nearest(unknown[0]) or _remedy(classes))
    _refuse_ambiguous(found, classes, origin)
    return {label: indices[0] for label, indices in found.items()}, ""


def _as_indices(labels: Sequence[str], classes: ClassList, row_of: Callable[[str], str]) -> dict[str, int]:
    count = len(classes.names)
    for label in labels:
        if not 0 <= int(label) < count:
            line = f"{row_of(label)}: label {label} is out of range"
            raise InputError(line, f"{classes.origin} names {count} classes, use 0 to {count - 1}")
    return {label: int(label) for label in labels}


def _refuse_ambiguous(found: dict[str, list[int]], classes: ClassList, origin: str) -> None:
    """Raise InputError where one label means several classes, or several labels the same."""
    meant: dict[int, str] = {}
    for label, indices in found.items():
        if len(indices) > 1:
            line = f'{origin}: class "{label}" is index {" and ".join(map(str, indices))} in {classes.origin}'
            raise InputError(line, f"which one is it? Call it {' or '.join(_ways_out(indices, classes))}")
        if meant.setdefault(indices[0], label) != label:
            line = f'{origin}: "{meant[indices[0]]}" and "{label}" are both "{classes.names[indices[0]]}"'
            raise InputError(line, "give them one spelling")


def _ways_out(indices: Sequence[int], classes: ClassList) -> list[str]:
    own = [classes.keys[index] for index in indices]
    return own if len(set(own)) == len(own) else [f"by index, {indices[0]}", *map(str, indices[1:])]


def _remedy(classes: ClassList) -> str:
    if classes.origin.startswith("the classifier"):
        return "give the classifier's names in its order with --classes FILE, or call the folders by index"
    twice = next((name for name in classes.names if classes.names.count(name) > 1), None)
    if twice is not None:
        return f'name each class once: "{twice}" stands there twice'
    return f"add it to {classes.origin}, or leave --classes out"
