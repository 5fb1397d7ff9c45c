import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { basename } from 'node:path'
import { writeProbe } from '../../adapters/share/probe.ts'
import { fetchByTftp, type TftpServer } from '../../adapters/tftp/client.ts'
import type { SeenShare } from '../../core/setup/seen.ts'
import { serverOfMount } from '../../core/setup/mounts.ts'
import { within } from './means.ts'

export interface ShareQuestion {
  /** Its absolute path. */
  readonly directory: string
  /** The server that is named; without one those that may serve it are tried. */
  readonly server: TftpServer | undefined
  /** Hosts that may serve it. */
  readonly hosts: readonly string[]
  readonly signal: AbortSignal
}

/** A server on this network answers within a tenth of a second; five that are none are waited for side by side. */
const quick = { resendAfter: 700, resends: 2 }
const bytesWritten = 2_000

/**
 * Writes a file into the share, and looks for the TFTP server that serves it. The file is gone afterwards.
 *
 * @throws AgentError where it can't be written, or the server that is named does not serve it
 */
export async function lookAtShare({ directory, server, hosts, signal }: ShareQuestion): Promise<SeenShare> {
  const bytes = randomBytes(bytesWritten)
  const { file, remove } = await writeProbe(directory, bytes, within(signal, 20_000))
  try {
    const prefixes = ['', `${basename(directory)}/`]
    const tried = server ? [server] : await candidatesFor(directory, hosts)
    const all = tried.flatMap((one) => prefixes.map((prefix) => ({ server: one, prefix })))
    const answers = await Promise.all(
      all.map(async ({ server: one, prefix }) => {
        const asked = fetchByTftp(one, `${prefix}${file}`, { most: bytesWritten * 2, limits: quick, signal })
        return asked.then(
          (fetched) => (bytes.equals(fetched.bytes) ? { server: one, prefix } : undefined),
          (error: unknown) => error,
        )
      }),
    )
    signal.throwIfAborted()
    const found = answers.find((one): one is (typeof all)[number] => isFound(one))
    if (!found && server) throw answers.find((one) => one instanceof Error)
    return { directory, server: found && textOf(found.server), prefix: found?.prefix ?? '' }
  } finally {
    await remove()
  }
}

function isFound(answer: unknown): boolean {
  return typeof answer === 'object' && answer !== null && 'prefix' in answer
}

function textOf({ host, port = 69 }: TftpServer): string {
  const name = host.includes(':') ? `[${host}]` : host
  return port === 69 ? name : `${name}:${port}`
}

/**
 * The NAS that the share is mounted from, hosts that are known, and this machine: by the addresses that others use, else by its own, for
 * a server that answers there alone.
 */
async function candidatesFor(directory: string, hosts: readonly string[]): Promise<readonly TftpServer[]> {
  const mounted = serverOfMount(await readFile('/proc/self/mountinfo', 'utf8').catch(() => ''), directory)
  const own = Object.values(networkInterfaces()).flatMap((addresses = []) =>
    addresses.flatMap(({ address, family, internal }) => (family === 'IPv4' && !internal ? [address] : [])),
  )
  const names = [...(mounted === undefined ? [] : [mounted]), ...hosts, ...own.slice(0, 4), '127.0.0.1']
  return [...new Set(names)].map((host) => ({ host }))
}
