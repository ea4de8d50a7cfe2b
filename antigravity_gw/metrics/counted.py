"""Putting what was counted into the families that Prometheus knows."""

from collections import Counter
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)

from antigravity_gw.happenings import Avoided, Cooled, Refreshed, Rejected
from antigravity_gw.metrics import families
from antigravity_gw.metrics.families import Family, Sort
from antigravity_gw.metrics.histogram import Histogram
from antigravity_gw.metrics.meters import Meters, Row
from antigravity_gw.wire.usage import TYPES

Values = Iterable[tuple[tuple[str, ...], float]]
"""Numbers, each with the values of its labels."""

NO_STATUS = "none"


def family(kept: Family, values: Values) -> Metric:
    """*kept* with its numbers; not for histograms."""
    told: CounterMetricFamily | GaugeMetricFamily
    if kept.sort is Sort.COUNTER:
        told = CounterMetricFamily(kept.full_name, kept.help, labels=kept.labels)
    else:
        told = GaugeMetricFamily(kept.full_name, kept.help, labels=kept.labels)
    for labels, value in values:
        told.add_metric(labels, value)
    return told


def histogram(
    kept: Family, values: Iterable[tuple[tuple[str, ...], Histogram]]
) -> Metric:
    """*kept* with its histograms."""
    told = HistogramMetricFamily(kept.full_name, kept.help, labels=kept.labels)
    for labels, each in values:
        told.add_metric(labels, each.buckets(), each.total)
    return told


def info(kept: Family, **labels: str) -> Metric:
    """*kept*, which only says something."""
    name = kept.full_name.removesuffix("_info")
    return InfoMetricFamily(name, kept.help, value=labels)


def counted(meters: Meters) -> Iterator[Metric]:
    """
    All that *meters* have counted.

    Each family is made when it is asked for, so that something else can be done
    between two of them.
    """
    yield family(families.REQUESTS, _requests(meters))
    yield family(families.REJECTED, _rejected(meters))
    yield family(families.RECEIVED, _sums(meters, "received"))
    yield family(families.SENT, _sums(meters, "sent"))
    yield family(families.EVENTS, _sums(meters, "events"))
    yield family(families.TOKENS, _tokens(meters))
    timings = [
        ((kind, "yes" if streams else "no"), timing)
        for (kind, streams), timing in meters.timings.items()
    ]
    yield histogram(families.FIRST, ((at, each.first) for at, each in timings))
    yield histogram(families.DURATION, ((at, each.duration) for at, each in timings))
    streamed = [(at[:1], each.gaps) for at, each in timings if at[1] == "yes"]
    yield histogram(families.GAPS, streamed)
    yield family(families.ATTEMPTS, meters.attempts.items())
    yield family(families.ENDPOINT_FAILURES, _endpoint_failures(meters))
    yield family(families.COOLDOWNS, _cooldowns(meters))
    yield family(families.REFRESHES, _refreshes(meters))
    yield histogram(families.LAG, [((), meters.lag)])


def host_of(base: str) -> str:
    """The host of a base URL, with its port if that is an odd one."""
    return urlsplit(base).netloc


def _requests(meters: Meters) -> Values:
    for place, row in meters.rows.items():
        status = f"{place.hundreds}xx" if place.hundreds else NO_STATUS
        yield (place.key, place.model, place.kind, place.outcome, status), row.requests


def _sums(meters: Meters, what: str) -> Values:
    """One number of all rows, by key and model."""
    sums: Counter[tuple[str, ...]] = Counter()
    for place, row in meters.rows.items():
        sums[place.key, place.model] += getattr(row, what)
    return sums.items()


def _tokens(meters: Meters) -> Values:
    sums: dict[tuple[str, str], list[int]] = {}
    for place, row in meters.rows.items():
        if place.model:
            spent = sums.setdefault((place.key, place.model), [0] * len(TYPES))
            for number, each in enumerate(_spent(row)):
                spent[number] += each
    for (key, model), spent in sums.items():
        for type_, tokens in zip(TYPES, spent, strict=True):
            yield (key, model, type_), tokens


def _spent(row: Row) -> tuple[int, ...]:
    return tuple(getattr(row, type_) for type_ in TYPES)


def _rejected(meters: Meters) -> Values:
    return [((h.reason,), n) for h, n in meters.happenings(Rejected)]


def _cooldowns(meters: Meters) -> Values:
    return [((h.kind, h.reason), n) for h, n in meters.happenings(Cooled)]


def _refreshes(meters: Meters) -> Values:
    return [((h.kind, h.outcome), n) for h, n in meters.happenings(Refreshed)]


def _endpoint_failures(meters: Meters) -> Values:
    sums: Counter[tuple[str, ...]] = Counter()
    for happening, times in meters.happenings(Avoided):
        sums[host_of(happening.base), happening.reason] += times
    return sums.items()
