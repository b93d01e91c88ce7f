"""The verdict on a repair in words, made from its values."""

from __future__ import annotations

from ..results import Aim, Comparison, CueGap, GroupEstimate, Loser, Opponent, Outcome, Repair
from ..significance import SIGNIFICANT
from .numbers import signed

OUTCOMES: dict[Outcome, str] = {
    "helps": "helps",
    "no_better": "no better",
    "hurts": "hurts others",
    "too_few": "too few images to tell",
}
OPPONENTS: dict[Opponent, str] = {
    "untouched": "untouched",
    "bias": "bias shift",
    "finetune": "plain fine-tuning",
    "random": "random neurons",
    "told_nothing": "without groups",
    "shuffled_tags": "shuffled tags",
}
CONTROLS: tuple[Opponent, ...] = ("bias", "finetune", "random")
MOST_LOSERS = 3


def outcome_words(repair: Repair) -> str:
    """Return the outcome in one to four words."""
    return "hurts the class itself" if repair.verdict.hurt == "class" else OUTCOMES[repair.verdict.outcome]


def verdict_sentence(repair: Repair) -> str:
    """Return the verdict with the numbers that it rests on; names in it are as the data has them."""
    parts = [_headline(repair), *_reasons(repair), _tags(repair), _losers(repair.verdict.losers)]
    parts += [_estimated(repair), *fed_words(repair)]
    return " ".join(part for part in parts if part)


def opponent_words(against: Opponent, base: int | None) -> str:
    """Return the other decision layer of a line: what a repair was made on top of is "untouched" to it."""
    return f"repair {base}" if against == "untouched" and base is not None else OPPONENTS[against]


def layer_before(base: int | None) -> str:
    """Return the layer that a repair started from."""
    return "the untouched decision layer" if base is None else f"the layer of repair {base}"


def aim_name(repair: Repair, metric: str) -> str:
    """Return what a line of the verdict is about."""
    worst = repair.before.worst_group
    if metric == "worst_group" and worst is not None:
        label = next((f"{one.name}, " for one in repair.classes if one.index == worst.class_index), "")
        return f"the worst group ({label}{worst.column} {worst.value})"
    return {"class": repair.target.name, "mode": "the failure mode", "all": "all images"}.get(metric, metric)


def change_words(line: Comparison) -> str:
    """Return `48.0 → 86.0 % of 40 images (15 fixed, 0 broken, p = 6.1e-05)`."""
    rates = f"{100 * line.before:.1f} → {100 * line.after:.1f} %"
    return f"{rates} of {count_words(line.n)} ({line.fixed} fixed, {line.broken} broken, {p_words(line.p)})"


def count_words(count: int) -> str:
    """Return `1 image` or `40 images`."""
    return f"{count} image" if count == 1 else f"{count} images"


def p_words(p: float) -> str:
    """Return `p = 0.012`."""
    return f"p = {p:.2g}"


def choice_sentence(repair: Repair) -> str:
    """Return why the repair has this method and head, "" where the method was asked for."""
    choice = repair.choice
    parts = []
    if choice.rule == "groups":
        parts.append(f"auto chose {repair.method}, weighted by the groups of “{choice.column}”")
    elif choice.rule == "best":
        scores = ", ".join(f"{name} {100 * worst:.1f} %" for name, worst in choice.scores.items())
        parts.append(f"auto chose {repair.method}: without groups its worst class does best ({scores})")
    elif choice.rule == "rare":
        parts.append(
            f"{repair.method} was chosen by its margins, also on copies moved across the cue: "
            f"of some class, images with one value of “{choice.column}” are too rare to count"
        )
    if choice.kept:
        parts.append(f"on the choosing part nothing beat {layer_before(repair.base)}, which is kept")
    return "; ".join(parts)


def _headline(repair: Repair) -> str:
    """Return the outcome and the change on the aim and over all images."""
    verdict = repair.verdict
    if repair.unchanged:
        return f"Nothing beat {layer_before(repair.base)}, which is kept."
    lines = []
    for metric in dict.fromkeys((verdict.aim, "all")):
        line = verdict.on(metric)
        if line is not None:
            lines.append(f"{aim_name(repair, metric)} {change_words(line)}")
    words = outcome_words(repair).capitalize()
    return f"{words}: {'; '.join(lines)}." if lines else f"{words}."


def _reasons(repair: Repair) -> list[str]:
    """Return why the outcome is not that it helps."""
    verdict = repair.verdict
    own = verdict.on(verdict.aim)
    if repair.unchanged or own is None or verdict.outcome == "helps":
        return []
    if verdict.outcome == "hurts":
        return _hurt(repair)
    if verdict.outcome == "too_few":
        return [_too_few(own)]
    if own.fixed <= own.broken:
        return ["What was to be repaired does not gain."]
    if own.p >= SIGNIFICANT:
        return [f"The gain may be chance ({p_words(own.p)})."]
    rivals = [line for line in verdict.comparisons if line.against in CONTROLS and line.metric == own.metric]
    best = max(rivals, key=lambda line: line.before, default=None)
    if best is None:
        return []
    return [f"The control “{OPPONENTS[best.against]}” reaches {100 * best.before:.1f} %, about as much."]


def _too_few(own: Comparison) -> str:
    if own.n < 20:
        return f"{count_words(own.n)} are too few to tell."
    return f"The two layers differ on only {count_words(own.fixed + own.broken)} of it."


def _hurt(repair: Repair) -> list[str]:
    """Return what loses, unless the losing classes are named anyway."""
    verdict, hurt = repair.verdict, repair.verdict.hurt
    if hurt in (None, "other_class", "all", verdict.aim):
        return []
    if hurt == "others":
        own, every = verdict.on(verdict.aim), verdict.on("all")
        if own is None or every is None:
            return []
        fixed, broken = every.fixed - own.fixed, every.broken - own.broken
        return [f"The other {count_words(every.n - own.n)} pay for the gain: {fixed} fixed, {broken} broken."]
    line = next((line for line in verdict.comparisons if line.metric == hurt), None)
    return [] if line is None else [f"What loses is {aim_name(repair, line.metric)}: {change_words(line)}."]


def _tags(repair: Repair) -> str:
    """Return what the tags or groups contributed to the aim and, where that differs, to the other lines."""
    verdict = repair.verdict
    own = verdict.on(verdict.aim, "told_nothing")
    if own is None or repair.unchanged:
        return ""
    parts = [_contribution(repair, own)]
    others: tuple[Aim, ...] = ("worst_group", "all")
    for metric in others:
        line, effect = verdict.on(metric, "told_nothing"), _effect(repair, metric)
        if line is not None and metric != own.metric and effect not in (0, _effect(repair, own.metric)):
            words = "they do add something" if effect > 0 else "they do harm"
            parts.append(f"On {aim_name(repair, metric)} {words}: {_with_and_without(line)}.")
    return " ".join(parts)


def _contribution(repair: Repair, own: Comparison) -> str:
    """Return what the tags did for the aim: the same method without them, and with shuffled ones."""
    what = "tags" if repair.cues else "groups"
    rates = f"{aim_name(repair, own.metric)} {_with_and_without(own)}"
    if not _sign(own):
        return f"The {what} add nothing: the same method does as well without them ({rates})."
    if _sign(own) < 0:
        return f"The {what} do harm: the same method does better without them ({rates})."
    shuffled = repair.verdict.on(own.metric, "shuffled_tags")
    if shuffled is not None and not _effect(repair, own.metric):
        return f"The {what} add nothing: shuffled ones do as well ({100 * shuffled.before:.1f} %)."
    return f"The {what} matter: the same method does worse without them ({rates})."


def _effect(repair: Repair, metric: Aim) -> int:
    """Return the sign of what the tags add: no more than shuffled ones is nothing."""
    line, shuffled = (repair.verdict.on(metric, against) for against in ("told_nothing", "shuffled_tags"))
    sign = 0 if line is None else _sign(line)
    return 0 if sign > 0 and shuffled is not None and _sign(shuffled) <= 0 else sign


def _with_and_without(line: Comparison) -> str:
    """Return `60.0 % without them, 81.3 % with them (48 images, p = 0.012)`."""
    rates = f"{100 * line.before:.1f} % without them, {100 * line.after:.1f} % with them"
    return f"{rates} of {count_words(line.n)}, {p_words(line.p)}"


def _sign(line: Comparison) -> int:
    """Return 1 where the repaired head is significantly better, -1 where it is worse, else 0."""
    return 0 if line.p >= SIGNIFICANT else 1 if line.fixed > line.broken else -1


def _losers(losers: tuple[Loser, ...]) -> str:
    """Return the classes that lose, with numbers."""
    if not losers:
        return ""
    named = [
        f"{loser.target.name} {100 * loser.before:.1f} → {100 * loser.after:.1f} % ({p_words(loser.p)})"
        for loser in losers[:MOST_LOSERS]
    ]
    more = [f"{len(losers) - MOST_LOSERS} more classes"] if len(losers) > MOST_LOSERS else []
    return f"Losing: {', '.join([*named, *more])}."


def _estimated(repair: Repair) -> str:
    """Return how far the numbers of the worst group can be trusted where a probe carried the tags to it."""
    line, worst = repair.verdict.on("worst_group"), repair.before.worst_group
    if not repair.verdict.estimated or line is None or worst is None:
        return ""
    parts = [f"Worst-group numbers are estimates: a probe carried the tags to its {count_words(line.n)}."]
    if worst.estimate is not None:
        parts.append(estimate_words(worst.estimate))
    return " ".join(parts)


def fed_words(repair: Repair) -> list[str]:
    """Return a sentence for each cue that the repair feeds, about the class or, failing that, all classes."""
    fed = {gap.column: gap for gap in reversed(repair.gaps) if gap.fed}
    return [_fed(gap, repair.target.name) for gap in fed.values()]


def _fed(gap: CueGap, name: str) -> str:
    low, high = map(signed, gap.growth)
    who = "the classes" if gap.label is None else name
    counts = f"{count_words(gap.n)}{', estimated' if gap.estimated else ''}"
    return (
        f"It makes {who} lean more on “{gap.column}”: images with its usual value do better than the others "
        f"by {100 * gap.after:.1f} points instead of {100 * gap.before:.1f} ({counts}; {low} to {high}, 95 % "
        "interval). Repair both together."
    )


def estimate_words(found: GroupEstimate) -> str:
    """Return what the tags say of the true accuracy before the repair, or that they are too few."""
    if not found.tagged:
        return "None of the class was tagged by hand: its true rate is not known."
    tags = f"the {count_words(found.tagged)} of the class tagged by hand"
    head = f"By {tags}, the true rate before the repair is"
    low, high = (100 * bound for bound in found.interval)
    if found.too_few:
        return f"{head} anywhere from {low:.0f} to {high:.0f} %: too few to tell."
    return f"{head} {100 * found.accuracy:.0f} % ({low:.0f} to {high:.0f} %, 90 % interval)."
