"""Rules: which calls meet which misbehaviour, and how often."""

from random import Random
from typing import Any

from attrs import define, field

from antigravity_sandbox.acts import Acts
from antigravity_sandbox.calls import Call
from antigravity_sandbox.google.envelope import check_object
from antigravity_sandbox.google.errors import bad_request, not_found, refusal
from antigravity_sandbox.kinds import GRANTS, METHODS
from antigravity_sandbox.mischief.behaviour import Behaviour, read_parameter
from antigravity_sandbox.mischief.catalogue import CATALOGUE
from antigravity_sandbox.reply import Json, Refused
from antigravity_sandbox.scene import Scene

MODEL_PREFIX = "sandbox-"
_CALLS: tuple[tuple[str | None, str], ...] = (
    *((None, method) for method in GRANTS),
    *((kind, method) for kind, methods in METHODS.items() for method in methods),
)
"""Every call there is, by its kind and its method."""

_KNOWN = {
    "kind": tuple(METHODS),
    "method": tuple(dict.fromkeys(method for _, method in _CALLS)),
}
_MATCHED = ("account", "model", "kind", "method", "endpoint")


def bad_field(name: str, what: str) -> Refused:
    """The refusal of a control request for the sake of its field *name*."""
    message = f'"{name}" {what}'
    return Refused(refusal(400, message, bad_request(name, message)))


@define(eq=False)
class Rule:
    """
    One rule.

    :ivar matched: what a call must be for it to apply, by
        ``account``, ``model``, ``kind``, ``method`` and ``endpoint``.
    :ivar told: the parameters of its behaviour that were given.
    :ivar times: how often it will still befall a call; None for always.
    :ivar chance: how often it does when it applies, at most 1; None for always.
    """

    behaviour: Behaviour
    matched: dict[str, str] = field(factory=dict)
    told: dict[str, Any] = field(factory=dict)
    times: int | None = None
    chance: float | None = None

    def applies(self, call: Call) -> bool:
        """
        Whether *call* meets it.

        A grant meets only what is meant for grants: a rule that names no
        method leaves them alone, unless its behaviour is one of theirs.
        """
        aimed = "method" in self.matched or self.behaviour.of_grants
        if call.method in GRANTS and not aimed:
            return False
        wanted = all(getattr(call, k) == v for k, v in self.matched.items())
        return wanted and self.behaviour.befalls(call.kind, call.method)

    @property
    def can_apply(self) -> bool:
        """Whether there is a call that it could apply to."""
        kind, method = self.matched.get("kind"), self.matched.get("method")
        return any(
            self.behaviour.befalls(*call)
            for call in _CALLS
            if kind in (None, call[0]) and method in (None, call[1])
        )

    def strikes(self, dice: Random) -> bool:
        """Whether it befalls a call that it applies to, this time."""
        return self.chance is None or dice.random() < self.chance

    def acts(self, scene: Scene) -> Acts:
        """What is done instead of *scene*."""
        return self.behaviour.acts(scene, self.told)

    @property
    def announces(self) -> float | None:
        """For how many seconds a 429 asks its reader to wait, None if it does not."""
        return self.behaviour.announces(self.told)

    def overview(self) -> Json:
        """The rule as it was posted, with the times that remain."""
        numbers = {"times": self.times, "chance": self.chance}
        said = {name: number for name, number in numbers.items() if number is not None}
        return {"behaviour": self.behaviour.slug, **self.matched, **self.told, **said}


def read_rules(body: object) -> list[Rule]:
    """
    The rules that *body* describes, be it one or a list of them.

    :raises Refused: when one of them is none, naming the field; and the
        number of the rule, counting from 0, if it is in a list.
    """
    if not isinstance(body, list):
        return [_read_rule(check_object(body))]
    if not body:
        raise Refused(refusal(400, "There is no rule in the list."))
    return [_read_rule(rule, f"[{n}]") for n, rule in enumerate(body)]


def _read_rule(body: object, at: str = "") -> Rule:
    """
    The rule that *body* describes.

    :param at: its place in a list, to be put before the name of a field.
    """
    if not isinstance(body, dict):
        raise bad_field(at, "must be an object")
    dot = at and f"{at}."
    slug = body.get("behaviour")
    if not isinstance(slug, str) or slug not in CATALOGUE:
        what = f"must be a slug of the catalogue, not {slug!r}"
        raise bad_field(f"{dot}behaviour", what)
    rule = Rule(CATALOGUE[slug])
    for name, value in body.items():
        try:
            _tell(rule, name, value)
            _check_aim(rule, name)
        except ValueError as error:
            raise bad_field(dot + name, str(error)) from None
    return rule


def _tell(rule: Rule, name: str, value: object) -> None:
    """
    Add to *rule* what one member of its description says.

    :raises ValueError: when it cannot say that.
    """
    if name in _MATCHED:
        rule.matched[name] = _read_matched(name, value)
    elif name == "times":
        rule.times = _read_times(value)
    elif name == "chance":
        rule.chance = _read_chance(value)
    elif name in rule.behaviour.takes:
        read_parameter(name, value)
        rule.told[name] = value
    elif name != "behaviour":
        raise ValueError(f"is not known to {rule.behaviour.slug}")


def _read_matched(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a string")
    if name in _KNOWN and value not in _KNOWN[name]:
        raise ValueError(f"must be one of {', '.join(_KNOWN[name])}")
    return value


def _check_aim(rule: Rule, name: str) -> None:
    """
    See that *rule* can still apply, now that its field *name* has been read.

    :raises ValueError: when it cannot.
    """
    if name in _KNOWN and not rule.can_apply:
        others = [rule.matched[k] for k in _KNOWN if k != name and k in rule.matched]
        whom = " of ".join((rule.behaviour.slug, *others))
        raise ValueError(f"cannot be {rule.matched[name]} for {whom}")


def _read_times(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError("must be a whole number, 1 or more")
    return value


def _read_chance(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a number")
    if not 0 < value <= 1:
        raise ValueError("must be more than 0, and at most 1")
    return value


@define
class RuleBook:
    """The rules in force.  The first that applies, and strikes, wins."""

    rules: list[Rule] = field(factory=list)

    def told(self, call: Call, dice: Random) -> Rule | None:
        """
        The rule that *call* meets, be it one of the book or its model's name.

        :raises Refused: when the model names a misbehaviour that is not known.
        """
        if call.model.startswith(MODEL_PREFIX):
            return _told_by_model(call)
        for rule in self.rules:
            if rule.applies(call) and rule.strikes(dice):
                self._count(rule)
                return rule
        return None

    def _count(self, rule: Rule) -> None:
        if rule.times is None:
            return
        rule.times -= 1
        if not rule.times:
            self.rules.remove(rule)


def _told_by_model(call: Call) -> Rule | None:
    behaviour = CATALOGUE.get(call.model.removeprefix(MODEL_PREFIX))
    if behaviour is None or not behaviour.is_told_by_model(call.kind):
        raise Refused(not_found())
    return Rule(behaviour) if behaviour.befalls(call.kind, call.method) else None
