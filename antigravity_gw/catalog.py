"""The models this gateway offers, and the names they go by.  No I/O."""

import re
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from typing import Any

from attrs import evolve, field, frozen

from antigravity_gw.checks import ModelName, Tokens
from antigravity_gw.errors import BadRequest

METHODS = ["generateContent", "streamGenerateContent", "countTokens"]
DEFAULT_PAGE, LONGEST_PAGE = 50, 1000


@frozen(kw_only=True)
class Model:
    """
    One entry of the model list.

    :ivar name: without ``models/``.
    :ivar input_tokens: the longest prompt, in tokens.
    :ivar output_tokens: the longest answer, in tokens.
    """

    name: ModelName
    version: str = "001"
    description: str = ""
    input_tokens: Tokens = 1_048_576
    output_tokens: Tokens = 65_536

    def dressed(self) -> dict[str, Any]:
        """As the Gemini API describes a model."""
        return {
            "name": f"models/{self.name}",
            "version": self.version,
            "displayName": self.name,
            "description": self.description,
            "inputTokenLimit": self.input_tokens,
            "outputTokenLimit": self.output_tokens,
            "supportedGenerationMethods": METHODS,
        }


@frozen
class Catalog:
    """
    The configured models and aliases.

    :ivar aliases: from the name a client uses, which may have ``*`` in it, to
        the model that is meant; the order counts.
    :ivar image_models: patterns for the models that make images.
    :ivar kinds: the kinds of account that may serve a model, by its name, which
        may have ``*`` in it; any may serve the others.
    """

    models: tuple[Model, ...]
    aliases: Mapping[str, str]
    image_models: tuple[str, ...] = ()
    kinds: Mapping[str, tuple[str, ...]] = field(factory=dict)

    def resolve(self, name: str) -> str:
        """
        The model that *name* stands for.

        An exact alias wins, then the pattern with the most letters of its own,
        then the one that comes first.  What no alias names stands for itself.
        """
        best = _best(self.aliases, name)
        return self.aliases[best] if best is not None else name

    def names_of(self, name: str) -> tuple[str, ...]:
        """
        What the operator calls the model that a client calls *name*.

        That is the model itself, and an alias that is spelled out.  Where a pattern
        is the alias, the client has made the name up.
        """
        model = self.resolve(name)
        return (name, model) if name in self.aliases else (model,)

    def kinds_of(self, model: str) -> frozenset[str] | None:
        """
        The kinds of account that may serve *model* (resolved); None for any.

        Of several patterns that fit, the same one counts as of aliases.
        """
        best = _best(self.kinds, model)
        return frozenset(self.kinds[best]) if best is not None else None

    def makes_images(self, model: str) -> bool:
        """Whether *model* (resolved) is one that makes images."""
        return any(fits(pattern, model) for pattern in self.image_models)

    def find(self, name: str) -> Model | None:
        """The entry for a name that is listed or that an alias fits."""
        listed = {model.name: model for model in self.models}
        if name in listed:
            return listed[name]
        target = self.resolve(name)
        if target == name:
            return None
        return evolve(listed.get(target, Model(name=target)), name=name)

    def listed(self) -> list[Model]:
        """All models, then the exact aliases that are not models themselves."""
        known = {model.name: model for model in self.models}
        for alias in self.aliases:
            if "*" not in alias and alias not in known:
                entry = self.find(alias)
                if entry is not None:
                    known[alias] = entry
        return list(known.values())

    def page(
        self, size: str, token: str, allowed: Callable[[str], bool]
    ) -> dict[str, Any]:
        """
        One page of the list, as ``GET /v1beta/models`` answers it.

        :param size: ``pageSize`` as it was sent, or empty.
        :param token: ``pageToken`` likewise.
        :param allowed: whether the client may use a model of some name; it is
            shown no others.
        :raises BadRequest: when one of them makes no sense.
        """
        models = [model for model in self.listed() if allowed(model.name)]
        count = min(_number("pageSize", size) or DEFAULT_PAGE, LONGEST_PAGE)
        start = _number("pageToken", token)
        if start > len(models):
            raise BadRequest("pageToken is none that this gateway gave out")
        page: dict[str, Any] = {
            "models": [model.dressed() for model in models[start : start + count]]
        }
        if start + count < len(models):
            page["nextPageToken"] = str(start + count)
        return page


def _best(patterns: Collection[str], name: str) -> str | None:
    """The one of *patterns* that fits *name* best, if one does."""
    if name in patterns:
        return name
    fitting = [pattern for pattern in patterns if fits(pattern, name)]
    return max(fitting, key=lambda p: len(p.replace("*", "")), default=None)


def _number(name: str, value: str) -> int:
    if not value:
        return 0
    if not value.isascii() or not value.isdigit() or len(value) > 9:
        raise BadRequest(f"{name} must be a number that is not negative")
    return int(value)


@lru_cache(maxsize=1024)
def fits(pattern: str, name: str) -> bool:
    """Whether *name* is one that *pattern* means: ``*`` stands for any letters."""
    parts = map(re.escape, pattern.split("*"))
    return re.fullmatch(".*".join(parts), name) is not None
