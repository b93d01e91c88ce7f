"""The table of options: every field of `RunConfig`'s sections, and those of the program itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, Field, dataclass, field, fields
from types import NoneType
from typing import Any, get_args, get_origin

from ..config import (
    ComputeConfig,
    DataConfig,
    DebugConfig,
    ModelConfig,
    OptionInfo,
    PreprocessConfig,
    RepairConfig,
    Section,
    ThemeName,
    choices_of,
    flag_of,
    hints_of,
    option,
)


@dataclass(frozen=True)
class ProgramConfig(Section):
    """What to start and how it prints: options that the results do not depend on."""

    demo: bool = field(
        default=False,
        metadata=option("Use the embedded project: no download, no arguments.", command_line_only=True),
    )
    batch: bool = field(
        default=False, metadata=option("Run headless and write the report.", command_line_only=True)
    )
    session: str | None = field(
        default=None,
        metadata=option(
            "Session directory.", "-o", "--session", unless_given="one in the platform's data folder"
        ),
    )
    predictions: str | None = field(
        default=None,
        metadata=option("Instead of -m: csv of path,label,predicted (or p_0, p_1…), no model needed."),
    )
    fail_under: tuple[str, ...] = field(
        default=(),
        metadata=option(
            "accuracy=RATE, worst-class=RATE or worst-group=RATE: exit with 1 below it (repeatable).",
            unless_given="no check",
        ),
    )
    json: bool = field(default=False, metadata=option("Batch: one JSON event per line on stdout."))
    images: str = field(
        default="auto", metadata=option("Images in the app: auto, kitty, sixel, iterm2, block or none.")
    )
    theme: ThemeName | None = field(
        default=None,
        metadata=option("dark, light, high-contrast or no-colour.", unless_given="the last one chosen"),
    )
    config: str | None = field(
        default=None,
        metadata=option(
            "Settings file.",
            unless_given="neuroinspect.toml here, else in the config folder",
            command_line_only=True,
        ),
    )


SECTIONS: dict[str, tuple[str, type[Section]]] = {
    "program": ("Program", ProgramConfig),
    "model": ("Model", ModelConfig),
    "data": ("Data", DataConfig),
    "preprocess": ("Preprocessing", PreprocessConfig),
    "compute": ("Device and speed", ComputeConfig),
    "debug": ("Examination", DebugConfig),
    "repair": ("Repair", RepairConfig),
}
"""Title and class of each section; but for `program` the names are those of `RunConfig`'s fields."""


@dataclass(frozen=True)
class Option:
    """One option: called `name` in settings and environment, it becomes `field` of `section`."""

    section: str
    field: str
    name: str
    kind: Any
    default: object
    info: OptionInfo

    @classmethod
    def of_field(cls, section: str, owner: type[Section], one: Field[Any]) -> Option:
        """Make the option of a section's field."""
        name = flag_of(owner, one.name).removeprefix("--").replace("-", "_")
        return cls(section, one.name, name, hints_of(owner)[one.name], one.default, one.metadata["option"])

    @property
    def flags(self) -> tuple[str, ...]:
        """What the command line calls it."""
        return self.info.flags or (self.flag,)

    @property
    def flag(self) -> str:
        """The long flag."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def negated(self) -> bool:
        """Whether giving the option sets its field to False."""
        return self.kind is bool and self.default is True

    @property
    def is_switch(self) -> bool:
        """Whether it takes no value on the command line."""
        return self.kind is bool or bool in get_args(self.kind)

    @property
    def repeatable(self) -> bool:
        """Whether it may be given several times."""
        return get_origin(self.kind) is tuple and Ellipsis in get_args(self.kind)

    @property
    def choices(self) -> tuple[str, ...]:
        """The values it may have, () for any."""
        return choices_of(self.kind)

    @property
    def item(self) -> Any:
        """The type of a value, or of one of a repeatable option's values, None left out."""
        kinds = [kind for kind in get_args(self.kind) if kind is not NoneType]
        return kinds[0] if NoneType in get_args(self.kind) or self.repeatable else self.kind

    @property
    def default_text(self) -> str:
        """What holds when the option is not given, in words; "" for a switch that is off."""
        if self.info.unless_given or self.is_switch or self.default in (MISSING, None):
            return self.info.unless_given
        return str(self.default)


def _options() -> Iterator[Option]:
    for section, (_, owner) in SECTIONS.items():
        for one in fields(owner):
            yield Option.of_field(section, owner, one)


OPTIONS: dict[str, Option] = {found.name: found for found in _options()}
