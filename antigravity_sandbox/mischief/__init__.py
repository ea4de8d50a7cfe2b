"""What goes wrong, and the rules saying when.  Rules only."""
