-- Version 1. Times are microseconds since the epoch, ids of ours are hyphenated UUID text, lists and maps are JSON text.

CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;

-- next_row: the row number given out next. commit_seq: number of the last commit that changed rows. probe: written by the
-- health check.
INSERT INTO meta (key, value) VALUES ('next_row', 1), ('commit_seq', 0), ('probe', 0);

CREATE TABLE organization (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
);

CREATE TABLE api_key (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    organization TEXT NOT NULL,
    name TEXT NOT NULL,
    prefix TEXT NOT NULL UNIQUE,
    hash BLOB NOT NULL UNIQUE,
    environment TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
);

CREATE TABLE dataset (
    id TEXT PRIMARY KEY,
    organization TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    granularity TEXT NOT NULL,
    initial_log_filters TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    starred INTEGER NOT NULL,
    tags TEXT NOT NULL,
    running_status TEXT NOT NULL,
    running_progress INTEGER NOT NULL,
    running_at INTEGER
);
CREATE INDEX dataset_by_organization ON dataset (organization, created_at);

CREATE TABLE job (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    organization TEXT NOT NULL,
    dataset TEXT,
    kind TEXT NOT NULL,
    task TEXT NOT NULL,
    state TEXT NOT NULL,
    progress TEXT NOT NULL,
    cancel_requested INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    error_message TEXT,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    completed_at INTEGER
);
CREATE INDEX job_by_organization ON job (organization, created_at);
CREATE INDEX job_by_state ON job (state, created_at);
CREATE INDEX job_by_dataset ON job (dataset) WHERE dataset IS NOT NULL;

-- place: 'request_logs', 'saved_logs' or a dataset id. seq: number of the last commit that changed its rows.
CREATE TABLE collection (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    organization TEXT NOT NULL,
    place TEXT NOT NULL,
    hidden INTEGER NOT NULL DEFAULT 0,
    log_count INTEGER NOT NULL DEFAULT 0,
    completed_annotation_count INTEGER NOT NULL DEFAULT 0,
    seq INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX collection_by_place ON collection (organization, place) WHERE hidden = 0;

-- The typed columns are added from the table of fields.
CREATE TABLE log (
    row INTEGER PRIMARY KEY,
    collection INTEGER NOT NULL,
    version INTEGER NOT NULL DEFAULT 1,
    unique_id TEXT NOT NULL,
    metadata TEXT
);
CREATE UNIQUE INDEX log_by_id ON log (collection, unique_id);
-- Its entries end in the row number: a collection is read and purged in row order.
CREATE INDEX log_by_collection ON log (collection);

-- codec 0: JSON text. codec 1: the same, zstd.
CREATE TABLE payload (
    row INTEGER PRIMARY KEY,
    codec INTEGER NOT NULL,
    body BLOB NOT NULL
);
