"""The CLIP guide: image and text embeddings of unit length from any open_clip model, frozen.

`--clip` takes `NAME:TAG` (published weights, downloaded), `NAME:FILE`, `CONFIG.json:FILE`, or `none`. A
config is an open_clip model config, or one with `model_cfg` and `preprocess_cfg` (`mean`, `std`) as on the
hub; without the latter images are normalised as for the first CLIP.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..config import nearest
from ..errors import InputError
from ..torchvision_compat import import_torchvision
from .attention import pack_attention
from .device import autocast, by_halves
from .downloads import from_hub
from .fitting import load_into
from .prompts import TEMPLATES, Template, prompts
from .weights import read_state_dict

_REMEDY = "pass --clip NAME:FILE with weights that you have, or --clip none"
_TEXTS_AT_ONCE = 256
_FILES = (".safetensors", ".pt", ".pth", ".th", ".bin")


@dataclass(frozen=True)
class _Source:
    """What a `--clip` text asks for: an open_clip model config, its preprocessing, a file or a tag."""

    name: str
    model: dict[str, Any]
    preprocess: dict[str, Any]
    built_in: bool
    file: Path | None
    tag: str | None

    @property
    def needs_hub(self) -> bool:
        """True when the weights, or the text tower's tokenizer, come from the Hugging Face hub."""
        text = self.model["text_cfg"]
        return self.tag is not None or any(text.get(f"hf_{part}_name") for part in ("model", "tokenizer"))


class Clip:
    """A frozen open_clip model; `image_size` is the side in pixels of the square that it sees."""

    def __init__(
        self,
        name: str,
        model: Any,
        tokenizer: Any,
        preprocess: dict[str, Any],
        device: torch.device,
        dtype: torch.dtype,
        templates: Sequence[Template] = TEMPLATES,
    ) -> None:
        self.templates = templates
        self.name, self.device, self.dtype = name, device, dtype
        self.image_size: int = _side(model.visual.image_size)
        self._model, self._tokenizer = model, tokenizer
        self._mean, self._std = (
            torch.tensor(preprocess[key], device=device).view(3, 1, 1) for key in ("mean", "std")
        )
        self.mean, self.std = (tuple(map(float, preprocess[key])) for key in ("mean", "std"))
        self.squashes = preprocess.get("resize_mode") == "squash"
        self._classes: dict[str, Tensor] = {}

    @property
    def visual(self) -> nn.Module:
        """The image tower: normalised images [B,3,S,S] to embeddings [B,E] of any length."""
        tower: nn.Module = self._model.visual
        return tower

    @property
    def scale(self) -> float:
        """What zero-shot logits are the cosine times."""
        return float(self._model.logit_scale.exp())

    def encode_image(self, images: Tensor) -> Tensor:
        """Return unit embeddings [B,E] float32 of square images [B,3,S,S] in 0…1; differentiable.

        Images of another size are resampled (bicubic, antialiased) to the model's.
        """
        return self._encode(images)[0] if images.requires_grad else by_halves(self._encode, images)[0]

    def _encode(self, images: Tensor) -> tuple[Tensor]:
        size = (self.image_size, self.image_size)
        images = images.to(self.device)
        if images.shape[-2:] != size:
            images = F.interpolate(images, size, mode="bicubic", antialias=True, align_corners=False)
        with torch.set_grad_enabled(images.requires_grad), autocast(self.device, self.dtype):
            embedding = self._model.encode_image((images - self._mean) / self._std)
        return (F.normalize(embedding.float(), dim=-1),)

    @torch.no_grad()
    def encode_texts(self, texts: Sequence[str]) -> Tensor:
        """Return unit embeddings [T,E] float32."""
        parts = [
            self._model.encode_text(
                self._tokenizer(list(texts[start : start + _TEXTS_AT_ONCE])).to(self.device)
            )
            for start in range(0, len(texts), _TEXTS_AT_ONCE)
        ]
        return F.normalize(torch.cat(parts).float(), dim=-1)

    def class_embedding(self, name: str) -> Tensor:
        """Return [E]: the renormalised mean over the prompt ensemble of a class name; computed once."""
        if name not in self._classes:
            self._classes[name] = F.normalize(
                self.encode_texts(prompts(name, self.templates)).mean(0), dim=-1
            )
        return self._classes[name]


def load_clip(
    spec: str, device: torch.device, dtype: torch.dtype = torch.float32, option: str = "--clip "
) -> Clip | None:
    """Load the guide that `spec` names; None for `none`.

    Raises InputError, which names the ways out, when the name is not known or its weights are out of reach.
    """
    if spec == "none":
        return None
    source = _parse(spec)
    with from_hub(f"{option}{spec}", _REMEDY, asked=source.needs_hub):
        model, tokenizer = _build(source.model), _tokenizer(source)
    if source.file is not None:
        load_into(model, read_state_dict(source.file, option="--clip"), option="--clip")
    else:
        _load_published(spec, source, model)
    pack_attention(model)
    model = model.float().eval().requires_grad_(False).to(device)
    # A published CLIP is asked with the prompts that it was evaluated with, one of the user's own with ours.
    templates = _open_clip().OPENAI_IMAGENET_TEMPLATES if source.built_in else TEMPLATES
    return Clip(spec, model, tokenizer, source.preprocess, device, dtype, templates)


_MEAN = (0.48145466, 0.4578275, 0.40821073)
_STD = (0.26862954, 0.26130258, 0.27577711)
"""Of the first CLIP's pixels, as `open_clip` has them: loading it takes longer than torch."""


def check_clip(spec: str) -> None:
    """Raise InputError if `spec` cannot be meant, without building or downloading anything."""
    if spec != "none":
        _parse(spec)


def _parse(spec: str) -> _Source:
    name, separator, weights = spec.partition(".json:")
    if separator:
        return _from_config(Path(f"{name}.json"), Path(weights))
    name, _, weights = spec.partition(":")
    if not weights:
        raise InputError(f"--clip {spec!r} is not complete", f"write NAME:TAG; {_REMEDY}")
    open_clip = _open_clip()
    model = open_clip.get_model_config(name) if name in open_clip.list_models() else None
    if model is None:
        remedy = nearest(name, open_clip.list_models()) or _REMEDY
        raise InputError(f"--clip {name!r} is not an open_clip model", remedy)
    tags = open_clip.list_pretrained_tags_by_model(name)
    if weights.endswith(_FILES) or Path(weights).is_file():
        preprocess = _agreed(open_clip.get_pretrained_cfg(name, tag) for tag in tags)
        return _Source(name, model, preprocess, True, _existing(Path(weights)), None)
    if weights not in tags:
        remedy = f"its tags are {', '.join(tags)}" if tags else _REMEDY
        raise InputError(f"--clip {name} has no published weights {weights!r}", remedy)
    return _Source(name, model, _agreed([open_clip.get_pretrained_cfg(name, weights)]), True, None, weights)


def _from_config(config: Path, weights: Path) -> _Source:
    try:
        read = json.loads(_existing(config).read_text(encoding="utf-8"))
        model = read.get("model_cfg", read)
        preprocess = _agreed([read.get("preprocess_cfg", {})])
        if not {"embed_dim", "vision_cfg", "text_cfg"} <= model.keys():
            raise ValueError("it needs embed_dim, vision_cfg and text_cfg")
    except (ValueError, AttributeError, OSError) as error:
        raise InputError(f"--clip {config} is not an open_clip model config: {error}", _REMEDY) from error
    return _Source(config.stem, model, preprocess, False, _existing(weights), None)


def _agreed(configs: Any) -> dict[str, Any]:
    """Return the mean and std on which the published configs agree, else those of the first CLIP."""
    usual = {"mean": _MEAN, "std": _STD}
    modes = {"resize_mode": "shortest"}
    chosen = [
        {key: tuple(config.get(key) or usual[key]) for key in usual}
        | {key: config.get(key) or modes[key] for key in modes}
        for config in configs
    ]
    return chosen[0] if chosen and all(choice == chosen[0] for choice in chosen) else usual


def _build(config: dict[str, Any]) -> nn.Module:
    """Build the random model as `open_clip.create_model` would, which logs warnings and may download."""
    import_torchvision()
    from open_clip.model import CLIP, CustomTextCLIP

    config = copy.deepcopy(config)
    vision, text = config["vision_cfg"], config["text_cfg"]
    if "timm_model_name" in vision:
        vision["timm_model_pretrained"] = False
    hugging_face = "hf_model_name" in text
    if hugging_face:
        text["hf_model_pretrained"] = False
    custom = config.pop("custom_text", False) or hugging_face
    model: nn.Module = (CustomTextCLIP if custom else CLIP)(**config)
    return model


def _tokenizer(source: _Source) -> Any:
    open_clip = _open_clip()
    if source.built_in:
        return open_clip.get_tokenizer(source.name)
    text = source.model["text_cfg"]
    context, options = text.get("context_length", 77), text.get("tokenizer_kwargs", {})
    if text.get("hf_tokenizer_name"):
        return open_clip.HFTokenizer(text["hf_tokenizer_name"], context_length=context, **options)
    return open_clip.SimpleTokenizer(context_length=context, **options)


def _load_published(spec: str, source: _Source, model: nn.Module) -> None:
    open_clip = _open_clip()
    with from_hub(f"--clip {spec}", _REMEDY):
        path = open_clip.download_pretrained(open_clip.get_pretrained_cfg(source.name, source.tag))
        open_clip.load_checkpoint(model, path)


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise InputError(f"--clip {path} is not a file", _REMEDY)
    return path


def _side(size: int | Sequence[int]) -> int:
    return size if isinstance(size, int) else size[0]


def _open_clip() -> Any:
    import_torchvision()
    import open_clip

    return open_clip
