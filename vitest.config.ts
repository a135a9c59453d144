import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/global-setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Native engines (chDB, LMDB, ONNX Runtime) live in one process each; two cores gain nothing from more.
    pool: 'forks',
    maxWorkers: 2,
  },
})
