-- Version 5. A running job is held by a worker for a time; rows that were removed from sight are deleted without jobs.

-- Who holds it, and the end of that time, microseconds since the epoch; without an end nobody does.
ALTER TABLE job ADD COLUMN worker TEXT;
ALTER TABLE job ADD COLUMN lease_until INTEGER;

-- What they were to delete is hidden still, and found by that.
DELETE FROM job WHERE kind = 'purge';
CREATE INDEX collection_hidden ON collection (id) WHERE hidden = 1;
