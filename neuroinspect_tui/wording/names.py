"""Names of models and data as titles show them."""

from __future__ import annotations


def short_name(spec: str) -> str:
    """Return the telling end of a model or data name: `demo_resnet`, `resnet50`, `data/manifest.csv`."""
    if "/" in spec or "\\" in spec:
        parts = [part for part in spec.replace("\\", "/").split("/") if part]
        spec = "/".join(parts[-2:]) or spec
    return spec.rsplit(":", 1)[-1] or spec
