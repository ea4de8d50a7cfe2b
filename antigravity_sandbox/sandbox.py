"""The sandbox itself: all it remembers, and how it answers a call."""

from collections.abc import Callable, Iterable
from functools import cache
from random import Random

from attrs import define, field

from antigravity_sandbox.accounts import Accounts, Standing
from antigravity_sandbox.acts import Acts, Headers
from antigravity_sandbox.calls import Call, Record
from antigravity_sandbox.google import (
    code_assist,
    consent,
    grants,
    public,
    token,
    vertex,
)
from antigravity_sandbox.google.callers import by_key, by_token
from antigravity_sandbox.google.envelope import KEYS, read_object
from antigravity_sandbox.google.visit import Ids, Visit
from antigravity_sandbox.kinds import (
    CODE_ASSIST,
    GEMINI,
    GENERATE,
    GRANTS,
    STREAM,
    VERTEX,
)
from antigravity_sandbox.mischief.catalogue import CATALOGUE
from antigravity_sandbox.mischief.rules import MODEL_PREFIX, RuleBook
from antigravity_sandbox.reply import Exhausted, Json, Refused
from antigravity_sandbox.scene import Scene

Callers = Callable[[Call, Accounts, float], Standing]
Events = Callable[[Visit], Iterable[Json]]

APIS: dict[str | None, tuple[Callers, Events]] = {
    CODE_ASSIST: (by_token, code_assist.events),
    GEMINI: (by_key, public.events),
    VERTEX: (by_token, vertex.events),
}
"""How each kind of account is known, and what it is answered."""


@define
class Sandbox:
    """
    Google, as far as a gateway can tell.

    It has no clock: *now* is an argument, in POSIX seconds.

    :ivar random: for the rules that have a chance, and for ids.
    :ivar pace: seconds between two events of a stream.
    :ivar clock_ahead: the seconds by which the dates of answers are ahead.
    """

    random: Random
    pace: float = 0.15
    clock_ahead: float = 0.0
    accounts: Accounts = field(factory=Accounts.demo)
    consents: consent.Consents = field(factory=consent.Consents)
    rules: RuleBook = field(factory=RuleBook)
    record: Record = field(factory=Record)

    def answer(self, call: Call, body: bytes, now: float) -> Acts:
        """How *call* is answered: honestly, unless it was told otherwise."""
        try:
            scene = self._scene(call, body, now)
            rule = self.rules.told(call, self.random)
        except Exhausted as refused:
            return self._announcing(refused.reply.acts(), call, now + refused.wait)
        except Refused as refused:
            return refused.reply.acts()
        if rule is None:
            return scene.acts()
        call.behaviour = rule.behaviour.slug
        wait = rule.announces
        if wait is None or call.method not in GENERATE:
            return rule.acts(scene)
        return self._announcing(rule.acts(scene), call, now + wait)

    def _announcing(self, acts: Acts, call: Call, until: float) -> Acts:
        """
        *acts*, which ask the caller to stay away *until* then.

        That holds once they are done: a call that comes while they are on
        their way cannot know of it.
        """
        yield from acts
        if standing := self.accounts.named(call.account or ""):
            standing.announced[call.kind, call.model] = until

    def _scene(self, call: Call, body: bytes, now: float) -> Scene:
        """
        The honest answer to *call*.

        :raises Refused: when an honest answer is a refusal.
        """
        if call.method in GRANTS:
            return self._granting(call, body, now)
        known_by, events = APIS[call.kind]
        problem, content = _opened(body)
        if call.kind == CODE_ASSIST:
            call.named |= {k: v for k in KEYS if isinstance(v := content.get(k), str)}
        standing = known_by(call, self.accounts, now)  # comes first, as at Google
        self._note_haste(call, standing, now)
        if problem:
            raise problem
        ids = Ids(self._id(), self._id(), now)
        tricks = model_tricks(call.kind)
        visit = Visit(call, standing, content, now, ids, tricks)
        return Scene(
            events=events(visit),
            stream=call.method == STREAM,
            pace=self.pace,
            about=visit.about,
            headers=self._headers(visit),
        )

    def _note_haste(self, call: Call, standing: Standing, now: float) -> None:
        """Notice a generate call that comes before the last 429 allows it."""
        until = standing.announced.get((call.kind, call.model), now)
        if call.method in GENERATE and now < until:
            call.too_soon = True
            standing.too_soon += 1

    def _granting(self, call: Call, body: bytes, now: float) -> Scene:
        """
        A new access token.

        :raises Refused: when it is not to be had.
        """
        accounts, form = self.accounts, token.read_form(body)
        match call.method, form.get("grant_type"):
            case "generateAccessToken", _:
                asked = read_object(body or b"{}")
                standing = grants.admit_impersonation(asked, call, accounts, now)
                return Scene(grants.grant_impersonation(standing, accounts, now))
            case "exchange", _:
                standing = grants.admit_exchange(form, call, accounts)
                return Scene(grants.grant_exchange(standing, accounts, now))
            case "revoke", _:
                revoked = consent.revoke(form.get("token", ""), accounts)
                return Scene(revoked, plain=token.HEADERS)
            case "userinfo", _:
                standing = by_token(call, accounts, now)
                held = accounts.by_access_token(call.bearer or "")
                tells_email = held is None or held.tells_email
                return Scene([consent.userinfo(standing, tells_email)])
            case _, "authorization_code":
                token.check_client(form)
                standing = self.consents.admit(form, now).standing
                call.account = standing.account.name
                granted = self.consents.grant(form, accounts, now)
                return Scene(granted, plain=token.HEADERS)
            case _, grants.JWT_BEARER:
                standing = grants.admit_assertion(form, call, accounts, now)
                granted = grants.grant_assertion(standing, accounts, now)
                return Scene(granted, plain=token.HEADERS)
        return self._refresh(call, form, now)

    def _refresh(self, call: Call, form: dict[str, str], now: float) -> Scene:
        if owner := self.accounts.by_refresh_token(form.get("refresh_token", "")):
            call.account = owner.account.name
        standing = token.admit(form, self.accounts)
        granted = token.grant(standing, self.accounts, now)
        return Scene(events=granted, plain=token.HEADERS)

    def _id(self) -> str:
        return f"{self.random.getrandbits(64):016x}"

    def _headers(self, visit: Visit) -> Headers:
        took = ("server-timing", f"gfet4t7; dur={self.random.randint(40, 900)}")
        if visit.call.kind != CODE_ASSIST:
            return (took,)
        return (("x-cloudaicompanion-trace-id", visit.ids.trace), took)


def _opened(body: bytes) -> tuple[Refused | None, Json]:
    """The object in *body*, and what is wrong when there is none."""
    try:
        return None, read_object(body or b"{}")
    except Refused as refused:
        return refused, {}


@cache
def model_tricks(kind: str | None) -> dict[str, str]:
    """The models that misbehave for an account of that *kind*, and how."""
    tricks = (b for b in CATALOGUE.values() if b.is_told_by_model(kind))
    return {MODEL_PREFIX + trick.slug: trick.summary for trick in tricks}
