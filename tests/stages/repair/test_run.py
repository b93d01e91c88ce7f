from dataclasses import replace

import pytest
import torch

from neuroinspect_tui.errors import Cancelled, InputError
from neuroinspect_tui.results import Choice
from neuroinspect_tui.significance import mcnemar_p
from neuroinspect_tui.stages.repair import GroupInfo, ModeAim, repair_class
from neuroinspect_tui.stages.tags import COLUMN, make_groups, tag_evidence

from .worlds import CULPRITS, NAMES, make_world


def accuracies(split, head) -> tuple[float, float]:
    """Accuracy and worst (place, class) accuracy, counted plainly."""
    right = (split.features.float() @ head.weight.T + head.bias).argmax(dim=1) == split.labels
    place = split.groups["place"].codes
    cells = [right[(split.labels == label) & (place == value)] for label in (0, 1) for value in (0, 1)]
    return right.float().mean().item(), min(cell.float().mean().item() for cell in cells)


def test_ridge_with_groups_repairs_the_planted_world():
    splits, head = make_world()
    found = repair_class(splits, head, 0, NAMES, "ridge", CULPRITS)
    before, after = accuracies(splits["test"], head), accuracies(splits["test"], found.head)
    assert before[1] < 0.3
    assert after[1] > 0.9
    assert found.verdict.outcome == "helps"
    assert (found.before.accuracy, found.before.worst_group.accuracy) == pytest.approx(before)
    assert (found.after.accuracy, found.after.worst_group.accuracy) == pytest.approx(after)
    assert set(found.controls) == {"bias", "finetune"}
    assert found.parameters["groups"] == "place"


def test_fixed_and_broken_are_counted_on_test():
    splits, head = make_world()
    found = repair_class(splits, head, 0, NAMES, "ridge", CULPRITS)
    test = splits["test"]
    old = (test.features.float() @ head.weight.T + head.bias).argmax(dim=1) == test.labels
    new = (test.features.float() @ found.head.weight.T + found.head.bias).argmax(dim=1) == test.labels
    assert found.fixed == int((new & ~old).sum())
    assert found.broken == int((old & ~new).sum())
    assert found.mcnemar_p == mcnemar_p(found.fixed, found.broken)
    assert found.after.split == "test"


def test_paper_is_judged_beside_random_neurons():
    splits, head = make_world()
    found = repair_class(splits, head, 0, NAMES, "paper", CULPRITS)
    assert set(found.controls) == {"bias", "finetune", "random"}
    assert found.neurons == tuple(CULPRITS)


def test_a_head_that_cannot_be_bettered_is_kept():
    splits, head = make_world()
    good = repair_class(splits, head, 0, NAMES, "ridge", CULPRITS).head
    labels = {
        name: (split.features.float() @ good.weight.T + good.bias).argmax(1) for name, split in splits.items()
    }
    for name, split in splits.items():
        split.labels.copy_(labels[name])
    found = repair_class(splits, good, 0, NAMES, "finetune", [])
    assert found.head is good
    assert (found.unchanged, found.choice) == (True, Choice("asked", kept=True))
    assert found.verdict.outcome == "too_few"
    assert (found.fixed, found.broken, found.mcnemar_p) == (0, 0, 1.0)


def test_the_same_seed_gives_the_same_head():
    splits, head = make_world()
    first, second = (repair_class(splits, head, 0, NAMES, "finetune", [], seed=4).head for _ in range(2))
    assert torch.equal(first.weight, second.weight)


def test_the_untouched_head_stays_as_it_was():
    splits, head = make_world()
    weight, bias = head.weight.clone(), head.bias.clone()
    for method in ("ridge", "paper", "bias", "random"):
        repair_class(splits, head, 0, NAMES, method, CULPRITS)
    assert torch.equal(head.weight, weight)
    assert torch.equal(head.bias, bias)


def test_an_image_with_broken_features_does_not_spoil_the_head():
    splits, head = make_world()
    splits["train"].features[3] = float("nan")
    splits["val"].features[:4] = float("inf")
    found = repair_class(splits, head, 0, NAMES, "ridge", CULPRITS)
    assert accuracies(splits["test"], found.head)[1] > 0.9


def test_cancelling_stops_the_fit():
    splits, head = make_world()

    def stop(done: int, total: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        repair_class(splits, head, 0, NAMES, "finetune", [], on_progress=stop)


@pytest.mark.parametrize("method", ["dfr", "leace"])
def test_the_other_group_methods_repair_the_planted_world(method):
    splits, head = make_world()
    found = repair_class(splits, head, 0, NAMES, method, CULPRITS)
    assert accuracies(splits["test"], found.head)[1] > 0.85
    assert found.verdict.outcome == "helps"


@pytest.mark.parametrize("method", ["afr", "neurontune"])
def test_the_label_free_methods_are_fitted_on_unseen_images_without_groups(method):
    splits, head = make_world(grouped=False)
    grouped, _ = make_world()
    found = repair_class(splits, head, 0, NAMES, method, CULPRITS)
    assert accuracies(grouped["test"], found.head)[1] > 0.8
    assert found.after.worst_group is None
    assert found.verdict.outcome == "helps"


def test_auto_is_ridge_where_there_are_groups():
    splits, head = make_world()
    found = repair_class(splits, head, 0, NAMES, "auto", CULPRITS)
    assert found.method == "ridge"
    assert found.choice == Choice("groups", "place")


def test_auto_without_groups_is_the_label_free_method_with_the_best_held_out_worst_class():
    splits, head = make_world(grouped=False)
    found = repair_class(splits, head, 0, NAMES, "auto", CULPRITS)
    assert found.method in ("afr", "neurontune", "paper")
    assert found.choice.rule == "best"
    assert found.method == max(found.choice.scores, key=found.choice.scores.__getitem__)


def test_methods_say_what_they_miss():
    splits, head = make_world(grouped=False)
    with pytest.raises(InputError, match="--groups"):
        repair_class(splits, head, 0, NAMES, "leace", CULPRITS)
    with pytest.raises(InputError, match="--neuron"):
        repair_class(splits, head, 0, NAMES, "paper", [])


def test_tags_carried_to_all_images_repair_like_the_true_groups():
    splits, head = make_world()
    place = splits["val"].groups["place"].codes
    tags = {"val": {row: ("not", "has")[int(place[row])] for row in range(0, 400, 10)}}
    columns, _ = make_groups(splits, tags)
    hidden, _ = make_world(grouped=False)
    for name, split in hidden.items():
        split.groups[COLUMN] = columns[name]
    found = repair_class(hidden, head, 0, NAMES, "ridge", CULPRITS, groups=GroupInfo(tags=(COLUMN,)))
    assert accuracies(splits["test"], found.head)[1] > 0.9
    assert found.parameters["groups"] == COLUMN


@pytest.mark.parametrize("neuron", [-1, 10**6])
def test_a_neuron_that_does_not_exist_is_refused(neuron):
    splits, head = make_world()
    with pytest.raises(
        InputError, match=f"neuron {neuron} does not exist: give numbers from 0 to {head.neurons - 1}"
    ):
        repair_class(splits, head, 0, ("a", "b"), "paper", [neuron])


def test_the_untouched_layer_is_judged_by_what_the_model_itself_predicted():
    """Features are stored rounded: near a boundary they may decide otherwise than the model did."""
    splits, head = make_world()
    test = splits["test"]
    test.top_classes[:3] = test.top_classes[:3].flip(1)
    found = repair_class(splits, head, 0, NAMES, "bias", [])
    own = (test.predicted == test.labels).double().mean()
    assert found.before.accuracy == pytest.approx(float(own))
    assert float(own) != pytest.approx(
        float((head.logits(test.features).argmax(1) == test.labels).double().mean())
    )


def test_groups_are_worth_what_the_method_does_not_do_ungrouped():
    splits, head = make_world()
    found = repair_class(splits, head, 0, NAMES, "ridge", CULPRITS)
    ungrouped = repair_class(make_world(grouped=False)[0], head, 0, NAMES, "ridge", CULPRITS)
    line = found.verdict.on("all", "told_nothing")
    assert line.before == pytest.approx(ungrouped.after.accuracy)
    assert line.after == found.after.accuracy
    assert found.verdict.on("all", "shuffled_tags") is None
    assert ungrouped.verdict.on("all", "told_nothing") is None


def test_shuffled_tags_are_fitted_by_the_middle_of_their_draws():
    splits, head = make_world()
    draws = []
    for seed in range(3):
        draw, _ = make_world()
        for split in draw.values():
            order = torch.randperm(len(split), generator=torch.Generator().manual_seed(seed))
            split.groups["place"] = replace(split.groups["place"], codes=split.groups["place"].codes[order])
        draws.append(draw)
    groups = GroupInfo(tags=("place",), shuffled=draws)
    found = repair_class(splits, head, 0, NAMES, "ridge", CULPRITS, groups)
    alone = [
        repair_class(splits, head, 0, NAMES, "ridge", CULPRITS, GroupInfo(tags=("place",), shuffled=[draw]))
        for draw in draws
    ]
    rates = sorted(one.verdict.on("class", "shuffled_tags").before for one in alone)
    assert found.verdict.on("class", "shuffled_tags").before == rates[1]
    assert found.cues == ("place",)


@pytest.mark.parametrize(("every", "estimated"), [(20, True), (1, False)])
def test_a_worst_group_is_an_estimate_unless_all_of_it_is_tagged_by_hand(every, estimated):
    splits, head = make_world()
    place = {name: split.groups["place"].codes for name, split in splits.items()}
    tags = {
        name: {row: ("not", "has")[int(codes[row])] for row in range(0, len(codes), every)}
        for name, codes in place.items()
    }
    columns, _ = make_groups(splits, tags)
    tagged = {name: replace(split, groups={COLUMN: columns[name]}) for name, split in splits.items()}
    evidence = {COLUMN: tag_evidence(tagged, tags)}
    found = repair_class(
        tagged, head, 0, NAMES, "ridge", CULPRITS, GroupInfo(tags=(COLUMN,), evidence=evidence)
    )
    worst = found.before.worst_group
    assert (worst.estimated, found.verdict.estimated) == (estimated, estimated)
    test = splits["test"]
    own = (test.labels == worst.class_index) & (place["test"] == ("not", "has").index(worst.value))
    true = float((test.predicted == test.labels)[own].double().mean())
    if estimated:
        low, high = worst.estimate.interval
        assert low <= true <= high and high - low < 0.3
        assert worst.estimate.images == pytest.approx(200, abs=20)
    else:
        assert worst.estimate is None and worst.accuracy == pytest.approx(true)


def test_a_shift_of_one_logit_never_helps():
    splits, head = make_world()
    fair = head.weight * torch.tensor([1.0, 1, 1, 0, 0, 0, 0, 0])
    shifted = replace(head, weight=fair, bias=torch.tensor([0.0, 3.0]))
    for split in splits.values():
        logits, classes = shifted.logits(split.features).topk(2, dim=1)
        split.top_logits.copy_(logits)
        split.top_classes.copy_(classes)
    found = repair_class(splits, shifted, 0, NAMES, "bias", [])
    own = found.verdict.on("class")
    assert own.p < 1e-6 and own.fixed > own.broken
    assert found.verdict.outcome == "no_better"


def test_a_failure_mode_can_be_the_aim():
    splits, head = make_world()
    direction = torch.tensor([0.0, 0, 0, 1, 1, 1, 0, 0])
    aim = ModeAim(direction, 1.0, (0,))
    found = repair_class(splits, head, 0, NAMES, "ridge", CULPRITS, mode=aim)
    test = splits["test"]
    own = (test.labels == 0) & (test.features.float()[:, 3:6].sum(dim=1) >= 1.0)
    line = found.verdict.on("mode")
    assert (found.verdict.aim, line.n) == ("mode", int(own.sum()))
    assert line.before == pytest.approx(float((test.predicted == 0)[own].double().mean()))
