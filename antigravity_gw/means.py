"""What the kinds of account have to work with, as a configuration says."""

from typing import Any

from attrs import evolve, frozen

from antigravity_gw import USER_AGENT
from antigravity_gw.catalog import Catalog
from antigravity_gw.config import Config
from antigravity_gw.kind import Kind, Kinds, Means
from antigravity_gw.kinds.registered import KINDS
from antigravity_gw.loading import Loaded
from antigravity_gw.settings import ConfigError
from antigravity_gw.upstream.client import Patience, Upstream
from antigravity_gw.upstream.credentials import Exchange, by_way_of
from antigravity_gw.upstream.endpoints import Endpoints
from antigravity_gw.upstream.http import Connections, make_client
from antigravity_gw.upstream.threads import Threads
from antigravity_gw.upstream.trust import UselessFile
from antigravity_gw.upstream.way import Way
from antigravity_gw.wire.oauth import OAuthClient


def make_catalog(config: Config) -> Catalog:
    """The models there are."""
    models = config.models
    return Catalog(models.serve, models.aliases, models.image_models, models.kinds)


@frozen
class Commons:
    """
    What all kinds have in common, and what outlives a change of settings.

    :ivar threads: for what blocks.
    """

    reactor: Any
    connections: Connections
    threads: Threads

    @classmethod
    def new(cls, reactor: Any) -> "Commons":
        """With no connection yet, and no thread."""
        return cls(reactor, Connections(reactor), Threads(reactor))


def make_kinds(loaded: Loaded, endpoints: Endpoints, commons: Commons) -> Kinds:
    """
    The kinds of account, each with a line of its own to Google.

    :raises ConfigError: when the OAuth client's secret, or a file of certificates,
        is not to be had.
    """
    client = loaded.oauth_client()
    return Kinds(
        {
            kind.name: kind(_means(kind, loaded, client, endpoints, commons))
            for kind in KINDS
        }
    )


def _means(
    kind: type[Kind],
    loaded: Loaded,
    client: OAuthClient | None,
    endpoints: Endpoints,
    commons: Commons,
) -> Means:
    config, timeouts = loaded.config, loaded.config.timeouts
    reach = loaded.reach(kind.name)
    bases = tuple(url.rstrip("/") for url in reach.endpoints)
    upstream = make_upstream(loaded, kind, commons)
    return Means(
        upstream=upstream,
        reach=evolve(reach, endpoints=bases),
        endpoints=endpoints,
        in_thread=commons.threads.run,
        exchange=Exchange(
            config.oauth.token_url,
            timeouts.token_seconds,
            by_way_of(upstream, commons.reactor),
        ),
        client=client,
        token_url=config.oauth.token_url,
        userinfo_url=config.oauth.userinfo_url,
        token_seconds=timeouts.token_seconds,
        onboarding_seconds=timeouts.onboarding_seconds,
        makes_images=make_catalog(config).makes_images,
    )


def make_upstream(loaded: Loaded, kind: type[Kind], commons: Commons) -> Upstream:
    """
    One kind's line to Google.

    :raises ConfigError: when a file of certificates is not to be had.
    """
    config, timeouts = loaded.config, loaded.config.timeouts
    reach = loaded.reach(kind.name)
    way = Way(reach.proxy, reach.ca_file)
    try:
        http = make_client(
            commons.reactor, commons.connections, timeouts.connect_seconds, way
        )
    except UselessFile as error:
        place = f"{loaded.path}: upstream.{kind.name}.ca_file"
        raise ConfigError([f"{place}: {error}"]) from error
    return Upstream(
        http=http,
        clock=commons.reactor,
        patience=Patience(timeouts.token_seconds, timeouts.lookup_seconds),
        user_agent=USER_AGENT,
        errors=kind.errors,
        answer_limit=config.limits.answer_bytes,
    )
