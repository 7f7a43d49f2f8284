-- Lists of cases stay fast when there are many: a count reads an index and never the sealed states.

CREATE INDEX cases_by_step ON cases (step, id);
CREATE INDEX cases_by_opening ON cases (opened_at, id);
CREATE INDEX cases_unjudged ON cases (outcome, id) WHERE disposition = '';
CREATE INDEX cases_unsealed ON cases (id) WHERE step = 'submitted' AND sealed = 0;
CREATE INDEX cases_search ON cases (id, no, item_name, number_index, name_index);
