"""What the daemon says, in which form, how much of it, and where it goes."""
