"""
What the model says when it is its turn.

A turn is a list of parts in the order in which a stream sends them, one per
event; an answer in one piece has the same parts, neighbouring texts joined.
"""

import base64
import hashlib
import json
import re
from itertools import pairwise

from antigravity_sandbox.model.picture import png
from antigravity_sandbox.model.prompt import Prompt, get
from antigravity_sandbox.model.schema import sample
from antigravity_sandbox.reply import Json, encoded

EVENTS = 6
"""How many events a text is spread over, when it has that many words."""


def turn(model: str, prompt: Prompt) -> list[Json]:
    """The parts that *model* answers *prompt* with; there is always one."""
    parts = _thoughts(prompt) + _parts(model, prompt)
    if "functionCall" in parts[-1] or model.startswith("gemini-3"):
        parts[-1] = {**parts[-1], "thoughtSignature": _signature(model, parts[-1])}
    return parts


def joined(parts: list[Json]) -> list[Json]:
    """The same parts, with neighbouring texts made one."""
    whole: list[Json] = []
    for part in parts:
        before = whole[-1] if whole else {}
        alike = before.get("thought") == part.get("thought")
        if "text" in part and "text" in before and alike:
            whole[-1] = {**before, **part, "text": before["text"] + part["text"]}
        else:
            whole.append(part)
    return whole


def _thoughts(prompt: Prompt) -> list[Json]:
    if not prompt.wants_thoughts:
        return []
    text = f"**Reading the prompt**\n\nIt is about {topic(prompt)}.\n\n"
    return [{"text": text, "thought": True}]


def _parts(model: str, prompt: Prompt) -> list[Json]:
    if prompt.declarations and not prompt.function_responses:
        return [_call(prompt)]
    if prompt.wants_json:
        value = sample(prompt.schema or {"type": "object"}, topic(prompt))
        return _texts(json.dumps(value, ensure_ascii=False))
    if "-image" in model:
        return _painting(prompt)
    return _texts(" ".join(_sentences(model, prompt)))


def _call(prompt: Prompt) -> Json:
    declared = prompt.declarations[0]
    schema = get(declared, "parameters") or get(declared, "parametersJsonSchema")
    args = sample(schema or {"type": "object"}, topic(prompt))
    call = {"name": declared["name"], "args": args if isinstance(args, dict) else {}}
    return {"functionCall": call}


def _painting(prompt: Prompt) -> list[Json]:
    asked = prompt.last_text
    data = base64.b64encode(png(asked)).decode()
    return [
        {"text": f"Here is a picture of {topic(prompt)}. "},
        {"inlineData": {"mimeType": "image/png", "data": data}},
        {"text": "It is rather abstract."},
    ]


def _sentences(model: str, prompt: Prompt) -> list[str]:
    asked = prompt.last_text.split()
    said = []
    for response in prompt.function_responses:
        result = json.dumps(response.get("response"), ensure_ascii=False)
        said.append(f"The function {response.get('name')} answered {result[:200]}.")
    for blob in prompt.blobs:
        said.append(f"I was shown {blob.mime_type} of {blob.size} bytes.")
    if asked:
        more = " \u2026" if len(asked) > 12 else ""
        said.append(f"You said \u201c{' '.join(asked[:12])}{more}\u201d.")
    said.append(f"This is {model} in the sandbox: no model was asked,")
    said.append("but these words arrive as the words of one would.")
    return said


def _texts(text: str) -> list[Json]:
    """*text* as several parts, cut between words; blanks stay with the word before."""
    words = re.findall(r"\s*\S+\s*", text)
    count = min(EVENTS, len(words))
    edges = [n * len(words) // count for n in range(count + 1)]
    return [{"text": "".join(words[a:b])} for a, b in pairwise(edges)]


def topic(prompt: Prompt) -> str:
    """A word that the prompt might be about: its last name, else its longest word."""
    words = re.findall(r"[^\W\d_]{2,}", prompt.last_text)
    names = [word for word in words[1:] if word[0].isupper()]
    return names[-1] if names else max(words, key=len, default="something")


def _signature(model: str, part: Json) -> str:
    """A thought signature: opaque, and the same for the same part."""
    seed = hashlib.sha512(encoded(model + json.dumps(part))).digest()
    return base64.b64encode(seed).decode()
