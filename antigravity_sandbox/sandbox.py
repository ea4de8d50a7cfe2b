"""The sandbox itself: all it remembers, and how it answers a call."""

from collections.abc import Iterable
from random import Random

from attrs import define, field, frozen

from antigravity_sandbox.accounts import Accounts, Standing
from antigravity_sandbox.acts import Acts
from antigravity_sandbox.calls import Call, Record
from antigravity_sandbox.durations import compound
from antigravity_sandbox.google import companion, generate, limits, token
from antigravity_sandbox.google.envelope import KEYS, check, read_object
from antigravity_sandbox.google.errors import (
    About,
    no_such_method,
    refusal,
    unauthenticated,
)
from antigravity_sandbox.mischief.behaviour import GENERATE, STREAM
from antigravity_sandbox.mischief.catalogue import CATALOGUE, TOKEN
from antigravity_sandbox.mischief.rules import MODEL_PREFIX, RuleBook
from antigravity_sandbox.reply import Exhausted, Json, Refused
from antigravity_sandbox.scene import Scene


@frozen
class Visit:
    """A call whose access token is good."""

    call: Call
    standing: Standing
    body: Json
    now: float


@define
class Sandbox:
    """
    Google, as far as a gateway can tell.

    It has no clock: *now* is an argument, in POSIX seconds.

    :ivar random: for the rules that have a chance, and for ids.
    :ivar pace: seconds between two events of a stream.
    """

    random: Random
    pace: float = 0.15
    accounts: Accounts = field(factory=Accounts.demo)
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
            standing.announced[call.model] = until

    def _scene(self, call: Call, body: bytes, now: float) -> Scene:
        """
        The honest answer to *call*.

        :raises Refused: when an honest answer is a refusal.
        """
        if call.method == "token":
            return self._refresh(call, body, now)
        problem, content = _opened(body)
        call.named |= {k: v for k in KEYS if isinstance(v := content.get(k), str)}
        standing = self._caller(call, now)  # comes first, as it does at Google
        if call.method in GENERATE and now < standing.announced.get(call.model, now):
            call.too_soon = True
            standing.too_soon += 1
        if problem:
            raise problem
        return Scene(
            events=self._events(Visit(call, standing, content, now)),
            stream=call.method == STREAM,
            pace=self.pace,
            about=About(call.model, standing.project, now),
            headers=self._traces(),
        )

    def _refresh(self, call: Call, body: bytes, now: float) -> Scene:
        form = token.read_form(body)
        if owner := self.accounts.by_refresh_token(form.get("refresh_token", "")):
            call.account = owner.account.name
        standing = token.admit(form, self.accounts)
        granted = token.grant(standing, self.accounts, now)
        return Scene(events=granted, plain=token.HEADERS)

    def _caller(self, call: Call, now: float) -> Standing:
        """
        Whose access token *call* brings.

        :raises Refused: when it is nobody's, or has expired.
        """
        held = self.accounts.by_access_token(call.bearer or "")
        if held is None:
            raise Refused(unauthenticated())
        call.account = held.holder.account.name
        if held.expires <= now:
            raise Refused(unauthenticated())
        return held.holder

    def _events(self, visit: Visit) -> Iterable[Json]:
        """
        What the method of a visit answers.

        :raises Refused: when that is a refusal.
        """
        standing, body = visit.standing, visit.body
        match visit.call.method:
            case "generateContent" | "streamGenerateContent":
                return self._generate(visit)
            case "countTokens":
                return [companion.count_tokens(body)]
            case "loadCodeAssist":
                return [companion.load_code_assist(standing, body)]
            case "onboardUser":
                return [companion.onboard_user(standing, body)]
            case "fetchAvailableModels":
                tricks = _model_tricks()
                return [companion.available_models(standing, body, visit.now, tricks)]
            case "operations":
                name = visit.call.named["operation"]
                return [companion.operation(standing, name)]
            case "retrieveUserQuota":
                return [companion.user_quota(standing, body, visit.now)]
        raise Refused(no_such_method(f"/v1internal:{visit.call.method}"))

    def _generate(self, visit: Visit) -> Iterable[Json]:
        standing = visit.standing
        if visit.call.method == STREAM and "alt=sse" not in visit.call.query:
            raise Refused(refusal(400, "The sandbox streams with ?alt=sse only."))
        ask = check(visit.body, standing)
        companion.check_eligible(standing)
        wait = standing.wait(ask.model, visit.now)
        if wait is not None:
            about = About(ask.model, standing.project, visit.now, compound(wait))
            raise Exhausted(limits.quota_exhausted(about), wait)
        standing.spend(ask.model, visit.now)
        ids = generate.Ids(self._id(), self._id(), visit.now)
        if visit.call.method == STREAM:
            return generate.streamed(ask, ids)
        return [generate.whole(ask, ids)]

    def _id(self) -> str:
        return f"{self.random.getrandbits(64):016x}"

    def _traces(self) -> tuple[tuple[str, str], ...]:
        took = self.random.randint(40, 900)
        return (
            ("x-cloudaicompanion-trace-id", self._id()),
            ("server-timing", f"gfet4t7; dur={took}"),
        )


def _opened(body: bytes) -> tuple[Refused | None, Json]:
    """The object in *body*, and what is wrong when there is none."""
    try:
        return None, read_object(body or b"{}")
    except Refused as refused:
        return refused, {}


def _model_tricks() -> dict[str, str]:
    """The models that misbehave, and how."""
    tricks = (b for b in CATALOGUE.values() if b.methods != TOKEN)
    return {MODEL_PREFIX + trick.slug: trick.summary for trick in tricks}
