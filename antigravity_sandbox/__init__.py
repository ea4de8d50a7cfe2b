"""
A sandbox that plays Google over real sockets, for trying and testing the gateway.

It knows nothing of the gateway, so that it cannot agree with its mistakes:

- ``model`` is what an honest model says to a prompt;
- ``google`` is what Google's endpoints answer, refusals included;
- ``mischief`` is the catalogue of what goes wrong, and the rules saying when;
- ``web`` performs an answer on a socket, and serves the control endpoint.

Only ``web``, ``service`` and ``tap`` import Twisted.  An answer is made as a
sequence of :mod:`acts <antigravity_sandbox.acts>`, which makes everything a
server can do to its caller, be it waiting or hanging up, a plain value.
"""
