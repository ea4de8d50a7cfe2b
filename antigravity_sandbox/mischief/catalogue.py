"""Everything that can go wrong, in one table."""

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
from antigravity_sandbox.kinds import CODE_ASSIST, GEMINI, GENERATE, VERTEX
from antigravity_sandbox.mischief import events, making, wire

_TABLE = (
    # What Google says when it will not serve.
    making.error("400-invalid-argument", errors.invalid_argument),
    making.error("400-invalid-argument-array", errors.invalid_argument_in_array),
    making.error("400-thought-signature", errors.missing_thought_signature),
    making.error("400-unknown-name", errors.unknown_name_in_schema),
    making.private("400-invalid-project", errors.invalid_project),
    making.error("400-precondition", errors.failed_precondition),
    making.error("400-location", key_denials.location, "", CODE_ASSIST, GEMINI),
    making.error("401", errors.unauthenticated),
    making.error("403-scopes", key_denials.scopes_missing),
    making.error("403-suspended", key_denials.suspended, "", GEMINI, VERTEX),
    making.error("403-billing", key_denials.billing_disabled, "", GEMINI, VERTEX),
    making.private("403-service-disabled", denials.service_disabled),
    making.private("403-companion-disabled", denials.companion_disabled),
    making.private("403-validation-required", denials.validation_required),
    making.private(
        "403-validation-required-old", denials.validation_required_in_message
    ),
    making.private("403-license", denials.license_missing),
    making.private("403-iam", denials.iam_denied),
    making.error(
        "403-consumer-invalid", denials.consumer_invalid, "", CODE_ASSIST, VERTEX
    ),
    making.private("403-named-user", denials.not_a_named_user),
    making.error("403-caller", denials.caller_denied),
    making.private("403-terms", denials.terms_violated),
    making.private("403-auth", denials.auth_denied),
    making.error("403-security-policy", denials.security_policy),
    making.private("404-model", errors.not_found),
    making.private("404-project", errors.project_not_found),
    making.error("408", errors.timed_out),
    making.private("429-rate-limit", limits.rate_limited, "0.539477544s"),
    making.private("429-retry-later", limits.retry_later, "3.957525076s"),
    making.private(
        "429-quota-exhausted", limits.quota_exhausted, "108h48m20.795762633s"
    ),
    making.private(
        "429-quota-exhausted-shuffled",
        limits.quota_exhausted_delay_last,
        "161h39m41.3s",
    ),
    making.error("429-bare", limits.exhausted),
    making.error("429-bare-stream", limits.exhausted_as_stream),
    making.error("429-retry-after", limits.exhausted_with_header, "7s"),
    making.private("429-nested", limits.rate_limited_nested, "2.5s"),
    making.private("429-stray-commas", limits.rate_limited_with_stray_commas, "2.5s"),
    making.private("429-credits", limits.credits_exhausted),
    making.private("429-capacity", limits.capacity_as_429),
    making.error("429-per-day", limits.per_day, "", CODE_ASSIST, GEMINI),
    making.error("429-per-minute", limits.per_minute, "34s", CODE_ASSIST, GEMINI),
    making.error("429-limit-zero", limits.limit_zero, "", CODE_ASSIST, GEMINI),
    making.error(
        "429-retry-in-text", limits.retry_in_text, "12.3s", CODE_ASSIST, GEMINI
    ),
    making.error("500", errors.internal),
    making.error("502-html", errors.bad_gateway),
    making.private("503-capacity", limits.no_capacity, "40s"),
    making.private("503-capacity-bare", limits.no_capacity_bare),
    making.error("503-overloaded", limits.overloaded),
    making.error("503-high-demand", free_tier.high_demand, "", GEMINI, VERTEX),
    making.error("504-html", errors.gateway_timeout),
    # What only the public Gemini API says.
    making.public("400-key-invalid", key_denials.key_invalid),
    making.public("400-key-expired", key_denials.key_expired),
    making.public("400-location-billing", key_denials.location_without_billing),
    making.public("403-key-missing", key_denials.key_missing),
    making.public("403-key-leaked", key_denials.key_leaked),
    making.public("403-key-service", key_denials.service_blocked),
    making.public("403-key-referrer", key_denials.referrer_blocked),
    making.public("403-key-address", key_denials.address_blocked),
    making.public("403-gemini-disabled", key_denials.gemini_disabled),
    making.public("404-gemini-model", key_denials.model_not_found),
    making.public("429-free-day", free_tier.per_day, "12.3s"),
    making.public("429-free-minute", free_tier.per_minute, "34.074824224s"),
    making.public("429-rate-quota", free_tier.rate_quota),
    making.public("429-prepaid", free_tier.credits_depleted),
    making.public("429-spending-cap", free_tier.spending_cap),
    # What only Vertex AI says.
    making.vertex("400-role", vertex_denials.role_missing),
    making.vertex("400-region-policy", vertex_denials.region_denied),
    making.vertex("400-model-policy", vertex_denials.model_denied),
    making.vertex("400-model-grant", vertex_denials.model_not_granted),
    making.vertex("403-vertex-iam", vertex_denials.iam_denied),
    making.vertex("403-vertex-disabled", vertex_denials.vertex_disabled),
    making.vertex("404-vertex-model", vertex_denials.model_not_found),
    making.vertex("429-vertex", vertex_denials.exhausted),
    making.vertex("429-vertex-quota", vertex_denials.quota_exceeded),
    # Answers that go wrong on their way.
    making.wire("delay", wire.delay, seconds=2.0),
    making.wire("stall", wire.stall, after=2),
    making.wire("cut", wire.cut, after=2),
    making.wire("close", wire.close, after=2),
    making.wire("cut-json", wire.cut_json),
    making.wire("split", wire.split, n=1),
    making.wire("gzip", wire.gzip, n=0),
    making.wire("pretty", wire.pretty),
    making.wire("not-json", wire.not_json),
    making.wire("big-event", wire.big_event, GENERATE, n=2**20),
    making.wire("many-events", wire.many_events, making.STREAMS, n=1000, size=20),
    # Events that are wrong.
    making.events("empty-stream", events.none),
    making.events("error-event", events.error_after, after=0, code=503),
    making.wire(
        "raw-json-error",
        wire.raw_json_error,
        making.STREAMS,
        after=0,
        form="object",
        code=503,
    ),
    making.wire("raw-json-tail", wire.raw_json_tail, making.STREAMS, code=503),
    making.events("no-finish-reason", events.without_finish_reason),
    making.events("no-role", events.without_role),
    making.events("thought-only", events.thoughts_only),
    making.events("blocked-prompt", events.blocked_prompt),
    making.events("metadata-first", events.metadata_first),
    making.events("trailing-usage", events.trailing_usage, making.STREAMS),
    making.events("trailing-empty-text", events.trailing_empty_text, making.STREAMS),
    # Streams that are framed otherwise, and mostly right.
    making.framing("lf", "Lines end in LF.", newline="\n"),
    making.framing("cr", "Lines end in CR.", newline="\r"),
    making.framing("multi-line", "JSON over several data lines.", indent=2),
    making.framing(
        "comments",
        "Comments above and between the events.",
        before=(": ping",),
        opening=b": hello\r\n\r\n",
    ),
    making.framing(
        "event-lines", "Event and id lines.", before=("event: message", "id: 7")
    ),
    making.framing("no-space", "data:{ without a blank.", prefix="data:"),
    making.framing("bom", "A byte order mark first.", opening=b"\xef\xbb\xbf"),
    making.framing(
        "done-marker", "data: [DONE] at the end.", closing=b"data: [DONE]\r\n\r\n"
    ),
    making.wire("no-last-blank", wire.no_last_blank, making.STREAMS),
    # The token endpoint.
    making.token("token-invalid-grant", "The grant is dead.", token.INVALID_GRANT),
    making.token(
        "token-bad-request", "The grant is dead, in other words.", token.UNKNOWN_GRANT
    ),
    making.token(
        "token-invalid-rapt",
        "The Workspace session has to be renewed.",
        token.INVALID_RAPT,
    ),
    making.token(
        "token-invalid-client", "The client is not known.", token.UNKNOWN_CLIENT
    ),
    making.token(
        "token-wrong-secret", "The client's secret is wrong.", token.WRONG_SECRET
    ),
    making.token(
        "token-unauthorized-client",
        "The grant is another client's.",
        token.UNAUTHORIZED_CLIENT,
    ),
    making.token(
        "token-secret-missing", "No client secret was sent.", token.SECRET_MISSING
    ),
    making.token(
        "token-deleted-client", "The client was deleted.", token.DELETED_CLIENT
    ),
    making.token(
        "token-access-denied", "The account is restricted.", token.ACCESS_DENIED
    ),
    making.token(
        "token-admin-policy", "The admin does not allow it.", token.ADMIN_POLICY
    ),
    making.token(
        "token-org-internal", "The client is for an organisation.", token.ORG_INTERNAL
    ),
    making.token("token-jwt", "The assertion is not to be read.", grants.INVALID_JWT),
    making.token("token-jwt-signature", "The key was deleted.", grants.WRONG_SIGNATURE),
    making.token("token-jwt-times", "The clocks are apart.", grants.UNTIMELY),
    making.token(
        "token-jwt-audience", "It is for somebody else.", grants.WRONG_AUDIENCE
    ),
    making.token(
        "token-jwt-account", "The service account is gone.", grants.NO_ACCOUNT
    ),
    making.token("token-jwt-scope", "No scope was asked for.", grants.NO_SCOPE),
    making.token("token-500", "Something broke.", token.BACKEND_ERROR),
    making.token("token-html", "A page of the front end.", errors.bad_gateway()),
    making.wire("token-slow", wire.delay, making.TOKEN, seconds=5.0),
    # The exchange of tokens.
    making.token(
        "exchange-rejected",
        "The subject token is not believed.",
        grants.WRONG_SUBJECT,
        making.EXCHANGE,
    ),
    making.token(
        "exchange-audience",
        "The audience is not a provider's name.",
        grants.BAD_PROVIDER,
        making.EXCHANGE,
    ),
    making.token(
        "exchange-provider",
        "The provider is gone.",
        grants.NO_PROVIDER,
        making.EXCHANGE,
    ),
    making.wire("exchange-slow", wire.delay, making.EXCHANGE, seconds=5.0),
)

CATALOGUE = {behaviour.slug: behaviour for behaviour in _TABLE}
"""Every behaviour, by its slug."""
