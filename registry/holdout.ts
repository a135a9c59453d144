/** Who is never trained on: a fixed fifth of the applicants, by hash, for ever. */
import { crc32 } from 'node:zlib'

/** True for the 20 % of applicants whose CRC-32 (ISO-HDLC, of the UTF-8 id) is divisible by five. */
export const isHoldout = (applicantId: string): boolean => crc32(applicantId) % 5 === 0
