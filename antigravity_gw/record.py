"""What an operator says of an account."""

from attrs import field, frozen

from antigravity_gw.wire.oauth import OAuthClient

CODE_ASSIST = "code_assist"
"""The kind that an account is when nothing says otherwise."""


@frozen
class Record:
    """
    What the operator has said of an account.

    :ivar id: opaque, made by us; the only thing about an account that is logged.
    :ivar name: what the operator calls it; often an e-mail, so never logged.
    :ivar credential: the secret it is used with; its kind says what that is.
    :ivar client: the OAuth client that belongs to; None for the configured one.
    :ivar project: the Google Cloud project to use when Google names none.
    :ivar added: POSIX seconds.
    :ivar disabled: since when the operator has it disabled, in POSIX seconds.
    :ivar weight: its share of new conversations, beside the others' weights.
    :ivar priority: accounts with a lower one are asked first.
    :ivar concurrency: how many requests it may serve at a time; None for any.
    :ivar epoch: grows when the operator says that what was learnt is void.
    :ivar kind: which of Google's APIs it is for, see ``kinds``.
    :ivar location: where its requests are served, if its kind leaves that open.
    :ivar given: when the credential was given, in POSIX seconds; 0 for long ago.
    """

    id: str
    name: str = field(repr=False)
    credential: str = field(repr=False)
    client: OAuthClient | None = None
    project: str | None = field(default=None, repr=False)
    added: float = 0.0
    disabled: float | None = None
    weight: float = 1.0
    priority: int = 0
    concurrency: int | None = None
    epoch: int = 0
    kind: str = CODE_ASSIST
    location: str | None = None
    given: float = 0.0
