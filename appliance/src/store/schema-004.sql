-- 隔离: a device whose answers were rejected three times in ten minutes may not answer until it is paired anew.
ALTER TABLE device ADD COLUMN quarantined INTEGER NOT NULL DEFAULT 0;
