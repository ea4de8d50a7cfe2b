"""How accounts of one kind get at Google, as the operator has it."""

from typing import Annotated

from attrs import field, frozen

from antigravity_gw.checks import ProxyUrl, Url, UrlTemplate, some

BaseUrls = Annotated[tuple[Url, ...], some("URL")]
BaseUrlTemplates = Annotated[tuple[UrlTemplate, ...], some("URL")]


@frozen(kw_only=True)
class Reach:
    """
    How accounts of one kind get at Google.

    :ivar endpoints: base URLs, the preferred one first; ``{location}`` in one
        stands for the account's.
    :ivar proxy: the URL of a proxy to go through; empty for none.
    :ivar ca_file: a file of the certificates to trust; empty for the system's.
    """

    endpoints: BaseUrlTemplates = ()
    proxy: ProxyUrl = field(default="", repr=False)
    ca_file: str = ""
