-- The centre, schema 1. Times are milliseconds since 1970 UTC; 0 and '' stand for "none".

CREATE TABLE centre (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    epoch INTEGER NOT NULL,
    receipts INTEGER NOT NULL,
    status_places INTEGER NOT NULL
) STRICT;
INSERT INTO centre (id, epoch, receipts, status_places) VALUES (1, 1, 0, 0);

CREATE TABLE hall (
    code TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    feed INTEGER NOT NULL DEFAULT 0,
    hot INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE enrolment (
    code BLOB NOT NULL PRIMARY KEY,
    hall TEXT NOT NULL,
    hall_name TEXT NOT NULL,
    log TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_by BLOB NOT NULL
) STRICT;

-- One row per ledger. The head is in the row, so that entries and head are one transaction.
CREATE TABLE log (
    no INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    box_id TEXT NOT NULL,
    incarnation INTEGER NOT NULL,
    hall TEXT NOT NULL REFERENCES hall (code),
    ledger_key BLOB NOT NULL,
    certificate BLOB NOT NULL,
    enrolled_at INTEGER NOT NULL,
    size INTEGER NOT NULL,
    head BLOB NOT NULL,
    received_at INTEGER NOT NULL,
    last_contact INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX log_box ON log (box_id, incarnation);

CREATE TABLE entry (
    log INTEGER NOT NULL REFERENCES log (no),
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL,
    leaf BLOB NOT NULL,
    cose BLOB NOT NULL,
    salt BLOB NOT NULL,
    body BLOB NOT NULL,
    received_at INTEGER NOT NULL,
    read INTEGER NOT NULL,
    PRIMARY KEY (log, seq)
) STRICT;
CREATE INDEX entry_unread ON entry (log, seq) WHERE read = 0;

-- Histories that contradict a log: kept as they came, for people.
CREATE TABLE branch (
    log INTEGER NOT NULL REFERENCES log (no),
    size INTEGER NOT NULL,
    root BLOB NOT NULL,
    checkpoint BLOB NOT NULL,
    upload BLOB NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (log, size, root)
) STRICT;

CREATE TABLE feed (
    hall TEXT NOT NULL REFERENCES hall (code),
    seq INTEGER NOT NULL,
    hot INTEGER NOT NULL,
    at INTEGER NOT NULL,
    change BLOB NOT NULL,
    PRIMARY KEY (hall, seq)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX feed_hot ON feed (hall, hot) WHERE hot > 0;

CREATE TABLE document (
    kind TEXT NOT NULL,
    version INTEGER NOT NULL,
    signed BLOB NOT NULL,
    PRIMARY KEY (kind, version)
) STRICT;

CREATE TABLE organisation (
    uscc TEXT NOT NULL PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;

-- `stem` is the identifier without version and check character: all versions of one licence share it.
CREATE TABLE licence (
    id TEXT NOT NULL PRIMARY KEY,
    stem TEXT NOT NULL,
    version INTEGER NOT NULL,
    holder TEXT NOT NULL,
    kind TEXT NOT NULL,
    place INTEGER NOT NULL,
    status INTEGER NOT NULL,
    current INTEGER NOT NULL,
    since INTEGER NOT NULL,
    -- When its envelopes were last issued to all halls: they are renewed before they end.
    issued_at INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX licence_issued ON licence (issued_at) WHERE current = 1;
CREATE INDEX licence_stem ON licence (stem);
CREATE INDEX licence_holder ON licence (holder, kind) WHERE current = 1;

CREATE TABLE status_place (
    licence TEXT NOT NULL PRIMARY KEY,
    place INTEGER NOT NULL UNIQUE
) STRICT;

CREATE TABLE status_change (
    no INTEGER PRIMARY KEY,
    licence TEXT NOT NULL REFERENCES licence (id),
    at INTEGER NOT NULL,
    status INTEGER NOT NULL
) STRICT;
CREATE INDEX status_change_licence ON status_change (licence, at);

-- Where a hall heard of a status change.
CREATE TABLE status_told (
    change INTEGER NOT NULL REFERENCES status_change (no),
    hall TEXT NOT NULL REFERENCES hall (code),
    hot INTEGER NOT NULL,
    PRIMARY KEY (change, hall)
) STRICT, WITHOUT ROWID;

-- A projection of the entries: can be thrown away and built again.
CREATE TABLE casefile (
    no INTEGER PRIMARY KEY,
    log INTEGER NOT NULL REFERENCES log (no),
    case_id TEXT NOT NULL,
    case_no TEXT NOT NULL,
    submitted_seq INTEGER NOT NULL,
    awaiting INTEGER NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (log, case_id)
) STRICT;
CREATE INDEX casefile_no ON casefile (case_no);
CREATE INDEX casefile_awaiting ON casefile (no) WHERE awaiting = 1;

-- 缓存范围: halls that hold only what they are granted. All others have their whole district.
CREATE TABLE hall_granted (
    hall TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE scope_grant (
    hall TEXT NOT NULL,
    holder TEXT NOT NULL,
    kind TEXT NOT NULL,
    reason TEXT NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (hall, holder, kind, reason)
) STRICT, WITHOUT ROWID;

-- What such a hall was sent and not told to forget.
CREATE TABLE hall_licence (
    hall TEXT NOT NULL,
    licence TEXT NOT NULL,
    PRIMARY KEY (hall, licence)
) STRICT, WITHOUT ROWID;
CREATE INDEX hall_licence_licence ON hall_licence (licence);
