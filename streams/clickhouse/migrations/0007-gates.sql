-- What a successor was held against before it could decide.

CREATE TABLE {{database}}.gates {{on_cluster}}
(
    judged_at   DateTime64(3, 'UTC')    COMMENT 'When the bundle was trained and judged',
    name        LowCardinality(String)  COMMENT 'Bundle',
    version     String                  COMMENT 'Version judged',
    against     LowCardinality(Nullable(String))  COMMENT 'Version that decided then',
    request_id  LowCardinality(Nullable(String))  COMMENT 'Request for retraining that it answers; null where a person began it',
    gate        LowCardinality(String)  COMMENT 'Gate, e.g. auc-non-inferior',
    state       LowCardinality(String)  COMMENT 'passed, failed or insufficient-evidence',
    value       Nullable(Float64)       COMMENT 'What was measured',
    low         Nullable(Float64)       COMMENT 'Lower bound of its 95 % interval',
    high        Nullable(Float64)       COMMENT 'Upper bound of its 95 % interval',
    threshold   Nullable(Float64)       COMMENT 'What it was held against',
    detail      String                  COMMENT 'The same in a sentence'
)
ENGINE = {{replacing}}
ORDER BY (name, version, judged_at, gate)
COMMENT 'Every gate of every judged bundle: figure, bound, interval, verdict';
