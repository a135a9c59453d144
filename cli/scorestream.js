#!/usr/bin/env -S node --v8-pool-size=1
// One helper thread for V8: on few cores its compiler and collector otherwise take turns from the thread that decides (see docs/decisions.md).
// Plain JavaScript, so that an old Node gets a sentence instead of a syntax error. The types of everything behind it are stripped by Node itself.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(
    `scorestream needs Node 22.18 or later and this is ${process.versions.node} (${process.execPath}).\n` +
      `On Linux \`npm install\` brings the right one: start through npm, for example \`npm start\` or \`npm run scorestream -- doctor\`.\n` +
      `Elsewhere install Node 22 from https://nodejs.org and try again.\n`,
  )
  process.exit(69)
}
// ONNX Runtime reports to its maker unless told not to before it is loaded; nothing leaves this process that its operator did not configure.
process.env['ORT_DISABLE_TELEMETRY'] = '1'
const { main } = await import('./main.ts')
await main(process.argv.slice(2))
