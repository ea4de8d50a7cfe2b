"""Resources whose render methods are coroutines."""

from collections.abc import Callable, Coroutine
from typing import Any

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
    """

    def getChild(self, path: bytes, request: GatewayRequest) -> Resource:
        """There is nothing below, unless it was put there."""
        return ErrorPage(NotFound("there is nothing at this path"))

    def render(self, request: GatewayRequest) -> int:
        """Start the coroutine for the request's method."""
        gone = request.notifyFinish()
        serving = Deferred.fromCoroutine(self._serve(request))
        gone.addErrback(lambda _: serving.cancel())
        serving.addErrback(_unless_cancelled, request)
        return NOT_DONE_YET

    async def _serve(self, request: GatewayRequest) -> None:
        try:
            await self._rendering(request)
        except GatewayError as error:
            request.fail(error)
        else:
            if request.channel is not None:
                request.finish()

    def _rendering(self, request: GatewayRequest) -> Rendering:
        methods = self._methods()
        name = request.method.decode("latin-1")
        if name == "OPTIONS":
            return self._options(request)
        if name not in methods:
            raise MethodNotAllowed(
                f"this path takes {' or '.join(methods)}, not {name}",
                tuple(methods),
            )
        return methods[name](request)

    def _methods(self) -> dict[str, Callable[[GatewayRequest], Rendering]]:
        methods = {
            name: getattr(self, f"render_{name}")
            for name in ("GET", "POST")
            if hasattr(self, f"render_{name}")
        }
        if "GET" in methods:
            methods["HEAD"] = methods["GET"]
        return methods

    async def _options(self, request: GatewayRequest) -> None:
        allowed = ", ".join([*self._methods(), "OPTIONS"])
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
