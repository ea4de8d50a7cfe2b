"""What asks Google, made as a configuration says."""

import random
from typing import Any

from attrs import evolve

from antigravity_gw.config import Config
from antigravity_gw.gateway import Gateway, Limits
from antigravity_gw.happenings import Listener, unheard
from antigravity_gw.kind import Kinds
from antigravity_gw.loading import Loaded
from antigravity_gw.logs.levels import Levels
from antigravity_gw.logs.lines import Manner
from antigravity_gw.means import Commons, make_catalog, make_kinds
from antigravity_gw.pool.choosing import Chooser, Strategy
from antigravity_gw.pool.consequences import Consequences, Rests
from antigravity_gw.pool.pool import AccountPool
from antigravity_gw.pool.preparing import Preparation
from antigravity_gw.pool.store import Store
from antigravity_gw.pool.tokens import Tokens
from antigravity_gw.pool.writer import StoreWriter
from antigravity_gw.trial import LONGEST, Trial
from antigravity_gw.upstream.endpoints import Endpoints


def make_pool(
    loaded: Loaded,
    writer: StoreWriter,
    kinds: Kinds,
    reactor: Any,
    tell: Listener = unheard,
) -> AccountPool:
    """The accounts, of which there are none yet."""
    settings = loaded.config.pool
    default = Rests()
    rests = Rests(
        quota=evolve(default.quota, first=settings.quota_rest_seconds),
        rate=evolve(default.rate, first=settings.rate_rest_seconds),
        refused=evolve(default.refused, first=settings.refused_rest_seconds),
        trouble=evolve(default.trouble, first=settings.trouble_rest_seconds),
    )
    tokens = Tokens(kinds, reactor, writer.learn, tell)
    consequences = Consequences(writer, reactor.seconds, random.random, rests, tell)
    return AccountPool(
        clock=reactor,
        writer=writer,
        tokens=tokens,
        kinds=kinds,
        preparation=Preparation(tokens, kinds, consequences, reactor),
        consequences=consequences,
        chooser=Chooser(Strategy(settings.strategy)),
    )


def make_gateway(
    config: Config, pool: AccountPool, endpoints: Endpoints, reactor: Any
) -> Gateway:
    """What serves requests from a pool."""
    return Gateway(
        pool=pool,
        endpoints=endpoints,
        limits=Limits(
            attempts=config.upstream.attempts,
            total=config.timeouts.total_seconds,
            whole=config.timeouts.whole_answer_seconds,
            headers=config.timeouts.headers_seconds,
            first_event=config.timeouts.first_event_seconds,
            idle=config.timeouts.idle_seconds,
            stream=config.timeouts.stream_seconds,
            patience=config.pool.wait_seconds,
        ),
        clock=reactor,
        tells=make_levels(config).lets_through(Gateway.__module__, "debug"),
    )


def make_trial(
    loaded: Loaded,
    store: Store,
    reactor: Any,
    model: str,
    commons: Commons | None = None,
) -> Trial:
    """
    What asks one account at a time, in a pool of its own.

    :param model: as a client would name it.
    :param commons: those of a daemon that runs; None for new ones.
    :raises ConfigError: when the OAuth client's secret is not to be had.
    """
    endpoints = make_endpoints(loaded.config)
    kinds = make_kinds(loaded, endpoints, commons or Commons.new(reactor))
    pool = make_pool(loaded, StoreWriter(store), kinds, reactor)
    gateway = make_gateway(loaded.config, pool, endpoints, reactor)
    limits = evolve(gateway.limits, total=LONGEST, whole=LONGEST, patience=0.0)
    resolved = make_catalog(loaded.config).resolve(model)
    return Trial(evolve(gateway, limits=limits), store, resolved)


def make_endpoints(config: Config, tell: Listener = unheard) -> Endpoints:
    """What knows which hosts are failing; none is known to."""
    return Endpoints(config.upstream.avoid_seconds, tell)


def make_manner(config: Config) -> Manner:
    """How the log is written."""
    return Manner(config.log.format, make_levels(config))


def make_levels(config: Config) -> Levels:
    """What is logged, and what is not."""
    return Levels(config.log.level, config.log.by_subsystem())
