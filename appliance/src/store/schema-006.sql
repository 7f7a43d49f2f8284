-- Which cases a content belongs to: what no case needs any more is deleted. What was kept before stands in no row here
-- and stays.
CREATE TABLE blob_case (
    blob    TEXT NOT NULL,
    case_id TEXT NOT NULL,
    PRIMARY KEY (blob, case_id)
) STRICT, WITHOUT ROWID;

-- When sending it last failed; those that never failed go first, small before large. A state 'gone' was added: sent,
-- judged and no longer kept here.
ALTER TABLE blob ADD COLUMN failed_at INTEGER NOT NULL DEFAULT 0;
DROP INDEX blob_sending;
CREATE INDEX blob_sending ON blob (failed_at, size) WHERE state = 'sending';
CREATE INDEX blob_by_age ON blob (state, made_at);

-- What somebody wrote about a finding is sealed; `note` is only read to seal what was written before.
ALTER TABLE finding ADD COLUMN note_sealed BLOB NOT NULL DEFAULT x'';
