"""Each recipe of ``docs/recipes.md`` works, as the page has it."""

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

import pytest
from attrs import frozen
from daemons import KEY, Daemon, Sandbox, asked
from nodejs import installed, output_of, tool

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs" / "recipes.md").read_text(encoding="utf-8")
HERE = Path(sys.executable).parent
APART = TESTS.parent / "build" / "recipes"
"""Where the clients are that do not go together with the others."""

LIBRARIES = ("httpx", "LangChain", "LiteLLM", "LlamaIndex", "Pydantic AI")
"""The recipes whose packages are in a venv there."""

AT_HOME = {
    "AIDER_ANALYTICS": "false",
    "AIDER_CHECK_UPDATE": "false",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "OPENCODE_DISABLE_AUTOUPDATE": "1",
    "OPENCODE_DISABLE_MODELS_FETCH": "1",
    "npm_config_offline": "true",  # opencode gets itself a package
}
"""Keeps clients from asking their makers for news, prices and models."""


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
    """The blocks of code, which are all to be run."""
    return [
        Recipe(client, language, code)
        for client, text in sections(page).items()
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
        bin = APART / "libraries" / "bin" if recipe.client in LIBRARIES else HERE
        return (str(bin / "python"), "-c", code)
    if code.startswith("curl"):
        assert shutil.which("curl"), "there is no curl: on Debian, apt install curl"
    return ("sh", "-ec", code)


def programs(package: Path) -> list[Path]:
    """Where the clients are that have a command."""
    npm = Path("node_modules", ".bin")
    aider = APART / "aider" / "bin"
    return [package / npm, APART / "opencode" / npm, HERE, aider]


@pytest.mark.parametrize(
    "recipe", recipes(PAGE), ids=lambda recipe: f"{recipe.client}-{recipe.language}"
)
def test_a_recipe(
    recipe: Recipe, gateway: Daemon, sandbox: Sandbox, package: Path
) -> None:
    """With the address and a key filled in, it prints what the model said."""
    if recipe.client == "aider" and sys.version_info >= (3, 13):
        pytest.skip("aider has no release for this Python: make PYTHON=python3.12")
    assert APART.exists(), "the clients are missing: 'make tests' installs them"
    code = recipe.filled_in(gateway.url)
    folder = Path(tempfile.mkdtemp(dir=package))
    output = output_of(
        *command(recipe, code, folder),
        folder=folder,
        PATH=os.pathsep.join([*map(str, programs(package)), os.environ["PATH"]]),
        HOME=str(folder),
        PYTHONWARNINGS="ignore",
        PYTHONDONTWRITEBYTECODE="",  # as they were installed without
        **AT_HOME,
    )

    assert code != recipe.code
    assert re.search("You said “(Hello|<)", output)
    assert {call["status"] for call in asked(sandbox)} == {200}
