"""What Google's endpoints answer.  Rules only."""
