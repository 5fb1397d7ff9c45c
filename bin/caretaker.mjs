#!/usr/bin/env node
// Plain JavaScript that any Node of the last years can read: finds a Node that is new enough, and starts the CLI with it,
// from the sources in a checkout and from dist/ in a package.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const [major, minor] = process.versions.node.split('.').map(Number)

if (major > 24 ? major !== 25 : major === 24 && minor >= 15) {
  const source = join(root, 'src', 'cli.ts')
  await import(existsSync(source) ? '../src/cli.ts' : '../dist/src/cli.js')
} else {
  const own = join(root, 'node_modules', '.bin', 'node')
  const isNewEnough =
    existsSync(own) && !spawnSync(own, ['-e', 'process.exit(+process.versions.node.split(".")[0] < 24)']).status
  if (!isNewEnough) {
    console.error(
      `caretaker: it needs Node 24.15 or later, and this is ${process.version}: install one from https://nodejs.org, or in a checkout run \`npm ci\``,
    )
    process.exitCode = 2
  } else {
    const { status, signal, error } = spawnSync(own, process.argv.slice(1), { stdio: 'inherit' })
    if (error) console.error(`caretaker: ${error.message}`)
    process.exitCode = status ?? (signal ? 1 : 2)
  }
}
