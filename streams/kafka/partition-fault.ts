/** What a broker's answer for one partition means: try again, or never. */
import { TerminalFailure } from '../failure.ts'
import { KAFKA_ERROR, type KafkaCluster } from './cluster.ts'
import type { FetchedPartition } from './fetch.ts'
import type { Window } from './window.ts'

interface Fault {
  readonly topic: string
  readonly topicId: string
  readonly window: Window
  readonly fetched: FetchedPartition
  readonly refresh: () => Promise<void>
  readonly bounds: () => { readonly start: number; readonly end: number }
}

/** The failure that ends reading; undefined where it may be tried again (a leader moved, a broker is starting). */
export const judgeFault = async (cluster: KafkaCluster, fault: Fault): Promise<Error | undefined> => {
  const { topic, topicId, window, fetched, refresh, bounds } = fault
  const place = `${topic}[${window.partition}]`
  if (fetched.divergesAt !== undefined)
    return fetched.divergesAt >= window.next
      ? undefined
      : shortened(
          `${place}: its leader's log parts at offset ${fetched.divergesAt} from what was read up to ${window.next}, so records that were read are gone (an unclean leader election)`,
        )
  switch (fetched.errorCode) {
    case KAFKA_ERROR.offsetOutOfRange: {
      await refresh()
      const { start, end } = bounds()
      if (window.next < start)
        return shortened(`${place} begins at ${start}, a reader asks for ${window.next}: retention deleted what it needs`)
      return window.next > end
        ? shortened(`${place} ends at ${end}, a reader stands at ${window.next}: the log lost records it once had`)
        : undefined
    }
    case KAFKA_ERROR.unknownTopicId:
    case KAFKA_ERROR.unknownTopicOrPartition: {
      const now = await cluster.topic(topic)
      if (now !== undefined && now.id === topicId) return undefined
      return new TerminalFailure(
        'topic-replaced',
        now === undefined
          ? `${topic} was deleted while it was in use. Restore it, or point the engine at another topicPrefix and an empty state store.`
          : `${topic} was deleted and made anew (its id was ${topicId}, now ${now.id}): its offsets mean other records. Restore the old topic, or start with an empty state store.`,
      )
    }
    case KAFKA_ERROR.topicAuthorizationFailed:
      return new TerminalFailure('forbidden', `${topic}: Kafka's access list forbids reading it to this user. Grant READ with kafka-acls.`)
    default:
      return undefined
  }
}

const shortened = (detail: string): TerminalFailure =>
  new TerminalFailure('log-shortened', `${detail}. Restore the topic from a copy; nothing is reset by itself.`)
