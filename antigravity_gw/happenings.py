"""What happens beside the requests, for whoever keeps count of it."""

from collections.abc import Callable

from attrs import frozen


@frozen
class Rejected:
    """
    Somebody was turned away before there was a request to tell of.

    :ivar reason: the word for the error that they were answered with.
    """

    reason: str


@frozen
class Cooled:
    """
    An account, or a model of it, is left alone from now on.

    :ivar kind: the account's.
    :ivar reason: in a word: what has run out, or what a person has to do.
    """

    kind: str
    reason: str


@frozen
class Refreshed:
    """
    A new access token was asked for.

    :ivar kind: the account's.
    :ivar outcome: :data:`RENEWED`, :data:`REFUSED` or :data:`FAILED`.
    """

    kind: str
    outcome: str


RENEWED = "renewed"
REFUSED = "refused"
"""Not before a person has mended something."""
FAILED = "failed"
"""For nobody's fault: it may go better next time."""


@frozen
class Avoided:
    """
    One of Google's hosts has failed, and comes last for a while.

    :ivar base: its URL.
    :ivar reason: :data:`FAILING` or :data:`NO_ROOM`.
    """

    base: str
    reason: str


FAILING = "failing"
NO_ROOM = "no_room"
"""It has none for one model; it may serve others."""

Happening = Rejected | Cooled | Refreshed | Avoided

Listener = Callable[[Happening], None]
"""Is told of each at once, so it is quick, and it does not fail."""


def unheard(happening: Happening) -> None:
    """Nobody listens."""
