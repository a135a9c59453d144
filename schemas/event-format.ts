/** How events stand as bytes in a log. */
import type { CreditEvent } from './events.ts'
import type { Parsed } from './rejection.ts'
import { decodeEvent, encodeEvent, eventKindOf } from './wire.ts'

export interface EventFormat {
  encode(event: CreditEvent): Uint8Array
  /** Never throws on foreign bytes. Of records that {@link learn} has not seen, schemas may be unknown. */
  decode(bytes: Uint8Array): Parsed<CreditEvent>
  /** Kind without decoding; undefined where only decoding tells it, or the bytes are no event. */
  kindOf(bytes: Uint8Array): CreditEvent['kind'] | undefined
  /**
   * Learns what is needed to decode these records; undefined where nothing is, which is the usual. Rejects where it cannot be learned now: the
   * same call may succeed later.
   */
  learn(records: readonly { readonly value: Uint8Array }[]): Promise<void> | undefined
}

/** Logs that only this program writes: framed Avro with the ids of its catalogue, checked where the event entered. */
export const CATALOGUE_FORMAT: EventFormat = {
  encode: encodeEvent,
  decode: decodeEvent,
  kindOf: eventKindOf,
  learn: () => undefined,
}
