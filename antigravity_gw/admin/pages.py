"""The page itself, and the files that it is made of."""

from collections.abc import Mapping

from twisted.web.resource import Resource

from antigravity_gw.admin.files import PAGE, File
from antigravity_gw.errors import NotFound
from antigravity_gw.web.request import GatewayRequest
from antigravity_gw.web.resource import CoroutineResource, ErrorPage


class Page(CoroutineResource):
    """``/admin/``: the page, and all that is below it."""

    def __init__(self, files: Mapping[tuple[str, ...], File]) -> None:
        super().__init__()
        self._page = files[PAGE,]
        self.putChild(b"static", Static(files, ()))

    async def render_GET(self, request: GatewayRequest) -> None:
        """The page, whose links are relative to a path that ends in a slash."""
        if request.path.endswith(b"/"):
            write_file(request, self._page)
        else:
            request.setResponseCode(307)
            request.setHeader("location", "admin/")
            request.setHeader("content-length", "0")


class Static(CoroutineResource):
    """A folder of files: those that were read at the start, and no others."""

    def __init__(
        self, files: Mapping[tuple[str, ...], File], place: tuple[str, ...]
    ) -> None:
        super().__init__()
        self._files = files
        self._place = place

    def getChild(self, path: bytes, request: GatewayRequest) -> Resource:
        """A file, or a folder, of that name."""
        here = (*self._place, path.decode("utf-8", "replace"))
        if here in self._files:
            return OneFile(self._files[here])
        if any(place[: len(here)] == here for place in self._files):
            return Static(self._files, here)
        return ErrorPage(NotFound("there is no such file"))

    async def render_GET(self, request: GatewayRequest) -> None:
        """Folders are not listed."""
        raise NotFound("there is nothing at this path")


class OneFile(CoroutineResource):
    """One of the files."""

    def __init__(self, file: File) -> None:
        super().__init__()
        self._file = file

    async def render_GET(self, request: GatewayRequest) -> None:
        """The file."""
        write_file(request, self._file)


def write_file(request: GatewayRequest, file: File) -> None:
    """Write *file*, unless the browser has it; finishing is left to the caller."""
    request.setHeader("cache-control", "no-cache")  # but ask whether it is the same
    if request.setETag(file.tag):
        return
    request.setHeader("content-type", file.type)
    request.setHeader("content-length", str(len(file.content)))
    request.write(file.content)
