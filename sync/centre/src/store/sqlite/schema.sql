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
    representative TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX organisation_representative ON organisation (representative);

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

-- 曾用证件号 of people, as the authority established them: `other` is an earlier identifier of `holder`. Never a
-- conclusion from the numbers. `withdrawn_at` is 0 while the fact stands.
CREATE TABLE holder_alias (
    id BLOB NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    other TEXT NOT NULL,
    at INTEGER NOT NULL,
    withdrawn_at INTEGER NOT NULL DEFAULT 0,
    body TEXT NOT NULL,
    UNIQUE (holder, other)
) STRICT;
CREATE INDEX holder_alias_other ON holder_alias (other) WHERE withdrawn_at = 0;

-- Places in the status list: of licences by identifier, of people, grants and mandates as `person:`, `grant:`, `mandate:`.
-- `status` is that of the latter; a licence has its own.
CREATE TABLE status_place (
    name TEXT NOT NULL PRIMARY KEY,
    place INTEGER NOT NULL UNIQUE,
    status INTEGER NOT NULL DEFAULT 0
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

-- Citizens. A person is named by the text form of 持证主体.
CREATE TABLE person (
    document TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    phone TEXT NOT NULL DEFAULT '',
    state INTEGER NOT NULL DEFAULT 0,
    state_at INTEGER NOT NULL DEFAULT 0,
    face INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX person_phone ON person (phone) WHERE phone <> '';

CREATE TABLE otp (
    id TEXT NOT NULL PRIMARY KEY,
    purpose TEXT NOT NULL,
    document TEXT NOT NULL,
    phone TEXT NOT NULL,
    digest BLOB NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    used INTEGER NOT NULL DEFAULT 0,
    at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX otp_phone ON otp (phone, at);
CREATE INDEX otp_document ON otp (document, at);

CREATE TABLE token (
    digest BLOB NOT NULL PRIMARY KEY,
    document TEXT NOT NULL REFERENCES person (document),
    device_key BLOB NOT NULL,
    device_name TEXT NOT NULL,
    at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX token_document ON token (document);

-- The outbox of text messages.
CREATE TABLE text_message (
    no INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    phone TEXT NOT NULL,
    body TEXT NOT NULL,
    sent_at INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX text_waiting ON text_message (no) WHERE sent_at = 0;

CREATE TABLE face (
    no INTEGER PRIMARY KEY,
    document TEXT NOT NULL,
    at INTEGER NOT NULL,
    ticket BLOB NOT NULL,
    used INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX face_document ON face (document, at);

CREATE TABLE claim (
    document TEXT NOT NULL,
    holder TEXT NOT NULL,
    kind TEXT NOT NULL,
    PRIMARY KEY (document, holder, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE plain_code (
    code TEXT NOT NULL PRIMARY KEY,
    document TEXT NOT NULL,
    capacity TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX plain_code_document ON plain_code (document, capacity, expires_at);

-- 经办授权.
CREATE TABLE agent_grant (
    id TEXT NOT NULL PRIMARY KEY,
    uscc TEXT NOT NULL,
    document TEXT NOT NULL,
    until INTEGER NOT NULL,
    revoked_at INTEGER NOT NULL DEFAULT 0,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX agent_grant_uscc ON agent_grant (uscc);
CREATE INDEX agent_grant_document ON agent_grant (document);

-- Who was a legal representative, and until when.
CREATE TABLE representative_before (
    uscc TEXT NOT NULL,
    document TEXT NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (uscc, document)
) STRICT, WITHOUT ROWID;

-- 委托.
CREATE TABLE mandate (
    id TEXT NOT NULL PRIMARY KEY,
    principal TEXT NOT NULL,
    agent TEXT NOT NULL,
    accept TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX mandate_principal ON mandate (principal);
CREATE INDEX mandate_agent ON mandate (agent);

CREATE TABLE challenge (
    nonce BLOB NOT NULL PRIMARY KEY,
    log TEXT NOT NULL,
    state TEXT NOT NULL,
    answered_by TEXT NOT NULL DEFAULT '',
    capacity TEXT NOT NULL DEFAULT 'own',
    mandate TEXT NOT NULL DEFAULT '',
    window_until INTEGER NOT NULL,
    body TEXT NOT NULL,
    assertion BLOB NOT NULL DEFAULT x'',
    expires_at INTEGER NOT NULL DEFAULT 0,
    consent TEXT NOT NULL DEFAULT '',
    delivered_at INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX challenge_mandate ON challenge (mandate, window_until) WHERE mandate <> '';

CREATE TABLE challenge_reader (
    nonce BLOB NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (nonce, document)
) STRICT, WITHOUT ROWID;

CREATE TABLE consent (
    id TEXT NOT NULL PRIMARY KEY,
    given_by TEXT NOT NULL,
    holder TEXT NOT NULL,
    log TEXT NOT NULL,
    case_no TEXT NOT NULL,
    digest BLOB NOT NULL,
    nonce BLOB NOT NULL,
    agreed_at INTEGER NOT NULL,
    withdrawn_at INTEGER NOT NULL DEFAULT 0,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX consent_by ON consent (given_by, agreed_at);
CREATE INDEX consent_holder ON consent (holder, agreed_at);
CREATE INDEX consent_case ON consent (log, case_no);
CREATE INDEX consent_digest ON consent (log, digest);
CREATE UNIQUE INDEX consent_nonce ON consent (nonce) WHERE nonce <> x'';

-- What evaluators and phones were asked to show, as the entries say: an answer refers to it.
CREATE TABLE consent_asked (
    log TEXT NOT NULL,
    command TEXT NOT NULL,
    case_no TEXT NOT NULL,
    digest BLOB NOT NULL,
    body TEXT NOT NULL,
    basis TEXT NOT NULL,          -- 依职能查验: the law that was named; empty where somebody was asked
    PRIMARY KEY (log, command)
) STRICT, WITHOUT ROWID;
CREATE INDEX consent_asked_digest ON consent_asked (log, digest);

CREATE TABLE use_code (
    code TEXT NOT NULL PRIMARY KEY,
    consent TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Every 用证码 that a case of a hall has used, local ones too: none is used for two cases.
CREATE TABLE use_seen (
    code TEXT NOT NULL PRIMARY KEY,
    log TEXT NOT NULL,
    case_no TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- For whom a case is and who stood at the window: what can end, and what can be handled twice.
CREATE TABLE case_party (
    log TEXT NOT NULL,
    case_no TEXT NOT NULL,
    hall TEXT NOT NULL,
    item TEXT NOT NULL DEFAULT '',
    person TEXT NOT NULL DEFAULT '',
    -- 委托人, where a delegate stood; where the mandate stands in the status list; the nonce of a code that was shown.
    principal TEXT NOT NULL DEFAULT '',
    place INTEGER NOT NULL DEFAULT -1,
    nonce TEXT NOT NULL DEFAULT '',
    uscc TEXT NOT NULL DEFAULT '',
    submitted_at INTEGER NOT NULL DEFAULT 0,
    changed_as TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (log, case_no)
) STRICT, WITHOUT ROWID;
CREATE INDEX case_party_person ON case_party (coalesce(nullif(principal, ''), person), item);

CREATE TABLE notice (
    no INTEGER PRIMARY KEY,
    document TEXT NOT NULL,
    read INTEGER NOT NULL DEFAULT 0,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX notice_document ON notice (document, no);

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
