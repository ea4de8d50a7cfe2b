"""Ways to make a behaviour of a function, or of a few words."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from attrs import evolve

from antigravity_sandbox.acts import Acts
from antigravity_sandbox.google.errors import About
from antigravity_sandbox.kinds import CODE_ASSIST, GEMINI, GENERATE, STREAM, VERTEX
from antigravity_sandbox.mischief.behaviour import Behaviour
from antigravity_sandbox.reply import Json, Reply
from antigravity_sandbox.scene import Scene
from antigravity_sandbox.sse import Framing

TOKEN = ("token",)
EXCHANGE = ("exchange",)
STREAMS = (STREAM,)


def error(
    slug: str, make: Callable[[About], Reply], delay: str = "", *kinds: str
) -> Behaviour:
    """An error of Google's, which may ask its reader to wait for *delay*."""

    def perform(scene: Scene, delay: str = "0s") -> Acts:
        return make(evolve(scene.about, delay=delay)).acts()

    takes = {"delay": delay} if delay else {}
    return Behaviour(slug, _summary(make), perform, takes, kinds=kinds)


def private(slug: str, make: Callable[[About], Reply], delay: str = "") -> Behaviour:
    """An error of the private API alone."""
    return error(slug, make, delay, CODE_ASSIST)


def public(slug: str, make: Callable[[About], Reply], delay: str = "") -> Behaviour:
    """An error of the public Gemini API alone."""
    return error(slug, make, delay, GEMINI)


def vertex(slug: str, make: Callable[[About], Reply], delay: str = "") -> Behaviour:
    """An error of Vertex AI alone."""
    return error(slug, make, delay, VERTEX)


def events(
    slug: str,
    reshape: Callable[..., Iterable[Json]],
    methods: tuple[str, ...] = GENERATE,
    **takes: Any,
) -> Behaviour:
    """Other events than the honest ones."""

    def perform(scene: Scene, **told: Any) -> Acts:
        return scene.reshaped(partial(reshape, **told)).acts()

    return Behaviour(slug, _summary(reshape), perform, takes, methods)


def framing(slug: str, summary: str, **framing: Any) -> Behaviour:
    """The honest events, framed otherwise."""

    def perform(scene: Scene) -> Acts:
        return scene.acts(Framing(**framing))

    return Behaviour(slug, summary, perform, methods=STREAMS)


def wire(
    slug: str,
    perform: Callable[..., Acts],
    methods: tuple[str, ...] = (),
    **takes: Any,
) -> Behaviour:
    """The honest answer, on a bad road."""
    return Behaviour(slug, _summary(perform), perform, takes, methods)


def token(
    slug: str, summary: str, reply: Reply, methods: tuple[str, ...] = TOKEN
) -> Behaviour:
    """An error of the token endpoint."""

    def perform(_: Scene) -> Acts:
        return reply.acts()

    return Behaviour(slug, summary, perform, methods=methods)


def _summary(function: Callable[..., Any]) -> str:
    """The first sentence of a docstring, which says what goes wrong."""
    return (function.__doc__ or "").strip().split("\n")[0].replace("*", "")
