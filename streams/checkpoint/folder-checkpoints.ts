/** Checkpoints as files in a directory that all processes see: a shared volume, or an object store mounted as one. */
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { CheckpointName, CheckpointStore } from './ports.ts'

/** Enough for 2⁵³, and names sort as offsets do. */
const DIGITS = 16
const digits = (offset: number): string => String(offset).padStart(DIGITS, '0')
const READ_BYTES = 1024 * 1024

const fileOf = ({ offset, follows }: CheckpointName): string =>
  `${digits(offset)}-${follows === null ? 'whole' : `after-${digits(follows)}`}.checkpoint`
const SHAPE = /^(\d{16})-(?:whole|after-(\d{16}))\.checkpoint$/

export class FolderCheckpoints implements CheckpointStore {
  readonly #folder: string
  /** Writers are told apart, so that two of them never share a file that is not finished. */
  readonly #writer: string

  constructor(folder: string, writer: string) {
    this.#folder = folder
    this.#writer = writer.replaceAll(/[^A-Za-z0-9_-]/g, '-')
  }

  async put(partition: number, bytes: AsyncIterable<Uint8Array>, name: () => CheckpointName): Promise<void> {
    const folder = this.#of(partition)
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const unfinished = join(folder, `.unfinished-${this.#writer}`)
    const file = await open(unfinished, 'w', 0o600)
    try {
      for await (const chunk of bytes) await file.writeFile(chunk)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(unfinished, join(folder, fileOf(name())))
    await syncFolder(folder)
  }

  async list(partition: number): Promise<readonly CheckpointName[]> {
    const files = await readdir(this.#of(partition)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return []
      throw error
    })
    return files.flatMap((file) => {
      const [, offset, follows] = SHAPE.exec(file) ?? []
      return offset === undefined ? [] : [{ partition, offset: Number(offset), follows: follows === undefined ? null : Number(follows) }]
    })
  }

  read(name: CheckpointName): AsyncIterable<Uint8Array> {
    return createReadStream(join(this.#of(name.partition), fileOf(name)), { highWaterMark: READ_BYTES }) as AsyncIterable<Buffer>
  }

  async remove(name: CheckpointName): Promise<void> {
    await rm(join(this.#of(name.partition), fileOf(name)), { force: true })
  }

  #of(partition: number): string {
    return join(this.#folder, `partition-${String(partition).padStart(4, '0')}`)
  }
}

/** A rename is durable once its folder is. */
const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
