"""What an honest model says.  Rules only."""
