/**
 * Kafka's partitioner hash: MurmurHash2, 32 bits, seed 0x9747b28c, as in `org.apache.kafka.common.utils.Utils.murmur2`. Producers of any
 * language place records by it, so the engine can verify that a record lies where its key belongs.
 */
const SEED = 0x9747b28c
const M = 0x5bd1e995

export const murmur2 = (data: Uint8Array): number => {
  let h = SEED ^ data.length
  let i = 0
  for (; i + 4 <= data.length; i += 4) {
    let k = (data[i] as number) | ((data[i + 1] as number) << 8) | ((data[i + 2] as number) << 16) | ((data[i + 3] as number) << 24)
    k = Math.imul(k, M)
    k ^= k >>> 24
    h = Math.imul(h, M) ^ Math.imul(k, M)
  }
  const rest = data.length - i
  if (rest === 3) h ^= (data[i + 2] as number) << 16
  if (rest >= 2) h ^= (data[i + 1] as number) << 8
  if (rest >= 1) h = Math.imul(h ^ (data[i] as number), M)
  h = Math.imul(h ^ (h >>> 13), M)
  return (h ^ (h >>> 15)) | 0
}

/** Partition of a key: Kafka's `toPositive(murmur2(key)) % partitions`. */
export const partitionOf = (key: Uint8Array, partitions: number): number => (murmur2(key) & 0x7fffffff) % partitions

/** {@link partitionOf} of a key in Latin-1, without making its bytes. */
export const partitionOfText = (key: string, partitions: number): number => (murmur2OfText(key) & 0x7fffffff) % partitions

const murmur2OfText = (text: string): number => {
  let h = SEED ^ text.length
  let i = 0
  for (; i + 4 <= text.length; i += 4) {
    let k = text.charCodeAt(i) | (text.charCodeAt(i + 1) << 8) | (text.charCodeAt(i + 2) << 16) | (text.charCodeAt(i + 3) << 24)
    k = Math.imul(k, M)
    k ^= k >>> 24
    h = Math.imul(h, M) ^ Math.imul(k, M)
  }
  const rest = text.length - i
  if (rest === 3) h ^= text.charCodeAt(i + 2) << 16
  if (rest >= 2) h ^= text.charCodeAt(i + 1) << 8
  if (rest >= 1) h = Math.imul(h ^ text.charCodeAt(i), M)
  h = Math.imul(h ^ (h >>> 13), M)
  return (h ^ (h >>> 15)) | 0
}
