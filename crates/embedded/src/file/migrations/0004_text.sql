-- Version 4. Text indexes lie in folders of their own; which state of them may be believed is said here.

-- The list of files that is the index of a collection carries this token.
CREATE TABLE text_index (
    collection INTEGER PRIMARY KEY,
    token INTEGER NOT NULL
);

-- Rows whose text may have changed since it was indexed, with the number of the commit; only of collections with an index.
CREATE TABLE text_changed (
    row INTEGER PRIMARY KEY,
    collection INTEGER NOT NULL,
    seq INTEGER NOT NULL
);
