/** What members of the classic protocol tell each other through the broker: Kafka's ConsumerProtocolSubscription and …Assignment. */
import { Reader, Writer } from '@platformatic/kafka'

/** With owned partitions and the generation they are of (KIP-792). */
const SUBSCRIPTION_VERSION = 2
const ASSIGNMENT_VERSION = 0

export interface Subscription {
  readonly owned: readonly number[]
  readonly generation: number
}

const appendPartitions = (writer: Writer, topic: string, partitions: readonly number[]): Writer =>
  writer.appendArray(
    partitions.length === 0 ? [] : [topic],
    (w, name) => void w.appendString(name, false).appendArray([...partitions], (inner, one) => void inner.appendInt32(one), false, false),
    false,
    false,
  )

const readPartitions = (reader: Reader, topic: string): number[] =>
  reader
    .readArray((r) => ({ name: r.readString(false), partitions: r.readArray(() => r.readInt32(), false, false) }), false, false)
    .flatMap(({ name, partitions }) => (name === topic ? partitions : []))

export const encodeSubscription = ({ topic, owned, generation }: Subscription & { readonly topic: string }): Buffer => {
  const writer = Writer.create()
    .appendInt16(SUBSCRIPTION_VERSION)
    .appendArray([topic], (w, name) => void w.appendString(name, false), false, false)
    .appendInt32(-1)
  return appendPartitions(writer, topic, owned).appendInt32(generation).buffer
}

/** Partitions of `topic` that a member holds; older versions do not say so. */
export const decodeSubscription = (bytes: Buffer, topic: string): Subscription => {
  const reader = Reader.from(bytes)
  const version = reader.readInt16()
  reader.readArray((r) => r.readString(false), false, false)
  reader.readNullableBytes(false)
  const owned = version >= 1 ? readPartitions(reader, topic) : []
  return { owned, generation: version >= 2 ? reader.readInt32() : -1 }
}

export const encodeAssignment = (topic: string, partitions: readonly number[]): Buffer =>
  appendPartitions(Writer.create().appendInt16(ASSIGNMENT_VERSION), topic, partitions).appendInt32(-1).buffer

/** Empty bytes are an empty assignment. */
export const decodeAssignment = (bytes: Buffer, topic: string): readonly number[] => {
  if (bytes.length === 0) return []
  const reader = Reader.from(bytes)
  reader.readInt16()
  return readPartitions(reader, topic)
}
