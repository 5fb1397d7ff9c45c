import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AlertContent } from '../../../src/core/alert.ts'
import { createMeter } from '../../../src/core/metrics/meter.ts'
import type { Transfer, TransferEvent } from '../../../src/core/netboot/boot-event.ts'
import type { ServiceContext } from '../../../src/operations/service.ts'
import { type BootFilesSection, section as schema } from '../../../src/services/boot-files/section.ts'

/** What serves, as a process of its own. */
export const program = new URL('../../../src/services/boot-files/child.ts', import.meta.url)

/** The name of the image in the configuration, and what is published. */
export interface Images {
  readonly share?: string
  readonly names?: readonly object[]
}

/** What the service of boot files is started with: the share is `folder`, and files of the configuration lie there too. */
export function contextIn(folder: string, given: unknown, { share = 'metal-amd64-uki.efi', names = [] }: Images = {}) {
  const events: TransferEvent[] = []
  const endings: string[] = []
  const warnings: string[] = []
  const alerts = new Map<string, AlertContent>()
  let now = new Date()
  let restarts = 0
  let happened: (event: { readonly type: string }) => void = () => {}
  const meter = createMeter()
  const log = { debug() {}, info() {}, warn: (_: object, text: string) => warnings.push(text), error() {} }
  const context = {
    section: schema.parse(given),
    config: () => ({
      schematic: 'homelab',
      share: { directory: 'share', image: share, architecture: 'amd64' },
      images: [],
    }),
    files: {
      state: join(folder, 'state'),
      path: (name: string) => (name === 'share' ? folder : join(folder, name)),
      readSecret: ({ file }: { file: string }) => readFile(join(folder, file), 'utf8'),
    },
    log,
    meter,
    notice: {
      boot: (event: TransferEvent) => void events.push(event),
      bootEnding: ({ client }: Transfer) => void endings.push(client),
    },
    alerts: {
      report: (id: string, content: AlertContent | undefined) =>
        content ? alerts.set(id, content) : alerts.delete(id),
      settle: (id: string) => alerts.delete(id),
    },
    now: () => now,
    restart: () => void (restarts += 1),
    ports: { share: { names: async () => [...names] } },
    onEvent: (listener: (event: { readonly type: string }) => void) => void (happened = listener),
  } as unknown as ServiceContext<BootFilesSection | undefined>
  return {
    context,
    happens: (type: string) => happened({ type }),
    events,
    endings,
    warnings,
    meter,
    alerts,
    setClock: (at: Date) => void (now = at),
    restarts: () => restarts,
  }
}
