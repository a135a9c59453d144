/** Alerts open now, as the feed would tell them, newest first. */
export const OPEN_ALERTS = `SELECT alert_id AS alertId, state, kind, detail, toString(raised_at) AS raisedAt
FROM open_alerts
ORDER BY raised_at DESC
LIMIT 20`
