"""The stress battery: changes that should not matter, and the classes that each pulls images towards."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Pull:
    """Under `change`, of `images` of other classes, `gained` are newly taken for class `target`, `lost` no
    more.

    `pull` is (gained − lost) / images; `p` is the one-sided exact McNemar test after Holm over all changes
    and classes. With `mode` the change puts in what that failure mode looks at. `strength` 0…1 is how far the
    images were blended into the changed ones; 1: the change as it is.
    """

    change: str
    target: int
    images: int
    gained: int
    lost: int
    pull: float
    p: float
    mode: int | None = None
    strength: float = 1.0


@dataclass(frozen=True)
class StressResult:
    """What the `changes` did to `images` of `split`: the strongest pull of each and all beyond chance.

    `pulls` come strongest first.
    """

    split: str
    images: int
    changes: tuple[str, ...]
    pulls: tuple[Pull, ...]

    def beyond(self, points: float = 0.05) -> tuple[Pull, ...]:
        """Return the pulls of more than `points` (a fraction) that chance does not explain (p < 0.05)."""
        return tuple(pull for pull in self.pulls if pull.pull > points and pull.p < 0.05)
