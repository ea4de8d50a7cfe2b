"""
The tables of the accounts, and how they came to be.

Secrets have tables of their own: what changes often touches none of them.
"""

STEPS = (
    # 1: accounts, their secrets, and why they are out.
    """
    CREATE TABLE account (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        project TEXT,
        added REAL NOT NULL
    ) STRICT;
    CREATE TABLE secret (
        account TEXT PRIMARY KEY REFERENCES account ON DELETE CASCADE,
        refresh_token TEXT NOT NULL,
        client_id TEXT,
        client_secret TEXT
    ) STRICT;
    CREATE TABLE block (
        account TEXT PRIMARY KEY REFERENCES account ON DELETE CASCADE,
        need TEXT NOT NULL,
        reason TEXT NOT NULL,
        since REAL NOT NULL,
        until REAL
    ) STRICT
    """,
    # 2: what the operator can set, and what is learnt, by model.
    """
    ALTER TABLE account ADD COLUMN disabled REAL;
    ALTER TABLE account ADD COLUMN weight REAL NOT NULL DEFAULT 1.0;
    ALTER TABLE account ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE account ADD COLUMN concurrency INTEGER;
    ALTER TABLE account ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE access (
        account TEXT PRIMARY KEY REFERENCES account ON DELETE CASCADE,
        token TEXT NOT NULL,
        expires REAL NOT NULL,
        minted_from TEXT NOT NULL
    ) STRICT;
    CREATE TABLE finding (
        account TEXT PRIMARY KEY REFERENCES account ON DELETE CASCADE,
        project TEXT NOT NULL
    ) STRICT;
    CREATE TABLE hold (
        account TEXT NOT NULL REFERENCES account ON DELETE CASCADE,
        model TEXT NOT NULL,
        need TEXT,
        reason TEXT NOT NULL,
        since REAL NOT NULL,
        until REAL,
        repeats INTEGER NOT NULL,
        link TEXT,
        PRIMARY KEY (account, model)
    ) STRICT;
    CREATE TABLE quota (
        account TEXT NOT NULL REFERENCES account ON DELETE CASCADE,
        model TEXT NOT NULL,
        fraction REAL,
        resets REAL,
        seen REAL NOT NULL,
        PRIMARY KEY (account, model)
    ) STRICT;
    INSERT INTO hold
        SELECT account, '*',
            CASE need WHEN 'refused by Google' THEN 'not entitled' ELSE need END,
            reason, since, until, 0, NULL
        FROM block WHERE need <> 'OAuth client refused';
    DROP TABLE block
    """,
    # 3: accounts of several kinds, with other secrets than refresh tokens.
    """
    ALTER TABLE account ADD COLUMN kind TEXT NOT NULL DEFAULT 'code_assist';
    ALTER TABLE account ADD COLUMN location TEXT;
    ALTER TABLE secret RENAME COLUMN refresh_token TO credential;
    ALTER TABLE secret ADD COLUMN given REAL NOT NULL DEFAULT 0.0
    """,
    # 4: the keys of clients, by their hashes, and what they may do.
    """
    CREATE TABLE client_key (
        name TEXT PRIMARY KEY,
        digest BLOB NOT NULL,
        made REAL NOT NULL,
        given REAL NOT NULL,
        expires REAL,
        old BLOB,
        old_until REAL,
        requests_per_minute INTEGER,
        streams INTEGER,
        tokens_per_day INTEGER,
        models TEXT
    ) STRICT
    """,
)
