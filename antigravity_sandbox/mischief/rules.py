"""Rules: which calls meet which misbehaviour, and how often."""

from typing import Any

from attrs import define, field

from antigravity_sandbox.acts import Acts
from antigravity_sandbox.calls import Call
from antigravity_sandbox.google.errors import bad_request, not_found, refusal
from antigravity_sandbox.mischief.behaviour import Behaviour, read_parameter
from antigravity_sandbox.mischief.catalogue import CATALOGUE, TOKEN
from antigravity_sandbox.reply import Json, Refused
from antigravity_sandbox.scene import Scene

MODEL_PREFIX = "sandbox-"
METHODS = (
    "token",
    "generateContent",
    "streamGenerateContent",
    "countTokens",
    "loadCodeAssist",
    "onboardUser",
    "operations",
    "fetchAvailableModels",
    "retrieveUserQuota",
)
_MATCHED = ("account", "model", "method", "endpoint")


def bad_field(name: str, what: str) -> Refused:
    """The refusal of a control request for the sake of its field *name*."""
    message = f'"{name}" {what}'
    return Refused(refusal(400, message, bad_request(name, message)))


@define(eq=False)
class Rule:
    """
    One rule.

    :ivar matched: what a call must be for it to apply, by
        ``account``, ``model``, ``method`` and ``endpoint``.
    :ivar told: the parameters of its behaviour that were given.
    :ivar times: how often it will still apply; None for always.
    """

    behaviour: Behaviour
    matched: dict[str, str]
    told: dict[str, Any]
    times: int | None = None

    def applies(self, call: Call) -> bool:
        """
        Whether *call* meets it.

        A refresh meets only what is meant for refreshes: a rule that names no
        method leaves them alone, unless its behaviour is one of theirs.
        """
        aimed = "method" in self.matched or self.behaviour.methods == TOKEN
        if call.method == "token" and not aimed:
            return False
        wanted = all(getattr(call, k) == v for k, v in self.matched.items())
        return wanted and self.behaviour.befalls(call.method)

    def acts(self, scene: Scene) -> Acts:
        """What is done instead of *scene*."""
        return self.behaviour.acts(scene, self.told)

    def overview(self) -> Json:
        """The rule as it was posted, with the times that remain."""
        left = {} if self.times is None else {"times": self.times}
        return {"behaviour": self.behaviour.slug, **self.matched, **self.told, **left}


def read_rule(body: Json) -> Rule:
    """
    The rule that *body* describes.

    :raises Refused: when it describes none, naming the field.
    """
    slug = body.get("behaviour")
    if not isinstance(slug, str) or slug not in CATALOGUE:
        raise bad_field("behaviour", f"must be a slug of the catalogue, not {slug!r}")
    rule = Rule(CATALOGUE[slug], {}, {})
    for name, value in body.items():
        if name != "behaviour":
            _tell(rule, name, value)
    method = rule.matched.get("method")
    if method is not None and not rule.behaviour.befalls(method):
        raise bad_field("method", f"cannot be {method} for {slug}")
    return rule


def _tell(rule: Rule, name: str, value: object) -> None:
    """Add to *rule* what one member of its description says."""
    if name in _MATCHED:
        if not isinstance(value, str):
            raise bad_field(name, "must be a string")
        if name == "method" and value not in METHODS:
            raise bad_field(name, f"must be one of {', '.join(METHODS)}")
        rule.matched[name] = value
    elif name == "times":
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise bad_field(name, "must be a whole number, 1 or more")
        rule.times = value
    elif name in rule.behaviour.takes:
        try:
            read_parameter(name, value)
        except ValueError as error:
            raise bad_field(name, str(error)) from None
        rule.told[name] = value
    else:
        raise bad_field(name, f"is not known to {rule.behaviour.slug}")


@define
class RuleBook:
    """The rules in force.  The first that applies wins."""

    rules: list[Rule] = field(factory=list)

    def told(self, call: Call) -> Rule | None:
        """
        The rule that *call* meets, be it one of the book or its model's name.

        :raises Refused: when the model names a misbehaviour that is not known.
        """
        if call.model.startswith(MODEL_PREFIX):
            return _told_by_model(call)
        for rule in self.rules:
            if rule.applies(call):
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
    if behaviour is None or behaviour.methods == TOKEN:
        raise Refused(not_found())
    return Rule(behaviour, {}, {}) if behaviour.befalls(call.method) else None
