"""What the pages in ``docs`` say of themselves, of each other and of the code."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
from attrs import field, frozen
from make_configuration import COMMENTED, PAGE, comments_of, page, words

import antigravity_gw
from antigravity_gw.checks import HostName, Seconds
from antigravity_gw.cli import main
from antigravity_gw.config import Config
from antigravity_gw.errors import Busy, GatewayError, Passed
from antigravity_gw.web.status import NotReady

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]

IN_GENERAL = {GatewayError, Busy}
"""Nothing is ever answered with one of these itself."""

LEVELS = ("warn", "error", "critical")
"""Of lines in the log that somebody may have to do something about."""

TOML = """\
# What this file is.

# Where to listen.
port = 1

[one]
# How long.
#   0  for ever
# Not longer.
seconds = 2.0
others = []

# Two of them.
[two]
# As above.
seconds = 2.0
"""


@frozen(kw_only=True)
class One:
    """A table."""

    seconds: Seconds = 2.0
    others: tuple[HostName, ...] = ()


@frozen(kw_only=True)
class Two:
    """Another table."""

    seconds: Seconds | None = None


@frozen(kw_only=True)
class Toy:
    """A configuration."""

    port: int = 1
    one: One = field(factory=One)
    two: Two = field(factory=Two)


# The configuration reference


def test_the_configuration_reference_is_up_to_date() -> None:
    """``docs/configuration.md`` is what the classes and ``docs/config.toml`` say."""
    wanted = page(Config, COMMENTED.read_text(encoding="utf-8"))

    assert PAGE.read_text(encoding="utf-8") == wanted, "run 'make docs'"


def test_comments_stand_above_their_settings() -> None:
    """A comment is of what is right below it, and of what follows without a gap."""
    known = {("port",), ("one", "seconds"), ("one", "others"), ("two", "seconds")}
    said = ["How long.", "  0  for ever", "Not longer."]

    assert comments_of(TOML, known) == {
        (): ["What this file is."],
        ("port",): ["Where to listen."],
        ("one",): [],
        ("one", "seconds"): said,
        ("one", "others"): said,
        ("two",): ["Two of them."],
        ("two", "seconds"): ["As above."],
    }


def test_a_setting_that_is_not_explained() -> None:
    """The page is not written without an explanation of each setting."""
    with pytest.raises(SystemExit, match=r"does not have one\.seconds, one\.others"):
        page(Toy, "port = 1\n[two]\nseconds = 1\n")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (bool, "`true` or `false`"),
        (Seconds, "a number of seconds between 0.001 and 86400"),
        (Seconds | None, "a number of seconds between 0.001 and 86400, or none"),
        (
            tuple[HostName, ...],
            "a list of texts, each the name or address of a host, without a port",
        ),
        (tuple[One, ...], "a list of tables"),
        (dict[str, int], "a table from text, to a whole number"),
    ],
)
def test_types_in_words(kind: object, expected: str) -> None:
    """Nobody has to read Python to know what a setting takes."""
    assert words(kind) == expected


# The reference of errors


def errors(above: type[GatewayError] = GatewayError) -> set[type[GatewayError]]:
    """Every class of errors there is, in whichever module."""
    below = {one for kind in above.__subclasses__() for one in errors(kind)}
    return {above, *below}


def test_every_error_is_explained() -> None:
    """Each error is in ``docs/errors.md``, with its status and its word in the log."""
    text = (DOCS / "errors.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| `([A-Z_]+)` \| ([^|]*) \|", text, re.M)
    stated = [
        (int(code), status, word)
        for code, status, cell in rows
        for word in re.findall(r"`(\w+)`", cell)
    ]
    known = errors() - IN_GENERAL - {Passed}

    assert NotReady in known
    assert sorted(stated) == sorted((e.code, e.status, e.word()) for e in known)
    assert f"`{Passed.word()}`" in text


# Lines in the log


def warnings() -> Iterator[str]:
    """What the daemon logs as a warning or worse, as it is written in the code."""
    for file in sorted(Path(antigravity_gw.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(logger, level), args=[said, *_]):
                    if level in LEVELS and ast.unparse(logger).endswith("._log"):
                        yield ast.literal_eval(said)
                case ast.Call(func=ast.Name("LastingTrouble"), args=[_, *told]):
                    yield from map(ast.literal_eval, told)


def telling_words(said: str) -> str:
    """The first words of a line that do not change, and are enough to know it by."""
    pieces = [text.split()[:4] for text, *_ in Formatter().parse(said)]
    long = [piece for piece in pieces if len(piece) > 2]
    return " ".join(long[0] if long else max(pieces, key=len))


def test_telling_words() -> None:
    """A line is known by its beginning, if there is enough of it without a value."""
    assert telling_words("what is learnt of {them}") == "what is learnt of"
    assert telling_words("{name} cools for {time} s") == "cools for"
    assert telling_words("a {x} b: this is told") == "b: this is told"


def test_every_warning_is_explained() -> None:
    """``docs/operating.md`` has each line that wants somebody, and what to do then."""
    text = (DOCS / "operating.md").read_text(encoding="utf-8")
    section = text.partition("\n## Lines in the log that want you\n")[2]
    lines = re.findall(r"^\| (`.*?`).* \| .+ \|$", section, re.M)
    said = list(warnings())
    missing = [
        each for each in said if not any(telling_words(each) in line for line in lines)
    ]

    assert len(said) > 20
    assert missing == []


# Links


def anchors(text: str) -> set[str]:
    """Where a page can be linked into: its headings, as GitHub makes anchors."""
    outside = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    titles = re.findall(r"^#+ (.+)$", outside, re.M)
    return {
        re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles
    }


@pytest.mark.parametrize("file", PAGES, ids=lambda file: str(file.relative_to(ROOT)))
def test_links_lead_somewhere(file: Path) -> None:
    """Every link from one page to another, or to a part of one, has its end."""
    text = re.sub(r"`[^`\n]*`", "", file.read_text(encoding="utf-8"))
    links = re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)", text)
    broken = []
    for path, anchor in links:
        target = file.parent / path if path else file
        if not target.exists():
            broken.append(path)
        elif anchor and anchor not in anchors(target.read_text(encoding="utf-8")):
            broken.append(f"{path}#{anchor}")

    assert broken == []


def commands_of(text: str) -> set[tuple[str, str]]:
    """The commands in a page's code, each with the word behind it, if there is one."""
    blocks = re.findall(r"^```.*?^```|^    .*?$", text, re.M | re.S)
    spans = re.findall(r"`[^`]+`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))
    code = " \n ".join([*blocks, *(" ".join(span.split()) for span in spans)])
    wrap, option = r"(?:\\\n *)?", r"--(?:config|state-dir) \S+"
    before = rf"(?<![\w.-] )\bantigravity-gw(?: {wrap}{option})* {wrap}"
    command = rf"{before}([a-z][a-z-]+)( [a-z][a-z-]*)?\b"
    return {(word, more.strip()) for word, more in re.findall(command, code)}


def offered(capsys: pytest.CaptureFixture[str], *words: str) -> set[str]:
    """The commands that ``antigravity-gw``, or one of its commands, has below it."""
    with pytest.raises(SystemExit):
        main([*words, "--help"])
    return set(re.findall(r"^    ([a-z][a-z-]+)\s", capsys.readouterr().out, re.M))


@pytest.mark.parametrize("file", PAGES, ids=lambda file: str(file.relative_to(ROOT)))
def test_commands_exist(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No page speaks of a command that there is not."""
    known = offered(capsys)
    strange = []
    for command, more in commands_of(file.read_text(encoding="utf-8")):
        if command not in known:
            strange.append(command)
        elif (below := offered(capsys, command)) and more and more not in below:
            strange.append(f"{command} {more}")

    assert strange == []


def test_the_manual_has_every_page() -> None:
    """``docs/README.md`` leads to all pages, so that none is found by chance only."""
    contents = (DOCS / "README.md").read_text(encoding="utf-8")
    linked = set(re.findall(r"\]\(([\w.-]+\.md)\)", contents))

    assert linked >= {file.name for file in PAGES if file.name != "README.md"}
