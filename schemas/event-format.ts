/** How events stand as bytes in a log. */
import type { CreditEvent } from './events.ts'
import { eventToJson } from './parse-event.ts'
import type { Parsed } from './rejection.ts'
import { decodeEvent, encodeEvent, eventKindOf } from './wire.ts'

export interface EventFormat {
  encode(event: CreditEvent): Uint8Array
  /** Never throws on foreign bytes. Of records that {@link learn} has not seen, schemas may be unknown. */
  decode(bytes: Uint8Array): Parsed<CreditEvent>
  /** The event as JSON says it, sound or not; undefined where the bytes are no event. */
  toJson(bytes: Uint8Array): unknown
  /** Kind without decoding; undefined where only decoding tells it, or the bytes are no event. */
  kindOf(bytes: Uint8Array): CreditEvent['kind'] | undefined
  /**
   * Learns what is needed to decode these records; undefined where nothing is, which is the usual. Rejects where it cannot be learned now: the
   * same call may succeed later.
   */
  learn(records: readonly { readonly value: Uint8Array }[]): Promise<void> | undefined
}

/** What text of one JSON document says; undefined where the bytes are none. */
export const jsonIn = (bytes: Uint8Array): unknown => {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown
  } catch {
    return undefined
  }
}

/** Logs that only this program writes: framed Avro with the ids of its catalogue, checked where the event entered. */
export const CATALOGUE_FORMAT: EventFormat = {
  encode: encodeEvent,
  decode: decodeEvent,
  toJson: (bytes) => {
    const decoded = decodeEvent(bytes)
    return decoded.kind === 'accepted' ? eventToJson(decoded.value) : jsonIn(bytes)
  },
  kindOf: eventKindOf,
  learn: () => undefined,
}
