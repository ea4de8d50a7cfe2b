"""What there is to see: the name, the labels and the meaning of each metric."""

from enum import Enum

from attrs import frozen

PREFIX = "antigravity_gw_"


class Sort(Enum):
    """How the numbers of a metric are to be read; the value is Prometheus' word."""

    COUNTER = "counter"
    """They only grow, and begin at nought when the daemon is started."""
    GAUGE = "gauge"
    """They say how it is now."""
    HISTOGRAM = "histogram"
    INFO = "info"
    """It is always 1, and its labels say something."""


@frozen
class Family:
    """
    One metric.

    :ivar name: as it is told, without :data:`PREFIX`.
    :ivar unit: what is counted.
    :ivar help: a sentence for the operator.
    """

    name: str
    sort: Sort
    unit: str
    labels: tuple[str, ...]
    help: str

    @property
    def full_name(self) -> str:
        """As Prometheus knows it."""
        return PREFIX + self.name


def _counter(name: str, unit: str, help: str, *labels: str) -> Family:
    return Family(name, Sort.COUNTER, unit, labels, help)


def _gauge(name: str, unit: str, help: str, *labels: str) -> Family:
    return Family(name, Sort.GAUGE, unit, labels, help)


def _histogram(name: str, help: str, *labels: str) -> Family:
    return Family(name, Sort.HISTOGRAM, "seconds", labels, help)


REQUESTS = _counter(
    "requests_total",
    "requests",
    "Requests that have ended, and how they did.",
    *("key", "model", "kind", "outcome", "status"),
)
REJECTED = _counter(
    "rejected_total",
    "clients",
    "Clients that were turned away before there was a request to count.",
    "reason",
)
RECEIVED = _counter(
    "received_bytes_total",
    "bytes",
    "Bytes of request bodies that clients have sent.",
    *("key", "model"),
)
SENT = _counter(
    "sent_bytes_total",
    "bytes",
    "Bytes of answers that clients were sent, without headers.",
    *("key", "model"),
)
EVENTS = _counter(
    "events_total",
    "events",
    "Pieces of answers that clients were sent; an answer in one piece is one.",
    *("key", "model"),
)
TOKENS = _counter(
    "tokens_total",
    "tokens",
    "Tokens that answers have cost, as Google counts them; cached ones are part of "
    "the prompt.",
    *("key", "model", "type"),
)
FIRST = _histogram(
    "first_event_seconds",
    "From the head of a request for a model until its answer begins to go out.",
    *("kind", "streaming"),
)
DURATION = _histogram(
    "request_duration_seconds",
    "From the head of a request for a model to its end, however it ended.",
    *("kind", "streaming"),
)
GAPS = _histogram(
    "event_gap_seconds",
    "Pauses between what came of one stream; a client that reads slowly makes some.",
    "kind",
)
ATTEMPTS = _counter(
    "upstream_attempts_total",
    "calls",
    "Calls to Google for answers: answered, abandoned, or else whose fault it was that "
    "they failed.",
    *("kind", "outcome"),
)
AVOIDED = _gauge(
    "endpoint_avoided",
    "0 or 1",
    "Whether a host of Google's has just failed, and is asked last.",
    *("kind", "host"),
)
ENDPOINT_FAILURES = _counter(
    "endpoint_failures_total",
    "calls",
    "Calls that a host of Google's has failed, or had no room for.",
    *("host", "reason"),
)
ACCOUNTS = _gauge(
    "accounts",
    "accounts",
    "Accounts in each state, as 'antigravity-gw accounts list' names it.",
    *("kind", "state"),
)
QUOTA = _gauge(
    "account_quota_remaining_ratio",
    "0 to 1",
    "What is left of the quota of the model that has least, as far as Google says.",
    *("account", "kind"),
)
HOLDS = _gauge(
    "account_holds",
    "holds",
    "Accounts, or single models of them, that are left alone now.",
    *("kind", "reason"),
)
COOLDOWNS = _counter(
    "account_cooldowns_total",
    "holds",
    "How often accounts, or single models of them, began to be left alone.",
    *("kind", "reason"),
)
REFRESHES = _counter(
    "token_refreshes_total",
    "tokens",
    "Access tokens that were asked for, and what came of it.",
    *("kind", "outcome"),
)
READY = _gauge("ready", "0 or 1", "Whether an account can serve, as /readyz says.")
DRAINING = _gauge(
    "draining", "0 or 1", "Whether the daemon is ending, and lets nobody in any more."
)
CONNECTIONS = _gauge(
    "connections", "connections", "Connections of clients that are open."
)
REQUESTS_NOW = _gauge(
    "requests_in_progress", "requests", "Requests whose end has not come, with streams."
)
STREAMS_NOW = _gauge(
    "streams_in_progress", "requests", "Requests for streams whose end has not come."
)
LAG = _histogram(
    "reactor_lag_seconds",
    "How late the daemon was for what it was to do at a certain time; it is looked "
    "at four times a second.",
)
UNSAVED = _gauge(
    "store_unsaved_changes",
    "changes",
    "What was learnt of accounts and is not on disk yet.",
)
FAILING = _gauge(
    "store_failing",
    "0 or 1",
    "Whether what is learnt of accounts cannot be written to disk.",
)
USAGE_FAILING = _gauge(
    "usage_failing",
    "0 or 1",
    "Whether what was used cannot be stored or read.",
)
BUILD = Family(
    "build_info",
    Sort.INFO,
    "always 1",
    ("version",),
    "The version of the gateway that runs.",
)

FAMILIES = (
    *(REQUESTS, REJECTED, RECEIVED, SENT, EVENTS, TOKENS),
    *(FIRST, DURATION, GAPS),
    *(ATTEMPTS, AVOIDED, ENDPOINT_FAILURES),
    *(ACCOUNTS, QUOTA, HOLDS, COOLDOWNS, REFRESHES),
    *(READY, DRAINING, CONNECTIONS, REQUESTS_NOW, STREAMS_NOW),
    *(LAG, UNSAVED, FAILING, USAGE_FAILING, BUILD),
)
"""All of the gateway's own, in the order of ``docs/metrics.md``."""
