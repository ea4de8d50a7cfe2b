"""A way to misbehave, and what can be said about how."""

from collections.abc import Callable, Mapping
from typing import Any

from attrs import field, frozen

from antigravity_sandbox.acts import Acts
from antigravity_sandbox.durations import read_duration, seconds_in
from antigravity_sandbox.kinds import GRANTS
from antigravity_sandbox.mischief.events import MESSAGES
from antigravity_sandbox.mischief.wire import HEADERS, NOTHING
from antigravity_sandbox.scene import Scene


@frozen
class Behaviour:
    """
    One entry of the catalogue.

    :ivar perform: takes the scene of an honest answer, and the parameters.
    :ivar takes: the parameters, with the values they have unless told.
    :ivar methods: the methods it can befall; none means every method.
    :ivar kinds: the kinds of account it can befall; none means every kind, and
        grants as well.
    """

    slug: str
    summary: str
    perform: Callable[..., Acts]
    takes: Mapping[str, Any] = field(factory=dict)
    methods: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()

    def befalls(self, kind: str | None, method: str) -> bool:
        """Whether a call of *method* by an account of that *kind* can meet it."""
        of_kind = not self.kinds or kind in self.kinds
        return of_kind and (not self.methods or method in self.methods)

    def is_told_by_model(self, kind: str | None) -> bool:
        """Whether an account of that *kind* meets it by asking for its model."""
        return not self.of_grants and (not self.kinds or kind in self.kinds)

    @property
    def of_grants(self) -> bool:
        """Whether it is about grants, and nothing else."""
        return bool(self.methods) and set(self.methods) <= set(GRANTS)

    def acts(self, scene: Scene, told: Mapping[str, Any]) -> Acts:
        """What is done instead of *scene*, with the parameters *told*."""
        given = {**self.takes, **told}
        return self.perform(
            scene, **{name: read_parameter(name, v) for name, v in given.items()}
        )

    def announces(self, told: Mapping[str, Any]) -> float | None:
        """For how many seconds a 429 asks its reader to wait, None if it does not."""
        delay = {**self.takes, **told}.get("delay")
        if delay is None or not self.slug.startswith("429"):
            return None
        return seconds_in(delay)

    def overview(self) -> dict[str, Any]:
        """The entry as JSON."""
        parameters = dict(self.takes)
        said = {"slug": self.slug, "summary": self.summary, "parameters": parameters}
        return {**said, "kinds": list(self.kinds)}


def read_parameter(name: str, value: object) -> Any:
    """
    The value of a parameter, as :attr:`Behaviour.perform` wants it.

    A parameter means the same wherever it is taken.

    :raises ValueError: when it cannot have that value.
    """
    return _READERS[name](value)


def read_seconds(value: object) -> float:
    """
    A number of seconds.

    :raises ValueError: when it is none, or negative, or without end.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a number of seconds")
    if not 0 <= value < float("inf"):
        raise ValueError("must not be negative")
    return float(value)


def read_count(value: object) -> int:
    """
    A whole number, 0 or more.

    :raises ValueError: when it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("must be a whole number, 0 or more")
    return value


def _after(value: object) -> int:
    named = {"nothing": NOTHING, "headers": HEADERS}
    if isinstance(value, str) and value in named:
        return named[value]
    try:
        return read_count(value)
    except ValueError:
        raise ValueError("must be 'nothing', 'headers' or a number of events") from None


def _form(value: object) -> str:
    if value not in ("object", "array"):
        raise ValueError("must be 'object' or 'array'")
    return str(value)


def _code(value: object) -> int:
    if not isinstance(value, int) or value not in MESSAGES:
        raise ValueError(f"must be one of {', '.join(map(str, MESSAGES))}")
    return value


_READERS: dict[str, Callable[[object], Any]] = {
    "after": _after,
    "code": _code,
    "delay": read_duration,
    "form": _form,
    "n": read_count,
    "seconds": read_seconds,
    "size": read_count,
}
