"""The tables of the usage, and how they came to be."""

STEPS = (
    # 1: usage by the hour, the minutes of the last days, and whose batches are in.
    """
    CREATE TABLE hour (
        start INTEGER NOT NULL,
        key TEXT NOT NULL,
        account TEXT NOT NULL,
        model TEXT NOT NULL,
        requests INTEGER NOT NULL,
        errors INTEGER NOT NULL,
        prompt INTEGER NOT NULL,
        output INTEGER NOT NULL,
        thoughts INTEGER NOT NULL,
        cached INTEGER NOT NULL,
        PRIMARY KEY (start, key, account, model)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE minute (
        start INTEGER PRIMARY KEY,
        requests INTEGER NOT NULL,
        errors INTEGER NOT NULL,
        tokens INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE first (
        minute INTEGER NOT NULL,
        class INTEGER NOT NULL,
        answers INTEGER NOT NULL,
        PRIMARY KEY (minute, class)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE writer (
        id TEXT PRIMARY KEY,
        batch INTEGER NOT NULL,
        wrote REAL NOT NULL
    ) STRICT
    """,
)
