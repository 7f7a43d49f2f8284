-- When the envelopes of a licence were last issued to all halls: they are renewed before they end.
ALTER TABLE licence ADD COLUMN issued_at INTEGER NOT NULL DEFAULT 0;
UPDATE licence SET issued_at = since;
CREATE INDEX licence_issued ON licence (issued_at) WHERE current = 1;
