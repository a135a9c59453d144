/** Content addresses of bundle files. */
import { createHash } from 'node:crypto'

export const MANIFEST_FILE = 'manifest.json'

/** SHA-256 of bytes or UTF-8 text, lower-case hex. */
export const sha256 = (content: Uint8Array | string): string => createHash('sha256').update(content).digest('hex')

/** Length of a version: 48 bits tell any two bundles of one name apart. */
const VERSION_LENGTH = 12

/**
 * The version a bundle's content gives itself: the first 12 hex digits of the SHA-256 over its manifest with an empty version. The
 * manifest holds the SHA-256 of every file, so equal versions mean equal bytes, on any day and machine.
 */
export const contentVersion = (manifestWithoutVersion: string): string => sha256(manifestWithoutVersion).slice(0, VERSION_LENGTH)
