/** Looks at a database file before LMDB does: on one that is not its own it ends the process with a segmentation fault. */
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'

/** First meta page: 24 bytes of page header, then LMDB's magic number. */
const MAGIC_AT = 24
const MAGIC = 0xbeefc0de
/** Two meta pages; a page is 4 KiB at least. */
const FILE_BYTES_MIN = 2 * 4096

/** Whether LMDB may open the folder: nothing there yet, or a database of its own. */
export const isLmdbFolder = (folder: string): boolean => {
  const path = join(folder, 'data.mdb')
  if (!existsSync(path)) return true
  const fd = openSync(path, 'r')
  try {
    const { size } = fstatSync(fd)
    if (size === 0) return true
    const magic = Buffer.alloc(4)
    return size >= FILE_BYTES_MIN && readSync(fd, magic, 0, 4, MAGIC_AT) === 4 && magic.readUInt32LE() === MAGIC
  } finally {
    closeSync(fd)
  }
}
