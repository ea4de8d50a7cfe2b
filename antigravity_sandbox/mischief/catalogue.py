"""Everything that can go wrong, in one table."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from attrs import evolve

from antigravity_sandbox.acts import Acts
from antigravity_sandbox.google import (
    denials,
    errors,
    free_tier,
    grants,
    key_denials,
    limits,
    token,
    vertex_denials,
)
from antigravity_sandbox.google.errors import About
from antigravity_sandbox.kinds import CODE_ASSIST, GEMINI, GENERATE, STREAM, VERTEX
from antigravity_sandbox.mischief import events, wire
from antigravity_sandbox.mischief.behaviour import Behaviour
from antigravity_sandbox.reply import Json, Reply
from antigravity_sandbox.scene import Scene
from antigravity_sandbox.sse import Framing

TOKEN = ("token",)
EXCHANGE = ("exchange",)
_STREAM = (STREAM,)


def _error(
    slug: str, make: Callable[[About], Reply], delay: str = "", *kinds: str
) -> Behaviour:
    """An error of Google's, which may ask its reader to wait for *delay*."""

    def perform(scene: Scene, delay: str = "0s") -> Acts:
        return make(evolve(scene.about, delay=delay)).acts()

    takes = {"delay": delay} if delay else {}
    return Behaviour(slug, _summary(make), perform, takes, kinds=kinds)


def _private(slug: str, make: Callable[[About], Reply], delay: str = "") -> Behaviour:
    """An error of the private API alone."""
    return _error(slug, make, delay, CODE_ASSIST)


def _public(slug: str, make: Callable[[About], Reply], delay: str = "") -> Behaviour:
    """An error of the public Gemini API alone."""
    return _error(slug, make, delay, GEMINI)


def _vertex(slug: str, make: Callable[[About], Reply], delay: str = "") -> Behaviour:
    """An error of Vertex AI alone."""
    return _error(slug, make, delay, VERTEX)


def _events(
    slug: str,
    reshape: Callable[..., Iterable[Json]],
    methods: tuple[str, ...] = GENERATE,
    **takes: Any,
) -> Behaviour:
    """Other events than the honest ones."""

    def perform(scene: Scene, **told: Any) -> Acts:
        return scene.reshaped(partial(reshape, **told)).acts()

    return Behaviour(slug, _summary(reshape), perform, takes, methods)


def _framing(slug: str, summary: str, **framing: Any) -> Behaviour:
    """The honest events, framed otherwise."""

    def perform(scene: Scene) -> Acts:
        return scene.acts(Framing(**framing))

    return Behaviour(slug, summary, perform, methods=_STREAM)


def _wire(
    slug: str,
    perform: Callable[..., Acts],
    methods: tuple[str, ...] = (),
    **takes: Any,
) -> Behaviour:
    """The honest answer, on a bad road."""
    return Behaviour(slug, _summary(perform), perform, takes, methods)


def _token(
    slug: str, summary: str, reply: Reply, methods: tuple[str, ...] = TOKEN
) -> Behaviour:
    """An error of the token endpoint."""

    def perform(_: Scene) -> Acts:
        return reply.acts()

    return Behaviour(slug, summary, perform, methods=methods)


def _summary(function: Callable[..., Any]) -> str:
    """The first sentence of a docstring, which says what goes wrong."""
    return (function.__doc__ or "").strip().split("\n")[0].replace("*", "")


_TABLE = (
    # What Google says when it will not serve.
    _error("400-invalid-argument", errors.invalid_argument),
    _error("400-invalid-argument-array", errors.invalid_argument_in_array),
    _error("400-thought-signature", errors.missing_thought_signature),
    _error("400-unknown-name", errors.unknown_name_in_schema),
    _private("400-invalid-project", errors.invalid_project),
    _error("400-precondition", errors.failed_precondition),
    _error("400-location", key_denials.location, "", CODE_ASSIST, GEMINI),
    _error("401", errors.unauthenticated),
    _error("403-scopes", key_denials.scopes_missing),
    _error("403-suspended", key_denials.suspended, "", GEMINI, VERTEX),
    _error("403-billing", key_denials.billing_disabled, "", GEMINI, VERTEX),
    _private("403-service-disabled", denials.service_disabled),
    _private("403-companion-disabled", denials.companion_disabled),
    _private("403-validation-required", denials.validation_required),
    _private("403-validation-required-old", denials.validation_required_in_message),
    _private("403-license", denials.license_missing),
    _private("403-iam", denials.iam_denied),
    _error("403-consumer-invalid", denials.consumer_invalid, "", CODE_ASSIST, VERTEX),
    _private("403-named-user", denials.not_a_named_user),
    _error("403-caller", denials.caller_denied),
    _private("403-terms", denials.terms_violated),
    _private("403-auth", denials.auth_denied),
    _error("403-security-policy", denials.security_policy),
    _private("404-model", errors.not_found),
    _private("404-project", errors.project_not_found),
    _error("408", errors.timed_out),
    _private("429-rate-limit", limits.rate_limited, "0.539477544s"),
    _private("429-retry-later", limits.retry_later, "3.957525076s"),
    _private("429-quota-exhausted", limits.quota_exhausted, "108h48m20.795762633s"),
    _private(
        "429-quota-exhausted-shuffled",
        limits.quota_exhausted_delay_last,
        "161h39m41.3s",
    ),
    _error("429-bare", limits.exhausted),
    _error("429-bare-stream", limits.exhausted_as_stream),
    _error("429-retry-after", limits.exhausted_with_header, "7s"),
    _private("429-nested", limits.rate_limited_nested, "2.5s"),
    _private("429-stray-commas", limits.rate_limited_with_stray_commas, "2.5s"),
    _private("429-credits", limits.credits_exhausted),
    _private("429-capacity", limits.capacity_as_429),
    _error("429-per-day", limits.per_day, "", CODE_ASSIST, GEMINI),
    _error("429-per-minute", limits.per_minute, "34s", CODE_ASSIST, GEMINI),
    _error("429-limit-zero", limits.limit_zero, "", CODE_ASSIST, GEMINI),
    _error("429-retry-in-text", limits.retry_in_text, "12.3s", CODE_ASSIST, GEMINI),
    _error("500", errors.internal),
    _error("502-html", errors.bad_gateway),
    _private("503-capacity", limits.no_capacity, "40s"),
    _private("503-capacity-bare", limits.no_capacity_bare),
    _error("503-overloaded", limits.overloaded),
    _error("503-high-demand", free_tier.high_demand, "", GEMINI, VERTEX),
    _error("504-html", errors.gateway_timeout),
    # What only the public Gemini API says.
    _public("400-key-invalid", key_denials.key_invalid),
    _public("400-key-expired", key_denials.key_expired),
    _public("400-location-billing", key_denials.location_without_billing),
    _public("403-key-missing", key_denials.key_missing),
    _public("403-key-leaked", key_denials.key_leaked),
    _public("403-key-service", key_denials.service_blocked),
    _public("403-key-referrer", key_denials.referrer_blocked),
    _public("403-key-address", key_denials.address_blocked),
    _public("403-gemini-disabled", key_denials.gemini_disabled),
    _public("404-gemini-model", key_denials.model_not_found),
    _public("429-free-day", free_tier.per_day, "12.3s"),
    _public("429-free-minute", free_tier.per_minute, "34.074824224s"),
    _public("429-rate-quota", free_tier.rate_quota),
    _public("429-prepaid", free_tier.credits_depleted),
    _public("429-spending-cap", free_tier.spending_cap),
    # What only Vertex AI says.
    _vertex("400-role", vertex_denials.role_missing),
    _vertex("400-region-policy", vertex_denials.region_denied),
    _vertex("400-model-policy", vertex_denials.model_denied),
    _vertex("400-model-grant", vertex_denials.model_not_granted),
    _vertex("403-vertex-iam", vertex_denials.iam_denied),
    _vertex("403-vertex-disabled", vertex_denials.vertex_disabled),
    _vertex("404-vertex-model", vertex_denials.model_not_found),
    _vertex("429-vertex", vertex_denials.exhausted),
    _vertex("429-vertex-quota", vertex_denials.quota_exceeded),
    # Answers that go wrong on their way.
    _wire("delay", wire.delay, seconds=2.0),
    _wire("stall", wire.stall, after=2),
    _wire("cut", wire.cut, after=2),
    _wire("close", wire.close, after=2),
    _wire("cut-json", wire.cut_json),
    _wire("split", wire.split, n=1),
    _wire("gzip", wire.gzip, n=0),
    _wire("pretty", wire.pretty),
    _wire("not-json", wire.not_json),
    _wire("big-event", wire.big_event, GENERATE, n=2**20),
    _wire("many-events", wire.many_events, _STREAM, n=1000, size=20),
    # Events that are wrong.
    _events("empty-stream", events.none),
    _events("error-event", events.error_after, after=0, code=503),
    _wire(
        "raw-json-error", wire.raw_json_error, _STREAM, after=0, form="object", code=503
    ),
    _wire("raw-json-tail", wire.raw_json_tail, _STREAM, code=503),
    _events("no-finish-reason", events.without_finish_reason),
    _events("no-role", events.without_role),
    _events("thought-only", events.thoughts_only),
    _events("blocked-prompt", events.blocked_prompt),
    _events("metadata-first", events.metadata_first),
    _events("trailing-usage", events.trailing_usage, _STREAM),
    _events("trailing-empty-text", events.trailing_empty_text, _STREAM),
    # Streams that are framed otherwise, and mostly right.
    _framing("lf", "Lines end in LF.", newline="\n"),
    _framing("cr", "Lines end in CR.", newline="\r"),
    _framing("multi-line", "JSON over several data lines.", indent=2),
    _framing(
        "comments",
        "Comments above and between the events.",
        before=(": ping",),
        opening=b": hello\r\n\r\n",
    ),
    _framing("event-lines", "Event and id lines.", before=("event: message", "id: 7")),
    _framing("no-space", "data:{ without a blank.", prefix="data:"),
    _framing("bom", "A byte order mark first.", opening=b"\xef\xbb\xbf"),
    _framing(
        "done-marker", "data: [DONE] at the end.", closing=b"data: [DONE]\r\n\r\n"
    ),
    _wire("no-last-blank", wire.no_last_blank, _STREAM),
    # The token endpoint.
    _token("token-invalid-grant", "The grant is dead.", token.INVALID_GRANT),
    _token(
        "token-bad-request", "The grant is dead, in other words.", token.UNKNOWN_GRANT
    ),
    _token(
        "token-invalid-rapt",
        "The Workspace session has to be renewed.",
        token.INVALID_RAPT,
    ),
    _token("token-invalid-client", "The client is not known.", token.UNKNOWN_CLIENT),
    _token("token-wrong-secret", "The client's secret is wrong.", token.WRONG_SECRET),
    _token(
        "token-unauthorized-client",
        "The grant is another client's.",
        token.UNAUTHORIZED_CLIENT,
    ),
    _token("token-secret-missing", "No client secret was sent.", token.SECRET_MISSING),
    _token("token-deleted-client", "The client was deleted.", token.DELETED_CLIENT),
    _token("token-access-denied", "The account is restricted.", token.ACCESS_DENIED),
    _token("token-admin-policy", "The admin does not allow it.", token.ADMIN_POLICY),
    _token(
        "token-org-internal", "The client is for an organisation.", token.ORG_INTERNAL
    ),
    _token("token-jwt", "The assertion is not to be read.", grants.INVALID_JWT),
    _token("token-jwt-signature", "The key was deleted.", grants.WRONG_SIGNATURE),
    _token("token-jwt-times", "The clocks are apart.", grants.UNTIMELY),
    _token("token-jwt-audience", "It is for somebody else.", grants.WRONG_AUDIENCE),
    _token("token-jwt-account", "The service account is gone.", grants.NO_ACCOUNT),
    _token("token-jwt-scope", "No scope was asked for.", grants.NO_SCOPE),
    _token("token-500", "Something broke.", token.BACKEND_ERROR),
    _token("token-html", "A page of the front end.", errors.bad_gateway()),
    _wire("token-slow", wire.delay, TOKEN, seconds=5.0),
    # The exchange of tokens.
    _token(
        "exchange-rejected",
        "The subject token is not believed.",
        grants.WRONG_SUBJECT,
        EXCHANGE,
    ),
    _token(
        "exchange-audience",
        "The audience is not a provider's name.",
        grants.BAD_PROVIDER,
        EXCHANGE,
    ),
    _token("exchange-provider", "The provider is gone.", grants.NO_PROVIDER, EXCHANGE),
    _wire("exchange-slow", wire.delay, EXCHANGE, seconds=5.0),
)

CATALOGUE = {behaviour.slug: behaviour for behaviour in _TABLE}
"""Every behaviour, by its slug."""
