"""Which call a path is, beyond those of the private API."""

from collections.abc import Sequence

from attrs import field, frozen

from antigravity_sandbox.kinds import GEMINI, VERTEX

VERSIONS = ("v1beta", "v1")
"""What such a path begins with: the public API's version, or that of Cloud APIs."""


@frozen
class Address:
    """
    A call, as far as its path says.

    :ivar kind: of the account that may make it, None for a grant.
    :ivar named: what else the path names, such as the ``model``.
    """

    kind: str | None
    method: str
    named: dict[str, str] = field(factory=dict)


def read_path(verb: str, path: Sequence[str]) -> Address | None:
    """
    The call that *verb* makes of *path*, None when there is none.

    :param path: its segments, decoded; the first is the version.
    """
    match verb, *path:
        case "GET", "v1beta", "models":
            return Address(GEMINI, "listModels")
        case "GET", "v1beta", "models", model if model:
            return Address(GEMINI, "getModel", {"model": model})
        case "POST", "v1beta", "models", last:
            return _of_model(GEMINI, last, {})
        case "POST", "v1", "token":
            return Address(None, "exchange")
        case "POST", "v1", "projects", "-", "serviceAccounts", last:
            email, _, method = last.rpartition(":")
            if email and method == "generateAccessToken":
                return Address(None, method, {"email": email})
        case (
            "POST",
            "v1",
            "projects",
            project,
            "locations",
            location,
            "publishers",
            "google",
            "models",
            last,
        ):
            return _of_model(VERTEX, last, {"project": project, "location": location})
    return None


def _of_model(kind: str, last: str, named: dict[str, str]) -> Address | None:
    """The call of ``model:method``, which only these methods are for."""
    model, _, method = last.rpartition(":")
    known = method in ("generateContent", "streamGenerateContent", "countTokens")
    return Address(kind, method, {**named, "model": model}) if model and known else None
