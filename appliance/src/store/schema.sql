-- The box's database. "sealed" columns are encrypted under the box's data key or to a holder.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT;

-- The ledger: the only truth. Everything below it can be rebuilt or fetched again.
CREATE TABLE entry (
    seq     INTEGER PRIMARY KEY,
    kind    TEXT NOT NULL,
    case_id TEXT NOT NULL DEFAULT '',
    leaf    BLOB NOT NULL,
    cose    BLOB NOT NULL,
    salt    BLOB NOT NULL,
    body    BLOB NOT NULL  -- sealed
) STRICT;
CREATE INDEX entry_case ON entry (case_id, seq) WHERE case_id <> '';

CREATE TABLE head (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    bytes BLOB NOT NULL
) STRICT;

CREATE TABLE receipt (
    size        INTEGER PRIMARY KEY,
    epoch       INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    quarantine  INTEGER NOT NULL DEFAULT 0,
    bytes       BLOB NOT NULL
) STRICT;

-- 办件, folded from the ledger.
CREATE TABLE cases (
    id           TEXT PRIMARY KEY,
    no           TEXT NOT NULL UNIQUE,
    window       TEXT NOT NULL,
    clerk        TEXT NOT NULL,
    item         TEXT NOT NULL,
    item_name    TEXT NOT NULL,
    applicant    TEXT NOT NULL,
    step         TEXT NOT NULL,
    outcome      TEXT NOT NULL DEFAULT '',
    disposition  TEXT NOT NULL DEFAULT '',
    opened_at    INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    sealed       INTEGER NOT NULL DEFAULT 0,
    number_index BLOB NOT NULL DEFAULT x'',
    name_index   BLOB NOT NULL DEFAULT x'',
    rev          INTEGER NOT NULL,
    submitted_at INTEGER NOT NULL DEFAULT 0,  -- 0 before submission
    offline      INTEGER NOT NULL DEFAULT 0,  -- whether it was submitted with the line down
    agent_index  BLOB NOT NULL DEFAULT x'',   -- who brought it for another
    outstanding  INTEGER NOT NULL DEFAULT 0,  -- 待补: how many things were promised for later and have not come
    state        BLOB NOT NULL  -- sealed
) STRICT;
-- Lists stay fast when there are many cases: a count reads an index and never the sealed states. None holds the time
-- of the last change, which each step would write into it.
CREATE INDEX cases_by_clerk ON cases (clerk, step, id);
CREATE INDEX cases_by_step ON cases (step, id);
CREATE INDEX cases_by_opening ON cases (opened_at, id);
CREATE INDEX cases_unjudged ON cases (outcome, id) WHERE disposition = '';
CREATE INDEX cases_unsealed ON cases (id) WHERE step = 'submitted' AND sealed = 0;
CREATE INDEX cases_offline ON cases (submitted_at) WHERE offline = 1;
CREATE INDEX cases_outstanding ON cases (id) WHERE outstanding > 0;
CREATE INDEX cases_search ON cases (id, no, item_name, number_index, name_index);
CREATE INDEX cases_by_number ON cases (number_index) WHERE number_index <> x'';
CREATE INDEX cases_by_name ON cases (name_index) WHERE name_index <> x'';

-- 事项 as it was when a case was opened: the catalogue moves on, an open case and its receipt do not.
CREATE TABLE item (
    code    TEXT NOT NULL,
    version INTEGER NOT NULL,
    body    TEXT NOT NULL,
    PRIMARY KEY (code, version)
) STRICT, WITHOUT ROWID;

-- 办事码 that were shown in this hall lately: each is taken once.
CREATE TABLE seen_code (
    nonce BLOB PRIMARY KEY,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- 经办授权, 委托 and people: their status where the hot list was newer than the status list.
CREATE TABLE place (
    list   INTEGER NOT NULL,
    place  INTEGER NOT NULL,
    status INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    PRIMARY KEY (list, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE case_counter (
    day  TEXT PRIMARY KEY,
    last INTEGER NOT NULL
) STRICT;

-- What devices were told and what they answered.
CREATE TABLE command (
    id         TEXT PRIMARY KEY,
    device     TEXT NOT NULL,
    window     TEXT NOT NULL,
    bind_epoch INTEGER NOT NULL,
    kind       TEXT NOT NULL,     -- authorize | rating | message | read
    case_id    TEXT NOT NULL DEFAULT '',
    gen        INTEGER NOT NULL,
    issued     INTEGER NOT NULL,
    deadline   INTEGER NOT NULL,
    state      TEXT NOT NULL,     -- open | answered | closed
    shown_at   INTEGER NOT NULL DEFAULT 0,
    request    BLOB NOT NULL      -- what was sent, sealed
) STRICT;
CREATE INDEX command_open ON command (device) WHERE state = 'open';
CREATE INDEX command_case ON command (case_id);

CREATE TABLE device (
    id          TEXT PRIMARY KEY,
    kind        TEXT NOT NULL,    -- ev | rd | sc: the first letters of its id
    key         TEXT NOT NULL,    -- JSON of its public key
    key_gen     INTEGER NOT NULL,
    password    TEXT NOT NULL,    -- hashed, for the broker
    window      TEXT NOT NULL DEFAULT '',
    bind_epoch  INTEGER NOT NULL DEFAULT 0,
    gen         INTEGER NOT NULL DEFAULT 0,
    counter     INTEGER NOT NULL DEFAULT -1,
    bseq        INTEGER NOT NULL DEFAULT -1,
    state       TEXT NOT NULL DEFAULT 'lost',
    model       TEXT NOT NULL DEFAULT '',
    software    TEXT NOT NULL DEFAULT '',
    detail      TEXT NOT NULL DEFAULT '',
    paired_at   INTEGER NOT NULL,
    paired_by   TEXT NOT NULL,
    seen_at     INTEGER NOT NULL DEFAULT 0,
    quarantined INTEGER NOT NULL DEFAULT 0,  -- 隔离: rejected three times in ten minutes, until paired anew
    revoked     INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX device_of_window ON device (window, kind) WHERE window <> '' AND revoked = 0;

-- Answers that were judged, by the id that the device gave them.
CREATE TABLE answer (
    id     TEXT PRIMARY KEY,
    at     INTEGER NOT NULL,
    digest BLOB NOT NULL,
    result TEXT NOT NULL      -- accepted | stale
) STRICT;

CREATE TABLE security_event (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    at     INTEGER NOT NULL,
    device TEXT NOT NULL,
    kind   TEXT NOT NULL
) STRICT;

CREATE TABLE window (
    id   TEXT PRIMARY KEY,
    name TEXT NOT NULL
) STRICT;

CREATE TABLE account (
    name     TEXT PRIMARY KEY,
    display  TEXT NOT NULL,
    role     TEXT NOT NULL,
    password TEXT NOT NULL
) STRICT;

CREATE TABLE session (
    token   BLOB PRIMARY KEY,  -- SHA-256 of the cookie
    account TEXT NOT NULL,
    csrf    TEXT NOT NULL,
    window  TEXT NOT NULL DEFAULT '',
    lang    TEXT NOT NULL DEFAULT 'zh',
    expires INTEGER NOT NULL
) STRICT;

-- 电子证照 in the cache: found by a blind index of the holder, sealed to the holder. New rows go to the end of the table,
-- so that a whole district is taken in quickly; only the short indexes are in random order.
CREATE TABLE licence (
    id         INTEGER PRIMARY KEY,
    licence    BLOB NOT NULL,     -- blind index of the 证照标识
    holder     BLOB NOT NULL,     -- blind index of the holder
    version    INTEGER NOT NULL,
    status     INTEGER NOT NULL DEFAULT 0,
    status_at  INTEGER NOT NULL,
    checked_at INTEGER NOT NULL,  -- when the centre last looked at the source
    expires_at INTEGER NOT NULL,  -- when a cache stops using it
    scope      INTEGER NOT NULL,  -- 1: the centre put it into the scope of this hall; 0: here for a case alone
    sealed     BLOB NOT NULL      -- envelope and disclosures, sealed to the holder
) STRICT;
CREATE UNIQUE INDEX licence_id ON licence (licence);
CREATE INDEX licence_holder ON licence (holder);
CREATE INDEX licence_expiry ON licence (expires_at);
CREATE INDEX licence_of_cases ON licence (id) WHERE scope = 0;

-- 曾用证件号 that the centre told of: found by a blind index of the present holder, sealed to that holder.
CREATE TABLE alias (
    id     BLOB PRIMARY KEY,      -- the centre's name of the fact, which tells nobody
    holder BLOB NOT NULL,         -- blind index of the holder
    at     INTEGER NOT NULL,      -- when the centre said so
    sealed BLOB NOT NULL          -- the fact, sealed to the holder
) STRICT;
CREATE INDEX alias_holder ON alias (holder);

-- For which cases a licence was asked for that is in no scope of this hall.
CREATE TABLE licence_case (
    licence BLOB NOT NULL,        -- blind index of the 证照标识
    case_id TEXT NOT NULL,
    PRIMARY KEY (licence, case_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE organisation (
    uscc       BLOB PRIMARY KEY,  -- blind index
    checked_at INTEGER NOT NULL,
    listed     INTEGER NOT NULL,  -- in the newest register document: as fresh as the newest token
    sealed     BLOB NOT NULL      -- register entry, sealed to the organisation
) STRICT;

CREATE TABLE blob (
    id        TEXT PRIMARY KEY,   -- content address of the manifest
    size      INTEGER NOT NULL,
    chunks    INTEGER NOT NULL,
    manifest  BLOB NOT NULL,
    state     TEXT NOT NULL,      -- kept | sending | sent | gone: sent, judged and no longer kept here
    made_at   INTEGER NOT NULL,
    failed_at INTEGER NOT NULL DEFAULT 0
) STRICT;
-- Those that never failed go first, small before large.
CREATE INDEX blob_sending ON blob (failed_at, size) WHERE state = 'sending';
CREATE INDEX blob_by_age ON blob (state, made_at);

-- Which cases a content belongs to: what no case needs any more is deleted.
CREATE TABLE blob_case (
    blob    TEXT NOT NULL,
    case_id TEXT NOT NULL,
    PRIMARY KEY (blob, case_id)
) STRICT, WITHOUT ROWID;

-- What the centre decided, and what somebody here has to look at.
CREATE TABLE document (
    kind      TEXT PRIMARY KEY,
    announced INTEGER NOT NULL DEFAULT 0,
    held      INTEGER NOT NULL DEFAULT 0,
    bytes     BLOB NOT NULL DEFAULT x''
) STRICT;

CREATE TABLE finding (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    key        TEXT NOT NULL UNIQUE,
    at         INTEGER NOT NULL,
    kind       TEXT NOT NULL,
    case_no    TEXT NOT NULL DEFAULT '',
    case_id    TEXT NOT NULL DEFAULT '',
    what       TEXT NOT NULL,
    todo       TEXT NOT NULL,
    severity   TEXT NOT NULL,     -- info | attention | harm
    state      TEXT NOT NULL,     -- open | taken | handled: nothing is ever deleted
    deadline   INTEGER NOT NULL DEFAULT 0,
    taken_by   TEXT NOT NULL DEFAULT '',
    taken_at   INTEGER NOT NULL DEFAULT 0,
    handled_by TEXT NOT NULL DEFAULT '',
    handled_at INTEGER NOT NULL DEFAULT 0,
    note       BLOB NOT NULL DEFAULT x''  -- sealed: what somebody writes may name somebody
) STRICT;
CREATE INDEX finding_open ON finding (at) WHERE state = 'open';

-- 用证码兑换: the province's code beside the box's own, which stays in the record of the use.
CREATE TABLE use_code (
    case_id TEXT NOT NULL,
    local   TEXT NOT NULL,
    code    TEXT NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (case_id, local)
) STRICT, WITHOUT ROWID;

-- 证照失效: what the centre found about licences that a case had used.
CREATE TABLE lapsed (
    case_id TEXT PRIMARY KEY,
    found   BLOB NOT NULL         -- sealed: names licences
) STRICT;
