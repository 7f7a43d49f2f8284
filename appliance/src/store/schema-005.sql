-- 事项 as it was when a case was opened: the catalogue moves on, an open case and its receipt do not.
CREATE TABLE item (
    code    TEXT NOT NULL,
    version INTEGER NOT NULL,
    body    TEXT NOT NULL,
    PRIMARY KEY (code, version)
) STRICT, WITHOUT ROWID;

-- 待补: how many things were promised for later and have not come.
ALTER TABLE cases ADD COLUMN outstanding INTEGER NOT NULL DEFAULT 0;
CREATE INDEX cases_outstanding ON cases (id) WHERE outstanding > 0;
