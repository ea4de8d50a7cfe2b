"""Makes ``twistd antigravity-gw`` known to Twisted."""

from twisted.application.service import ServiceMaker

antigravity_gw = ServiceMaker(
    "antigravity-gw",
    "antigravity_gw.tap",
    "A self-hosted gateway that speaks the native Gemini API.",
    "antigravity-gw",
)
