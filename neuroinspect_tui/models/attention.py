"""Self-attention whose projections stay contiguous: the same numbers, sooner on a CPU."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn


class PackedAttention(nn.MultiheadAttention):
    """`nn.MultiheadAttention` in eval mode, which transposes its input and so multiplies strided matrices."""

    def forward(  # type: ignore[override]
        self, query: Tensor, key: Tensor, value: Tensor, **options: Any
    ) -> tuple[Tensor, Tensor | None]:
        """Return what the base class would; anything but plain self-attention is left to it."""
        mask = options.pop("attn_mask", None)
        weights = options.pop("need_weights", True)
        if weights or self.training or options or not (query is key is value and self._is_plain):
            return super().forward(query, key, value, need_weights=weights, attn_mask=mask, **options)
        batch, length, width = query.shape
        packed = F.linear(query, self.in_proj_weight, self.in_proj_bias)
        heads = packed.view(batch, length, 3, self.num_heads, -1).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(heads[0], heads[1], heads[2], attn_mask=mask)
        return self.out_proj(mixed.transpose(1, 2).reshape(batch, length, width)), None

    @property
    def _is_plain(self) -> bool:
        return bool(self.batch_first and self.in_proj_weight is not None and self.bias_k is None)


def pack_attention(module: nn.Module) -> None:
    """Let every plain `nn.MultiheadAttention` in `module` be a `PackedAttention`."""
    for part in module.modules():
        if type(part) is nn.MultiheadAttention:
            part.__class__ = PackedAttention
