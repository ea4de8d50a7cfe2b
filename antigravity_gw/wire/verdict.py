"""What an upstream reply amounts to: whose fault it is, and what to do about it."""

from enum import Enum, auto

from attrs import define, field, frozen

from antigravity_gw.causes import Cause
from antigravity_gw.errors import GatewayError
from antigravity_gw.needs import Need


class Blame(Enum):
    """Whose fault a failed call is, and so where the next one goes."""

    REQUEST = auto()
    """The client's: upstream's error is the answer, nobody else is asked."""
    GATEWAY = auto()
    """Our own: nobody is blamed, and nobody else could be asked, either."""
    TOKEN = auto()
    """The access token's: renew it once, ask again."""
    QUOTA = auto()
    """The account is out of quota, often for long: it rests, another is asked."""
    RATE = auto()
    """The account was asked too often in a short time: it rests that long."""
    HUMAN = auto()
    """The account needs a person: it is out until then, another is asked."""
    PROJECT = auto()
    """The account's project is wrong: look it up anew once, ask again."""
    OPERATOR = auto()
    """The OAuth client or its project may not do this: no account's fault."""
    CAPACITY = auto()
    """Upstream has no room for the model: ask elsewhere, blame no account."""
    ANSWER = auto()
    """Nobody's: the answer was no answer.  Ask once more."""
    ELSEWHERE = auto()
    """The account lacks what the request refers to: another may have it."""
    MISSING = auto()
    """This endpoint does not know the model: the next one may."""
    ENDPOINT = auto()
    """The endpoint is failing: avoid it for a while, ask the next."""


_OF_ACCOUNTS = (
    *(Blame.TOKEN, Blame.QUOTA, Blame.RATE),
    *(Blame.HUMAN, Blame.PROJECT, Blame.OPERATOR),
)


@frozen
class Verdict:
    """
    What to make of a failed call.

    :ivar reason: why, in general terms, for the log and the operator.
    :ivar delay: seconds upstream asked to wait, or None when it did not say.
    :ivar need: what a person has to do, or None when it passes by itself.
    :ivar link: where a person can mend it.  It may say whose account it is:
        for the operator's eyes, never for a log or a client.
    :ivar is_account_wide: whether it concerns the account with every model, and
        not only with the one that was asked for.
    :ivar cause: what is behind it, if that is known.
    """

    blame: Blame
    reason: str
    delay: float | None = None
    need: Need | None = None
    link: str | None = field(default=None, repr=False)
    is_account_wide: bool = False
    cause: Cause | None = None

    def is_about_account(self) -> bool:
        """Whether it is an account's affair, of which clients are told nothing."""
        return self.blame in _OF_ACCOUNTS


@define
class Setback(Exception):
    """
    A call upstream that failed before the client saw anything of it.

    :ivar verdict: what to make of it.
    :ivar error: what the client is told if no other call succeeds.
    """

    verdict: Verdict
    error: GatewayError
