-- What a revision says of features, and how rows find their place in the topic.

ALTER TABLE {{database}}.revisions {{on_cluster}}
    ADD COLUMN IF NOT EXISTS application_id   String                  {{about:revision.applicationId}},
    ADD COLUMN IF NOT EXISTS applicant_id     String                  {{about:revision.applicantId}},
    ADD COLUMN IF NOT EXISTS cause_kind       LowCardinality(String)  {{about:revision.causeKind}},
    ADD COLUMN IF NOT EXISTS model_version    LowCardinality(String)  {{about:revision.modelVersion}},
    ADD COLUMN IF NOT EXISTS policy_version   LowCardinality(String)  {{about:revision.policyVersion}},
    ADD COLUMN IF NOT EXISTS feature_set_hash LowCardinality(String)  {{about:revision.featureSetHash}},
    ADD COLUMN IF NOT EXISTS flips            Nullable(Bool)          COMMENT 'Whether the decision would come out otherwise; null where bundle or policy are gone',
    ADD COLUMN IF NOT EXISTS changed          Array(LowCardinality(String)) COMMENT 'Features that differ, in vector order',
    ADD COLUMN IF NOT EXISTS old_values       Array(Float32)          COMMENT 'Their values as scored; nan = missing',
    ADD COLUMN IF NOT EXISTS new_values       Array(Float32)          COMMENT 'Their values as known with the late event; nan = missing',
    ADD COLUMN IF NOT EXISTS log_partition    UInt32                  COMMENT 'Partition of the revisions',
    ADD COLUMN IF NOT EXISTS log_offset       UInt64                  COMMENT 'Position in that partition; the sink resumes behind the highest';

CREATE VIEW {{database}}.revisions_latest {{on_cluster}} AS
SELECT * FROM {{database}}.revisions FINAL
COMMENT 'Revisions, each once: one row per decision and late event'
