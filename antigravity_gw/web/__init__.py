"""How we are asked: HTTP in front of the gateway."""
