"""Tests for ``antigravity_gw.diagnosis`` and ``antigravity_gw.remedies``."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve, field, frozen
from bodies import (
    CLOUD_CODE,
    COMPANION,
    CONSOLE,
    LICENCE,
    NOW,
    PER_MODEL_DAY,
    REAL,
    VERIFY,
    disabled,
    error,
    info,
    quota,
    ran_out,
)
from hypothesis import given
from hypothesis import strategies as st

from antigravity_gw.causes import Cause
from antigravity_gw.diagnosis import (
    MOST_SKEW,
    Diagnosis,
    Findings,
    Trouble,
    cause_of_connection,
    diagnose,
    is_from_google,
    worst,
)
from antigravity_gw.errors import Unreachable
from antigravity_gw.kinds.code_assist import CodeAssist
from antigravity_gw.kinds.gemini_api_key import GeminiApiKey
from antigravity_gw.kinds.registered import kind_called
from antigravity_gw.kinds.vertex import Vertex
from antigravity_gw.needs import Need
from antigravity_gw.record import Record
from antigravity_gw.remedies import REMEDIES, UNKNOWN, WELL, WITHOUT_LOGIN, Affair
from antigravity_gw.states import NO_LINK
from antigravity_gw.times import DAY
from antigravity_gw.upstream.failures import (
    Flaw,
    NotReached,
    Peer,
    TlsFailed,
    TunnelRefused,
)
from antigravity_gw.wire.companion import read_load, tier_to_join
from antigravity_gw.wire.google import read_error
from antigravity_gw.wire.oauth import OAuthClient, RenewalFailed, read_renewal
from antigravity_gw.wire.verdict import Setback

CODE_ASSIST, KEY, VERTEX = CodeAssist.name, GeminiApiKey.name, Vertex.name
PUBLIC = "generativelanguage.googleapis.com"
GOOGLE = Peer("google.example", 443)
PROXY = Peer("proxy.example", 3128, is_proxy=True)


def record(kind: str = CODE_ASSIST, **more: Any) -> Record:
    """An account of some kind."""
    credential = more.pop("credential", "secret-of-ada")
    return Record("1234abcd", "ada", credential, kind=kind, **more)


def answered(kind: str, status: int, body: bytes) -> Trouble:
    """What an answer to a question amounts to, by the kind's own table."""
    table = kind_called(kind)
    assert table is not None
    verdict = table.errors.judge(status, {}, read_error(body), NOW)
    until = None if verdict.delay is None else NOW + verdict.delay
    return Trouble(verdict.cause, verdict.reason, verdict.need, verdict.link, until)


def real(name: str) -> bytes:
    """The body of that name among those that were seen."""
    (body,) = (each.body for each in REAL if each.name == name)
    return body


def blocked(reason: str, words: str) -> bytes:
    """What the public API says to a key that is restricted."""
    metadata = {"service": PUBLIC, "consumer": "projects/123"}
    return error(403, words, info(reason, "googleapis.com", **metadata))


@frozen
class Row:
    """
    One answer of Google's, and what is to be made of it.

    :ivar says: what is in the verdict or in what to do.
    """

    kind: str
    status: int
    body: bytes
    cause: Cause
    says: str
    affair: Affair = Affair.OPERATOR
    link: str | None = field(default=None)


TOKEN = [
    Row(
        CODE_ASSIST,
        400,
        b'{"error":"invalid_grant","error_description":"Token has been expired or '
        b'revoked."}',
        Cause.GRANT_DEAD,
        "has expired or was revoked",
    ),
    Row(
        CODE_ASSIST,
        400,
        b'{"error":"invalid_grant","error_description":"reauth related error '
        b'(invalid_rapt)","error_uri":"https://support.google.com/a/answer/9368756",'
        b'"error_subtype":"invalid_rapt"}',
        Cause.SESSION_CONTROL,
        "session control",
        Affair.ADMIN,
    ),
    Row(
        CODE_ASSIST,
        401,
        b'{"error":"invalid_client","error_description":"Unauthorized"}',
        Cause.CLIENT_SECRET,
        "secret of the OAuth client is wrong",
    ),
    Row(
        CODE_ASSIST,
        400,
        b'{"error":"invalid_request","error_description":"client_secret is missing."}',
        Cause.CLIENT_SECRET,
        "set oauth.client_id and its secret",
    ),
    Row(
        CODE_ASSIST,
        401,
        b'{"error":"unauthorized_client","error_description":"Unauthorized"}',
        Cause.OTHER_CLIENT,
        "issued to another OAuth client",
    ),
    Row(
        CODE_ASSIST,
        401,
        b'{"error":"deleted_client","error_description":"The OAuth client was '
        b'deleted."}',
        Cause.CLIENT_GONE,
        "make another one",
    ),
    Row(
        CODE_ASSIST,
        403,
        b'{"error":"admin_policy_enforced"}',
        Cause.ADMIN,
        "ask the admin",
        Affair.ADMIN,
    ),
    Row(
        VERTEX,
        400,
        b'{"error":"invalid_grant","error_description":"Invalid JWT: Token must be a '
        b"short-lived token (60 minutes) and in a reasonable timeframe. Check your "
        b'iat and exp values in the JWT claim."}',
        Cause.CLOCK,
        "clock of this machine is wrong",
    ),
]
"""What the token endpoint says."""

LOADS = [
    Row(
        CODE_ASSIST,
        200,
        b'{"ineligibleTiers":[{"reasonCode":"UNSUPPORTED_CLIENT","tierId":"free-tier",'
        b'"tierName":"Gemini Code Assist for individuals"}]}',
        Cause.RETIRED,
        "Google has ended this tier",
        Affair.GOOGLE,
    ),
    Row(
        CODE_ASSIST,
        200,
        b'{"ineligibleTiers":[{"reasonCode":"UNSUPPORTED_LOCATION","tierId":'
        b'"free-tier","tierName":"Gemini Code Assist for individuals"}]}',
        Cause.REGION,
        "does not serve the place",
    ),
    Row(
        CODE_ASSIST,
        200,
        b'{"ineligibleTiers":[{"reasonCode":"VALIDATION_REQUIRED","tierId":"free-tier",'
        b'"validationUrl":"%b"}]}' % VERIFY.encode(),
        Cause.UNVERIFIED,
        "open the link, signed in as that account",
        Affair.OWNER,
        VERIFY,
    ),
    Row(
        CODE_ASSIST,
        200,
        b'{"ineligibleTiers":[{"reasonCode":"VALIDATION_REQUIRED","tierId":"free-tier",'
        b'"validationUrl":"https://accounts.google.com.evil.example/"}]}',
        Cause.UNVERIFIED,
        NO_LINK[:40],
        Affair.OWNER,
    ),
    Row(
        CODE_ASSIST,
        200,
        b'{"ineligibleTiers":[{"reasonCode":"DASHER_USER","tierId":"free-tier"}]}',
        Cause.INELIGIBLE,
        "use another account",
        Affair.GOOGLE,
    ),
]
"""What ``loadCodeAssist`` says."""

ANSWERS = [
    Row(
        CODE_ASSIST,
        403,
        disabled(CLOUD_CODE, "Cloud Code Private API"),
        Cause.NOT_LISTED,
        "not your mistake",
        Affair.GOOGLE,
    ),
    Row(
        CODE_ASSIST,
        403,
        disabled(COMPANION, "Gemini for Google Cloud API"),
        Cause.COMPANION_OFF,
        "open the link, enable the API",
        link=f"{CONSOLE}/apis/api/{COMPANION}/overview?project=PROJECT",
    ),
    Row(
        CODE_ASSIST,
        403,
        disabled("serviceusage.googleapis.com", "Service Usage API"),
        Cause.API_OFF,
        "look which API is off",
    ),
    Row(
        CODE_ASSIST,
        403,
        real("licence missing"),
        Cause.UNLICENSED,
        "no licence",
        Affair.ADMIN,
        LICENCE,
    ),
    Row(
        CODE_ASSIST,
        403,
        real("not a named user"),
        Cause.UNLICENSED,
        "Standard or Enterprise licence",
        Affair.ADMIN,
    ),
    Row(
        CODE_ASSIST,
        403,
        real("validation required"),
        Cause.UNVERIFIED,
        "confirm what Google asks",
        Affair.OWNER,
        VERIFY,
    ),
    Row(
        CODE_ASSIST,
        403,
        error(
            403,
            "Verify your account to continue.",
            info("VALIDATION_REQUIRED", validation_url="http://accounts.google.com/x"),
        ),
        Cause.UNVERIFIED,
        NO_LINK[:40],
        Affair.OWNER,
    ),
    Row(
        CODE_ASSIST,
        400,
        error(400, "User location is not supported for the API use."),
        Cause.REGION,
        "run the gateway where Google offers this",
    ),
    Row(
        CODE_ASSIST,
        403,
        real("no role"),
        Cause.ROLE,
        "roles/cloudaicompanion.user",
        Affair.ADMIN,
    ),
    Row(
        VERTEX,
        403,
        error(
            403,
            "Permission 'aiplatform.endpoints.predict' denied on resource "
            "'//aiplatform.googleapis.com/projects/PROJECT/locations/global/"
            "publishers/google/models/x'.",
            info("IAM_PERMISSION_DENIED", "aiplatform.googleapis.com"),
        ),
        Cause.ROLE,
        "roles/aiplatform.user",
        Affair.ADMIN,
    ),
    Row(
        CODE_ASSIST,
        403,
        real("security perimeter"),
        Cause.PERIMETER,
        "VPC Service Controls",
        Affair.ADMIN,
    ),
    Row(
        CODE_ASSIST,
        403,
        real("scope not granted"),
        Cause.SCOPES,
        "leave every box ticked",
        Affair.OWNER,
    ),
    Row(
        CODE_ASSIST,
        403,
        real("terms of service"),
        Cause.SUSPENDED,
        "has suspended it",
        Affair.OWNER,
    ),
    Row(
        CODE_ASSIST,
        403,
        real("placeholder project"),
        Cause.WRONG_PROJECT,
        "accounts set ada --project ID",
    ),
    Row(
        CODE_ASSIST,
        404,
        real("stale project"),
        Cause.WRONG_PROJECT,
        "does not exist, or is not its own",
    ),
    Row(
        CODE_ASSIST,
        403,
        real("bare 403"),
        Cause.MODEL_FORBIDDEN,
        "name another model with --model",
        Affair.ADMIN,
    ),
    Row(
        CODE_ASSIST,
        404,
        real("model unknown"),
        Cause.NO_SUCH_MODEL,
        "correct models.serve",
    ),
    Row(
        CODE_ASSIST,
        429,
        real("quota exhausted"),
        Cause.OUT_OF_QUOTA,
        "used up its quota",
        Affair.NOBODY,
    ),
    Row(
        KEY,
        429,
        ran_out(quota(PER_MODEL_DAY, model="gemini-2.5-pro")),
        Cause.OUT_OF_QUOTA,
        "ends by itself",
        Affair.NOBODY,
    ),
    Row(
        CODE_ASSIST,
        429,
        real("rate limit"),
        Cause.TOO_FAST,
        "asked too often",
        Affair.NOBODY,
    ),
    Row(
        CODE_ASSIST,
        503,
        real("capacity as 503"),
        Cause.NO_CAPACITY,
        "says nothing about the account",
        Affair.GOOGLE,
    ),
    Row(
        KEY,
        400,
        error(
            400,
            "API key not valid. Please pass a valid API key.",
            info("API_KEY_INVALID", "googleapis.com", service=PUBLIC),
        ),
        Cause.KEY_INVALID,
        "accounts add ada --kind gemini_api_key",
    ),
    Row(
        KEY,
        403,
        blocked(
            "API_KEY_SERVICE_BLOCKED",
            "Requests to this API generativelanguage.googleapis.com method "
            "google.ai.generativelanguage.v1beta.GenerativeService.GenerateContent are "
            "blocked.",
        ),
        Cause.KEY_RESTRICTED,
        "Generative Language API",
    ),
    Row(
        KEY,
        403,
        blocked(
            "API_KEY_HTTP_REFERRER_BLOCKED",
            "Requests from referer <empty> are blocked.",
        ),
        Cause.KEY_RESTRICTED,
        "restricted to other services",
    ),
    Row(
        KEY,
        403,
        blocked(
            "API_KEY_IP_ADDRESS_BLOCKED",
            "The provided API key has an IP address restriction.",
        ),
        Cause.KEY_RESTRICTED,
        "from the address of this machine",
    ),
    Row(
        KEY,
        403,
        disabled(PUBLIC, "Generative Language API"),
        Cause.API_OFF,
        "enable the API",
        link=f"{CONSOLE}/apis/api/{PUBLIC}/overview?project=PROJECT",
    ),
    Row(
        VERTEX,
        403,
        error(
            403,
            "This API method requires billing to be enabled.",
            info("BILLING_DISABLED", "googleapis.com"),
        ),
        Cause.BILLING,
        "switch billing on",
    ),
]
"""What a question is answered."""


def refused(row: Row) -> Trouble:
    """What an answer of the token endpoint amounts to."""
    with pytest.raises(RenewalFailed) as caught:
        read_renewal(row.status, row.body)
    failed = caught.value
    return Trouble(failed.cause, failed.reason, failed.need)


def not_taken(row: Row) -> Trouble:
    """What an answer of ``loadCodeAssist`` amounts to."""
    with pytest.raises(Setback) as caught:
        tier_to_join(read_load(json.loads(row.body)), None)
    verdict = caught.value.verdict
    return Trouble(verdict.cause, verdict.reason, verdict.need, verdict.link)


def found(trouble: Trouble | None, kind: str = CODE_ASSIST, **more: Any) -> Diagnosis:
    """The verdict on an account that has come to an end by *trouble*."""
    return diagnose(record(kind), Findings(trouble=trouble, **more))


def check(row: Row, trouble: Trouble) -> None:
    """See that the verdict is the row's, and can be read."""
    told = found(trouble, row.kind, logs_in=row.kind == CODE_ASSIST)
    words = f"{told.verdict} {told.to_do}"

    assert (told.is_well, told.cause) == (False, row.cause)
    assert row.says in words
    assert (told.affair, told.link) == (row.affair, row.link)
    assert "{" not in words
    assert told.reason == trouble.reason


@pytest.mark.parametrize("row", TOKEN, ids=lambda row: row.cause.value)
def test_the_token_endpoint(row: Row) -> None:
    """What it says has a verdict each, and a next step."""
    check(row, refused(row))


@pytest.mark.parametrize("row", LOADS, ids=lambda row: row.cause.value)
def test_eligibility(row: Row) -> None:
    """So has what Google says of an account; only a link of its login page is shown."""
    check(row, not_taken(row))


@pytest.mark.parametrize(
    "row", ANSWERS, ids=lambda row: f"{row.kind} {row.cause.value}"
)
def test_answers(row: Row) -> None:
    """So has what a question is answered, judged by the table of the kind."""
    check(row, answered(row.kind, row.status, row.body))


@pytest.mark.parametrize("cause", Cause)
def test_every_cause(cause: Cause) -> None:
    """Whatever is behind a failure, somebody is told what to do, and by whom."""
    told = found(Trouble(cause, "why"))

    assert told.verdict.endswith(".")
    assert told.to_do
    assert not told.is_well
    assert "{" not in told.verdict + told.to_do
    assert not told.to_do.endswith(".")


def test_no_cause_has_another_ones_verdict() -> None:
    """Two causes that read the same could not be told apart."""
    verdicts = [
        remedy.verdict
        for remedy in (*REMEDIES.values(), *WITHOUT_LOGIN.values(), WELL, UNKNOWN)
    ]

    assert len(set(verdicts)) == len(verdicts)
    assert set(REMEDIES) == set(Cause)


def test_an_account_that_serves() -> None:
    """There is nothing to do."""
    told = found(None)

    assert (told.is_well, told.is_known, told.cause) == (True, True, None)
    assert (told.to_do, told.reason, told.affair) == (None, None, Affair.NOBODY)


def test_what_is_not_used() -> None:
    """An account may serve, and not be used, since somebody has said so."""
    disabled = diagnose(record(disabled=1.0), Findings(trouble=None))
    suspended = found(None, was_suspended=True)

    for told in (disabled, suspended):
        assert (told.serves, told.is_used, told.is_well) == (True, False, False)
        assert "'antigravity-gw accounts enable ada'" in str(told.to_do)
    assert (disabled.cause, suspended.cause) == (Cause.DISABLED, Cause.WAS_SUSPENDED)
    assert found(None).is_used
    assert not found(Trouble(Cause.SUSPENDED, "no")).is_used
    failed = diagnose(record(disabled=1.0), Findings(trouble=DEAD))
    assert (failed.cause, failed.is_used) == (Cause.GRANT_DEAD, False)


def test_nobody_knows() -> None:
    """A failure that says nothing of the account is not held against it."""
    told = found(Trouble(None, "upstream answered 500"))

    assert (told.is_well, told.is_known, told.cause) == (False, False, None)
    assert "run this again" in str(told.to_do)


@pytest.mark.parametrize(
    ("cause", "is_known"),
    [
        (Cause.NETWORK, False),
        (Cause.NO_CAPACITY, False),
        (Cause.PROXY, True),
        (Cause.OUT_OF_QUOTA, True),
        (Cause.NOT_LISTED, True),
    ],
)
def test_what_is_certain(cause: Cause, is_known: bool) -> None:
    """Without a network, or without room for a model, nothing is known yet."""
    assert found(Trouble(cause, "why")).is_known is is_known


DEAD = Trouble(Cause.GRANT_DEAD, "it is dead", Need.LOGIN)


@pytest.mark.parametrize(
    ("days", "cause"),
    [
        (6.4, Cause.GRANT_DEAD),
        (6.5, Cause.TESTING),
        (7.0, Cause.TESTING),
        (8.0, Cause.TESTING),
        (8.1, Cause.GRANT_DEAD),
        (180.0, Cause.GRANT_DEAD),
    ],
)
def test_testing_mode(days: float, cause: Cause) -> None:
    """A refresh token that dies a week after it was given has died of testing."""
    given = NOW - days * DAY
    told = diagnose(record(given=given), Findings(trouble=DEAD, died=NOW))

    assert told.cause is cause
    assert "antigravity-gw login ada" in str(told.to_do)


def test_a_credential_of_unknown_age() -> None:
    """Of what was given before its time was noted, nothing is concluded."""
    for died in (NOW, 7 * DAY, None):
        told = diagnose(record(given=0.0), Findings(trouble=DEAD, died=died))
        assert told.cause is Cause.GRANT_DEAD


def test_a_free_tier_that_has_ended() -> None:
    """Where a 403 does not say why, what Google said of the tier does."""
    forbidden = Trouble(Cause.MODEL_FORBIDDEN, "no")

    assert found(forbidden, doubt=Cause.RETIRED).cause is Cause.RETIRED
    assert found(forbidden).cause is Cause.MODEL_FORBIDDEN
    suspended = Trouble(Cause.SUSPENDED, "no")
    assert found(suspended, doubt=Cause.RETIRED).cause is Cause.SUSPENDED


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        (None, None),
        (Cause.CREDENTIALS, Cause.CLOCK),
        (Cause.TOKEN_REFUSED, Cause.CLOCK),
        (Cause.TLS, Cause.CLOCK),
        (Cause.NOT_LISTED, Cause.NOT_LISTED),
        (Cause.OUT_OF_QUOTA, Cause.OUT_OF_QUOTA),
    ],
)
def test_a_clock_that_is_wrong(cause: Cause | None, expected: Cause) -> None:
    """It is the verdict where something failed that it may be behind."""
    trouble = None if cause is None else Trouble(cause, "why")
    for skew, words in ((MOST_SKEW + 1, "61 s ahead of"), (-90.0, "90 s behind")):
        told = found(trouble, skew=skew)
        assert told.cause is expected
        assert (expected is Cause.CLOCK) == (words in str(told.reason))
    assert found(trouble, skew=MOST_SKEW).cause is cause


def test_how_to_let_it_in_anew() -> None:
    """Some accounts log in, others get another key, whatever it is that failed."""
    refused = Trouble(Cause.TOKEN_REFUSED, "no")
    user = record(VERTEX, credential='{"type":"authorized_user"}')
    service = record(VERTEX, credential='{"type":"service_account"}')
    for trouble in (refused, Trouble(Cause.GRANT_DEAD, "no", Need.CREDENTIAL)):
        findings = Findings(trouble=trouble, logs_in=False)
        of_user = str(diagnose(user, findings).to_do)
        of_service = str(diagnose(service, findings).to_do)
        of_key = str(diagnose(record(KEY), findings).to_do)

        assert "antigravity-gw login ada" in str(found(trouble).to_do)
        assert "'gcloud auth application-default login'" in of_user
        for told in (of_user, of_service):
            assert "add ada --kind vertex --credential-file FILE'" in told
        assert "gcloud" not in of_service
        assert of_key.startswith("give it another key: ")
        assert of_key.endswith("add ada --kind gemini_api_key'")


@pytest.mark.parametrize("cause", WITHOUT_LOGIN)
def test_who_does_not_log_in(cause: Cause) -> None:
    """Nobody ticks boxes for a service account, nor is there a client to trust."""
    told = found(Trouble(cause, "no"), VERTEX, logs_in=False)

    assert "box" not in f"{told.verdict} {told.to_do}"
    assert "OAuth client" not in f"{told.verdict} {told.to_do}"
    assert "{" not in str(told.to_do)


def test_whose_client_it_is() -> None:
    """An account with a client of its own is to get another one, not the daemon."""
    wrong = Findings(trouble=Trouble(Cause.CLIENT_SECRET, "no", Need.CLIENT))
    own = diagnose(record(client=OAuthClient("id", "hush")), wrong)
    of_a_file = Findings(trouble=Trouble(Cause.CLIENT_SECRET, "no", Need.CREDENTIAL))
    vertex = diagnose(record(VERTEX), evolve(of_a_file, logs_in=False))

    assert "--client-id" in str(own.to_do)
    assert "oauth.client_id" in str(diagnose(record(), wrong).to_do)
    assert "accounts add ada --kind vertex" in str(vertex.to_do)


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (NotReached(GOOGLE, "no such host"), Cause.NETWORK),
        (NotReached(PROXY, "refused"), Cause.PROXY),
        (TunnelRefused(PROXY, GOOGLE, 407, "wants credentials (407)"), Cause.PROXY),
        (TlsFailed(GOOGLE, Flaw.UNTRUSTED, issuer="Corp CA"), Cause.PROXY),
        (TlsFailed(GOOGLE, Flaw.SELF_SIGNED), Cause.PROXY),
        (TlsFailed(GOOGLE, Flaw.OTHER_NAME, "else.example"), Cause.TLS),
        (TlsFailed(GOOGLE, Flaw.EXPIRED, "1 May"), Cause.TLS),
        (TlsFailed(PROXY, Flaw.NOT_TLS), Cause.PROXY),
        (Unreachable("something else"), None),
    ],
)
def test_connections(error: Exception, cause: Cause | None) -> None:
    """What is in the way is told from what failed, however deep that is."""
    assert cause_of_connection(error) is cause
    outer = Unreachable("the token endpoint did not answer")
    outer.__cause__ = error

    assert cause_of_connection(outer) is cause


@pytest.mark.parametrize("status", [200, 302, 401, 403, 407, 511])
def test_pages_of_others(status: int) -> None:
    """A page where Google has none comes from a proxy, or the log-in of a network."""
    assert not is_from_google(status, is_page=True)
    assert is_from_google(status, is_page=False) is (status != 302)


@pytest.mark.parametrize("status", [404, 500, 502])
def test_pages_of_google(status: int) -> None:
    """Its front ends answer in HTML as well."""
    assert is_from_google(status, is_page=True)


def test_several_hosts() -> None:
    """Of what several connections fail with, that counts which says most."""
    network, proxy = Trouble(Cause.NETWORK, "1"), Trouble(Cause.PROXY, "2")
    unknown = Trouble(None, "3")

    assert worst([unknown, network, proxy]) == proxy
    assert worst([unknown, network]) == network


@given(
    st.sampled_from([*Cause, None]),
    st.sampled_from([*Need, None]),
    st.text(),
    st.sampled_from([CODE_ASSIST, KEY, VERTEX]),
)
def test_any_name(cause: Cause | None, need: Need | None, name: str, kind: str) -> None:
    """Whatever an account is called, there are words for it."""
    told = diagnose(
        evolve(record(kind), name=name),
        Findings(trouble=Trouble(cause, "why", need)),
    )

    assert told.to_do


def test_secrets_stay() -> None:
    """No verdict shows what lets an account in; a link is not in its repr."""
    told = found(Trouble(Cause.UNVERIFIED, "why", Need.VALIDATION, VERIFY))

    assert "secret-of-ada" not in f"{told.verdict} {told.to_do} {told!r}"
    assert VERIFY not in repr(told)


def test_the_manual() -> None:
    """``docs/accounts.md`` has a row for each cause, in the words of the verdict."""
    manual = Path(__file__).parents[1] / "docs" / "accounts.md"
    text = re.sub(r"\s+", " ", manual.read_text())

    missing = [
        cause.value
        for cause, remedy in (*REMEDIES.items(), *WITHOUT_LOGIN.items())
        if f"| `{cause.value}` | {remedy.verdict} |" not in text
    ]
    assert missing == []
