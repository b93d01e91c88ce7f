from dataclasses import replace

import pytest
import torch

from neuroinspect_tui.stages.recipes import DEFAULT, PAPER
from neuroinspect_tui.stages.row_adam import RowAdam


def starting():
    return torch.randn(3, 4, 2, generator=torch.Generator().manual_seed(0))


def gradient_of(values):
    return 2 * (values - 1) * torch.tensor([1.0, 10.0])


@pytest.mark.parametrize("recipe", [replace(PAPER, steps=20, decay=0.1), replace(DEFAULT, steps=20)])
def test_it_is_adamw_with_the_recipes_cosine(recipe):
    reference = starting().requires_grad_()
    torch_adam = torch.optim.AdamW([reference], recipe.rate, recipe.betas, weight_decay=recipe.decay)
    end = recipe.rate * recipe.final_rate
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(torch_adam, recipe.steps, end)
    own = RowAdam(starting(), recipe)
    for number in range(recipe.steps):
        reference.grad = gradient_of(reference.detach())
        torch_adam.step()
        schedule.step()
        own.update(torch.arange(3), gradient_of(own.values), number)
    torch.testing.assert_close(own.values, reference.detach(), atol=1e-5, rtol=1e-5)


def test_a_row_that_left_stays_as_it_was_and_the_others_go_on_as_if_alone():
    alone, together = RowAdam(starting()[1:], DEFAULT), RowAdam(starting(), DEFAULT)
    rows = torch.arange(3)
    for number in range(6):
        if number == 3:
            rows, left = torch.tensor([1, 2]), together.values[0].clone()
        together.update(rows, gradient_of(together.values[rows]), number)
        alone.update(torch.arange(2), gradient_of(alone.values), number)
    assert torch.equal(together.values[0], left)
    torch.testing.assert_close(together.values[1:], alone.values)
