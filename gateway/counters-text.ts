/** The gateway's counters in Prometheus text format, to stand beside the engine's. */
import type { GatewayCounters } from './counters.ts'

type Sample = readonly [labels: string, value: number]

const family = (name: string, help: string, type: 'counter' | 'gauge', samples: readonly Sample[]): string =>
  `# HELP scorestream_gateway_${name} ${help}\n# TYPE scorestream_gateway_${name} ${type}\n` +
  samples.map(([labels, value]) => `scorestream_gateway_${name}${labels === '' ? '' : `{${labels}}`} ${value}\n`).join('')

const labelled = (label: string, values: Readonly<Record<string, number>>): Sample[] =>
  Object.entries(values).map(([key, value]) => [`${label}="${key}"`, value])

export const countersText = (counters: GatewayCounters): string => {
  const answers = counters.answers.flatMap((value, kind): Sample[] => (kind >= 2 ? [[`class="${kind}xx"`, value]] : []))
  const { messages, bytes, ...feed } = counters.feed
  return (
    family('answers_total', 'HTTP answers by class.', 'counter', answers) +
    family('problems_total', 'Refusals by code.', 'counter', labelled('code', counters.problems)) +
    family('aborted_total', 'Clients that went away before their answer.', 'counter', [['', counters.aborted]]) +
    family('events_total', 'Events by result of ingestion.', 'counter', labelled('result', counters.events)) +
    family('feed_messages_total', 'Decisions sent to subscribers.', 'counter', [['', messages]]) +
    family('feed_bytes_total', 'Bytes of decisions sent to subscribers.', 'counter', [['', bytes]]) +
    family(
      'feed_turns_total',
      'Subscribers that slowed, caught up, expired or were refused; decisions conflated.',
      'counter',
      labelled('turn', feed),
    ) +
    family('feed_subscribers', 'Subscribers now.', 'gauge', [['', counters.subscribers]]) +
    family('requests_in_flight', 'Requests not answered yet.', 'gauge', [['', counters.inFlight]]) +
    family('body_bytes_held', 'Request body bytes in memory.', 'gauge', [['', counters.bodyBytesHeld]])
  )
}
