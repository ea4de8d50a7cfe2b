"""A self-hosted gateway that speaks the native Gemini API."""

from importlib.metadata import version

__version__ = version("antigravity-gw")
USER_AGENT = f"antigravity-gw/{__version__}"
