"""The edges: answers performed on a socket, and the control endpoint."""
