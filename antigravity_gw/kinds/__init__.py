"""The kinds of account there are, a file for each."""
