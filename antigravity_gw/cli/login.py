"""``antigravity-gw login``: an account, by its owner's consent in a browser."""

import secrets
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from attrs import frozen
from twisted.internet.threads import deferToThread

from antigravity_gw.cli.accountoptions import SETTINGS, add_settings, check_settings
from antigravity_gw.cli.asking import ByHand, InBrowser, open_browser, say
from antigravity_gw.cli.common import (
    CommandError,
    Desk,
    checked_name,
    found_in,
    is_name,
    print_json,
    read_bytes,
    set_command,
    warn,
)
from antigravity_gw.cli.logins import Done
from antigravity_gw.cli.options import given, number_between
from antigravity_gw.cli.trials import run_reactor
from antigravity_gw.clientfile import HOW_TO, NotAClient, read_client_file
from antigravity_gw.kinds.code_assist import CodeAssist
from antigravity_gw.login import Google, Login, LoginFailed
from antigravity_gw.means import Commons, make_upstream
from antigravity_gw.pool.account import Known
from antigravity_gw.receiving import PortTaken
from antigravity_gw.record import Record
from antigravity_gw.states import ACCOUNTS, LOGIN, handle
from antigravity_gw.upstream.client import Upstream
from antigravity_gw.upstream.order import Order, bearer
from antigravity_gw.wire.oauth import Grant, OAuthClient

TERMS = (
    "Using Code Assist with this breaks Google's terms, and may cost you the account.\n"
    "Your own OAuth client is normally refused there. README: the providers' terms."
)
"""What the provider's terms mean, in two lines."""


def add_login_parser(commands: Any) -> None:
    """Make the command known."""
    parser = commands.add_parser(
        "login",
        help="add an account by logging in, or log one in again",
        description="Asks the owner of a Google account for consent, in a browser, and "
        "stores what is granted.",
    )
    parser.add_argument(
        "name",
        nargs="?",
        metavar="NAME",
        help="what to call it, or which account to log in again; else its e-mail",
    )
    parser.add_argument(
        "--client-secret-file",
        metavar="FILE",
        help="the OAuth client to use, as the Google Cloud console lets you download "
        "it, if not the configured one",
    )
    parser.add_argument(
        "--no-browser",
        action="store_true",
        help="print the address to open elsewhere, and read what comes of it",
    )
    parser.add_argument(
        "--port",
        metavar="N",
        type=number_between(int, 1, 65535),
        default=0,
        help="where the browser comes back to, on 127.0.0.1, if not any free port",
    )
    add_settings(parser)
    set_command(parser, log_in, create=True)


def log_in(desk: Desk) -> int:
    """Log an account in."""
    name = desk.options.name
    old = found_in(desk.store.accounts(), name) if name else None
    if name and old is None:
        checked_name(name)
    if old is not None and old.record.kind != CodeAssist.name:
        raise CommandError(
            f"{name} is an account of kind {old.record.kind}, which does not log in: "
            f"'{ACCOUNTS} add {handle(old.record)}' gives it another credential"
        )
    check_settings(CodeAssist, given(desk.options, SETTINGS))
    chosen = Chosen.chosen(desk, old)
    say(TERMS)
    try:
        done = run_reactor(lambda reactor: _logged_in(desk, chosen, old, reactor))
    except LoginFailed as failed:
        raise CommandError(failed.message) from None
    except PortTaken as taken:
        raise CommandError(
            f"port {desk.options.port} of 127.0.0.1 cannot be listened on "
            f"({taken.reason}): name another with --port, or none, for any that is free"
        ) from None
    done.warn()
    if desk.options.json:
        print_json(done.as_object())
    else:
        print("\n".join(done.lines()))
    return 0


@frozen
class Chosen:
    """
    What to log in with.

    :ivar is_own: whether the account is to keep the client as its own.
    """

    client: OAuthClient
    is_own: bool
    authorization_url: str
    token_url: str

    @classmethod
    def chosen(cls, desk: Desk, old: Known | None) -> "Chosen":
        """
        The client of the command line, else the account's own, else the configured.

        :param old: the account that is to be logged in again.
        :raises CommandError: when there is none, or none that can log in here.
        :raises ConfigError: when the configured one's secret is not to be had.
        """
        oauth = desk.loaded.config.oauth
        urls = (oauth.authorization_url, oauth.token_url)
        if desk.options.client_secret_file:
            return cls._of_file(desk.options.client_secret_file, *urls)
        own = old.record.client if old else None
        client = own or desk.loaded.oauth_client()
        if client is None:
            raise CommandError(
                "there is no OAuth client to log in with: name its file with "
                f"--client-secret-file, or configure [oauth]. To get one, {HOW_TO}"
            )
        return cls(client, own is not None, *urls)

    @classmethod
    def _of_file(cls, file: str, authorization_url: str, token_url: str) -> "Chosen":
        try:
            read = read_client_file(read_bytes(file))
        except NotAClient as error:
            raise CommandError(f"{file}: {error}") from None
        if read.token_url not in (None, token_url):
            warn(
                f"{file}: its token_uri is not oauth.token_url of the configuration, "
                "where the daemon will renew the account's tokens: set that to it"
            )
        return cls(
            read.client,
            True,
            read.authorization_url or authorization_url,
            read.token_url or token_url,
        )

    def google(self, upstream: Upstream, userinfo_url: str) -> Google:
        """Whom to ask."""
        return Google(
            self.authorization_url,
            partial(upstream.post_form, self.token_url),
            lambda token: upstream.look_up(Order(userinfo_url, (bearer(token),))),
        )


async def _logged_in(
    desk: Desk, chosen: Chosen, old: Known | None, reactor: Any
) -> Done:
    loaded, options = desk.loaded, desk.options
    upstream = make_upstream(loaded, CodeAssist, Commons.new(reactor))
    name = old.record.name if old else options.name or ""
    login = Login(
        chosen.google(upstream, loaded.config.oauth.userinfo_url),
        chosen.client,
        ByHand(reactor)
        if options.no_browser
        else InBrowser(partial(open_browser, reactor)),
        reactor,
        options.port,
        email=name if "@" in name else None,
    )
    return await login.run(
        lambda grant: deferToThread(_stored, desk, chosen, old, grant)
    )


def _stored(desk: Desk, chosen: Chosen, before: Known | None, grant: Grant) -> Done:
    """
    Store the account, as ``accounts add`` does.

    :param before: the account that is logged in again, whatever it is called by now.
    :raises LoginFailed: when somebody else has logged in than was expected.
    """
    assert grant.refresh_token is not None  # a login without one has failed
    now, id = time.time(), secrets.token_hex(4)
    said = before.record.id if before else desk.options.name or grant.email or ""
    known = desk.store.accounts()
    peers = [each for each in known if each.record.kind == CodeAssist.name]
    old = found_in(peers, said)
    if before is not None and old is None:
        said = before.record.name
    name = old.record.name if old else id
    if old is None and is_name(said) and found_in(known, said) is None:
        name = said
    if reason := mistaken(name, grant.email, peers):
        raise LoginFailed(reason)
    own = old.record.client if old else None
    is_own = chosen.is_own or own not in (None, chosen.client)
    client = chosen.client if is_own else None
    record = Record(id, name, grant.refresh_token, client, added=now, given=now)
    is_new = desk.store.put(record)
    if settings := given(desk.options, SETTINGS):
        desk.store.change(name, **settings)
    return Done(desk.the(name), "added" if is_new else "updated", grant, now)


def mistaken(name: str, email: str | None, accounts: Sequence[Known]) -> str | None:
    """
    Why a grant is not that of the account *name*, as far as e-mails tell.

    :param email: whose grant it is, if that is said.
    :param accounts: those that log in.
    """
    if email is None or not is_name(email) or name.lower() == email.lower():
        return None
    if "@" in name:
        return (
            f"{email} has logged in, and not {name}: nothing is stored. Log in again "
            f"and choose {name} in the browser, or say '{LOGIN} {email}' to have that "
            "account"
        )
    if any(each.record.name.lower() == email.lower() for each in accounts):
        return (
            f"{email} has logged in, which is an account already, and not {name}: "
            f"nothing is stored. Log in again and choose another in the browser, or "
            f"say '{LOGIN} {email}' to log that one in again"
        )
    return None
