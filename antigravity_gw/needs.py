"""What a person has to do before an account can serve again."""

from enum import Enum


class Need(Enum):
    """Why an account waits for a person; the value is what people read."""

    LOGIN = "needs login"
    """Its grant is dead: somebody has to log in again."""
    CREDENTIAL = "needs credentials"
    """The key or the credentials it was given are dead: it has to get others."""
    VALIDATION = "needs validation"
    """Google wants its owner to confirm something at a link."""
    ENTITLEMENT = "not entitled"
    """It has no licence, no role, no tier, or is in the wrong place for it."""
    PROJECT = "needs a project"
    """Google names no project for it, or refuses the one it has."""
    SUSPENDED = "suspended"
    """Google speaks of its terms: leave the account alone."""
    CLIENT = "misconfigured"
    """The operator's OAuth client is wrong; the account may be fine."""
