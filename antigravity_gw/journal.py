"""What is remembered of one request, for everybody who keeps an account of them."""

from collections.abc import Callable, Mapping

from attrs import define, field

from antigravity_gw.causes import Cause
from antigravity_gw.gaps import Gaps
from antigravity_gw.wire.usage import Usage

SERVED = "served"
CLIENT_LEFT = "client_left"

THEIRS = (CLIENT_LEFT, "write_timeout", "too_far_ahead")
"""How requests end that the client has broken off, whatever their status."""

OURS = ("exhausted", "needs_operator")
"""How requests end that accounts have failed, though their status is a client's."""

FIRST_BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
"""
The upper ends of the classes of time to the first event, in seconds.

A last class has what took longer.
"""


@define(eq=False)
class Served:
    """
    How one request goes, and how it went once it has ended.

    :ivar id: the client's own ``x-request-id``, or one that it is given.
    :ivar key: the name of the client's key, if it has shown one.
    :ivar method: of HTTP, in printable letters, as is the path.
    :ivar path: without the query, since a key may be in that.
    :ivar began: when its head had come, in POSIX seconds.
    :ivar asked: the model the client named.
    :ivar model: the model upstream was asked for.
    :ivar streams: whether a stream was asked for.
    :ivar account: the opaque id of the account that was asked last.
    :ivar kind: the kind of that account.
    :ivar attempts: how many calls were made upstream.
    :ivar failures: the calls among them that failed: the kind of the account, and
        whose fault that was, in a word.
    :ivar received: how many bytes of body the client has sent.
    :ivar sent: how many it was sent.
    :ivar events: how many events were sent to the client.
    :ivar first: when the answer began to go out, in POSIX seconds, if it did.
    :ivar gaps: those between what came of a stream.
    :ivar usage: what the answer has cost, if it has said so.
    :ivar status: the HTTP status; 0 when the client had left before there was one.
    :ivar seconds: how long it took, from its head to its end.
    :ivar ended: how it ended, in a word: :data:`SERVED`, :data:`CLIENT_LEFT`, or
        that of the error which the client was answered with.
    :ivar trouble: what went wrong, in general terms; the last thing that did.
    :ivar cause: what was behind that, if upstream has said so.
    """

    id: str = ""
    key: str = ""
    method: str = ""
    path: str = ""
    began: float = 0.0
    asked: str = ""
    model: str = ""
    streams: bool = False
    account: str = ""
    kind: str = ""
    attempts: int = 0
    failures: list[tuple[str, str]] = field(factory=list)
    received: int = 0
    sent: int = 0
    events: int = 0
    first: float | None = None
    gaps: Gaps | None = None
    usage: Usage | None = None
    status: int = 0
    seconds: float = 0.0
    ended: str = SERVED
    trouble: str = ""
    cause: Cause | None = None

    def fail(self, ended: str, trouble: str) -> None:
        """It ends badly; why it does is said once, by who knows first."""
        if self.ended == SERVED:
            self.ended = ended
        self.trouble = self.trouble or trouble

    @property
    def is_well(self) -> bool:
        """Whether it has ended as it should."""
        return self.ended == SERVED

    @property
    def is_error(self) -> bool:
        """Whether it has ended badly, and not because its client has broken it off."""
        return self.ended != SERVED and self.ended not in THEIRS

    @property
    def is_trouble(self) -> bool:
        """Whether it is an error that the operator should look into."""
        if not self.is_error:
            return False
        return not 400 <= self.status < 500 or self.ended in OURS

    @property
    def first_seconds(self) -> float | None:
        """How long the client has waited for the beginning of its answer."""
        return None if self.first is None else max(0.0, self.first - self.began)

    def facts(self) -> Mapping[str, str | int | float]:
        """All that may be logged of it, by name; what there is not is left out."""
        usage, first = self.usage, self.first_seconds
        facts: dict[str, str | int | float] = {
            "id": self.id,
            "key": self.key,
            "method": self.method,
            "path": self.path,
            "status": self.status,
            "model": self.asked,
            "upstream_model": self.model,
            "kind": self.kind,
            "account": self.account,
            "attempts": self.attempts,
            "received": self.received,
            "sent": self.sent,
            "events": self.events,
        }
        if first is not None:
            facts["first_event_seconds"] = round(first, 4)
        facts["seconds"] = round(self.seconds, 4)
        if usage is not None:
            facts |= {
                "prompt_tokens": usage.prompt,
                "output_tokens": usage.output,
                "thought_tokens": usage.thoughts,
                "cached_tokens": usage.cached,
            }
        facts |= {"ended": self.ended, "trouble": self.trouble}
        return {name: value for name, value in facts.items() if value != ""}

    def __str__(self) -> str:
        """One line for people, which leaves out what goes without saying."""
        status, first = self.status or "-", self.first_seconds
        words = [
            f"{self.method} {self.path} {status} {self.sent} B {self.seconds:.3f} s"
        ]
        if self.asked:
            words.append(f"model={self.asked}")
        if self.model != self.asked:
            words.append(f"as={self.model}")
        if self.key:
            words.append(f"key={self.key}")
        if self.attempts:
            words.append(
                f"kind={self.kind} account={self.account} attempts={self.attempts}"
            )
        if self.events:
            words.append(f"events={self.events}")
        if first is not None:
            words.append(f"first={first:.3f}")
        if self.usage is not None:
            words.append(f"tokens={self.usage.prompt}+{self.usage.total_output}")
        if self.ended != SERVED:
            words.append(f"ended={self.ended}")
        if self.trouble:
            words.append(f'trouble="{self.trouble}"')
        words.append(f"id={self.id}")
        return " ".join(words)


Witness = Callable[[Served], None]
"""
Is told of each request that has ended.

It is called on the way of the next one, so it is quick.  What it raises is a bug,
which is logged.
"""
