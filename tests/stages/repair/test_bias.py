import pytest
import torch

from neuroinspect_tui.stages.repair.bias import shift_bias
from neuroinspect_tui.stages.repair.candidates import Candidate, choose
from neuroinspect_tui.stages.repair.examples import Examples
from neuroinspect_tui.tensors import Head

from .worlds import random_examples


def every_offset(examples: Examples, head: Head, target: int) -> list[Candidate]:
    """All shifted heads, one by one, from the definition."""
    logits = examples.logits(head)
    others = logits.index_fill(1, torch.tensor([target]), -torch.inf).amax(1)
    steps = (others - logits[:, target]).quantile(torch.linspace(0.01, 0.99, 40)).tolist()
    moved = torch.nn.functional.one_hot(torch.tensor(target), head.classes).float()
    return [
        Candidate(Head(head.weight, head.bias + offset * moved), {"offset": offset})
        for offset in (0.0, *steps)
    ]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("target", [0, 1, 2])
def test_one_pass_chooses_what_trying_every_head_chooses(seed: int, target: int) -> None:
    examples, head = random_examples(400, 6, 3, 2, seed=seed)
    choosing, _ = random_examples(300, 6, 3, 2, seed=seed + 10)
    tilted = Head(head.weight, head.bias - torch.tensor([0.0, 1.5, -0.5]))
    expected, _ = choose(choosing, every_offset(examples, tilted, target))
    found = shift_bias(examples, choosing, tilted, target)
    assert found.parameters["offset"] == pytest.approx(expected.parameters["offset"], abs=1e-6)
    torch.testing.assert_close(found.head.bias, expected.head.bias)
    assert torch.equal(found.head.weight, tilted.weight)


def test_nothing_is_moved_where_every_image_is_right() -> None:
    head = Head(torch.eye(2), torch.zeros(2))
    examples = Examples.plain(torch.eye(2).repeat(20, 1) * 9, torch.arange(2).repeat(20))
    assert shift_bias(examples, examples, head, 0).parameters == {"offset": 0.0}


def test_a_tie_goes_to_the_lower_class_as_in_the_head() -> None:
    head = Head(torch.eye(2), torch.zeros(2))
    tied = Examples.plain(torch.ones(8, 2), torch.zeros(8, dtype=torch.int64))
    assert shift_bias(tied, tied, head, 0).parameters == {"offset": 0.0}
    assert tied.predictions(head).tolist() == [0] * 8


def test_a_long_pass_can_be_stopped_between_two_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neuroinspect_tui.stages.repair.examples.BLOCK_ELEMENTS", 60)
    examples, head = random_examples(50, 6, 3, 2)
    told: list[tuple[int, int]] = []
    examples.predictions(head, lambda done, total: told.append((done, total)))
    assert told == [(0, 50), (10, 50), (20, 50), (30, 50), (40, 50)]
