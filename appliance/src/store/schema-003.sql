-- Nothing is looked for by the time of a case's last change, and each step would write it into these.

DROP INDEX cases_by_time;
DROP INDEX cases_by_clerk;
CREATE INDEX cases_by_clerk ON cases (clerk, step, id);
