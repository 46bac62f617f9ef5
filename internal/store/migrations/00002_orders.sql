-- +goose Up

-- Presses of the buttons of check runs, of which a signed delivery is the only record. Rows are never changed.
CREATE TABLE presses (
    installation BIGINT NOT NULL,
    id           TEXT   NOT NULL, -- from a digest of the delivery's body
    repo         TEXT   NOT NULL, -- lower-case owner/name
    number       BIGINT NOT NULL,
    at           BIGINT,
    record       TEXT   NOT NULL,
    PRIMARY KEY (installation, id)
);
CREATE INDEX presses_pull ON presses (installation, repo, number);

-- What people ordered of leases, each once. Rows are never changed.
CREATE TABLE lease_orders (
    installation BIGINT NOT NULL,
    lease        TEXT   NOT NULL,
    id           TEXT   NOT NULL,
    ordinal      BIGINT NOT NULL,
    record       TEXT   NOT NULL,
    PRIMARY KEY (installation, lease, id)
);

-- The issue in which a request's override is reviewed, 0 where there is none.
ALTER TABLE requests ADD COLUMN review BIGINT NOT NULL DEFAULT 0;
CREATE INDEX requests_review ON requests (installation, registry, review) WHERE review > 0;

-- +goose Down
DROP INDEX requests_review;
ALTER TABLE requests DROP COLUMN review;
DROP TABLE lease_orders;
DROP TABLE presses;
