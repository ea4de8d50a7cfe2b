"""Rules: the protocols we speak, without I/O and without a clock."""
