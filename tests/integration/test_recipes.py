"""Each recipe of ``docs/recipes.md`` works, as the page has it."""

import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from attrs import frozen
from daemons import KEY, Daemon, Sandbox, asked
from nodejs import installed, output_of, tool

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs" / "recipes.md").read_text(encoding="utf-8")
HERE = Path(sys.executable).parent
APART = TESTS.parent / "build" / "recipes" / "bin"
"""The programs of a venv with clients that do not go together with the others."""

THEIRS = ("httpx", "LangChain", "Pydantic AI")
"""The recipes whose packages are there."""

NOT_RUN = "not run here"
BY_HAND = "run by hand"


@frozen
class Recipe:
    """
    A block of code on the page.

    :ivar client: the heading above it.
    """

    client: str
    language: str
    code: str

    def filled_in(self, url: str) -> str:
        """The code for a gateway at *url*."""
        return self.code.replace("http://127.0.0.1:8045", url).replace("YOUR-KEY", KEY)


def sections(page: str) -> dict[str, str]:
    """What stands under each heading."""
    parts = re.split(r"^#{2,} (.+)$", page, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def recipes(page: str) -> list[Recipe]:
    """The blocks of code that are to be run."""
    return [
        Recipe(client, language, code)
        for client, text in sections(page).items()
        if NOT_RUN not in text and BY_HAND not in text
        for language, code in re.findall(r"^```(\w+)\n(.*?)^```$", text, re.M | re.S)
    ]


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for scripts, with the packages that they import."""
    return installed(TESTS / "recipes", tmp_path_factory.mktemp("recipes") / "package")


def command(recipe: Recipe, code: str, folder: Path) -> tuple[str, ...]:
    """What runs a recipe."""
    if recipe.language == "js":
        (folder / "recipe.mjs").write_text(code)
        return (tool("node"), "recipe.mjs")
    if recipe.language == "python":
        bin = APART if recipe.client in THEIRS else HERE
        assert bin.exists(), "the clients are missing: 'make build/recipes/installed'"
        return (str(bin / "python"), "-c", code)
    if code.startswith("curl"):
        assert shutil.which("curl"), "there is no curl: on Debian, apt install curl"
    return ("sh", "-ec", code)


@pytest.mark.parametrize(
    "recipe", recipes(PAGE), ids=lambda recipe: f"{recipe.client}-{recipe.language}"
)
def test_a_recipe(
    recipe: Recipe, gateway: Daemon, sandbox: Sandbox, package: Path
) -> None:
    """With the address and a key filled in, it prints what the model said."""
    code = recipe.filled_in(gateway.url)
    path = os.pathsep.join(
        [str(package / "node_modules" / ".bin"), str(HERE), os.environ["PATH"]]
    )
    output = output_of(
        *command(recipe, code, package),
        folder=package,
        PATH=path,
        HOME=str(package),
        PYTHONWARNINGS="ignore",
    )

    assert code != recipe.code
    assert re.search("You said “(Hello|<)", output)
    assert {call["status"] for call in asked(sandbox)} == {200}


def test_what_no_test_runs() -> None:
    """What was run by hand only names the version that it was run with."""
    by_hand = [text for text in sections(PAGE).values() if BY_HAND in text]

    assert by_hand != []
    for text in by_hand:
        assert re.search(rf"{BY_HAND} with [\w-]+\s\d+\.\d+", text)
    assert set(THEIRS) <= {recipe.client for recipe in recipes(PAGE)}
