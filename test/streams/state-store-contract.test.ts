import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stateStoreContract } from '../contract/state-store.ts'
import { MemoryStateStore } from '#streams/embedded/memory-state-store.ts'
import { openStateStore } from '#streams/embedded/state-store.ts'
import type { StateStore } from '#streams/ports.ts'

const folders = new Map<StateStore, string>()
const open = (folder: string): StateStore => {
  const store = openStateStore({ folder })
  folders.set(store, folder)
  return store
}

stateStoreContract({
  name: 'LMDB',
  create: () => Promise.resolve(open(mkdtempSync(join(tmpdir(), 'state-')))),
  reopen: async (store) => {
    await store.close()
    return open(folders.get(store) as string)
  },
  destroy: async (store) => {
    await store.close()
    rmSync(folders.get(store) as string, { recursive: true })
  },
})

stateStoreContract({ name: 'memory', create: () => Promise.resolve(new MemoryStateStore()), destroy: (store) => store.close() })
