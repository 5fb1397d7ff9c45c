import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Transfer, TransferEvent } from '../../../src/core/netboot/boot-event.ts'
import { claimAddress } from '../../lab/net-claim.ts'
import { createDesk } from '../../../src/services/boot-files/desk.ts'
import { openHttp } from '../../../src/services/boot-files/http/door.ts'
import type { BootImage } from '../../../src/services/boot-files/http/images.ts'
import { type BootLimits, bootLimits } from '../../../src/services/boot-files/limits.ts'
import type { Unserved } from '../../../src/services/boot-files/tally.ts'
import { openTftp } from '../../../src/services/boot-files/tftp/door.ts'

export const ports = { tftp: 6_969, http: 8_421 } as const

export interface ServedFolder extends AsyncDisposable {
  readonly root: string
  readonly events: TransferEvent[]
  /** What one machine did, or all, a word each, without progress. */
  told(client?: string): readonly string[]
  readonly failures: unknown[]
  takeUnserved(): readonly Unserved[]
  /** As the share publishes it: by a rename. */
  write(name: string, bytes: Buffer | string): Promise<void>
  /** Time goes on by so much, in ms. */
  pass(ms: number): void
}

interface ServedOptions {
  readonly limits?: Partial<BootLimits>
  readonly images?: readonly BootImage[]
  readonly tls?: { readonly cert: string; readonly key: string }
  /** What the last part of a file waits for. */
  readonly ending?: (transfer: Transfer) => Promise<void>
}

/** Serves a new folder in this process, by TFTP and HTTP. */
export async function serveFolder(
  address: string,
  { limits = {}, images = [], tls, ending = async () => {} }: ServedOptions = {},
): Promise<ServedFolder> {
  await using stack = new AsyncDisposableStack()
  stack.use(await claimAddress(address))
  const root = await mkdtemp(join(tmpdir(), 'caretaker-boot-'))
  stack.defer(() => rm(root, { recursive: true, force: true }))
  const events: TransferEvent[] = []
  const failures: unknown[] = []
  let passed = 0
  const desk = createDesk({
    root,
    limits: { ...bootLimits, ...limits },
    now: () => performance.now() + passed,
    tell: (event) => void events.push(event),
    ending,
    failed: (error) => void failures.push(error),
  })
  stack.defer(() => desk.library.close())
  stack.use(await openTftp([{ address, family: 'IPv4', port: ports.tftp }], desk))
  stack.use(await openHttp([{ address, port: ports.http }], { images: () => images, tls }, desk))
  const parts = stack.move()
  return {
    root,
    events,
    told: (client) =>
      events
        .filter(({ type, transfer }) => type !== 'boot.progressed' && (client ?? transfer.client) === transfer.client)
        .map(wordOf),
    failures,
    takeUnserved: desk.takeUnserved,
    write: async (name, bytes) => {
      await writeFile(join(root, `.${name}.part`), bytes)
      await rename(join(root, `.${name}.part`), join(root, name))
    },
    pass: (ms) => void (passed += ms),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}

function wordOf(event: TransferEvent): string {
  return `${event.type.replace('boot.', '')}${'reason' in event ? ` ${event.reason}` : ''}`
}
