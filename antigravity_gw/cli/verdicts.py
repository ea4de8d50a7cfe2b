"""What the doctor has found, for people in 80 columns and for programs."""

from collections.abc import Iterable, Iterator
from typing import Any

from antigravity_gw.cli.tables import Moment
from antigravity_gw.cli.words import WIDTH, paragraph
from antigravity_gw.doctor import Examination, Step
from antigravity_gw.kinds.registered import kind_called
from antigravity_gw.objects import timestamp
from antigravity_gw.premises import Premise
from antigravity_gw.remedies import Affair

WHOSE = {
    Affair.OPERATOR: "yours to mend",
    Affair.OWNER: "its owner's to mend",
    Affair.ADMIN: "its admin's to mend, who looks after its organisation or project",
    Affair.GOOGLE: "Google's, and neither your mistake nor yours to mend",
}


def daemon_lines(premises: Iterable[Premise]) -> Iterator[str]:
    """What the daemon needs of this machine, for people."""
    yield "the daemon"
    for premise in premises:
        yield from premise_lines(premise)


def premise_lines(premise: Premise) -> Iterator[str]:
    """How one thing is, for people."""
    first = f"  {premise.name:<16}  {premise.grade.value:<7}  "
    yield from _said(premise.told, first)
    if premise.to_do:
        yield from _said(premise.to_do, f"{'to do: ':>29}")


def account_lines(examination: Examination, moment: Moment) -> Iterator[str]:
    """What was found of an account, for people; a link may make a line long."""
    record, diagnosis = examination.known.record, examination.diagnosis
    kind = kind_called(record.kind)
    verb = "does not serve"
    if diagnosis.serves:
        verb = "serves" if diagnosis.is_used else "would serve"
    title = record.kind if kind is None else kind.title
    yield f"{record.name} ({title}): {verb} {examination.model}"
    for step in examination.steps:
        yield from _said(step.told, _step_label(step))
    yield from _said(diagnosis.verdict, _label("verdict"))
    told = {step.told for step in examination.steps}
    if diagnosis.reason is not None and diagnosis.reason not in told:
        yield from _said(diagnosis.reason, _label("why"))
    if diagnosis.until is not None:
        yield from _said(moment.course(None, diagnosis.until), _label("when"))
    if record.disabled is not None and not diagnosis.serves:
        yield from _said("you have disabled it as well", _label("still"))
    if diagnosis.to_do:
        yield from _said(diagnosis.to_do, _label("to do"))
    if diagnosis.link is not None:
        yield _label("link") + diagnosis.link
    if diagnosis.affair is not Affair.NOBODY:
        yield _label("whose") + WHOSE[diagnosis.affair]


def _step_label(step: Step) -> str:
    return f"  {step.name:<11}  {step.result.value:<6}  {step.seconds:>4.1f} s  "


def _label(label: str) -> str:
    return f"  {label + ':':<8}  "


def _said(text: str, first: str) -> list[str]:
    """The lines of *text*; what has no blanks, such as a path, is not broken."""
    if max(map(len, text.split())) > WIDTH - len(first):
        return [first + text]
    return paragraph(text, first)


def premise_object(premise: Premise) -> dict[str, Any]:
    return {
        "name": premise.name,
        "grade": premise.grade.value,
        "told": premise.told,
        "to_do": premise.to_do or None,
    }


def examination_object(examination: Examination) -> dict[str, Any]:
    record, diagnosis = examination.known.record, examination.diagnosis
    return {
        "name": record.name,
        "id": record.id,
        "kind": record.kind,
        "model": examination.model,
        "serves": diagnosis.serves,
        "is_used": diagnosis.is_used,
        "is_well": diagnosis.is_well,
        "is_known": diagnosis.is_known,
        "cause": diagnosis.cause.value if diagnosis.cause else None,
        "verdict": diagnosis.verdict,
        "reason": diagnosis.reason,
        "to_do": diagnosis.to_do,
        "link": diagnosis.link,
        "until": timestamp(diagnosis.until),
        "affair": diagnosis.affair.value,
        "steps": [
            {
                "name": step.name,
                "result": step.result.value,
                "seconds": round(step.seconds, 3),
                "told": step.told,
            }
            for step in examination.steps
        ],
    }
