"""The pages that a person sees in a browser."""

from collections.abc import Iterable
from html import escape

from antigravity_sandbox.reply import Reply, encoded

HEADERS = (
    ("Content-Type", "text/html; charset=utf-8"),
    ("Cache-Control", "no-store"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Frame-Options", "DENY"),
)

TELLS = {
    "https://www.googleapis.com/auth/cloud-platform": (
        "See, edit, configure and delete your Google Cloud data"
    ),
    "https://www.googleapis.com/auth/userinfo.email": "See your e-mail address",
    "https://www.googleapis.com/auth/userinfo.profile": "See your personal info",
}
"""What the page says of each scope."""

_STYLE = """
body { font: 16px/1.5 sans-serif; background: #f0f4f9; color: #1f1f1f; margin: 0 }
main { max-width: 34em; margin: 3em auto; padding: 2em; background: #fff;
       border-radius: 1em }
h1 { font-weight: normal; font-size: 1.6em; margin-top: 0 }
fieldset { border: 1px solid #c4c7c5; border-radius: .5em; margin: 1em 0 }
label { display: block; padding: .2em 0 }
button { font: inherit; padding: .4em 1.5em; margin-right: .5em }
small { color: #5f6368 }
"""


def page(status: int, title: str, body: str) -> Reply:
    """A whole page; *body* is HTML."""
    html = (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style>"
        '<link rel="icon" href="data:,"></head>\n'  # else browsers ask for one
        f"<body><main><h1>{escape(title)}</h1>\n{body}\n"
        "<p><small>This is the sandbox, not Google.</small></p></main></body></html>\n"
    )
    return Reply(status, encoded(html), HEADERS)


def blocked(status: int, error: str, why: str) -> Reply:
    """What a person is shown when the app may not even ask."""
    body = f"<p>{escape(why)}</p><p>Error {status}: {escape(error)}</p>"
    return page(status, "Access blocked: Authorization Error", body)


def consent(app: str, accounts: Iterable[str], scopes: Iterable[str]) -> Reply:
    """
    The question itself, a form that is posted to where it came from.

    :param accounts: the e-mails to choose from, the likeliest first.
    """
    chooser = "".join(
        f'<label><input type="radio" name="account" value="{escape(email)}"'
        f"{' checked' if number == 0 else ''}> {escape(email)}</label>"
        for number, email in enumerate(accounts)
    )
    boxes = "".join(
        f'<label><input type="checkbox" name="scope" value="{escape(scope)}" checked> '
        f"{escape(TELLS[scope])}<br><small>{escape(scope)}</small></label>"
        for scope in scopes
    )
    body = (
        f"<p>{escape(app)} wants to access your Google Account.</p>"
        f'<form method="post"><fieldset><legend>Account</legend>{chooser}</fieldset>'
        f"<fieldset><legend>What it will be able to do</legend>{boxes}</fieldset>"
        '<button name="decision" value="cancel">Cancel</button>'
        '<button name="decision" value="allow">Allow</button></form>'
    )
    return page(200, "Sign in with Google", body)
