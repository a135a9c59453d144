-- Views. Each tolerates repeated rows: they read the deduplicated tables, never the raw ones. None touches `protected`.

CREATE VIEW {{database}}.events_latest {{on_cluster}} AS
SELECT * FROM {{database}}.events FINAL
COMMENT 'Events, one row per position of the log';

CREATE VIEW {{database}}.decisions_latest {{on_cluster}} AS
SELECT * FROM {{database}}.decisions FINAL
COMMENT 'Decisions, one row per application';

CREATE VIEW {{database}}.outcomes_latest {{on_cluster}} AS
SELECT
    application_id,
    argMax(label, position) AS label,
    argMax(definition, position) AS definition,
    argMax(horizon_days, position) AS horizon_days,
    argMax(matured_at, position) AS matured_at,
    argMax(observed, position) AS observed
FROM (SELECT *, (matured_at, partition, offset) AS position FROM {{database}}.outcomes)
GROUP BY application_id
COMMENT 'The latest outcome of each application';

CREATE VIEW {{database}}.decisions_with_outcomes {{on_cluster}} AS
SELECT
    d.*,
    o.application_id != '' AS matured,
    if(o.application_id != '', toNullable(o.label), NULL) AS label,
    if(o.application_id != '', toNullable(o.observed), NULL) AS observed,
    if(o.application_id != '', toNullable(o.matured_at), NULL) AS matured_at,
    if(o.application_id != '', toNullable(o.definition), NULL) AS definition
FROM {{database}}.decisions AS d FINAL
LEFT ANY JOIN {{database}}.outcomes_latest AS o ON o.application_id = d.application_id
COMMENT 'Each decision with what became of it; label, observed and matured_at are null until the outcome is known';

CREATE VIEW {{database}}.reasons_flat {{on_cluster}} AS
SELECT
    decision_id,
    application_id,
    applicant_id,
    event_time,
    decision,
    model_version,
    rank,
    code,
    contribution,
    reason_group,
    text
FROM {{database}}.decisions FINAL
ARRAY JOIN
    reasons.code AS code,
    reasons.contribution AS contribution,
    reasons.group AS reason_group,
    reasons.text AS text,
    arrayEnumerate(reasons.code) AS rank
COMMENT 'One row per decision and reason; rank 1 is the most adverse';

CREATE VIEW {{database}}.features_long {{on_cluster}} AS
SELECT
    d.decision_id AS decision_id,
    d.application_id AS application_id,
    d.event_time AS event_time,
    d.decision AS decision,
    d.model_version AS model_version,
    d.position AS position,
    f.feature AS feature,
    f.description AS description,
    f.unit AS unit,
    if(isNaN(d.value), NULL, toNullable(d.value)) AS value,
    d.attribution AS attribution
FROM
(
    SELECT decision_id, application_id, event_time, decision, model_version, feature_set_hash, position, value, attributions[position] AS attribution
    FROM {{database}}.decisions FINAL
    ARRAY JOIN features AS value, arrayEnumerate(features) AS position
) AS d
LEFT ANY JOIN (SELECT * FROM {{database}}.feature_dictionary FINAL) AS f ON f.feature_set_hash = d.feature_set_hash AND f.position = d.position
COMMENT 'One row per decision and feature, named; value is null where it was missing, attribution in log-odds of bad';

CREATE VIEW {{database}}.daily_portfolio {{on_cluster}} AS
SELECT
    toDate(event_time) AS day,
    product,
    currency,
    count() AS applications,
    countIf(decision = 'approve') AS approved,
    countIf(decision = 'refer') AS referred,
    countIf(decision = 'decline') AS declined,
    approved / applications AS approval_rate,
    sum(amount) AS amount_requested,
    sumIf(amount, decision = 'approve') AS amount_approved,
    avg(probability) AS mean_probability,
    avg(score) AS mean_score,
    countIf(degraded IS NOT NULL) AS degraded_decisions
FROM {{database}}.decisions FINAL
GROUP BY day, product, currency
COMMENT 'Applications and decisions of each day; amounts in minor units of the currency';

CREATE VIEW {{database}}.score_bands {{on_cluster}} AS
SELECT
    floor(score / 20) * 20 AS score_from,
    score_from + 20 AS score_to,
    count() AS applications,
    countIf(decision = 'approve') AS approved,
    approved / applications AS approval_rate,
    avg(probability) AS mean_probability,
    countIf(matured) AS matured_outcomes,
    countIf(label = 1) AS bad,
    if(matured_outcomes = 0, NULL, bad / matured_outcomes) AS bad_rate
FROM {{database}}.decisions_with_outcomes
GROUP BY score_from
COMMENT 'Bands of 20 points, over which odds double: predicted and observed share of bad';

CREATE VIEW {{database}}.approval_by_segment {{on_cluster}} AS
SELECT
    tupleElement(segment, 1) AS dimension,
    tupleElement(segment, 2) AS segment_value,
    count() AS applications,
    countIf(decision = 'approve') AS approved,
    approved / applications AS approval_rate,
    countIf(decision = 'refer') / applications AS referral_rate,
    countIf(decision = 'decline') / applications AS decline_rate,
    avg(probability) AS mean_probability
FROM
(
    SELECT
        d.decision AS decision,
        d.probability AS probability,
        arrayJoin([
            ('product', toString(d.product)),
            ('channel', JSONExtractString(e.body, 'channel')),
            ('purpose', JSONExtractString(e.body, 'purpose')),
            ('employment', ifNull(nullIf(JSONExtractString(e.body, 'employmentType'), ''), 'not stated')),
            ('housing', ifNull(nullIf(JSONExtractString(e.body, 'housing'), ''), 'not stated')),
            ('model', toString(d.model_version)),
            ('policy', toString(d.policy_version))
        ]) AS segment
    FROM (SELECT decision, probability, product, model_version, policy_version, partition, offset FROM {{database}}.decisions FINAL) AS d
    INNER JOIN (SELECT partition, offset, body FROM {{database}}.events FINAL WHERE kind = 'application') AS e ON e.partition = d.partition AND e.offset = d.offset
)
GROUP BY dimension, segment_value
COMMENT 'Approval by product, channel, purpose, employment, housing, model and policy';

CREATE VIEW {{database}}.holdout_quality {{on_cluster}} AS
SELECT
    model_version,
    count() AS n,
    countIf(label = 1) AS bad,
    bad / n AS bad_rate,
    avg(probability) AS mean_probability,
    arrayAUC(groupArray(probability), groupArray(toUInt8(assumeNotNull(label)))) AS auc,
    2 * auc - 1 AS gini,
    max(abs(share_bad - share_good)) AS ks,
    avg(pow(probability - assumeNotNull(label), 2)) AS brier
FROM
(
    SELECT
        model_version,
        probability,
        label,
        sum(label = 1) OVER w / sum(label = 1) OVER (PARTITION BY model_version) AS share_bad,
        sum(label = 0) OVER w / sum(label = 0) OVER (PARTITION BY model_version) AS share_good
    FROM {{database}}.decisions_with_outcomes
    WHERE in_training = 0 AND matured
    WINDOW w AS (PARTITION BY model_version ORDER BY probability RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
)
GROUP BY model_version
COMMENT 'Discrimination and calibration on applicants no model was ever fitted on';

CREATE VIEW {{database}}.latency_by_stage {{on_cluster}} AS
SELECT
    tupleElement(stage, 1) AS stage_name,
    count() AS decisions,
    avg(tupleElement(stage, 2)) AS mean_us,
    quantileExact(0.5)(tupleElement(stage, 2)) AS p50_us,
    quantileExact(0.99)(tupleElement(stage, 2)) AS p99_us,
    quantileExact(0.999)(tupleElement(stage, 2)) AS p999_us,
    max(tupleElement(stage, 2)) AS max_us
FROM
(
    SELECT arrayJoin([
        ('1 queue', queue_us),
        ('2 decode', decode_us),
        ('3 state', state_us),
        ('4 fold', fold_us),
        ('5 score', score_us),
        ('6 explain', explain_us),
        ('7 policy', policy_us),
        ('8 commit', commit_us),
        ('9 publish', publish_us),
        ('total', queue_us + decode_us + state_us + fold_us + score_us + explain_us + policy_us + commit_us + publish_us)
    ]) AS stage
    FROM {{database}}.decisions FINAL
)
GROUP BY stage_name
COMMENT 'Microseconds of each stage of the way of an application';

CREATE VIEW {{database}}.reconciliation_now {{on_cluster}} AS
SELECT
    a.partition AS partition,
    a.applications AS applications,
    a.decided AS decided,
    a.lost AS lost,
    d.conflicting AS conflicting,
    d.repeated AS repeated
FROM
(
    SELECT
        e.partition AS partition,
        count() AS applications,
        countIf(d.capsule_hash != '') AS decided,
        countIf(d.capsule_hash = '' AND e.offset < h.highest AND x.position = 0) AS lost
    FROM (SELECT partition, offset, event_id, producer FROM {{database}}.events FINAL WHERE kind = 'application') AS e
    LEFT ANY JOIN (SELECT partition, offset, toString(capsule_hash) AS capsule_hash FROM {{database}}.decisions) AS d ON d.partition = e.partition AND d.offset = e.offset
    LEFT ANY JOIN (SELECT partition, max(offset) AS highest FROM {{database}}.decisions GROUP BY partition) AS h ON h.partition = e.partition
    LEFT ANY JOIN (SELECT assumeNotNull(partition) AS dead_partition, assumeNotNull(offset) AS dead_offset, 1 AS position FROM {{database}}.dead_letters WHERE offset IS NOT NULL) AS x
        ON x.dead_partition = e.partition AND x.dead_offset = e.offset
    LEFT ANY JOIN (SELECT producer, event_id, min((partition, offset)) AS first_position FROM {{database}}.events WHERE kind = 'application' GROUP BY producer, event_id) AS f
        ON f.producer = e.producer AND f.event_id = e.event_id
    -- A producer's retry that reached the log twice is decided once, at its first position.
    WHERE f.first_position = (e.partition, e.offset)
    GROUP BY partition
) AS a
LEFT ANY JOIN
(
    SELECT partition, countIf(contents > 1) AS conflicting, sum(records - 1) AS repeated
    FROM (SELECT partition, offset, uniqExact(capsule_hash) AS contents, uniqExact(log_offset) AS records FROM {{database}}.decisions GROUP BY partition, offset)
    GROUP BY partition
) AS d ON d.partition = a.partition
COMMENT 'The reconciler as a query: applications below the last decided one that have neither decision nor dead letter (lost), positions with two contents (conflicting), and records beyond the first (repeated, until merged away)';
