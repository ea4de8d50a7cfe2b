"""
What to say of each cause, and what to do about it: a table, in plain words.

In what to do, ``{handle}`` stands for the account, ``{kind}`` for its kind,
``{renewal}`` for how to let it in anew and ``{client}`` for what to do about its
OAuth client, as ``states.py`` has them.
"""

from collections.abc import Mapping
from enum import Enum

from attrs import frozen

from antigravity_gw.causes import Cause
from antigravity_gw.states import ACCOUNTS, NO_LINK, TO_DO, Label


class Affair(Enum):
    """Who can do something about it; the value is its name in JSON."""

    OPERATOR = "operator"
    OWNER = "owner"
    """Whose Google account it is."""
    ADMIN = "admin"
    """Of the account's organisation, or its project."""
    GOOGLE = "google"
    NOBODY = "nobody"


@frozen
class Remedy:
    """
    What there is to say about one cause.

    :ivar verdict: a sentence, which says what is wrong.
    :ivar next: the next step; the commands stand between single quotes.
    :ivar without_link: the next step where Google has named no link, if it differs.
    :ivar is_certain: whether somebody has to act; otherwise ask again later.
    """

    verdict: str
    affair: Affair
    next: str = ""
    without_link: str = ""
    is_certain: bool = True


OTHER_KINDS = (
    f"a key of the Gemini API ('{ACCOUNTS} add NAME --kind gemini_api_key') or a "
    f"project with Vertex AI ('{ACCOUNTS} add NAME --kind vertex')"
)

WELL = Remedy("It serves.", Affair.NOBODY)

UNKNOWN = Remedy(
    "Google did not answer as it should, which says nothing about the account.",
    Affair.GOOGLE,
    "nothing yet: run this again in a while",
    is_certain=False,
)

_OF_ADMISSION = {
    Cause.NOT_LISTED: Remedy(
        "Google lets only OAuth clients that it has listed use this private API, and "
        "yours is not one of them. That is not your mistake, and no setting mends it.",
        Affair.GOOGLE,
        f"use another kind of account: {OTHER_KINDS}. The link in Google's own message "
        "does not help: nobody outside can switch this API on",
    ),
    Cause.COMPANION_OFF: Remedy(
        "The Gemini for Google Cloud API is off in the account's project. You can "
        "switch it on.",
        Affair.OPERATOR,
        "open the link, enable the API, wait some minutes, and run this again",
        "enable cloudaicompanion.googleapis.com for the account's project in the "
        "Google Cloud console, wait some minutes, and run this again",
    ),
    Cause.API_OFF: Remedy(
        "An API that is needed is off in the project that its calls are charged to.",
        Affair.OPERATOR,
        "open the link, enable the API, wait some minutes, and run this again",
        "in the Google Cloud console, look which API is off in the project of the "
        "OAuth client, the key or the credentials, and enable it there",
    ),
    Cause.UNLICENSED: Remedy(
        "The account has no licence for Gemini Code Assist.",
        Affair.ADMIN,
        "have the admin give it a Standard or Enterprise licence that is free, or use "
        f"another kind of account: {OTHER_KINDS}",
    ),
    Cause.RETIRED: Remedy(
        "Google has ended this tier: accounts without a Standard or Enterprise licence "
        "are not served any more.",
        Affair.GOOGLE,
        f"use an account that has one, or another kind of account: {OTHER_KINDS}",
    ),
    Cause.INELIGIBLE: Remedy(
        "Google does not offer this to the account.",
        Affair.GOOGLE,
        f"use another account, or another kind of account: {OTHER_KINDS}",
    ),
    Cause.UNVERIFIED: Remedy(
        "Google wants the account's owner to confirm something.",
        Affair.OWNER,
        TO_DO[Label.VALIDATION],
        NO_LINK,
    ),
    Cause.REGION: Remedy(
        "Google does not serve the place, or the network, that the calls come from.",
        Affair.OPERATOR,
        "run the gateway where Google offers this; behind a VPN or a proxy, the place "
        "is where that one is",
    ),
    Cause.LOCATION: Remedy(
        "A policy of its organisation forbids the location that it is served in.",
        Affair.OPERATOR,
        f"'{ACCOUNTS} set {{handle}} --location PLACE' with one that is allowed, or "
        "ask its admin to allow this one",
    ),
    Cause.ROLE: Remedy(
        "The account lacks a role on its project, or there is no such project.",
        Affair.ADMIN,
        "see that the project is the right one, and have an owner of it grant the "
        "account roles/cloudaicompanion.user for Code Assist, or roles/aiplatform.user "
        "for Vertex AI. Wait some minutes then",
    ),
    Cause.SCOPES: Remedy(
        "The account's owner did not grant all that was asked for at login.",
        Affair.OWNER,
        "leave every box ticked this time: {renewal}",
    ),
    Cause.PERIMETER: Remedy(
        "A security perimeter of its organisation (VPC Service Controls) keeps the "
        "calls out.",
        Affair.ADMIN,
        "ask its admin to let calls from this machine in, or use an account of another "
        "organisation",
    ),
    Cause.ADMIN: Remedy(
        "The admin of its organisation does not allow it.",
        Affair.ADMIN,
        "ask the admin to trust your OAuth client (Admin console, API controls), or "
        "use an account of another organisation",
    ),
    Cause.BILLING: Remedy(
        "Billing is off for the account's project, and Google wants to be paid.",
        Affair.OPERATOR,
        "open the link, and switch billing on",
        "switch billing on for its project in the Google Cloud console",
    ),
    Cause.SUSPENDED: Remedy(
        "Google has suspended it.", Affair.OWNER, TO_DO[Label.SUSPENDED]
    ),
    Cause.WAS_SUSPENDED: Remedy(
        "It would serve, but Google had suspended it, and nothing uses it unless you "
        "say so.",
        Affair.OPERATOR,
        f"read what Google has written to it. '{ACCOUNTS} enable {{handle}}' uses it "
        "again",
    ),
    Cause.DISABLED: Remedy(
        "It would serve, but you have disabled it.",
        Affair.OPERATOR,
        TO_DO[Label.DISABLED],
    ),
    Cause.MODEL_FORBIDDEN: Remedy(
        "Google forbids the account this model, and does not say why.",
        Affair.ADMIN,
        "name another model with --model; if all of them are forbidden, have the admin "
        "look at its licence and its roles",
    ),
    Cause.NO_SUCH_MODEL: Remedy(
        "Google does not know the model for this account.",
        Affair.OPERATOR,
        "name another one with --model, and correct models.serve and models.aliases "
        "in the configuration",
    ),
    Cause.WRONG_PROJECT: Remedy(
        "The account's project does not exist, or is not its own.",
        Affair.OPERATOR,
        TO_DO[Label.PROJECT],
    ),
    Cause.NO_PROJECT: Remedy(
        "The account has no project: Google names none that works, and you have "
        "configured none.",
        Affair.OPERATOR,
        TO_DO[Label.PROJECT],
    ),
}

_OF_CREDENTIALS = {
    Cause.GRANT_DEAD: Remedy(
        "Its refresh token has expired or was revoked.",
        Affair.OPERATOR,
        "{renewal}",
    ),
    Cause.TESTING: Remedy(
        "Its refresh token has died after seven days, as all do while the consent "
        "screen of the OAuth client is in testing.",
        Affair.OPERATOR,
        "publish the consent screen in the Google Cloud console, or make it internal, "
        "or this comes back every week. Then {renewal}",
    ),
    Cause.OTHER_CLIENT: Remedy(
        "Its refresh token was issued to another OAuth client than the one it is used "
        "with.",
        Affair.OPERATOR,
        "{renewal}",
    ),
    Cause.SESSION_CONTROL: Remedy(
        "The session control of its organisation wants a new login, often daily "
        "(invalid_rapt).",
        Affair.ADMIN,
        "{renewal}. To be spared that, have the admin trust the OAuth client, or "
        "exempt the account",
    ),
    Cause.CLIENT_SECRET: Remedy(
        "The id or the secret of the OAuth client is wrong.",
        Affair.OPERATOR,
        "{client}",
    ),
    Cause.CLIENT_GONE: Remedy(
        "The OAuth client was deleted.",
        Affair.OPERATOR,
        "make another one in the Google Cloud console, to which all accounts have to "
        "log in anew. Then {client}",
    ),
    Cause.NO_CLIENT: Remedy(
        "There is no OAuth client to use its refresh token with.",
        Affair.OPERATOR,
        "{client}",
    ),
    Cause.CREDENTIALS: Remedy(
        "Google does not accept its credentials.", Affair.OPERATOR, "{renewal}"
    ),
    Cause.TOKEN_REFUSED: Remedy(
        "Google refuses its access token, though that is brand-new.",
        Affair.OPERATOR,
        "{renewal}",
    ),
    Cause.KEY_INVALID: Remedy(
        "Google does not accept its API key: it is wrong, has expired or was blocked.",
        Affair.OPERATOR,
        "{renewal}",
    ),
    Cause.KEY_RESTRICTED: Remedy(
        "Its API key is restricted to other services, addresses, apps or web sites.",
        Affair.OPERATOR,
        "in the Google Cloud console, under Credentials, let the key use the "
        "Generative Language API from the address of this machine",
    ),
}

_OF_THE_MOMENT = {
    Cause.OUT_OF_QUOTA: Remedy(
        "It has used up its quota for this model.",
        Affair.NOBODY,
        "nothing: it ends by itself. Until then other accounts serve, if there are any",
    ),
    Cause.NO_QUOTA: Remedy(
        "It has no quota at all for this model, which does not change by itself.",
        Affair.OPERATOR,
        "name another model with --model, or give the account's project a plan that "
        "has the model; it is tried again by itself",
    ),
    Cause.CREDITS: Remedy(
        "The credits that were bought for it are used up.",
        Affair.OPERATOR,
        "buy more where they were bought (AI Studio, for a key), or wait for a quota "
        "that needs none; it is tried again by itself",
    ),
    Cause.SPENDING_CAP: Remedy(
        "The spending cap of its project or billing account is reached.",
        Affair.OPERATOR,
        "raise the cap in AI Studio, or wait until next month",
    ),
    Cause.REFUSED: Remedy(
        "Google refuses the question, for a reason that is not known here.",
        Affair.OPERATOR,
        "asking again changes nothing: name another model with --model, and see that "
        "upstream.{kind} is as Google wants it",
    ),
    Cause.TOO_FAST: Remedy(
        "It was asked too often in a short time.", Affair.NOBODY, TO_DO[Label.COOLING]
    ),
    Cause.NO_CAPACITY: Remedy(
        "Google has no room for this model just now, which says nothing about the "
        "account.",
        Affair.GOOGLE,
        "run this again in a while, or name another model with --model",
        is_certain=False,
    ),
    Cause.CLOCK: Remedy(
        "The clock of this machine is wrong.",
        Affair.OPERATOR,
        "set it and have it kept right, such as by 'timedatectl set-ntp true'",
    ),
    Cause.NETWORK: Remedy(
        "Google cannot be reached: there is no network, no name server, or a firewall.",
        Affair.OPERATOR,
        "see that this machine can reach port 443 of the hosts above. If there is a "
        "proxy to go through, name it in upstream.{kind}.proxy",
        is_certain=False,
    ),
    Cause.PROXY: Remedy(
        "A proxy, or something like it, is in the way to Google.",
        Affair.OPERATOR,
        "if it opens TLS, put the certificate of its authority into "
        "upstream.{kind}.ca_file; if it is the one in upstream.{kind}.proxy, look at "
        "its address and credentials, and have it allow Google's hosts",
    ),
    Cause.TLS: Remedy(
        "What answers in Google's place has no certificate to trust.",
        Affair.OPERATOR,
        "see that the clock of this machine is right, that upstream.{kind}.endpoints "
        "are Google's, and that nothing else answers for their names",
    ),
}

_ADD = f"'{ACCOUNTS} add {{handle}} --kind {{kind}}"

NEW_KEY = f"give it another key: {_ADD}'"
NEW_FILE = (
    "give it other credentials, or mend these where they come from: "
    f"{_ADD} --credential-file FILE'"
)
NEW_USER_FILE = (
    "log in again: 'gcloud auth application-default login'. Then "
    f"{_ADD} --credential-file FILE', with the file that it names"
)
"""How to let in anew what does not log in here."""

WITHOUT_LOGIN: Mapping[Cause, Remedy] = {
    Cause.SCOPES: Remedy(
        "Its credentials are not good for all that they are used for.",
        Affair.OPERATOR,
        "see that they may have the scope "
        "https://www.googleapis.com/auth/cloud-platform; or {renewal}",
    ),
    Cause.ADMIN: Remedy(
        "A policy of its organisation does not allow it.",
        Affair.ADMIN,
        "ask the admin to allow it, in the policies of the organisation or of the "
        "project, or use a project of another organisation",
    ),
}
"""Of accounts that do not log in to an OAuth client, where that makes a difference."""

REMEDIES: Mapping[Cause, Remedy] = {
    **_OF_ADMISSION,
    **_OF_CREDENTIALS,
    **_OF_THE_MOMENT,
}
"""What to say of each cause."""
