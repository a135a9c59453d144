-- What the parity meter found: features of live decisions, computed again from raw events.

CREATE TABLE {{database}}.parity {{on_cluster}}
(
    measured_at       DateTime64(3, 'UTC')    COMMENT 'Wall clock of the measurement',
    feature_set_hash  LowCardinality(String)  COMMENT 'Feature set of the decisions looked at',
    seed              UInt64                  COMMENT 'Which decisions were drawn',
    decisions         UInt64                  COMMENT 'Decisions looked at',
    values            UInt64                  COMMENT 'Feature values compared',
    mismatches        UInt64                  COMMENT 'Of them, those that differ from what was scored',
    mismatch_rate     Float64                 COMMENT 'mismatches / values',
    examples          Nested(decision_id String, feature String, scored Nullable(Float32), recomputed Nullable(Float32)) COMMENT 'The first of the mismatches'
)
ENGINE = {{replacing}}
PARTITION BY toYYYYMM(measured_at)
ORDER BY (feature_set_hash, measured_at)
COMMENT 'The parity meter: 0 mismatches, or the live features are not what the events say'
