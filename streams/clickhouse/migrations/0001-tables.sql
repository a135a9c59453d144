-- Tables. A row's identity is its position in a log; ReplacingMergeTree keeps one row of those that share it.
-- Partitioned by the month of the log's own clock, not the event's: a batch then becomes one part, whole or not at all,
-- which is what lets a sink resume from the table's highest offset.

CREATE TABLE {{database}}.events {{on_cluster}}
(
    event_id        String                  {{about:application.eventId}} CODEC(ZSTD(1)),
    kind            LowCardinality(String)  COMMENT 'application, statement, payment, transaction, bureau, outcome or subject-request',
    applicant_id    String                  {{about:application.applicantId}} CODEC(ZSTD(1)),
    event_time      DateTime64(3, 'UTC')    {{about:application.eventTime}} CODEC(ZSTD(1)),
    ingested_at     DateTime64(3, 'UTC')    COMMENT 'Append time of the log (RFC 3339 UTC)' CODEC(DoubleDelta, ZSTD(1)),
    producer        LowCardinality(String)  {{about:application.producer}},
    tenant          LowCardinality(String)  {{about:application.tenant}},
    partition       UInt32                  COMMENT 'Partition of the log' CODEC(T64, ZSTD(1)),
    offset          UInt64                  COMMENT 'Position within the partition' CODEC(Delta, ZSTD(1)),
    body            String                  COMMENT 'The fields of the kind as JSON; amounts in minor units. JSONExtractInt(body, ''amount'') reads one' CODEC(ZSTD(1)),
    INDEX by_time event_time TYPE minmax GRANULARITY 1,
    INDEX by_applicant applicant_id TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = {{replacing}}
PARTITION BY toYYYYMM(ingested_at)
ORDER BY (partition, offset)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Accepted events, one row per position of the log; protected attributes and direct identifiers are never among them';

CREATE TABLE {{database}}.decisions {{on_cluster}}
(
    decision_id       String                            COMMENT '<partition>-<offset> of the application in the log' CODEC(ZSTD(1)),
    application_id    String                            {{about:body.applicationId}} CODEC(ZSTD(1)),
    applicant_id      String                            {{about:body.applicantId}} CODEC(ZSTD(1)),
    event_id          String                            {{about:body.eventId}} CODEC(ZSTD(1)),
    event_time        DateTime64(3, 'UTC')              {{about:body.eventTime}} CODEC(ZSTD(1)),
    decided_at        DateTime64(3, 'UTC')              {{about:decision.envelope.decidedAt}} CODEC(DoubleDelta, ZSTD(1)),
    product           LowCardinality(String)            {{about:body.product}},
    amount            Int64                             {{about:body.amount}} CODEC(ZSTD(1)),
    currency          LowCardinality(String)            {{about:body.currency}},
    decision          LowCardinality(String)            {{about:body.decision}},
    probability       Float64                           {{about:body.probability}} CODEC(ZSTD(1)),
    score             Float64                           {{about:body.score}} CODEC(ZSTD(1)),
    margin            Float64                           {{about:body.margin}} CODEC(ZSTD(1)),
    base              Float64                           {{about:body.base}} CODEC(ZSTD(1)),
    residual          Float64                           {{about:body.residual}} CODEC(ZSTD(1)),
    member_margins    Nested(member LowCardinality(String), margin Float64) {{about:body.memberMargins}},
    reasons           Nested(code LowCardinality(String), contribution Float64, `group` LowCardinality(String), text LowCardinality(String)) {{about:body.reasons}},
    features          Array(Float32)                    {{about:body.vector}} CODEC(ZSTD(1)),
    attributions      Array(Float32)                    {{about:body.attributions}} CODEC(ZSTD(1)),
    model_version     LowCardinality(String)            {{about:body.modelVersion}},
    bundle_hash       LowCardinality(String)            {{about:body.bundleHash}},
    feature_set_hash  LowCardinality(String)            {{about:body.featureSetHash}},
    policy_version    LowCardinality(String)            {{about:body.policyVersion}},
    cut_off           Float64                           {{about:body.cutOff}} CODEC(ZSTD(1)),
    rule_hit          LowCardinality(Nullable(String))  {{about:body.ruleHit}},
    degraded          LowCardinality(Nullable(String))  {{about:body.degraded}},
    in_training       Bool                              {{about:body.inTraining}},
    queue_us          UInt32                            {{about:decision.envelope.stages.queueUs}} CODEC(T64, ZSTD(1)),
    decode_us         UInt32                            {{about:decision.envelope.stages.decodeUs}} CODEC(T64, ZSTD(1)),
    state_us          UInt32                            {{about:decision.envelope.stages.stateUs}} CODEC(T64, ZSTD(1)),
    fold_us           UInt32                            {{about:decision.envelope.stages.foldUs}} CODEC(T64, ZSTD(1)),
    score_us          UInt32                            {{about:decision.envelope.stages.scoreUs}} CODEC(T64, ZSTD(1)),
    explain_us        UInt32                            {{about:decision.envelope.stages.explainUs}} CODEC(T64, ZSTD(1)),
    policy_us         UInt32                            {{about:decision.envelope.stages.policyUs}} CODEC(T64, ZSTD(1)),
    commit_us         UInt32                            {{about:decision.envelope.stages.commitUs}} CODEC(T64, ZSTD(1)),
    publish_us        UInt32                            {{about:decision.envelope.stages.publishUs}} CODEC(T64, ZSTD(1)),
    host              LowCardinality(String)            {{about:decision.envelope.host}},
    runtime           LowCardinality(String)            {{about:decision.envelope.runtime}},
    input_hash        FixedString(64)                   {{about:body.inputHash}} CODEC(ZSTD(1)),
    previous_hash     FixedString(64)                   {{about:decision.previousHash}} CODEC(ZSTD(1)),
    capsule_hash      FixedString(64)                   {{about:decision.capsuleHash}} CODEC(ZSTD(1)),
    partition         UInt32                            {{about:body.partition}} CODEC(T64, ZSTD(1)),
    offset            UInt64                            {{about:body.offset}} CODEC(Delta, ZSTD(1)),
    epoch             UInt64                            {{about:decision.epoch}} CODEC(T64, ZSTD(1)),
    log_offset        UInt64                            COMMENT 'Position in the decisions log; the sink resumes behind the highest' CODEC(Delta, ZSTD(1)),
    INDEX by_time event_time TYPE minmax GRANULARITY 1,
    INDEX by_application application_id TYPE bloom_filter(0.01) GRANULARITY 4,
    INDEX by_applicant applicant_id TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = {{replacing:epoch}}
PARTITION BY toYYYYMM(decided_at)
ORDER BY (partition, offset)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Believed decisions, one row per application; repeats of a record are harmless and gone from decisions_latest';

CREATE TABLE {{database}}.outcomes {{on_cluster}}
(
    application_id  String                  {{about:outcome.applicationId}} CODEC(ZSTD(1)),
    applicant_id    String                  {{about:outcome.applicantId}} CODEC(ZSTD(1)),
    label           UInt8                   {{about:outcome.label}},
    definition      LowCardinality(String)  {{about:outcome.definition}},
    horizon_days    UInt16                  {{about:outcome.horizonDays}},
    matured_at      DateTime64(3, 'UTC')    {{about:outcome.maturedAt}} CODEC(ZSTD(1)),
    observed        Bool                    {{about:outcome.observed}},
    event_time      DateTime64(3, 'UTC')    {{about:outcome.eventTime}} CODEC(ZSTD(1)),
    ingested_at     DateTime64(3, 'UTC')    COMMENT 'Append time of the log (RFC 3339 UTC)' CODEC(DoubleDelta, ZSTD(1)),
    partition       UInt32                  COMMENT 'Partition of the log' CODEC(T64, ZSTD(1)),
    offset          UInt64                  COMMENT 'Position within the partition' CODEC(Delta, ZSTD(1))
)
ENGINE = {{replacing}}
PARTITION BY toYYYYMM(ingested_at)
ORDER BY (partition, offset)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'What became of decided applications; the latest position wins where an application has several';

CREATE TABLE {{database}}.protected {{on_cluster}}
(
    applicant_id  String                  {{about:protected.applicantId}} CODEC(ZSTD(1)),
    attribute     LowCardinality(String)  COMMENT 'sex, birthYear, ethnicity, maritalStatus, education …',
    value         String                  {{about:protected.attributes}} CODEC(ZSTD(1)),
    sequence      UInt64                  COMMENT 'Position in the vault; the latest wins' CODEC(Delta, ZSTD(1)),
    recorded_at   DateTime64(3, 'UTC')    COMMENT 'When the vault took it' CODEC(DoubleDelta, ZSTD(1))
)
ENGINE = {{replacing:sequence}}
ORDER BY (applicant_id, attribute)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Attributes that may not bear on a decision. For fairness statistics alone; the SQL port refuses every way to it';

CREATE TABLE {{database}}.drift {{on_cluster}}
(
    window_start   DateTime64(3, 'UTC')    COMMENT 'Event time from',
    window_end     DateTime64(3, 'UTC')    COMMENT 'Event time to, exclusive',
    model_version  LowCardinality(String)  {{about:body.modelVersion}},
    feature        LowCardinality(String)  COMMENT 'Feature, or "score"',
    segment        LowCardinality(String)  COMMENT 'Part of the portfolio, or "all"',
    metric         LowCardinality(String)  COMMENT 'psi, ks, missing …',
    value          Float64                 COMMENT 'The metric',
    p_value        Nullable(Float64)       COMMENT 'Probability of at least this value without drift',
    threshold      Float64                 COMMENT 'Value from which it counts',
    n              UInt64                  COMMENT 'Decisions in the window',
    n_reference    UInt64                  COMMENT 'Rows of the reference',
    alert          Bool                    COMMENT 'Above the threshold, significant and with enough decisions'
)
ENGINE = {{replacing}}
PARTITION BY toYYYYMM(window_start)
ORDER BY (model_version, feature, segment, metric, window_start, window_end)
COMMENT 'Distance of live distributions from those the model was fitted on';

CREATE TABLE {{database}}.fairness {{on_cluster}}
(
    window_start     DateTime64(3, 'UTC')    COMMENT 'Event time from',
    window_end       DateTime64(3, 'UTC')    COMMENT 'Event time to, exclusive',
    model_version    LowCardinality(String)  {{about:body.modelVersion}},
    attribute        LowCardinality(String)  COMMENT 'sex, age-band …',
    `group`          LowCardinality(String)  COMMENT 'Group looked at',
    reference_group  LowCardinality(String)  COMMENT 'Group compared with: the largest unless configured',
    metric           LowCardinality(String)  COMMENT 'adverse-impact-ratio, equal-opportunity …',
    value            Nullable(Float64)       COMMENT 'The metric; null where the evidence does not suffice',
    low              Nullable(Float64)       COMMENT 'Lower bound of the 95 % interval',
    high             Nullable(Float64)       COMMENT 'Upper bound of the 95 % interval',
    n                UInt64                  COMMENT 'Decisions of the group',
    state            LowCardinality(String)  COMMENT 'ok, violation or insufficient-evidence'
)
ENGINE = {{replacing}}
PARTITION BY toYYYYMM(window_start)
ORDER BY (model_version, attribute, `group`, metric, window_start, window_end)
COMMENT 'Statistics over groups; no row names a person';

CREATE TABLE {{database}}.performance {{on_cluster}}
(
    window_start   DateTime64(3, 'UTC')    COMMENT 'Decision time from',
    window_end     DateTime64(3, 'UTC')    COMMENT 'Decision time to, exclusive',
    model_version  LowCardinality(String)  {{about:body.modelVersion}},
    segment        LowCardinality(String)  COMMENT 'Part of the portfolio, or "all"',
    metric         LowCardinality(String)  COMMENT 'auc, gini, ks, brier, calibration-slope …',
    value          Float64                 COMMENT 'The metric over decisions with matured outcomes',
    low            Nullable(Float64)       COMMENT 'Lower bound of the 95 % interval',
    high           Nullable(Float64)       COMMENT 'Upper bound of the 95 % interval',
    n              UInt64                  COMMENT 'Matured outcomes'
)
ENGINE = {{replacing}}
PARTITION BY toYYYYMM(window_start)
ORDER BY (model_version, segment, metric, window_start, window_end)
COMMENT 'How well decisions foretold their outcomes';

CREATE TABLE {{database}}.slo {{on_cluster}}
(
    window_start  DateTime64(3, 'UTC')    COMMENT 'Wall clock from',
    window_end    DateTime64(3, 'UTC')    COMMENT 'Wall clock to, exclusive',
    objective     LowCardinality(String)  COMMENT 'decision-latency, availability …',
    target        Float64                 COMMENT 'Share of good events promised',
    good          UInt64                  COMMENT 'Events that met the objective',
    total         UInt64                  COMMENT 'Events that count',
    burn_rate     Float64                 COMMENT 'Share of bad events ÷ share allowed',
    alert         Bool                    COMMENT 'Whether somebody was called'
)
ENGINE = {{replacing}}
PARTITION BY toYYYYMM(window_start)
ORDER BY (objective, window_start, window_end)
COMMENT 'Service-level objectives';

CREATE TABLE {{database}}.models {{on_cluster}}
(
    model_version     LowCardinality(String)  {{about:body.modelVersion}},
    name              LowCardinality(String)  COMMENT 'Bundle',
    version           String                  COMMENT 'Version of the bundle',
    parent            Nullable(String)        COMMENT 'Version it succeeds',
    bundle_hash       String                  {{about:body.bundleHash}},
    feature_set_hash  String                  {{about:body.featureSetHash}},
    aliases           Array(String)           COMMENT 'champion, challenger, fallback as they stood when recorded',
    metrics           Map(String, Float64)    COMMENT 'Metrics on the untouched fifth of the clients',
    manifest          String                  COMMENT 'manifest.json of the bundle' CODEC(ZSTD(3)),
    recorded_at       DateTime64(3, 'UTC')    COMMENT 'When this row was written'
)
ENGINE = {{replacing:recorded_at}}
ORDER BY (name, version)
COMMENT 'Model bundles known to the engine';

CREATE TABLE {{database}}.promotions {{on_cluster}}
(
    promoted_at       DateTime64(3, 'UTC')    COMMENT 'When the alias moved',
    name              LowCardinality(String)  COMMENT 'Bundle',
    alias             LowCardinality(String)  COMMENT 'champion, challenger or fallback',
    version           String                  COMMENT 'Version it points at now',
    previous_version  Nullable(String)        COMMENT 'Version it pointed at before',
    actor             String                  COMMENT 'Who moved it: a person, or the gate',
    reason            String                  COMMENT 'Why'
)
ENGINE = {{replacing}}
ORDER BY (name, alias, promoted_at)
COMMENT 'Every move of an alias';

CREATE TABLE {{database}}.feature_dictionary {{on_cluster}}
(
    feature_set_hash  LowCardinality(String)  {{about:body.featureSetHash}},
    position          UInt16                  COMMENT 'Index in features and attributions, from 1',
    feature           String                  COMMENT 'entity.kind.field.aggregate.window',
    description       String                  COMMENT 'Meaning',
    unit              LowCardinality(String)  COMMENT 'Unit',
    kind              LowCardinality(String)  COMMENT 'Kind of event it is made of',
    aggregate         LowCardinality(String)  COMMENT 'How events are put together',
    `window`          LowCardinality(String)  COMMENT 'Over which time',
    recorded_at       DateTime64(3, 'UTC')    COMMENT 'When this row was written'
)
ENGINE = {{replacing:recorded_at}}
ORDER BY (feature_set_hash, position)
COMMENT 'What each place of a vector means';

CREATE TABLE {{database}}.dead_letters {{on_cluster}}
(
    received_at    DateTime64(3, 'UTC')    {{about:dead-letter.receivedAt}},
    code           LowCardinality(String)  {{about:dead-letter.code}},
    detail         String                  {{about:dead-letter.detail}} CODEC(ZSTD(1)),
    source         LowCardinality(String)  {{about:dead-letter.source}},
    partition      Nullable(UInt32)        {{about:dead-letter.partition}},
    offset         Nullable(UInt64)        {{about:dead-letter.offset}},
    errors         Nested(pointer String, value String, expected String, remedy String) {{about:dead-letter.errors}},
    bytes          String                  {{about:dead-letter.bytes}} CODEC(ZSTD(1)),
    log_partition  UInt32                  COMMENT 'Partition of the dead letters',
    log_offset     UInt64                  COMMENT 'Position in that partition' CODEC(Delta, ZSTD(1))
)
ENGINE = {{replacing}}
ORDER BY (log_partition, log_offset)
SETTINGS non_replicated_deduplication_window = 1000
COMMENT 'Events that could not be accepted, with the bytes as received';

CREATE TABLE {{database}}.revisions {{on_cluster}}
(
    decision_id          String                  COMMENT 'Decision whose inputs changed',
    partition            UInt32                  COMMENT 'Partition of the application',
    offset               UInt64                  COMMENT 'Position of the application',
    revised_at           DateTime64(3, 'UTC')    COMMENT 'When the change was found',
    cause_partition      UInt32                  COMMENT 'Partition of the late event',
    cause_offset         UInt64                  COMMENT 'Position of the late event',
    cause_event_id       String                  COMMENT 'The late event',
    decision             LowCardinality(String)  COMMENT 'What was decided',
    revised_decision     LowCardinality(String)  COMMENT 'What would have been decided',
    probability          Float64                 COMMENT 'As decided',
    revised_probability  Float64                 COMMENT 'With the late event'
)
ENGINE = {{replacing}}
PARTITION BY toYYYYMM(revised_at)
ORDER BY (partition, offset, cause_partition, cause_offset)
COMMENT 'Decisions that a late event would have changed, with the original bundle';

CREATE TABLE {{database}}.reconciliation {{on_cluster}}
(
    checked_at    DateTime64(3, 'UTC')  COMMENT 'Wall clock of the check',
    partition     UInt32                COMMENT 'Partition of the logs',
    applications  UInt64                COMMENT 'Applications in the input log',
    decided       UInt64                COMMENT 'Positions with a believed decision',
    lost          UInt64                COMMENT 'Applications without decision or dead letter, below the last decided',
    conflicting   UInt64                COMMENT 'Positions with believed decisions of different content',
    repeated      UInt64                COMMENT 'Believed records beyond the first of their position, byte for byte alike'
)
ENGINE = {{replacing}}
PARTITION BY toYYYYMM(checked_at)
ORDER BY (partition, checked_at)
COMMENT 'Counts of the reconciler: 0 lost, 0 conflicting, and how many repeated';
