"""Accounts as people read them, in 80 columns.  No I/O, no clock."""

from collections.abc import Iterator, Sequence
from datetime import tzinfo

from attrs import frozen

from antigravity_gw.cli.words import (
    WIDTH,
    clock_time,
    columns,
    course,
    padded,
    paragraph,
    past,
    shortened,
    span,
)
from antigravity_gw.kinds.registered import kind_called
from antigravity_gw.pool.account import Known
from antigravity_gw.record import Record
from antigravity_gw.states import (
    ACCOUNTS,
    ClientTrouble,
    Cooling,
    Label,
    State,
    client_troubles,
    handle,
    quota_left,
    state_of,
)

MOST_MODELS = 3
"""So many cooling models of an account are listed; ``show`` has them all."""

LONGEST_MODEL = 40
"""A model's name is shortened to so many columns where others stand beside it."""

LONG = 1000
"""More columns than any name takes."""

GAP = "  "


@frozen
class Moment:
    """
    When something is printed, and where.

    :ivar now: POSIX seconds.
    :ivar zone: the time zone of the reader; None for this machine's.
    """

    now: float
    zone: tzinfo | None = None

    def course(self, since: float | None, until: float | None) -> str:
        """When something began, and when it is tried again."""
        return course(since, until, self.now, self.zone)

    def clock(self, moment: float) -> str:
        """A moment by the clock."""
        return clock_time(moment, self.now, self.zone)

    def past(self, moment: float) -> str:
        """When something was."""
        return past(moment, self.now, self.zone)


def listing(accounts: Sequence[Known], configured: str, moment: Moment) -> list[str]:
    """
    The lines of a table of all accounts, with what to do about them.

    :param configured: the id of the OAuth client for accounts without their own.
    """
    states = [state_of(known, moment.now) for known in accounts]
    lines: list[str] = []
    for trouble in client_troubles(accounts, configured):
        lines += [*client_lines(trouble, moment), ""]
    lines += _table(accounts, states, moment)
    lines += ["", *_summary(states)]
    return lines


def client_lines(trouble: ClientTrouble, moment: Moment) -> Iterator[str]:
    """What to say of an OAuth client that is refused, once for all its accounts."""
    state = trouble.state
    whose = "account is" if trouble.users == 1 else f"{trouble.users} accounts are"
    if trouble.id:
        yield f"MISCONFIGURED: this OAuth client is refused; its {whose} not to blame."
        yield "  " + shortened(trouble.id, WIDTH - 2)
    else:
        yield f"MISCONFIGURED: there is no OAuth client; its {whose} not to blame."
    yield from labelled("why", state.reason)
    yield from labelled("when", moment.course(state.since, state.until))
    yield from labelled("to do", state.to_do)


def details(known: Known, state: State, moment: Moment) -> Iterator[str]:
    """Why an account is in its state, since when, until when, and what to do."""
    if state.label in (Label.SERVING, Label.COOLING):
        yield from _cooling_lines(known, state.coolings, moment)
    else:
        yield from labelled("why", state.reason)
        yield from labelled("when", when(state, moment))
    if state.link is not None:
        yield from _link_lines(known, state.link)
    yield from labelled("to do", state.to_do)


def when(state: State, moment: Moment) -> str:
    """Since when an account is in its state, and until when."""
    if state.label is Label.DISABLED:
        return f"began {moment.past(state.since or 0.0)}"
    return moment.course(state.since, state.until)


def card(known: Known, configured: str, moment: Moment) -> Iterator[str]:
    """
    All that is known of one account but its secrets.

    Nothing is shortened here, so a name, an id or a link may make a line long.
    """
    for name, fact in _facts(known, configured, moment):
        label = f"{name + ':':<14}"
        if max(map(len, fact.split())) > WIDTH - len(label):
            yield label + fact
        else:
            yield from paragraph(fact, label)


def _facts(known: Known, configured: str, moment: Moment) -> Iterator[tuple[str, str]]:
    record, state = known.record, state_of(known, moment.now)
    yield "name", record.name
    yield "id", record.id
    yield "kind", _kind(record)
    yield "state", state.title
    if state.label not in (Label.SERVING, Label.COOLING):
        yield "why", state.reason or "unknown"
        yield "when", when(state, moment)
    for cooling in state.coolings:
        yield "cooling", _cooling(cooling, moment)
    if state.to_do is not None:
        yield "to do", state.to_do
    if state.link is not None:
        yield "link", state.link
    for model, left in sorted(known.quota.items()):
        yield "quota", f"{model}: {_quota(left.fraction, left.resets, moment)}"
    if known.quota_seen:
        yield "quota as of", moment.past(known.quota_seen)
    yield from _facts_of_kind(known, configured)
    yield "weight", f"{record.weight:g}"
    yield "priority", f"{record.priority} (a lower one is asked first)"
    yield "concurrency", _concurrency(record.concurrency)
    yield "added", moment.past(record.added)
    if known.access is not None:
        yield "access token", _token(known.access.expires, moment)


def _facts_of_kind(known: Known, configured: str) -> Iterator[tuple[str, str]]:
    """What only accounts of some kinds have."""
    record, kind = known.record, kind_called(known.record.kind)
    if kind is not None and kind.finds_project:
        yield "project", known.project or "Google is asked at the next request"
        yield "or else", record.project or "no project is configured for it"
    elif record.project:
        yield "project", record.project
    if kind is not None and kind.has_location:
        yield "location", record.location or "global"
    if kind is not None and kind.has_client:
        yield "OAuth client", _client(record, configured)


def _kind(record: Record) -> str:
    kind = kind_called(record.kind)
    return record.kind if kind is None else kind.title


def _table(
    accounts: Sequence[Known], states: Sequence[State], moment: Moment
) -> Iterator[str]:
    ids = max(len(known.record.id) for known in accounts)
    titles = max(len(state.title) for state in states)
    kinds = [_kind(known.record) for known in accounts]
    widest = max(map(len, kinds)) if len(set(kinds)) > 1 else 0
    room = WIDTH - ids - titles - len("QUOTA") - 3 * len(GAP)
    room -= widest + len(GAP) if widest else 0
    names = [shortened(known.record.name, room) for known in accounts]
    width = max(len("ACCOUNT"), *map(columns, names))

    def row(name: str, id: str, kind: str, title: str, quota: str) -> str:
        cells = [padded(name, width), id.ljust(ids), title.ljust(titles)]
        if widest:  # else all are of the same kind, which need not be said
            cells.insert(2, kind.ljust(widest))
        return GAP.join((*cells, quota.rjust(len("QUOTA"))))

    yield row("ACCOUNT", "ID", "KIND", "STATE", "QUOTA")
    for known, state, name, kind in zip(accounts, states, names, kinds, strict=True):
        quota = _share(quota_left(known, moment.now))
        yield row(name, known.record.id, kind, state.title, quota)
        if state.label is not Label.MISCONFIGURED:
            yield from details(known, state, moment)


def _summary(states: Sequence[State]) -> Iterator[str]:
    """What the table means, for people who have never seen it."""
    serving = sum(state.can_serve for state in states)
    disabled = sum(state.label is Label.DISABLED for state in states)
    cooling = sum(s.label is Label.COOLING and not s.can_serve for s in states)
    waiting = len(states) - serving - disabled - cooling
    parts = [
        f"{serving or 'none'} can serve",
        f"{cooling} cooling" if cooling else "",
        f"{waiting} waiting for you" if waiting else "",
        f"{disabled} disabled" if disabled else "",
    ]
    count = f"{len(states)} account{'s' * (len(states) != 1)}"
    yield from paragraph(f"{count}: {', '.join(filter(None, parts))}.")
    yield from paragraph(
        "QUOTA is what is left for the model that has least; ? means that Google has "
        f"not said. '{ACCOUNTS} show ID' tells more."
    )


def _cooling_lines(
    known: Known, coolings: Sequence[Cooling], moment: Moment
) -> Iterator[str]:
    in_force_first = sorted(coolings, key=lambda cooling: cooling.ends <= moment.now)
    told = [
        _cooling(each, moment, LONGEST_MODEL) for each in in_force_first[:MOST_MODELS]
    ]
    if len(coolings) > MOST_MODELS:
        told.append(
            f"and {len(coolings) - MOST_MODELS} more: "
            f"'{ACCOUNTS} show {handle(known.record)}' has them all"
        )
    for number, line in enumerate(told):
        yield from labelled("" if number else "why", line)


def _cooling(cooling: Cooling, moment: Moment, room: int = LONG) -> str:
    """
    What is left alone, why and until when.

    :param room: how many columns the model's name may take.
    """
    model = shortened(cooling.model or "every model", room)
    course = moment.course(cooling.since, cooling.until)
    return f"{model}: {cooling.reason}, {course}"


def _link_lines(known: Known, link: str) -> Iterator[str]:
    """The link, if there is room for it: half a link is worse than none."""
    line = _label("link") + link
    if len(line) <= WIDTH:
        yield line
    else:
        show = f"'{ACCOUNTS} show {handle(known.record)}'"
        yield from labelled("link", f"{show} prints it")


def labelled(label: str, text: str | None) -> list[str]:
    """The lines of one thing that is said of an account; none for nothing."""
    return paragraph(text, _label(label)) if text else []


def _label(label: str) -> str:
    return f"  {label:<5}  "


def _share(fraction: float | None) -> str:
    """A part of a quota: never nothing while there is something."""
    if fraction is None:
        return "?"
    percent = int(fraction * 100)
    return "<1 %" if fraction and not percent else f"{percent} %"


def _quota(fraction: float | None, resets: float | None, moment: Moment) -> str:
    share = "unknown" if fraction is None else f"{_share(fraction)} left"
    if resets is None or fraction == 1.0:
        return share
    if resets <= moment.now:
        return f"{share}, but it has come back since"
    wait = span(resets - moment.now)
    return f"{share}, all of it back in {wait} ({moment.clock(resets)})"


def _client(record: Record, configured: str) -> str:
    if record.client is not None:
        return f"{record.client.id} (its own)"
    return f"{configured} (the configured one)" if configured else "none is configured"


def _concurrency(most: int | None) -> str:
    return "any number of requests" if most is None else f"{most} at a time"


def _token(expires: float, moment: Moment) -> str:
    if expires <= moment.now:
        return "expired, renewed at the next request"
    return f"good for {span(expires - moment.now)}"
