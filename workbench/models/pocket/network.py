"""The network: a llama of a few million parameters, in torch, for training only."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class Shape:
    """The network's measures. Row widths are multiples of 32, so that Q8_0 can hold them."""

    n_vocab: int = 3072
    n_embd: int = 256
    n_layer: int = 3
    n_head: int = 8
    n_head_kv: int = 4
    n_ff: int = 960
    n_ctx: int = 1024
    rope_base: float = 10_000.0
    norm_eps: float = 1e-5

    @property
    def head_size(self) -> int:
        """Columns of one head."""
        return self.n_embd // self.n_head


class RMSNorm(nn.Module):
    """Root mean square normalisation with a gain."""

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self._eps = eps

    def forward(self, x: Tensor) -> Tensor:
        return functional.rms_norm(x, (x.shape[-1],), self.weight, self._eps)


def rotations(shape: Shape) -> tuple[Tensor, Tensor]:
    """Cosines and sines of RoPE's angles, each ``(n_ctx, head_size / 2)``."""
    pairs = torch.arange(0, shape.head_size, 2) / shape.head_size
    angles = torch.outer(torch.arange(shape.n_ctx).float(), shape.rope_base**-pairs)
    return angles.cos(), angles.sin()


def rotated(x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    """RoPE on ``x``, ``(batch, heads, tokens, head_size)``.

    Neighbouring columns form a pair, as llama.cpp's llama architecture has it (its "normal"
    RoPE); Hugging Face's checkpoints pair the two halves instead.
    """
    even, odd = x[..., 0::2], x[..., 1::2]
    turned = torch.stack((even * cosines - odd * sines, even * sines + odd * cosines), dim=-1)
    return turned.flatten(-2)


class Block(nn.Module):
    """Attention with grouped keys and values, then a gated feed-forward network."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width, kv_width = shape.n_embd, shape.n_head_kv * shape.head_size
        self._shape = shape
        self.attn_norm = RMSNorm(width, shape.norm_eps)
        self.attn_q = nn.Linear(width, width, bias=False)
        self.attn_k = nn.Linear(width, kv_width, bias=False)
        self.attn_v = nn.Linear(width, kv_width, bias=False)
        self.attn_output = nn.Linear(width, width, bias=False)
        self.ffn_norm = RMSNorm(width, shape.norm_eps)
        self.ffn_gate = nn.Linear(width, shape.n_ff, bias=False)
        self.ffn_up = nn.Linear(width, shape.n_ff, bias=False)
        self.ffn_down = nn.Linear(shape.n_ff, width, bias=False)

    def forward(self, x: Tensor, cosines: Tensor, sines: Tensor, mask: Tensor | None) -> Tensor:
        batch, tokens, width = x.shape
        size = self._shape.head_size

        def heads(projected: Tensor, count: int) -> Tensor:
            return projected.view(batch, tokens, count, size).transpose(1, 2)

        normed = self.attn_norm(x)
        query = rotated(heads(self.attn_q(normed), self._shape.n_head), cosines, sines)
        key = rotated(heads(self.attn_k(normed), self._shape.n_head_kv), cosines, sines)
        value = heads(self.attn_v(normed), self._shape.n_head_kv)
        repeats = self._shape.n_head // self._shape.n_head_kv
        attended = functional.scaled_dot_product_attention(
            query,
            key.repeat_interleave(repeats, dim=1),
            value.repeat_interleave(repeats, dim=1),
            attn_mask=mask,
            is_causal=mask is None,
        )
        x = x + self.attn_output(attended.transpose(1, 2).reshape(batch, tokens, width))
        normed = self.ffn_norm(x)
        gated = functional.silu(self.ffn_gate(normed)) * self.ffn_up(normed)
        return x + self.ffn_down(gated)


class Network(nn.Module):
    """Tokens ``(batch, tokens)`` to logits ``(batch, tokens, n_vocab)``.

    The output matrix is the embeddings': what copies a name then holds for every token, also for
    one that it has not met in a name.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.token_embd = nn.Embedding(shape.n_vocab, shape.n_embd)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.n_layer))
        self.output_norm = RMSNorm(shape.n_embd, shape.norm_eps)
        cosines, sines = rotations(shape)
        self.register_buffer("_cosines", cosines, persistent=False)
        self.register_buffer("_sines", sines, persistent=False)
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                # Projections back into the residual stream are scaled down by depth (GPT-2).
                shrunk = name.endswith(("attn_output.weight", "ffn_down.weight"))
                nn.init.normal_(weight, std=0.02 / (2 * shape.n_layer) ** (0.5 * shrunk))

    def forward(self, tokens: Tensor) -> Tensor:
        return self.logits(self.states(tokens)[-1])

    def states(
        self,
        tokens: Tensor,
        positions: Tensor | None = None,
        *,
        blocks: int | None = None,
    ) -> list[Tensor]:
        """What each of the first ``blocks`` blocks says of each token: ``(batch, tokens, n_embd)``.

        ``positions``, shaped as ``tokens``, are those in their conversations where a row holds
        several: each begins at 0 and sees nothing of those before it.
        """
        x = self.token_embd(tokens)
        count = tokens.shape[1]
        mask, cosines, sines = None, self._cosines[:count], self._sines[:count]
        if positions is not None:
            mask = attention_mask(positions).unsqueeze(1)
            cosines = self._cosines[positions].unsqueeze(1)
            sines = self._sines[positions].unsqueeze(1)
        states = []
        for block in self.blocks[:blocks]:
            x = block(x, cosines, sines, mask)
            states.append(x)
        return states

    def logits(self, states: Tensor) -> Tensor:
        """Logits of the tokens that follow the last block's ``states``, ``(..., n_embd)``."""
        return functional.linear(self.output_norm(states), self.token_embd.weight)


def attention_mask(positions: Tensor) -> Tensor:
    """Which tokens a token sees, ``(batch, tokens, tokens)``: its own conversation's so far."""
    conversation = (positions == 0).cumsum(1)
    return (conversation[:, :, None] == conversation[:, None, :]).tril()
