-- Version 3. Snapshots of column indexes lie in files of their own; which of them may be believed is said here.

-- Number of the last commit that did anything to the rows of a collection, or to what they show, but add rows.
ALTER TABLE collection ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;
UPDATE collection SET changed = seq;

-- The newest snapshot of a collection: the commit it stands for, and the token that its file must carry.
CREATE TABLE snapshot (
    collection INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL,
    token INTEGER NOT NULL
);
