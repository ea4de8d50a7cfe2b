"""
Reading settings into attrs classes, and saying what is wrong with them.

One mechanism for all sources: the file, the environment and the command line
fill the same tree of tables, and one pass over it finds every mistake at once.
"""

import difflib
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time
from pathlib import Path
from types import GenericAlias
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

import attrs
from attrs import define
from cattrs import Converter
from cattrs.errors import (
    AttributeValidationNote,
    BaseValidationError,
    ForbiddenExtraKeysError,
    IterableValidationNote,
)

Place = tuple[str, ...]
"""Where a setting is: the tables it is in, and its key."""

T = TypeVar("T")


@define
class ConfigError(Exception):
    """
    The configuration cannot be used.

    :ivar problems: one sentence each, naming the file or variable and the key
        it is about, and what was expected.
    """

    problems: list[str]

    def __str__(self) -> str:
        return "\n".join(self.problems)


def gather(
    kind: type[T],
    path: Path,
    *,
    must_exist: bool,
    prefix: str,
    variables: Mapping[str, str],
    options: Mapping[str, Any],
) -> tuple[T, list[str]]:
    """
    Read the TOML file at *path*, put the environment over it and options on top.

    :param kind: the attrs class to make.
    :param variables: ``PREFIX_TABLE_KEY`` to value; words need no quotes.
    :param options: top-level key to value.
    :returns: what could be read, with the defaults for each table that has a mistake
        in it, and every mistake.
    :raises ConfigError: when nothing can be read at all.
    """
    settings = _read(path, must_exist)
    sources: dict[Place, str] = {}
    known = {
        prefix + "_".join(place).upper(): (place, type_)
        for place, type_ in settings_of(kind)
    }
    problems = _overlay(settings, sources, known, variables)
    for key, value in options.items():
        settings[key] = value
        sources[(key,)] = "--" + key.replace("_", "-")
    try:
        return _converter.structure(settings, kind), problems
    except BaseValidationError as error:
        mistakes = list(_mistakes(error, ()))
    problems += [_sentence(at, what, path, sources) for at, what in mistakes]
    for place, mistake in mistakes:
        _leave_out(settings, place, mistake)
    return _converter.structure(settings, kind), problems


def _leave_out(settings: dict[str, Any], place: Place, mistake: BaseException) -> None:
    """
    Take the table out of *settings* in which something is wrong.

    What else is in there may make no sense without it.
    """
    extra = getattr(mistake, "extra_fields", ())
    for first, *rest in [(*place, key) for key in extra] or [place]:
        above, name = settings, first
        for below in rest:
            table = above.get(name)
            if not isinstance(table, dict) or not isinstance(table.get(below), dict):
                break
            above, name = table, below
        above.pop(name, None)


def _read(path: Path, must_exist: bool) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        if not must_exist:
            return {}
        raise ConfigError(
            [f"{path}: there is no such file; create it, or name another"]
        ) from error
    except OSError as error:
        raise ConfigError(
            [f"{path}: cannot be read: {error.strerror}; let the daemon's user read it"]
        ) from error
    except (ValueError, RecursionError) as error:
        raise ConfigError([f"{path}: is not TOML: {error}"]) from error


def settings_of(kind: type, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Every setting below *kind*: its place, table by table, and its type."""
    for attribute in attrs.fields(attrs.resolve_types(kind, include_extras=True)):
        here = (*place, attribute.name)
        if attrs.has(attribute.type):
            yield from settings_of(attribute.type, here)
        else:
            yield here, attribute.type


def _overlay(
    settings: dict[str, Any],
    sources: dict[Place, str],
    known: Mapping[str, tuple[Place, Any]],
    variables: Mapping[str, str],
) -> list[str]:
    """Put what *variables* say over *settings*; return what they say amiss."""
    problems = []
    for variable in sorted(variables):
        if variable not in known:
            problems.append(f"{variable}: no such setting{_hint(variable, known)}")
            continue
        place, kind = known[variable]
        table: Any = settings
        for name in place[:-1]:
            table = table.setdefault(name, {}) if isinstance(table, dict) else None
        if isinstance(table, dict):  # else the file has no table there: a mistake
            table[place[-1]] = _from_text(variables[variable], kind)
            sources[place] = variable
    return problems


def _from_text(text: str, kind: Any) -> Any:
    """A variable's value: TOML, but that words need no quotes."""
    plain = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    if plain is str or get_origin(plain) is Literal:
        return text
    if get_origin(plain) is tuple and not text.lstrip().startswith("["):
        return text.split()
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except ValueError:
        return text


def _mistakes(
    error: BaseException, place: Place
) -> Iterator[tuple[Place, BaseException]]:
    """The single mistakes inside what cattrs raised, each with its place."""
    for note in getattr(error, "__notes__", ()):
        if isinstance(note, AttributeValidationNote):
            place = (*place, note.name)
        elif isinstance(note, IterableValidationNote):
            place = (*place, str(note.index))
    if isinstance(error, BaseValidationError):
        for inner in error.exceptions:
            yield from _mistakes(inner, place)
    else:
        yield place, error


def _sentence(
    place: Place,
    mistake: BaseException,
    path: Path,
    sources: Mapping[Place, str],
) -> str:
    source = next(
        (sources[place[:n]] for n in range(len(place), 0, -1) if place[:n] in sources),
        str(path),
    )
    where = f"{source}: {'.'.join(place)}" if source == str(path) else source
    if isinstance(mistake, ForbiddenExtraKeysError):
        known = [attribute.name for attribute in attrs.fields(mistake.cl)]
        known += [".".join(below) for below, _ in settings_of(mistake.cl)]
        return "\n".join(
            f"{source}: {'.'.join((*place, key))}: no such setting{_hint(key, known)}"
            for key in sorted(mistake.extra_fields)
        )
    if isinstance(mistake, KeyError):
        return f"{source}: {'.'.join(place)}: is missing"
    return f"{where}: {mistake}"


def _hint(key: str, known: Iterable[str]) -> str:
    """What may have been meant: a name like it, or the same one in a table below."""
    names = list(known)
    close = [name for name in names if name.endswith(f".{key}")]
    close = close or difflib.get_close_matches(key, names, n=1, cutoff=0.8)
    return f"; did you mean {' or '.join(close)}?" if close else ""


_TYPES = {
    str: "a string",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
}


def _has_origin(origin: Any) -> Callable[[Any], bool]:
    return lambda kind: get_origin(kind) == origin


def _exact(value: Any, kind: type) -> Any:
    """Refuse what cattrs would coerce: ``"false"`` is not ``True``."""
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise TypeError(f"expected {_TYPES[kind]}, not {_shown(value)}")
    return value


def moment_of(value: object) -> datetime:
    """
    The moment that a TOML date or time means, or a text that looks like one.

    A date means its beginning, and a time without a zone is in UTC.

    :raises ValueError: when it is neither.
    """
    moment = value
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            moment = None
    elif isinstance(value, date) and not isinstance(value, datetime):
        moment = datetime.combine(value, time())
    if not isinstance(moment, datetime):
        raise ValueError(
            "expected a date or time such as 2030-01-31 or 2030-01-31T18:00:00Z, not "
            f"{_shown(value)}"
        )
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _checked(value: Any, kind: Any) -> Any:
    plain, *checks = get_args(kind)
    structured = _converter.structure(value, plain)
    for check in checks:
        if not check.accepts(structured):
            shown = "that" if check.is_secret else _shown(value)
            raise ValueError(f"expected {check.expected}, not {shown}")
    return structured


def _choice(value: Any, kind: Any) -> Any:
    if value not in get_args(kind):
        choices = ", ".join(map(repr, get_args(kind)))
        raise ValueError(f"expected one of {choices}, not {_shown(value)}")
    return value


def _listed(value: Any, kind: Any) -> Any:
    if not isinstance(value, list | tuple):
        raise TypeError(f"expected a list, not {_shown(value)}")
    # As a list, since for those cattrs tells which element is wrong.
    as_list: Any = GenericAlias(list, get_args(kind)[:1])
    return tuple(_converter.structure(value, as_list))


def _tables_first(make: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Have what *make* makes structure only tables."""

    def checking(kind: Any) -> Callable[[Any, Any], Any]:
        structure = make(kind)

        def structured(value: Any, _: Any) -> Any:
            if not isinstance(value, Mapping):
                raise TypeError(f"expected a table, not {_shown(value)}")
            return structure(value, kind)

        return structured

    return checking


def _shown(value: Any) -> str:
    """*value*, unless it is so long that it may be a secret pasted amiss."""
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:20]}..."


_converter = Converter(forbid_extra_keys=True)
for _type in _TYPES:
    _converter.register_structure_hook(_type, _exact)
_converter.register_structure_hook(datetime, lambda value, _: moment_of(value))
_converter.register_structure_hook_factory(
    attrs.has, _tables_first(_converter.gen_structure_attrs_fromdict)
)
_converter.register_structure_hook_factory(
    _has_origin(dict), _tables_first(_converter.gen_structure_mapping)
)
for _origin, _hook in ((Annotated, _checked), (Literal, _choice), (tuple, _listed)):
    _converter.register_structure_hook_func(_has_origin(_origin), _hook)
