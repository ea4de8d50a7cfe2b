"""Makes ``twistd antigravity-sandbox`` known to Twisted."""

from twisted.application.service import ServiceMaker

antigravity_sandbox = ServiceMaker(
    "antigravity-sandbox",
    "antigravity_sandbox.tap",
    "Plays Google on this machine, for trying and testing the gateway.",
    "antigravity-sandbox",
)
