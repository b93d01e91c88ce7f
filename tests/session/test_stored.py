import json
import math
from dataclasses import dataclass
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuroinspect_tui.config import RunConfig
from neuroinspect_tui.results import Culprit, CulpritReport, Evaluation, Exemplar, Illusion, Repair, Sample
from neuroinspect_tui.session.stored import from_json, to_json

from . import synthetic


@dataclass(frozen=True)
class Leaf:
    kind: Literal["a", "b"]
    rate: float | None
    pair: tuple[int, float]
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tree:
    leaves: tuple[Leaf, ...]
    by_row: dict[int, str]
    mixed: dict[str, float | int | str]
    best: Leaf | None = None
    size: float = 1.0


leaves = st.builds(
    Leaf,
    st.sampled_from(["a", "b"]),
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
    st.tuples(st.integers(), st.floats(allow_nan=False, allow_infinity=False)),
    st.lists(st.text(st.characters(codec=None, exclude_categories=()))).map(tuple),
)
trees = st.builds(
    Tree,
    st.lists(leaves).map(tuple),
    st.dictionaries(st.integers(), st.text()),
    st.dictionaries(st.text(), st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False)),
    st.none() | leaves,
    st.floats(allow_nan=False, allow_infinity=False),
)


@given(trees)
def test_every_value_comes_back_equal_through_json_text(tree):
    assert from_json(Tree, json.loads(json.dumps(to_json(tree), allow_nan=False))) == tree


def test_the_results_come_back_equal():
    found = synthetic.findings()
    debugged = found.debugged[0]
    for kind, value in (
        (RunConfig, found.config),
        (Evaluation, found.evaluation),
        (CulpritReport, debugged.culprits),
        (tuple[Illusion, ...], debugged.illusions),
        (tuple[Exemplar, ...], debugged.exemplars),
        (tuple[Repair, ...], debugged.repairs),
        (tuple[Sample, ...], tuple(synthetic.samples())),
    ):
        text = json.dumps(to_json(value))
        back = from_json(kind, json.loads(text))
        assert back == value
        assert json.dumps(to_json(back)) == text


def test_whole_numbers_keep_their_kind():
    assert (
        json.dumps(to_json(Leaf("a", 1, (1, 2.0))))
        == '{"kind": "a", "rate": 1.0, "pair": [1, 2.0], "names": []}'
    )
    tree = from_json(Tree, {"leaves": [], "by_row": {}, "mixed": {"k": 5, "s": 5.0}})
    assert json.dumps(tree.mixed) == '{"k": 5, "s": 5.0}'


def test_numbers_that_are_not_finite_become_null_and_come_back_as_nan():
    stored = to_json(Culprit(3, "excessive", 50.0, math.inf, math.nan, 0.0))
    assert (stored["importance"], stored["mended"]) == (None, None)
    back = from_json(Culprit, stored)
    assert math.isnan(back.importance) and math.isnan(back.mended) and back.mended_random == 0.0


def test_a_missing_key_takes_the_default_and_an_unknown_one_is_passed_over():
    stored = {"kind": "a", "rate": 1, "pair": [1, 2], "from_the_future": 3}
    leaf = from_json(Leaf, stored)
    assert leaf == Leaf("a", 1.0, (1, 2.0))
    assert isinstance(leaf.rate, float)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"kind": "c"}, "value.kind is str, not Literal['a', 'b']"),
        ({"rate": "high"}, "value.rate is str, not float | NoneType"),
        ({"pair": [1]}, "value.pair has 1 items, not 2"),
        ({"pair": [1, True]}, "value.pair[1] is bool, not float"),
        ({"names": {"0": "a"}}, "value.names is dict, not tuple[str, ...]"),
        ({"names": ["a", 1]}, "value.names[1] is int, not str"),
    ],
)
def test_what_does_not_fit_is_refused_by_place(change, line):
    with pytest.raises(ValueError) as caught:
        from_json(Leaf, {"kind": "a", "rate": None, "pair": [1, 2.0], **change})
    assert str(caught.value) == line


def test_a_missing_key_without_default_is_named():
    with pytest.raises(ValueError, match=r"value\.pair is missing"):
        from_json(Leaf, {"kind": "a", "rate": None})


def test_other_objects_are_refused():
    with pytest.raises(TypeError, match="set has no JSON form"):
        to_json({"a": {1}})
