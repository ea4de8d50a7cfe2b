"""``models``, ``models/MODEL`` and ``models/MODEL:ACTION``."""

from collections.abc import Callable

from attrs import field, frozen
from twisted.web.resource import Resource

from antigravity_gw.catalog import Catalog
from antigravity_gw.checks import is_model_name
from antigravity_gw.errors import BadRequest, NotFound
from antigravity_gw.gateway import Gateway
from antigravity_gw.web.forms import Form, form_of, seconds_of
from antigravity_gw.web.replies import write_json
from antigravity_gw.web.request import GatewayRequest
from antigravity_gw.web.resource import CoroutineResource, ErrorPage
from antigravity_gw.wire.ask import Ask, read_body


@frozen
class Api:
    """
    What the resources below share.

    :ivar default_form: how a stream is written when the URL does not say.
    :ivar new_id: makes a request id, unique for each client request.
    """

    gateway: Gateway
    catalog: Catalog
    default_form: Form
    new_id: Callable[[], str] = field(repr=False)


class Models(CoroutineResource):
    """The list of models, and whatever the next segment of the path names."""

    def __init__(self, api: Api) -> None:
        super().__init__()
        self._api = api

    async def render_GET(self, request: GatewayRequest) -> None:
        """One page of the list."""
        page = self._api.catalog.page(
            _argument(request, b"pageSize"),
            _argument(request, b"pageToken"),
            request.may_use,
        )
        write_json(request, page)

    def getChild(self, path: bytes, request: GatewayRequest) -> Resource:
        """The resource for ``MODEL`` or ``MODEL:ACTION``."""
        name, colon, action = path.decode("utf-8", "replace").partition(":")
        if name == "models":
            return ErrorPage(NotFound("drop the second 'models/' from the path"))
        if not is_model_name(name):
            return ErrorPage(
                BadRequest(
                    "a model's name has letters, digits, '.', '_' and '-' only, and "
                    "starts with a letter or a digit"
                )
            )
        if not colon:
            return OneModel(self._api, name)
        match action:
            case "generateContent":
                return Generate(self._api, name)
            case "streamGenerateContent":
                return StreamGenerate(self._api, name)
            case "countTokens":
                return CountTokens()
            case _:
                return ErrorPage(
                    NotFound(
                        "this gateway has generateContent, streamGenerateContent and "
                        "countTokens, and no other method of a model"
                    )
                )


class OneModel(CoroutineResource):
    """``models/MODEL``, and ``models/MODEL/countTokens`` below it."""

    def __init__(self, api: Api, name: str) -> None:
        super().__init__()
        self._api = api
        self._name = name
        self.putChild(b"countTokens", CountTokens())

    async def render_GET(self, request: GatewayRequest) -> None:
        """The model's entry in the list, which is the client's own list."""
        request.expect_allowed(self._name)
        model = self._api.catalog.find(self._name)
        if model is None:
            raise NotFound(
                f"models/{self._name} is not in this gateway's list of models"
            )
        write_json(request, model.dressed())


class CountTokens(CoroutineResource):
    """A placeholder: it counts nothing, and costs no account a call."""

    async def render_POST(self, request: GatewayRequest) -> None:
        """Always the same."""
        write_json(request, {"totalTokens": 0})


class Generate(CoroutineResource):
    """``models/MODEL:generateContent``: the answer in one piece."""

    def __init__(self, api: Api, name: str) -> None:
        super().__init__()
        self._api = api
        self._name = name

    async def render_POST(self, request: GatewayRequest) -> None:
        """Have it served."""
        await self._api.gateway.serve(self._ask(request), request, request.served)

    def _ask(self, request: GatewayRequest) -> Ask:
        form = self._form(request)
        body = request.take_body()
        model = self._api.catalog.resolve(self._name)
        ask = Ask(
            id=self._api.new_id(),
            model=model,
            body=body,
            conversation=read_body(body),
            framing=form.framing if form else None,
            began=self._api.gateway.pool.now(),
            seconds=seconds_of(request.getHeader(b"x-server-timeout")),
            kinds=self._api.catalog.kinds_of(model),
        )
        request.served.asked, request.served.model = self._name, ask.model
        return ask

    def _form(self, request: GatewayRequest) -> Form | None:
        """How the answer is to be streamed, if it is to be."""
        return None


class StreamGenerate(Generate):
    """``models/MODEL:streamGenerateContent``: the answer event by event."""

    def _form(self, request: GatewayRequest) -> Form:
        return form_of(request.args, self._api.default_form)


def _argument(request: GatewayRequest, name: bytes) -> str:
    values = request.args.get(name, [b""])
    return str(values[-1], "utf-8", "replace")
