"""An answer that goes well, and how it is performed."""

from collections.abc import Callable, Iterable

from attrs import evolve, field, frozen

from antigravity_sandbox.acts import Acts, Head, Headers, Wait, Write
from antigravity_sandbox.google.errors import About
from antigravity_sandbox.reply import JSON_HEADERS, Json, indented
from antigravity_sandbox.sse import GOOGLE, STREAM_HEADERS, Framing


@frozen
class Scene:
    """
    One call, and what it would be answered if nothing went wrong.

    :ivar events: the events of a stream, or the one body of a unary answer.
        They are made when they are sent.
    :ivar stream: whether it is a stream.
    :ivar pace: seconds between two events of a stream.
    :ivar about: what an error would have to tell of.
    """

    events: Iterable[Json]
    stream: bool = False
    pace: float = 0.0
    about: About = field(factory=About)
    headers: Headers = ()
    plain: Headers = JSON_HEADERS

    @property
    def head(self) -> Head:
        """The status and headers of a success."""
        kind = STREAM_HEADERS if self.stream else self.plain
        return Head(200, (*kind, *self.headers))

    def reshaped(self, reshape: Callable[[Iterable[Json]], Iterable[Json]]) -> "Scene":
        """The same, its events passed through *reshape*."""
        return evolve(self, events=reshape(self.events))

    def acts(self, framing: Framing = GOOGLE) -> Acts:
        """
        The answer as acts.

        A unary answer is the first event of its scene, and all of it.
        """
        yield self.head
        if self.stream:
            yield from self._stream(framing)
            return
        for event in self.events:
            yield Write(indented(event))
            break

    def _stream(self, framing: Framing) -> Acts:
        pause = 0.0
        if framing.opening:
            yield Write(framing.opening)
        for event in self.events:
            if pause:
                yield Wait(pause)
            yield Write(framing.frame(event), event=True)
            pause = self.pace
        if framing.closing:
            yield Write(framing.closing)
