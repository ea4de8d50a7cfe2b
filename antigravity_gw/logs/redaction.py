"""
Taking out of a text what nobody may read in a file.  No I/O.

What is known to be secret goes wherever it stands, and so does what looks like a
secret of Google's or like somebody's address, known or not.  It errs on the safe
side: a text that only looks like one goes, too.
"""

import json
import re
from collections.abc import Iterable

HIDDEN = "[hidden]"

SHORTEST = 3
"""What has fewer characters is not looked for: it would be found everywhere."""

LONG = 8
"""What has fewer characters is looked for as a word, and not in others."""

_LOOKS_SECRET = re.compile(
    r"ya29\.(?:[\w.~+/-]|\\/)+"  # access tokens
    r"|\b1(?:\\?/){2}[\w-]+"  # refresh tokens
    r"|\bagw_[\w-]{20,}"  # keys of clients of gateways
    r"|\bAIza[\w-]{20,}"  # API keys
    r"|\bAQ\.[\w.-]{20,}"
    r"|\bGOCSPX-[\w-]+"  # secrets of OAuth clients
    r"|\beyJ[\w-]{10,}\.[\w.-]+"  # signed tokens
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*-----|\Z)"
    r"|[\w.+-]+(?:@|%40|\\u0040)[\w-]+(?:\.[\w-]+)+",  # addresses
    re.DOTALL,
)

_DATA = re.compile(r'("(?:data|bytesBase64Encoded)"\s*:\s*")((?:[^"\\]|\\.)*)')
_BLOB = re.compile(r"(?:[A-Za-z0-9+/_-]|\\/){200,}={0,2}")


def redacted(text: str, secrets: Iterable[str]) -> str:
    """*text* without *secrets*, what looks like one, and data in base64."""
    text = _DATA.sub(lambda found: found[1] + _length(found[2]), text)
    text = _BLOB.sub(lambda found: _length(found[0]), text)
    for secret in _spellings(secrets):
        if len(secret) >= LONG:
            text = text.replace(secret, HIDDEN)
        else:
            text = re.sub(rf"(?<![^\W_]){re.escape(secret)}(?![^\W_])", HIDDEN, text)
    return _LOOKS_SECRET.sub(HIDDEN, text)


def _length(data: str) -> str:
    return f"[{len(data)} characters]"


def _spellings(secrets: Iterable[str]) -> list[str]:
    """*secrets* as they may stand in JSON, too; the longest first."""
    known = {secret for secret in secrets if len(secret) >= SHORTEST}
    known |= {
        json.dumps(secret, ensure_ascii=is_ascii)[1:-1]
        for secret in known
        for is_ascii in (True, False)
    }
    known |= {secret.replace("/", "\\/") for secret in known}
    return sorted(known, key=len, reverse=True)
