"""Resources whose render methods are coroutines."""

from collections.abc import Callable, Coroutine
from typing import Any, ClassVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from antigravity_gw.errors import GatewayError, MethodNotAllowed, NotFound
from antigravity_gw.web.replies import write_nothing
from antigravity_gw.web.request import GatewayRequest

Rendering = Coroutine[Deferred[Any], Any, None]


class CoroutineResource(Resource):
    """
    A resource whose ``render_METHOD`` coroutines write to the request.

    The coroutine is cancelled when the client goes away, and what it raises
    becomes the response.  Finishing the request is done here: a subclass
    writes, and returns.  HEAD and OPTIONS come by themselves.

    :cvar renderers: what renders each method.
    """

    renderers: ClassVar[dict[str, Callable[..., Rendering]]] = {}

    def __init_subclass__(cls) -> None:
        cls.renderers = {
            name: getattr(cls, f"render_{name}")
            for name in ("GET", "POST")
            if hasattr(cls, f"render_{name}")
        }
        if "GET" in cls.renderers:
            cls.renderers["HEAD"] = cls.renderers["GET"]

    def getChild(self, path: bytes, request: GatewayRequest) -> Resource:
        """There is nothing below, unless it was put there."""
        return ErrorPage(NotFound("there is nothing at this path"))

    def render(self, request: GatewayRequest) -> int:
        """Start the coroutine for the request's method."""
        request.serving = Deferred.fromCoroutine(self._serve(request))
        request.serving.addErrback(_unless_cancelled, request)
        return NOT_DONE_YET

    async def _serve(self, request: GatewayRequest) -> None:
        try:
            await self._rendering(request)
        except GatewayError as error:
            request.fail(error)
        except CancelledError:
            if request.cut is None:
                raise
            request.fail(request.cut)
        else:
            if request.channel is not None:
                request.finish()

    def _rendering(self, request: GatewayRequest) -> Rendering:
        methods = self.renderers
        name = request.method.decode("latin-1")
        if name == "OPTIONS":
            return self._options(request)
        if name not in methods:
            raise MethodNotAllowed(
                f"this path takes {' or '.join(methods)}, not {name[:32]}",
                tuple(methods),
            )
        return methods[name](self, request)

    async def _options(self, request: GatewayRequest) -> None:
        allowed = ", ".join([*self.renderers, "OPTIONS"])
        write_nothing(request, {"allow": allowed})


class ErrorPage(CoroutineResource):
    """Answers every method with the same error, whatever lies below it."""

    isLeaf = True

    def __init__(self, error: GatewayError) -> None:
        super().__init__()
        self._error = error

    async def _serve(self, request: GatewayRequest) -> None:
        request.fail(self._error)


class Branch(CoroutineResource):
    """A place in the tree where there is only something below."""

    async def _serve(self, request: GatewayRequest) -> None:
        request.fail(NotFound("there is nothing at this path"))


def _unless_cancelled(failure: Failure, request: GatewayRequest) -> None:
    """What is left is a bug, or the end of a request whose client left."""
    if failure.check(CancelledError) is None:
        request.processingFailed(failure)
