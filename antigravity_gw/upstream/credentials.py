"""
Application Default Credentials, exchanged for access tokens by Google's own library.

All of it blocks, and belongs in a thread.  The library is imported there as well:
it takes longer to import than the rest of the daemon together, and most have no
use for it.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from attrs import evolve, frozen

from antigravity_gw.causes import Cause
from antigravity_gw.errors import Unreachable
from antigravity_gw.needs import Need
from antigravity_gw.upstream.way import Way, for_requests
from antigravity_gw.wire.jsons import decoded
from antigravity_gw.wire.oauth import RAPT, AccessToken, RenewalFailed, refusal

SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]
_OF_AWS = "urn:ietf:params:aws:token-type:aws4_request"

_UNANSWERED = "the token endpoint of its credentials did not answer"


@frozen
class Exchange:
    """
    How to get at the token endpoints.

    :ivar token_url: the one for the credentials of users, which name none.
    :ivar seconds: how long one call may take.
    :ivar way: how they are reached.
    """

    token_url: str
    seconds: float
    way: Way

    def token_for(self, credential: str) -> AccessToken:
        """
        An access token.  Blocks.

        :param credential: the JSON of the credentials.
        :raises RenewalFailed: when there is none to be had.
        :raises Unreachable: when nobody answers.
        """
        from google.auth import exceptions

        info = decoded(credential.encode(), dict[str, Any]) or {}
        try:
            credentials = _loaded(info, self.token_url)
        except (ValueError, KeyError, TypeError, exceptions.GoogleAuthError) as error:
            raise RenewalFailed(
                Need.CREDENTIAL, "its credentials are damaged", Cause.CREDENTIALS
            ) from error
        try:
            credentials.refresh(self._request())
        except exceptions.TransportError as error:
            raise Unreachable(_UNANSWERED) from error
        except exceptions.GoogleAuthError as error:
            raise _meant(error) from error
        return _token(credentials)

    def _request(self) -> Any:
        import requests
        from google.auth.transport.requests import Request

        session = requests.Session()
        session.trust_env = False  # a daemon's proxy is in its configuration
        told = for_requests(self.way)
        session.proxies.update(told.proxies)
        session.verify = told.verify
        return partial(Request(session), timeout=self.seconds)


def _loaded(info: Mapping[str, Any], token_url: str) -> Any:
    """
    Google's object for the credentials.

    Of those elsewhere there are several; the library tells them apart only behind
    a function that it warns of.
    """
    from google.auth import aws, identity_pool, pluggable
    from google.oauth2 import credentials, service_account

    match info.get("type"):
        case "authorized_user":
            return credentials.Credentials(
                None,
                refresh_token=info["refresh_token"],
                token_uri=token_url,
                client_id=info["client_id"],
                client_secret=info["client_secret"],
            )
        case "service_account":
            return service_account.Credentials.from_service_account_info(
                info, scopes=SCOPES
            )
        case _ if info.get("subject_token_type") == _OF_AWS:
            return aws.Credentials.from_info(info, scopes=SCOPES)
        case _ if "executable" in info.get("credential_source", {}):
            return pluggable.Credentials.from_info(info, scopes=SCOPES)
        case _:
            return identity_pool.Credentials.from_info(info, scopes=SCOPES)


def _token(credentials: Any) -> AccessToken:
    from google.auth import _helpers

    left = (credentials.expiry - _helpers.utcnow()).total_seconds()
    return AccessToken(credentials.token, max(0.0, left))


def _meant(error: Any) -> RenewalFailed:
    """
    What an error of the library's amounts to.

    Besides a sentence it has what the endpoint said, as text or parsed; to an error
    that comes of something here, such as a missing file, there is only the sentence.
    """
    sentence, said = (*error.args, None, None)[:2]
    if isinstance(said, str):
        said = decoded(said.encode("utf-8", "replace"), dict[str, Any])
    if isinstance(said, Mapping):
        failed = refusal(400, said)
    elif "eauthentication is needed" in str(sentence):
        failed = refusal(400, {"error": "invalid_grant", "error_subtype": RAPT})
    else:
        failed = RenewalFailed(None, _UNANSWERED)
    if failed.cause is not None:
        # There is no other login, and no other client, than new credentials.
        return evolve(failed, need=failed.need and Need.CREDENTIAL)
    if error.retryable:
        return failed
    return RenewalFailed(
        Need.CREDENTIAL, "Google does not accept its credentials", Cause.CREDENTIALS
    )
