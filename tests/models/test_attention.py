import copy

import pytest
import torch
from torch import nn

from neuroinspect_tui.models.attention import PackedAttention, pack_attention


def pair():
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Linear(8, 8), nn.MultiheadAttention(8, 2, batch_first=True)).eval()
    nn.init.normal_(plain[1].in_proj_bias)
    packed = copy.deepcopy(plain)
    pack_attention(packed)
    return plain[1], packed[1]


def tokens():
    return torch.randn(3, 5, 8, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("mask", [None, torch.full((5, 5), float("-inf")).triu(1)])
def test_values_and_gradients_are_those_of_the_base_class(mask):
    found = []
    for attention in pair():
        x = tokens().requires_grad_()
        output, weights = attention(x, x, x, need_weights=False, attn_mask=mask)
        assert weights is None
        (gradient,) = torch.autograd.grad(output.square().sum(), x)
        found.append((output, gradient))
    torch.testing.assert_close(found[0], found[1], atol=1e-5, rtol=1e-4)


def test_what_is_not_plain_self_attention_is_left_to_the_base_class():
    plain, packed = pair()
    x, memory = tokens(), tokens().flip(1)[:, :4]
    assert isinstance(packed, PackedAttention)
    for options in ({}, {"need_weights": False}, {"need_weights": False, "key_padding_mask": None}):
        torch.testing.assert_close(packed(x, memory, memory, **options), plain(x, memory, memory, **options))
    hidden = torch.tensor([[False, False, True, False, True]]).expand(3, 5)
    arguments = {"key_padding_mask": hidden, "need_weights": False}
    torch.testing.assert_close(packed(x, x, x, **arguments), plain(x, x, x, **arguments))
    torch.testing.assert_close(packed(x, x, x), plain(x, x, x))


def test_a_subclass_with_a_mind_of_its_own_is_left_alone():
    class Other(nn.MultiheadAttention):
        pass

    other = Other(8, 2)
    pack_attention(other)
    assert type(other) is Other
