"""Who is calling?"""

from antigravity_sandbox.accounts import Accounts, Standing
from antigravity_sandbox.calls import Call
from antigravity_sandbox.google import key_denials
from antigravity_sandbox.google.errors import About, unauthenticated
from antigravity_sandbox.kinds import CODE_ASSIST
from antigravity_sandbox.reply import Refused


def by_token(call: Call, accounts: Accounts, now: float) -> Standing:
    """
    Whose access token *call* brings.

    :raises Refused: when it is nobody's, or has expired.
    """
    held = accounts.by_access_token(call.bearer or "")
    if held is not None:
        call.account = held.holder.account.name
    if held is None or held.expires <= now:
        raise Refused(unauthenticated(_about(call)))
    return held.holder


def by_key(call: Call, accounts: Accounts, now: float) -> Standing:
    """
    Whose API key *call* brings.

    An access token is looked at first, even beside a key, and is never good.

    :raises Refused: when the key is missing, or nobody's.
    """
    if call.bearer is not None:
        by_token(call, accounts, now)
        raise Refused(key_denials.scopes_missing(_about(call)))
    if not call.api_key:
        raise Refused(key_denials.key_missing(_about(call)))
    standing = accounts.by_api_key(call.api_key)
    if standing is None:
        raise Refused(key_denials.key_invalid(_about(call)))
    call.account = standing.account.name
    return standing


def _about(call: Call) -> About:
    return About(kind=call.kind or CODE_ASSIST, method=call.method)
