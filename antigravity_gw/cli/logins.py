"""What came of a login, for people and for programs."""

from typing import Any

from attrs import frozen

from antigravity_gw.cli.accounts import warn_if_disabled
from antigravity_gw.cli.common import is_name, warn
from antigravity_gw.cli.tables import labelled
from antigravity_gw.objects import timestamp
from antigravity_gw.pool.account import Known
from antigravity_gw.states import ACCOUNTS, handle
from antigravity_gw.wire.consent import SCOPES, missing
from antigravity_gw.wire.oauth import Grant


@frozen
class Done:
    """
    An account that was logged in.

    :ivar known: as it is stored.
    :ivar result: ``added`` or ``updated``.
    :ivar now: when that was, in POSIX seconds.
    """

    known: Known
    result: str
    grant: Grant
    now: float

    @property
    def ends(self) -> float | None:
        """When the grant ends by itself, in POSIX seconds; None for not."""
        return None if self.grant.lasts is None else self.now + self.grant.lasts

    @property
    def email(self) -> str | None:
        """Whose it is, if that is said and can be shown on a terminal."""
        email = self.grant.email
        return email if email and is_name(email) else None

    def warn(self) -> None:
        """Say what is not as it should be."""
        name = self.known.record.name
        for scope in missing(self.grant):
            warn(f"{name}: {SCOPES[scope]} was not granted; it serves all the same")
        if name == self.known.record.id:
            why = (
                "Google does not say whose account it is"
                if self.grant.email is None
                else "what it was to be called is another account's name, or cannot be "
                "a name"
            )
            warn(
                f"{name}: {why}, so it is called that; "
                f"'{ACCOUNTS} rename {name} NAME' calls it something else"
            )
        elif self.result == "updated" and self.email and "@" not in name:
            warn(
                f"{name}: the login of {self.email} serves it from now on; if that is "
                "not whose account it is to be, log in again"
            )
        if self.ends is not None:
            warn(
                f"{name}: the grant ends at {timestamp(self.ends)}, as it does while "
                "the consent screen of the OAuth client is in testing: publish it in "
                "the Google Cloud console, and log in again"
            )
        warn_if_disabled(self.known)

    def lines(self) -> list[str]:
        """For people."""
        record, scopes = self.known.record, self.grant.scopes
        granted = [told for scope, told in SCOPES.items() if scope in scopes]
        return [
            f"{record.name}: {self.result}",
            *labelled("email", self.email),
            *labelled("grant", "; ".join(granted)),
            *labelled("ends", timestamp(self.ends) or "when it is revoked"),
            *labelled("to do", self.to_do),
        ]

    def as_object(self) -> dict[str, Any]:
        """For programs."""
        return {
            "name": self.known.record.name,
            "id": self.known.record.id,
            "result": self.result,
            "email": self.email,
            "scopes": sorted(self.grant.scopes),
            "missing_scopes": missing(self.grant),
            "ends": timestamp(self.ends),
            "to_do": self.to_do,
        }

    @property
    def to_do(self) -> str:
        """What comes next."""
        return f"'{ACCOUNTS} test {handle(self.known.record)}' asks it a small question"
