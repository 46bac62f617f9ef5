-- One file for SQLite and PostgreSQL. Times are whole microseconds since 1970 UTC, NULL where there is none: they compare
-- and sort the same in both, which RFC 3339 text with its trimmed zeros does not. Records are JSON as text; columns beside
-- them are what is searched by. Every row names its installation.

-- +goose Up

-- Webhook deliveries as the door accepted them: the truth about what was acknowledged.
CREATE TABLE deliveries (
    app          BIGINT NOT NULL,
    id           TEXT   NOT NULL,
    installation BIGINT NOT NULL,
    event        TEXT   NOT NULL,
    body         BYTEA  NOT NULL,
    sha256       TEXT   NOT NULL,
    received_at  BIGINT NOT NULL,
    finished_at  BIGINT,
    rule         TEXT   NOT NULL DEFAULT '',
    attempts     BIGINT NOT NULL DEFAULT 0,
    due_at       BIGINT,
    queued_at    BIGINT,
    last_error   TEXT   NOT NULL DEFAULT '',
    PRIMARY KEY (app, id)
);
CREATE INDEX deliveries_unfinished ON deliveries (received_at) WHERE finished_at IS NULL;
CREATE INDEX deliveries_received ON deliveries (received_at);

-- What is walked. A subject is owed a walk while generation > done_generation or due_at has come.
CREATE TABLE subjects (
    key             TEXT   NOT NULL PRIMARY KEY,
    installation    BIGINT NOT NULL,
    subject         TEXT   NOT NULL,
    generation      BIGINT NOT NULL,
    done_generation BIGINT NOT NULL DEFAULT 0,
    due_at          BIGINT,
    queued_at       BIGINT,
    attempts        BIGINT NOT NULL DEFAULT 0,
    last_error      TEXT   NOT NULL DEFAULT ''
);
CREATE INDEX subjects_woken ON subjects (installation) WHERE generation > done_generation;
CREATE INDEX subjects_due ON subjects (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE requests (
    key          TEXT   NOT NULL PRIMARY KEY,
    installation BIGINT NOT NULL,
    id           TEXT   NOT NULL,
    state        TEXT   NOT NULL,
    registry     TEXT   NOT NULL, -- lower-case owner/name
    pull         BIGINT NOT NULL, -- its registry pull request, 0 before there is one
    created_at   BIGINT,
    record       TEXT   NOT NULL
);
CREATE INDEX requests_state ON requests (installation, state);
CREATE INDEX requests_pull ON requests (installation, registry, pull);

-- What was asked for when the bot first saw a vote. Rows are never changed.
CREATE TABLE bound_votes (
    subject      TEXT   NOT NULL,
    vote         TEXT   NOT NULL,
    installation BIGINT NOT NULL,
    ordinal      BIGINT NOT NULL,
    record       TEXT   NOT NULL,
    PRIMARY KEY (subject, vote)
);

-- Decisions with their facts, named by a digest of both. Rows are never changed.
CREATE TABLE decisions (
    installation BIGINT NOT NULL,
    id           TEXT   NOT NULL,
    subject      TEXT   NOT NULL,
    at           BIGINT,
    record       TEXT   NOT NULL,
    PRIMARY KEY (installation, id)
);
CREATE INDEX decisions_id ON decisions (id);

CREATE TABLE leases (
    installation BIGINT NOT NULL,
    id           TEXT   NOT NULL,
    subject      TEXT   NOT NULL,
    access       TEXT   NOT NULL,
    state        TEXT   NOT NULL,
    ordinal      BIGINT NOT NULL,
    record       TEXT   NOT NULL,
    PRIMARY KEY (installation, id)
);
CREATE INDEX leases_subject ON leases (subject);
CREATE INDEX leases_access ON leases (access);
CREATE INDEX leases_ordinal ON leases (ordinal);

-- What was held on an access before its first live lease; no row where nothing is kept.
CREATE TABLE accesses (
    key          TEXT   NOT NULL PRIMARY KEY,
    installation BIGINT NOT NULL,
    prior        TEXT   NOT NULL
);

CREATE TABLE intents (
    installation BIGINT NOT NULL,
    id           TEXT   NOT NULL,
    subject      TEXT   NOT NULL,
    state        TEXT   NOT NULL,
    ordinal      BIGINT NOT NULL,
    record       TEXT   NOT NULL,
    PRIMARY KEY (installation, id)
);
CREATE INDEX intents_open ON intents (subject) WHERE state = 'intended';
CREATE INDEX intents_ordinal ON intents (ordinal);

-- The audit log: canonical entries in order, and the stored hashes of their tree (golang.org/x/mod/sumdb/tlog).
CREATE TABLE entries (
    seq          BIGINT NOT NULL PRIMARY KEY,
    installation BIGINT NOT NULL,
    canonical    TEXT   NOT NULL,
    hash         BYTEA  NOT NULL
);
CREATE TABLE log_hashes (
    idx  BIGINT NOT NULL PRIMARY KEY,
    hash BYTEA  NOT NULL
);
-- One row. Whoever appends counts it up first, which holds it: so numbers have no gaps, however many append at once.
CREATE TABLE log_size (
    one  BIGINT NOT NULL PRIMARY KEY,
    size BIGINT NOT NULL
);
INSERT INTO log_size (one, size) VALUES (1, 0);

CREATE TABLE schedules (
    name   TEXT   NOT NULL PRIMARY KEY,
    ran_at BIGINT NOT NULL
);

-- One row, written to see that writing works.
CREATE TABLE health (
    one BIGINT NOT NULL PRIMARY KEY,
    at  BIGINT NOT NULL
);
INSERT INTO health (one, at) VALUES (1, 0);

-- +goose Down
DROP TABLE health;
DROP TABLE schedules;
DROP TABLE log_size;
DROP TABLE log_hashes;
DROP TABLE entries;
DROP TABLE intents;
DROP TABLE accesses;
DROP TABLE leases;
DROP TABLE decisions;
DROP TABLE bound_votes;
DROP TABLE requests;
DROP TABLE subjects;
DROP TABLE deliveries;
