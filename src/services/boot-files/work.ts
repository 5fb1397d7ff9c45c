import type { ImageSettings } from '../../core/release/image.ts'
import type { PublishedName } from '../../core/release/published.ts'
import { networkInterfaces } from 'node:os'
import { counted } from '../../core/count.ts'
import { AgentError } from '../../core/errors.ts'
import type { TransferEvent } from '../../core/netboot/boot-event.ts'
import { choosePlaces, type Place } from '../../core/netboot/places.ts'
import type { RunningService } from '../../core/service.ts'
import type { ServiceContext } from '../../operations/service.ts'
import { bootableImages } from '../../operations/netboot/boot-files.ts'
import { followPlaces } from '../../operations/netboot/followed-places.ts'
import { watchPresentNames } from '../../operations/netboot/present-names.ts'
import { describeListenFault } from './faults.ts'
import { followCertificate, openCertificate, settleCertificate } from './followed-certificate.ts'
import { bootLimits } from './limits.ts'
import type { ServeOrder } from './messages.ts'
import { meterTransfer, meterUnserved } from './metered.ts'
import { startChild } from './process.ts'
import type { BootFilesSection } from './section.ts'
import { describeEvent } from './words.ts'

export interface BootFilesMeans {
  /** What serves, as a process of its own. */
  readonly program: URL
  /** Between two looks at the addresses of this machine, and at the files of the certificate, in ms. */
  readonly looksEvery?: number
  readonly readsEvery?: number
}

type Context = ServiceContext<BootFilesSection | undefined>

/**
 * Serves the share to machines that boot, until it is disposed of.
 *
 * @throws AgentError `misconfigured` where it can't listen
 */
export async function startBootFiles(
  context: Context,
  { program, looksEvery = 5_000, readsEvery = 60_000 }: BootFilesMeans,
): Promise<RunningService> {
  const { section, log, meter } = context
  if (section === undefined) {
    settleCertificate(context)
    return { status: () => 'off: set `bootFiles` to serve the share', [Symbol.asyncDispose]: async () => {} }
  }
  const look = () => choosePlaces(section.listen, networkInterfaces())
  const { places, missing } = look()
  if (places.length === 0) throw new AgentError('misconfigured', `bootFiles.listen: ${missing.join('; ')}`)
  for (const why of missing) log.warn({ reason: why }, 'not listened on')
  const order = await orderFor(context, section, places)
  const loading = new Set<number>()
  const child = await startChild(program, order, {
    event: (event) => {
      count(loading, event)
      meterTransfer(meter, event)
      meter.set('caretaker_boot_transfers', {}, loading.size)
      log[levelOf(event)]({ ...event.transfer }, describeEvent(event))
      context.notice.boot(event)
    },
    ending: context.notice.bootEnding,
    refusals: (unserved) => meterUnserved(meter, unserved),
    failed: (text) => log.warn({ reason: text }, 'a request of a machine that boots failed'),
  })
  if ('fault' in child) {
    const { setting, why } = await describeListenFault(child.fault, order[child.fault.by])
    throw new AgentError('misconfigured', `${setting}: ${why}`)
  }
  meter.set('caretaker_boot_transfers', {}, 0)
  const names = watchPresentNames(context, () => child.show(scriptedImages(context.config(), names.all)))
  const following = followPlaces(places, look, context.restart, looksEvery)
  const certificate = followCertificate(context, {
    section,
    first: order.tls,
    use: child.renew,
    every: readsEvery,
  })
  return {
    status: () => {
      const shown = [...placesShown(order), ...following.missing].join(', ')
      return loading.size === 0 ? shown : `${shown}; ${counted(loading.size, 'transfer')} under way`
    },
    ended: child.ended,
    [Symbol.asyncDispose]: async () => {
      following[Symbol.dispose]()
      certificate[Symbol.dispose]()
      names[Symbol.dispose]()
      meter.set('caretaker_boot_transfers', {}, undefined)
      await child[Symbol.asyncDispose]()
    },
  }
}

/** @throws AgentError `misconfigured` where nothing can be served with the certificate */
async function orderFor(context: Context, section: BootFilesSection, places: readonly Place[]): Promise<ServeOrder> {
  const { tftp, http } = section
  const { config, files } = context
  const { share } = config()
  return {
    root: files.path(share.directory),
    places: places.map(({ address, family }) => ({ address, family })),
    tftp: tftp === false ? undefined : tftp.port,
    http: http?.port,
    tls: await openCertificate(context, section),
    images: scriptedImages(config(), []),
    limits: bootLimits,
  }
}

/** Of each architecture the first UKI that any machine boots: iPXE's script knows of a machine no more than that. */
function scriptedImages(config: ImageSettings, names: readonly PublishedName[]): ServeOrder['images'] {
  const fit = bootableImages(config, names).filter(({ kind, secureBoot }) => kind === 'uki' && !secureBoot)
  const first = fit.filter(
    ({ architecture }, index) => fit.findIndex((one) => one.architecture === architecture) === index,
  )
  return first.map(({ file, architecture }) => ({ file, architecture }))
}

function count(loading: Set<number>, { type, transfer }: TransferEvent): void {
  if (type === 'boot.started') loading.add(transfer.id)
  if (type === 'boot.done' || type === 'boot.aborted') loading.delete(transfer.id)
}

function levelOf({ type }: TransferEvent): 'debug' | 'info' | 'warn' {
  if (type === 'boot.probed' || type === 'boot.progressed') return 'debug'
  return type === 'boot.aborted' ? 'warn' : 'info'
}

function placesShown({ places, tftp, http, tls }: ServeOrder): readonly string[] {
  return places.flatMap(({ address, family }) => {
    const host = family === 'IPv6' ? `[${address}]` : address
    return [
      ...(tftp === undefined ? [] : [`tftp://${host}${tftp === 69 ? '' : `:${tftp}`}`]),
      ...(http === undefined ? [] : [`${tls ? 'https' : 'http'}://${host}:${http}`]),
    ]
  })
}
