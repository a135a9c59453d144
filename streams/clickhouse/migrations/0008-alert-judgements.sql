-- What people made of alerts: who accepted, muted or acknowledged which, when and why.

CREATE TABLE {{database}}.alert_judgements {{on_cluster}}
(
    judgement_id  String                          {{about:alert-judgement.judgementId}},
    alert_id      String                          {{about:alert-judgement.alertId}},
    verdict       LowCardinality(String)          {{about:alert-judgement.verdict}},
    judged_at     DateTime64(3, 'UTC')            {{about:alert-judgement.judgedAt}},
    muted_until   Nullable(DateTime64(3, 'UTC'))  {{about:alert-judgement.mutedUntil}},
    actor         String                          {{about:alert-judgement.actor}},
    reason        String                          {{about:alert-judgement.reason}}
)
ENGINE = {{replacing}}
ORDER BY (alert_id, judgement_id)
COMMENT 'What people made of alerts';
