-- What monitoring adds: data quality, the alerts themselves, and views that read each finding once.

CREATE TABLE {{database}}.data_quality {{on_cluster}}
(
    window_start  DateTime64(3, 'UTC')    COMMENT 'Event time from',
    window_end    DateTime64(3, 'UTC')    COMMENT 'Event time to, exclusive; of volume: log time',
    producer      LowCardinality(String)  {{about:application.producer}},
    kind          LowCardinality(String)  COMMENT 'Kind of event; * for all',
    field         LowCardinality(String)  COMMENT 'Field of the kind; * for none in particular',
    metric        LowCardinality(String)  COMMENT 'missing, median-log10-shift, outside, volume-factor',
    value         Float64                 COMMENT 'The metric',
    baseline      Float64                 COMMENT 'The same in the producer''s own past',
    threshold     Float64                 COMMENT 'Change from which it counts',
    n             UInt64                  COMMENT 'Events in the window',
    alert         Bool                    COMMENT 'Whether it is at fault'
)
ENGINE = {{replacing}}
PARTITION BY toYYYYMM(window_start)
ORDER BY (producer, kind, field, metric, window_start, window_end)
COMMENT 'Each producer''s data against its own past';

CREATE TABLE {{database}}.alerts {{on_cluster}}
(
    alert_id           String                  {{about:alert.alertId}},
    state              LowCardinality(String)  {{about:alert.state}},
    kind               LowCardinality(String)  {{about:alert.kind}},
    cause              LowCardinality(String)  {{about:alert.cause}},
    severity           LowCardinality(String)  {{about:alert.severity}},
    raised_at          DateTime64(3, 'UTC')    {{about:alert.raisedAt}},
    window_start       DateTime64(3, 'UTC')    {{about:alert.windowStart}},
    window_end         DateTime64(3, 'UTC')    {{about:alert.windowEnd}},
    subject            String                  {{about:alert.subject}},
    producer           Nullable(String)        {{about:alert.producer}},
    event_kind         Nullable(String)        {{about:alert.eventKind}},
    field              Nullable(String)        {{about:alert.field}},
    model_version      Nullable(String)        {{about:alert.modelVersion}},
    segment            Nullable(String)        {{about:alert.segment}},
    features           Array(String)           {{about:alert.features}},
    metric             LowCardinality(String)  {{about:alert.metric}},
    value              Float64                 {{about:alert.value}},
    threshold          Float64                 {{about:alert.threshold}},
    p_value            Nullable(Float64)       {{about:alert.pValue}},
    n                  UInt64                  {{about:alert.n}},
    blocks_retraining  Bool                    {{about:alert.blocksRetraining}},
    detail             String                  {{about:alert.detail}}
)
ENGINE = {{replacing}}
PARTITION BY toYYYYMM(raised_at)
ORDER BY (alert_id, state)
COMMENT 'Alerts: one row when each opens, one when it ends';

CREATE VIEW {{database}}.drift_latest {{on_cluster}} AS
SELECT * FROM {{database}}.drift FINAL
COMMENT 'Drift, each finding once';

CREATE VIEW {{database}}.fairness_latest {{on_cluster}} AS
SELECT * FROM {{database}}.fairness FINAL
COMMENT 'Fairness, each finding once, as outcomes stand now';

CREATE VIEW {{database}}.performance_latest {{on_cluster}} AS
SELECT * FROM {{database}}.performance FINAL
COMMENT 'Performance, each finding once, as outcomes stand now';

CREATE VIEW {{database}}.slo_latest {{on_cluster}} AS
SELECT * FROM {{database}}.slo FINAL
COMMENT 'Service-level objectives, each window once';

CREATE VIEW {{database}}.open_alerts {{on_cluster}} AS
SELECT * FROM {{database}}.alerts FINAL
WHERE state = 'open' AND alert_id NOT IN (SELECT alert_id FROM {{database}}.alerts WHERE state = 'resolved')
ORDER BY raised_at DESC
COMMENT 'Alerts that have not ended';
