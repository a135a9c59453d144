/** Suites that need servers which only the hosted workflows start; `npm test` does not know them. */
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: { include: ['test/hosted/**/*.hosted.ts'], testTimeout: 180_000, hookTimeout: 180_000, pool: 'forks' },
})
