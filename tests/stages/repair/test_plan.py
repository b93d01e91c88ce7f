import pytest
import torch

from neuroinspect_tui.errors import InputError
from neuroinspect_tui.stages.repair.plan import plan_parts, rows_of
from neuroinspect_tui.tensors import GroupColumn, SplitFeatures

from .worlds import leaning_head, make_split, make_world


def names_of(splits: dict[str, SplitFeatures], examples) -> list[tuple[str, int]]:
    """The (split, row) of every example."""
    found = []
    for features, rows in examples.sources:
        split = next(name for name, one in splits.items() if one.features is features)
        found += [(split, row) for row in rows.tolist()]
    return found


def judged(plan) -> list[tuple[str, int]]:
    return [(plan.judge.split, row) for row in plan.judge.rows.tolist()]


@pytest.mark.parametrize(
    ("present", "debugged", "fit", "choose", "judge"),
    [
        (("train", "val", "test"), "val", {"train": 800, "val": 200}, {"val": 200}, {"test": 800}),
        (("val", "test"), "val", {"val": 200}, {"val": 200}, {"test": 800}),
        (("train", "test"), "test", {"train": 400}, {"train": 400}, {"test": 800}),
        (("train", "val"), "val", {"train": 800, "val": 134}, {"val": 133}, {"val": 133}),
        (("val",), "val", {"val": 200}, {"val": 100}, {"val": 100}),
        (("test",), "test", {"test": 400}, {"test": 200}, {"test": 200}),
        (("train", "val", "test"), "test", {"train": 800, "val": 200}, {"val": 200}, {"test": 800}),
        (("train", "val", "test"), "train", {"train": 800, "val": 200}, {"val": 200}, {"test": 800}),
    ],
)
def test_no_image_plays_two_parts(present, debugged, fit, choose, judge):
    splits = {name: split for name, split in make_world()[0].items() if name in present}
    plan = plan_parts(splits, debugged, {})
    parts = [names_of(splits, plan.fit), names_of(splits, plan.choose), judged(plan)]
    counts = [{name: [one[0] for one in part].count(name) for name in dict(part)} for part in parts]
    assert counts == [fit, choose, judge]
    assert len(set().union(*parts)) == sum(map(len, parts))
    assert set(names_of(splits, plan.unseen)) <= set(parts[0])
    said = [(use.part, use.split, use.samples) for use in plan.uses]
    assert said == [("fit", *one) for one in fit.items()] + [("choose", *one) for one in choose.items()] + [
        ("judge", *one) for one in judge.items()
    ]


def test_parts_have_the_same_share_of_every_group():
    plan = plan_parts(make_world()[0], "val", {})
    for part in (plan.unseen, plan.choose):
        assert part.cells()[1].tolist() == [50, 50, 50, 50]


def test_another_seed_draws_other_parts():
    splits = make_world()[0]
    first, same, other = (
        names_of(splits, plan_parts(splits, "val", {}, seed=seed).choose) for seed in (0, 0, 1)
    )
    assert first == same == names_of(splits, plan_parts(splits, "val", {}).choose)
    assert first != other


def test_only_a_part_of_a_divided_split_is_judged_on_as_a_part():
    splits = make_world()[0]
    whole, part = plan_parts(splits, "val", {}), plan_parts({"val": splits["val"]}, "val", {})
    assert [use.note for use in whole.uses] == ["", "a random part", "a part that is not fitted on", ""]
    assert part.uses[-1].note == "a part neither fitted nor chosen on"


def test_mislabelled_images_are_neither_fitted_nor_chosen_on():
    splits = make_world()[0]
    marked = {"train": torch.tensor([0, 5]), "val": torch.arange(50), "test": torch.tensor([7, 9, 11])}
    plan = plan_parts(splits, "val", marked)
    used = set(names_of(splits, plan.fit)) | set(names_of(splits, plan.choose))
    assert len(used) == 800 - 2 + 400 - 50
    assert not used & {("train", 0), ("train", 5), *(("val", row) for row in range(50))}
    assert len(plan.judge) == 800 - 3
    assert not set(judged(plan)) & {("test", 7), ("test", 9), ("test", 11)}


def test_mislabelled_images_leave_the_judging_part_of_a_divided_split_too():
    splits = {"val": make_world()[0]["val"]}
    whole = set(judged(plan_parts(splits, "val", {})))
    marked = torch.tensor(sorted(row for _, row in whole)[:10])
    found = set(judged(plan_parts(splits, "val", {"val": marked})))
    assert found == whole - {("val", row) for row in marked.tolist()}


def test_copies_of_other_images_are_fitted_on_but_not_judged_on():
    splits = make_world()[0]
    copies = {"test": torch.tensor([1, 2]), "val": torch.arange(400), "train": torch.arange(800)}
    plan = plan_parts(splits, "val", {}, unjudged=copies)
    assert (len(plan.fit), len(plan.choose), len(plan.judge)) == (1000, 200, 798)
    assert not set(judged(plan)) & {("test", 1), ("test", 2)}


def test_nothing_is_judged_on_copies_alone():
    with pytest.raises(InputError, match="split 'test' has only copies of images in other splits"):
        plan_parts(make_world()[0], "val", {}, unjudged={"test": torch.arange(800)})


def test_other_groups_can_be_given_for_the_same_images():
    splits, _ = make_world()
    plan = plan_parts(splits, "val", {})
    ungrouped = plan.with_groups(splits, ())
    assert ungrouped.columns == () and bool((ungrouped.fit.codes == -1).all())
    for one, other in (
        (plan.fit, ungrouped.fit),
        (plan.choose, ungrouped.choose),
        (plan.unseen, ungrouped.unseen),
    ):
        assert names_of(splits, one) == names_of(splits, other)
    assert ungrouped.judge is plan.judge


def test_tags_that_were_not_propagated_are_all_fitted_on():
    splits, _ = make_world(grouped=False)
    codes = torch.full((400,), -1)
    codes[torch.arange(0, 400, 20)] = torch.tensor([0, 1] * 10)
    splits["val"].groups["tag"] = GroupColumn("tag", ("water", "land"), codes)
    plan = plan_parts(splits, "val", {}, tag_columns=("tag",))
    assert int((plan.fit.codes >= 0).sum()) == 20
    assert int((plan.choose.codes >= 0).sum()) == 0


def test_tags_of_half_of_the_images_are_divided():
    splits, _ = make_world(grouped=False)
    codes = torch.where(torch.arange(400) % 4 < 2, torch.arange(400) % 2, -1)
    splits["val"].groups["tag"] = GroupColumn("tag", ("water", "land"), codes)
    plan = plan_parts(splits, "val", {}, tag_columns=("tag",))
    assert int((plan.choose.codes >= 0).sum()) == int((plan.unseen.codes >= 0).sum()) == 100


def test_the_worst_group_may_be_of_any_class():
    splits, _ = make_world()
    val = splits["val"]
    val.top_classes[val.labels == 0] = torch.tensor([0, 1])
    val.groups["noise"] = GroupColumn("noise", ("a", "b"), torch.arange(400) % 2)
    assert plan_parts(splits, "val", {}).columns == ("place",)


def test_the_column_with_the_worst_group_is_weighted_by():
    splits, _ = make_world()
    for split in splits.values():
        split.groups["noise"] = GroupColumn("noise", ("a", "b"), torch.arange(len(split)) % 2)
    assert plan_parts(splits, "val", {}).columns == ("place",)
    assert plan_parts(splits, "val", {}, columns=("noise", "absent")).columns == ("noise",)
    assert plan_parts(make_world(grouped=False)[0], "val", {}).columns == ()


def test_tags_and_columns_are_used_together():
    splits, _ = make_world()
    for split in splits.values():
        split.groups["tag"] = GroupColumn("tag", ("a", "b"), torch.arange(len(split)) % 2)
    plan = plan_parts(splits, "val", {}, tag_columns=("tag",))
    assert plan.columns == ("tag", "place")
    assert torch.equal(
        plan.choose.codes[:, 1], splits["val"].groups["place"].codes[plan.choose.sources[0][1]]
    )


def test_tags_of_a_single_value_divide_nothing():
    splits, _ = make_world()
    for split in splits.values():
        codes = torch.where(torch.arange(len(split)) % 3 == 0, 0, -1)
        split.groups["tag"] = GroupColumn("tag", ("snow",), codes)
        split.top_classes[codes == 0] = split.top_classes[codes == 0].flip(1)
    assert plan_parts(splits, "val", {}, tag_columns=("tag",)).columns == ("place",)


def test_too_few_images_are_refused():
    split = make_split("val", {(0, 0): 1, (1, 1): 1}, leaning_head(), 0)
    with pytest.raises(InputError, match="too few images"):
        plan_parts({"val": split}, "val", {})


def test_rows_of_keeps_every_array_together():
    val = make_world()[0]["val"]
    part = rows_of(val, torch.tensor([7, 3]))
    assert torch.equal(part.features, val.features[[7, 3]])
    assert part.labels.tolist() == val.labels[[7, 3]].tolist()
    assert part.predicted.tolist() == val.predicted[[7, 3]].tolist()
    assert list(part.paths) == ["val/7.png", "val/3.png"]
    assert part.groups["place"].codes.tolist() == val.groups["place"].codes[[7, 3]].tolist()


def test_a_split_without_images_is_refused():
    splits, _ = make_world()
    splits["val"] = rows_of(splits["val"], torch.tensor([], dtype=torch.int64))
    with pytest.raises(InputError, match="split 'val' has no images to repair with"):
        plan_parts(splits, "val", {})


def test_names_of_groups_and_the_order_of_the_images_change_no_part():
    splits, _ = make_world()
    named = {name: list(split.paths) for name, split in splits.items()}
    plan = plan_parts(splits, "val", {}, seed=3)
    fit, choose = ({named[s][row] for s, row in names_of(splits, part)} for part in (plan.fit, plan.choose))

    turned = {name: rows_of(split, torch.arange(len(split)).flip(0)) for name, split in splits.items()}
    for split in turned.values():
        column = split.groups["place"]
        split.groups["place"] = GroupColumn("place", column.values[::-1], 1 - column.codes)
    again = plan_parts(turned, "val", {}, seed=3)
    named = {name: list(split.paths) for name, split in turned.items()}
    assert {named[s][row] for s, row in names_of(turned, again.fit)} == fit
    assert {named[s][row] for s, row in names_of(turned, again.choose)} == choose
