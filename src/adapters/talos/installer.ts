import { setTimeout as sleep } from 'node:timers/promises'
import { Code, ConnectError } from '@connectrpc/connect'
import { AgentError, type ErrorCode } from '../../core/errors.ts'
import { lineOf } from '../../core/version.ts'
import { ContainerDriver, ContainerdNamespace } from './gen/common_pb.ts'
import type { Session } from './session.ts'

/** The containerd instance that talosctl calls `system`: on disk, and the same for pulling and installing. */
export const containerd = { driver: ContainerDriver.CRI, namespace: ContainerdNamespace.NS_SYSTEM }

interface Ending {
  readonly means: string
  readonly next?: 'ask' | 'may pass'
}

/**
 * What the installer's exit codes mean from 1.14 on; older ones know 0 and 1 (siderolabs/talos pkg/machinery/constants).
 * All count as an attempt that failed, but 2 and 3 will end the same way every time until a person has changed
 * something: `misconfigured`.
 */
const exitCodes: Readonly<Record<number, Ending>> = {
  2: { means: "the node's configuration is not valid for this release", next: 'ask' },
  3: { means: 'this upgrade is not supported', next: 'ask' },
  4: { means: 'a pre-installation check failed', next: 'may pass' },
  5: { means: 'a dependency is missing', next: 'may pass' },
  6: { means: 'an I/O operation failed', next: 'may pass' },
  7: { means: 'the installation failed' },
}

/** Go's runtime exits with 2 as well, after it has written one of these (golang/go runtime/panic.go). */
const crash = /^(panic: |fatal error: |runtime: |unexpected fault address|SIG[A-Z]+: |\[signal SIG)/
const trace = /^goroutine \d+ .*\[[^\]]+\]:$/

/** What an exit code means, given the release of the installer and its output. */
export function endingOf(code: number, lines: readonly string[], image: string): Ending {
  if (lines.some((line) => crash.test(line) || trace.test(line))) return { means: 'it crashed' }
  if (code > 128 && code < 160) return { means: `it was killed by signal ${code - 128}`, next: 'may pass' }
  const silent = { means: 'it gives no reason' }
  return tellsByCode(lines, image) ? (exitCodes[code] ?? silent) : silent
}

/** Whether it is of 1.14 or later: by its own output, else by its image's tag. */
function tellsByCode(lines: readonly string[], image: string): boolean {
  const said = lines.map((line) => /running Talos installer (v\S+)/.exec(line)?.[1]).find(Boolean)
  // The minor release is enough, so custom builds count too: `v1.13.9-dirty`.
  const line = lineOf(said ?? image.replace(/@.*$/, '').split(':').at(-1) ?? '')
  // A digest alone says nothing about the release: assume a new one.
  return line === undefined || line.major > 1 || line.minor >= 14
}

const nextWords = {
  ask: ': it will fail every time until you fix that',
  'may pass': ', which may be temporary',
} as const

const lastLines = 3
/** What of an installer's output is kept: so many messages, and so many characters of each and of each line. */
const mostMessages = 4_000
const longestMessage = 4_096

/** Between two tries while another installer runs, in ms. */
const busyFor = 1_000

/** Runs the installer; one that an earlier run of ours started keeps running, and is waited for. */
export async function installOn(
  lifecycle: Session['lifecycle'],
  node: string,
  image: string,
  signal: AbortSignal,
): Promise<void> {
  while (true) {
    try {
      return await install(lifecycle, node, image, signal)
    } catch (error) {
      const busy =
        error instanceof ConnectError &&
        error.code === Code.FailedPrecondition &&
        error.rawMessage.includes('already in progress')
      if (!busy) throw error
      await sleep(busyFor, undefined, { signal }).catch(() => {})
      if (signal.aborted) throw new AgentError('timed-out', `another installation is running on ${node}`)
    }
  }
}

/** A failed installer is not a gRPC error: the stream's last message is its exit code, without which nothing is known. */
async function install(
  lifecycle: Session['lifecycle'],
  node: string,
  image: string,
  signal: AbortSignal,
): Promise<void> {
  const messages: string[] = []
  let exitCode: number | undefined
  for await (const { progress } of lifecycle.upgrade({ containerd, source: { imageName: image } }, { signal })) {
    if (progress?.response.case === 'exitCode') exitCode = progress.response.value
    if (progress?.response.case === 'message') messages.push(progress.response.value.slice(0, longestMessage))
    // Its beginning tells its release, and its end how it went.
    if (messages.length >= mostMessages) messages.splice(mostMessages / 4, mostMessages / 2)
  }
  if (exitCode === 0) return
  const lines = linesOf(messages)
  const last = wordsOf(lines).join(' / ')
  const said = last === '' ? '' : `; its last output: ${last}`
  if (exitCode === undefined)
    throw new AgentError('unreachable', `the installer on ${node} ended without an exit code${said}`)
  const { means, next } = endingOf(exitCode, lines, image)
  const code: ErrorCode = next === 'ask' ? 'misconfigured' : 'rejected'
  const outlook = next === undefined ? '' : nextWords[next]
  throw new AgentError(code, `the installer on ${node} exited with code ${exitCode}: ${means}${outlook}${said}`)
}

/** The last lines; of a crash its first line, since its end is a stack trace. */
function wordsOf(lines: readonly string[]): readonly string[] {
  const begin = lines.findIndex((line) => crash.test(line))
  return begin === -1 ? lines.slice(-lastLines) : lines.slice(begin, begin + 1)
}

/** From 1.14 on a message is a line; before, messages are pieces of 512 bytes, newlines and all, that cut lines in two. */
function linesOf(messages: readonly string[]): string[] {
  const pieces = messages.some((message) => message.includes('\n'))
  return messages
    .join(pieces ? '' : '\n')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => line.slice(0, longestMessage))
}
