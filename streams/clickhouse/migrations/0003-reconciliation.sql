-- What the reconciler counts beyond the first version of its table.

ALTER TABLE {{database}}.reconciliation {{on_cluster}}
    ADD COLUMN IF NOT EXISTS in_flight     UInt64 COMMENT 'Applications that wait for their decision',
    ADD COLUMN IF NOT EXISTS dead_lettered UInt64 COMMENT 'Applications refused by the pipeline, kept in the dead letters',
    ADD COLUMN IF NOT EXISTS duplicates    UInt64 COMMENT 'Applications that repeat an earlier event and are decided once, at its position',
    ADD COLUMN IF NOT EXISTS skipped       UInt64 COMMENT 'Input records that retention removed before the reconciler read them';
