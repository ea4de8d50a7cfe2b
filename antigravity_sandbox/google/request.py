"""A ``GenerateContentRequest``, checked as strictly as Google checks it."""

import json
import re
from collections.abc import Collection

from attrs import frozen

from antigravity_sandbox.google.errors import invalid_value, refusal, unknown_name
from antigravity_sandbox.model.prompt import Prompt, get
from antigravity_sandbox.reply import Json, Refused


@frozen
class Ask:
    """A generate call that is in order."""

    model: str
    prompt: Prompt


@frozen
class Dialect:
    """
    How one API reads a request.

    :ivar package: where its types are from.
    :ivar names: the members that a request may have, in camelCase.
    :ivar empty: what it says of a request without contents.
    """

    package: str
    names: Collection[str] = ()
    empty: str = "* GenerateContentRequest.contents: contents is not specified\n"

    def check_names(self, body: Json, names: Collection[str] | None = None) -> None:
        """
        Look for members that nobody knows, in either spelling.

        :param names: those that are known, when they are not :attr:`names`.
        :raises Refused: for the first one.
        """
        known = self.names if names is None else names
        for name in body:
            if _camel(name) not in known:
                raise Refused(unknown_name(name))

    def prompt(self, request: object, at: str = "") -> Prompt:
        """
        The prompt in *request*.

        :param at: where that is in the body, such as ``request``.
        :raises Refused: when it is not in order.
        """
        if not isinstance(request, dict):
            kind = f"type.googleapis.com/{self.package}.GenerateContentRequest"
            raise Refused(invalid_value(at, kind, json.dumps(request)[:80]))
        instruction = get(request, "systemInstruction")
        if isinstance(instruction, str):
            kind = f"type.googleapis.com/{self.package}.Content"
            place = f"{at}.system_instruction" if at else "system_instruction"
            raise Refused(invalid_value(place, kind, json.dumps(instruction)[:80]))
        prompt = Prompt(request)
        if not prompt.contents:
            raise Refused(refusal(400, self.empty))
        return prompt


def _camel(name: str) -> str:
    return re.sub("_([a-z])", lambda found: found[1].upper(), name)
