-- What was compared before a feature set followed another while serving, and from where on it decides.

CREATE TABLE {{database}}.feature_set_changes {{on_cluster}}
(
    compared_at            DateTime64(3, 'UTC')            COMMENT 'When the states of the set to come were compared',
    from_feature_set_hash  LowCardinality(String)          COMMENT 'Set in force until then',
    to_feature_set_hash    LowCardinality(String)          COMMENT 'Set to come',
    from_model             LowCardinality(String)          COMMENT 'Bundle that decided until then, name@version',
    to_model               LowCardinality(String)          COMMENT 'Bundle to come, name@version',
    applicants             UInt64                          COMMENT 'Applicants drawn by hash, folded a second time from the log',
    vectors                UInt64                          COMMENT 'Vectors of theirs that were compared',
    past_decisions         UInt64                          COMMENT 'Decisions whose capsules were compared in what both sets define alike',
    linked_entities        UInt64                          COMMENT 'Devices, employers and addresses whose topic was folded again',
    compared               UInt64                          COMMENT 'Values compared, bit for bit',
    differences            UInt64                          COMMENT 'Of them, those that differ; with one, the set is not put in force',
    features               Nested(feature String, compared UInt64, differences UInt64, example Nullable(String)) COMMENT 'The same for each feature, with the first difference in words',
    cut_over_at            Nullable(DateTime64(3, 'UTC'))  COMMENT 'When the set was put in force; null where it was not',
    cut_over_offsets       Array(UInt64)                   COMMENT 'First input offset that the set to come decides, by partition: that of partition 0 is the first; empty where it was not put in force',
    recorded_at            DateTime64(3, 'UTC')            COMMENT 'When this row was written'
)
ENGINE = {{replacing:recorded_at}}
ORDER BY (compared_at, from_feature_set_hash, to_feature_set_hash)
COMMENT 'Certificates of changes of the feature set while serving';
