/** A producer in forty lines: some history, an application, the decision. Needs a running engine; `node examples/apply.ts [http://127.0.0.1:8080]`. */

const engine = process.argv[2] ?? 'http://127.0.0.1:8080'
const applicantId = `example-${Date.now().toString(36)}`
const day = 86_400_000
const at = (daysAgo: number): string => new Date(Date.now() - daysAgo * day).toISOString()
const envelope = (kind: string, daysAgo: number) => ({
  eventId: `${applicantId}-${kind}-${daysAgo}`,
  kind,
  applicantId,
  eventTime: at(daysAgo),
  producer: 'example',
})

const history = [150, 120, 90, 60, 30, 5].flatMap((daysAgo, month) => [
  { ...envelope('payment', daysAgo + 8), accountId: 'card', amount: 120_000, currency: 'TWD' },
  {
    ...envelope('statement', daysAgo),
    accountId: 'card',
    period: at(daysAgo).slice(0, 7),
    closingBalance: 2_000_000 + month * 100_000,
    creditLimit: 5_000_000,
    currency: 'TWD',
    repaymentStatus: month === 4 ? 1 : 0,
  },
])

const sent = await fetch(`${engine}/v1/events`, {
  method: 'POST',
  headers: { 'content-type': 'application/x-ndjson' },
  body: history.map((event) => JSON.stringify(event)).join('\n'),
})
process.stdout.write(`${history.length} events of history: ${sent.status}\n`)

const answer = await fetch(`${engine}/v1/applications?deadlineMs=2000`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({
    ...envelope('application', 0),
    applicationId: `${applicantId}-1`,
    product: 'credit-line',
    amount: 2_500_000,
    currency: 'TWD',
    termMonths: 0,
    purpose: 'limit-increase',
    channel: 'online',
  }),
})
process.stdout.write(`${answer.status} ${JSON.stringify(await answer.json(), null, 2)}\n`)
