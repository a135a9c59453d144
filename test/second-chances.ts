import type { Reporter, TestModule } from 'vitest/node'

/** Names, after a run, the tests that passed only when repeated: each of them is a defect of the test or of what it tests. */
export default class SecondChances implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const needed = modules.flatMap((module) =>
      [...module.children.allTests('passed')]
        .filter((test) => test.diagnostic()?.flaky === true)
        .map((test) => `  ${module.relativeModuleId} > ${test.fullName}`),
    )
    if (needed.length > 0) console.log(`\nPassed only when repeated:\n${needed.join('\n')}\n`)
  }
}
