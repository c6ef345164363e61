-- Version 2: evaluators, scores, results of runs, providers of models.

-- One line per version; what holds for the whole evaluator (slug, starred, tags) is in `evaluator`.
CREATE TABLE evaluator (
    id TEXT PRIMARY KEY,
    organization TEXT NOT NULL,
    slug TEXT NOT NULL,
    starred INTEGER NOT NULL,
    tags TEXT NOT NULL,
    created_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX evaluator_by_slug ON evaluator (organization, slug);

CREATE TABLE evaluator_version (
    id TEXT PRIMARY KEY,
    evaluator TEXT NOT NULL,
    version INTEGER NOT NULL,
    is_read_only INTEGER NOT NULL,
    version_description TEXT,
    definition TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX evaluator_version_by_number ON evaluator_version (evaluator, version);

-- Whose scores: an evaluator (evaluator_id set, kept when it is deleted) or a custom slug. key = evaluator_id or slug.
CREATE TABLE score_source (
    number INTEGER PRIMARY KEY,
    organization TEXT NOT NULL,
    key TEXT NOT NULL,
    evaluator_id TEXT,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    value_type TEXT NOT NULL
);
CREATE UNIQUE INDEX score_source_by_key ON score_source (organization, key);

-- collection: that of the row; the collection of request logs when the score names no dataset. log_id need not exist there.
CREATE TABLE score (
    number INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    collection INTEGER NOT NULL,
    log_id TEXT NOT NULL,
    source INTEGER NOT NULL,
    scorer TEXT NOT NULL,
    kind TEXT NOT NULL,
    environment TEXT NOT NULL,
    numerical_value REAL,
    boolean_value INTEGER,
    string_value TEXT,
    categorical_value TEXT,
    json_value TEXT,
    is_passed INTEGER,
    cost REAL NOT NULL,
    status TEXT NOT NULL,
    error_message TEXT,
    explanation TEXT,
    evaluator_version INTEGER,
    run TEXT,
    extra TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX score_by_subject ON score (collection, log_id, source, scorer);
CREATE INDEX score_by_time ON score (created_at);

-- run: number of the job.
CREATE TABLE run_result (
    run INTEGER NOT NULL,
    row INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    numerical_value REAL,
    boolean_value INTEGER,
    other_values TEXT,
    is_passed INTEGER,
    cost REAL NOT NULL,
    error_message TEXT,
    PRIMARY KEY (run, row)
) WITHOUT ROWID;

-- Where models are asked; one per organization. key: sealed, see `provider`.
CREATE TABLE provider (
    organization TEXT PRIMARY KEY,
    settings TEXT NOT NULL,
    key BLOB,
    updated_at INTEGER NOT NULL
);
