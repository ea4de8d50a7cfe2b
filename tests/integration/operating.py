"""What a gateway looks like that has been in use for a month."""

import math
import random
from pathlib import Path

from antigravity_gw.journal import Served
from antigravity_gw.needs import Need
from antigravity_gw.pool.hold import EVERY_MODEL, Hold
from antigravity_gw.pool.learnt import Change, held, quota_seen
from antigravity_gw.pool.store import Store
from antigravity_gw.record import Record
from antigravity_gw.usage.batch import Batch, Names
from antigravity_gw.usage.store import Signature, UsageStore
from antigravity_gw.wire.companion import Remaining
from antigravity_gw.wire.usage import Usage

DAY = 86_400.0
HOSTILE = '"><img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'
"""What somebody may call an account who means harm."""

MODELS = ("gemini-2.5-flash", "gemini-2.5-pro", "gemini-3.1-pro")
KEYS = ("alice-laptop", "build-server", "chat.example.com", "nightly-evals")
LINK = "https://accounts.google.com/signin/continue?sarp=1"
_QUOTAS = {
    "1a2b3c4d": (0.82, 0.64, 0.91),
    "5e6f7a8b": (0.47, 0.0, 0.22),
    "9c0d1e2f": (0.03, 0.31, None),
}


def furnish(state: Path, now: float, hostile: bool = False) -> None:
    """Put accounts in all states, and a day of use, into a state directory."""
    store = Store.open(state)
    _put(store, "1a2b3c4d", "ada@example.com", now, credential="1//sandbox-ada")
    _put(store, "5e6f7a8b", "grace@example.com", now, credential="1//sandbox-grace")
    _put(store, "9c0d1e2f", "edsger@example.com", now, credential="1//sandbox-edsger")
    _put(store, "c7e8f9a0", "barbara@example.com", now, credential="1//none")
    studio = {"credential": "AIzaSy-sandbox-ada", "kind": "gemini_api_key"}
    _put(store, "a1c3e5f7", "studio-key", now, **studio)
    _put(store, "b2d4f6a8", HOSTILE if hostile else "cloud-eu", now, kind="vertex")
    epochs = {known.record.id: known.record.epoch for known in store.accounts()}
    spent = Hold("out of quota", now - 900, now + 4 * 3600)
    _learn(store, held("5e6f7a8b", epochs["5e6f7a8b"], "gemini-2.5-pro", spent))
    rest = Hold("asked for too often", now - 20, now + 300)
    _learn(store, held("9c0d1e2f", epochs["9c0d1e2f"], EVERY_MODEL, rest))
    person = Hold(
        "Google wants its owner to verify the account",
        now - 2 * 3600,
        now + 1800,
        Need.VALIDATION,
        link=LINK,
    )
    _learn(store, held("c7e8f9a0", epochs["c7e8f9a0"], EVERY_MODEL, person))
    for id, fractions in _QUOTAS.items():
        left = {
            model: Remaining(fraction, now + 5 * 3600)
            for model, fraction in zip(MODELS, fractions, strict=True)
        }
        store.apply([quota_seen(id, epochs[id], left, now - 60)])
    store.change("b2d4f6a8", disabled=now - 3 * DAY)
    store.close()
    usage = UsageStore.open(state)
    usage.add(a_day(now), Signature("synthetic", 1), now)
    usage.close()


def a_day(now: float) -> Batch:
    """A day of use, with a lull at its beginning and a bad quarter of an hour."""
    dice, batch = random.Random(7), Batch(Names())
    for minute in range(1440):
        began = now - DAY + 60 * minute
        busy = 0.25 + 0.75 * math.sin(math.pi * minute / 1440) ** 2
        for _ in range(dice.randint(2, round(4 + 26 * busy))):
            is_bad = 1290 <= minute < 1305 and dice.random() < 0.4
            is_bad = is_bad or dice.random() < 0.004
            batch.note(_served(dice, began, is_bad))
    return batch


def _served(dice: random.Random, began: float, is_bad: bool) -> Served:
    served = Served(
        key=dice.choices(KEYS, (5, 9, 3, 1))[0],
        account=dice.choices(list(_QUOTAS), (4, 3, 2))[0],
        model=dice.choices(MODELS, (8, 4, 1))[0],
        began=began,
        first=None if is_bad else began + dice.lognormvariate(-0.4, 0.7),
        ended="upstream_timeout" if is_bad else "served",
    )
    if not is_bad:
        asked = dice.randint(200, 6000)
        served.usage = Usage(
            asked, dice.randint(20, 900), dice.randint(0, 700), int(asked * 0.3)
        )
    return served


def _put(store: Store, id: str, name: str, now: float, **more: object) -> None:
    settings = {"credential": "AIza-nothing", "added": now - 30 * DAY} | more
    store.put(Record(id, name, **settings))  # type: ignore[arg-type]


def _learn(store: Store, change: Change) -> None:
    store.apply([change])
