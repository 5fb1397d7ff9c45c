import { type Boot, hasReached, quietAfter } from './boots.ts'
import type { BootEvent } from './dhcp-event.ts'

/** What comes later than this belongs to another try, in ms. A slow machine takes minutes from its image to its network. */
const belongsWithin = 600_000
/** Talos asks for its configuration so long, in ms, at ever longer intervals (its download's timeout, 3 h). */
const asksWithin = 3 * 3_600_000

/**
 * The try of a machine after what was seen of it: the one before, gone on, or a new one. Undefined where the event says
 * nothing of a boot: an operating system that wants an address without having been started from here.
 */
export function nextBoot(before: Boot | undefined, event: BootEvent): Boot | undefined {
  if ('transfer' in event) return afterTransfer(before, event)
  switch (event.type) {
    case 'boot.asked':
      return afterAsking(before, event)
    case 'boot.taken':
      return before && isRecent(before, event.at) && before.phase === 'offered'
        ? { ...before, phase: 'taken', lastAt: event.at, ...addressed(event.address) }
        : undefined
    case 'boot.system':
      return afterSystem(before, event.at)
    case 'boot.configuration':
      return afterConfiguration(before, event)
    case 'boot.running':
      return before && isRecent(before, event.at) && hasReached(before, 'loaded') && before.phase !== 'running'
        ? { ...before, phase: 'running', lastAt: event.at }
        : undefined
    default:
      return event satisfies never
  }
}

function addressed(address: string | undefined) {
  return address === undefined ? {} : { address }
}

/** An operating system that starts after an offer was taken has come from there, or from the machine's own disk. */
function afterSystem(before: Boot | undefined, at: string): Boot | undefined {
  if (!before || !isRecent(before, at) || !hasReached(before, 'taken') || hasReached(before, 'started'))
    return undefined
  // What others serve is not seen.
  if (hasReached(before, 'loaded') || before.isServedHere === false) return { ...before, phase: 'started', lastAt: at }
  return { ...before, lastAt: at, trouble: 'it started another system without having loaded the image' }
}

/** Talos has no configuration on a disk. Where its start was not seen, that is all that is known of it. */
function afterConfiguration(
  before: Boot | undefined,
  { at, machine, answer }: BootEvent & { readonly type: 'boot.configuration' },
): Boot {
  const isSeen =
    before !== undefined &&
    (hasReached(before, 'loaded') || (before.isServedHere === false && hasReached(before, 'taken'))) &&
    !hasReached(before, 'running') &&
    isRecent(before, at, hasReached(before, 'configuring') ? asksWithin : belongsWithin)
  const boot: Boot = isSeen
    ? before
    : {
        startedAt: at,
        lastAt: at,
        machine: before?.machine ?? machine.client,
        mac: before?.mac ?? machine.mac,
        uuid: before?.uuid ?? machine.uuid,
        firmware: before?.firmware,
        architecture: before?.architecture,
        asked: 0,
        phase: 'configuring',
        why: 'how it was started was not seen from here',
      }
  return {
    ...boot,
    lastAt: at,
    address: machine.client,
    phase: 'configuring',
    configuration: answer,
    trouble: undefined,
  }
}

function afterAsking(before: Boot | undefined, event: BootEvent & { readonly type: 'boot.asked' }): Boot {
  const { at, machine, file, isServedHere, why, warning } = event
  const { mac, uuid, kind, firmware, architecture, classId } = machine
  const goesOn = before !== undefined && before.kind === kind && isAsking(before) && isRecent(before, at, quietAfter)
  return {
    startedAt: goesOn ? before.startedAt : at,
    lastAt: at,
    machine: mac,
    mac,
    uuid,
    kind,
    firmware,
    architecture,
    classId,
    address: before?.address,
    asked: goesOn ? before.asked + 1 : 1,
    phase: file === undefined ? 'asked' : 'offered',
    why,
    file,
    isServedHere,
    trouble: warning,
  }
}

function isAsking({ phase }: Boot): boolean {
  return phase === 'asked' || phase === 'offered'
}

function isRecent({ lastAt }: Boot, at: string, within = belongsWithin): boolean {
  return Date.parse(at) - Date.parse(lastAt) <= within
}

type OfTransfer = Extract<BootEvent, { readonly transfer: unknown }>

function afterTransfer(before: Boot | undefined, event: OfTransfer): Boot {
  const { at, transfer } = event
  const going = before !== undefined && isRecent(before, at) && !isOver(before, event) ? before : begun(before, event)
  const boot: Boot = { ...going, lastAt: at, address: transfer.client, file: transfer.file, isServedHere: true }
  switch (event.type) {
    case 'boot.probed':
      return { ...boot, phase: 'probed', bytes: event.bytes }
    case 'boot.started': {
      const { bytes, version, options, from = 0 } = event
      const goesOn = from > 0 && boot.phase === 'loading' && boot.version === version
      const hasChanged = boot.phase === 'probed' && boot.bytes !== undefined && boot.bytes !== bytes
      return {
        ...boot,
        phase: 'loading',
        bytes,
        version,
        arrived: goesOn ? boot.arrived : 0,
        loadingSince: goesOn ? boot.loadingSince : at,
        ...(options === undefined ? {} : options),
        ...(hasChanged ? { hasChanged } : {}),
        took: undefined,
        trouble: undefined,
      }
    }
    case 'boot.progressed':
      return { ...boot, phase: 'loading', arrived: arrivedIn(boot, event.from, event.arrived) }
    case 'boot.done': {
      const arrived = arrivedIn(boot, event.from, event.bytes)
      const isWhole = arrived >= (boot.bytes ?? arrived)
      const { resent } = event
      const since = event.from === undefined ? undefined : boot.loadingSince
      const took = since === undefined ? event.took : Math.max(0, Date.parse(at) - Date.parse(since))
      return { ...boot, phase: isWhole ? 'loaded' : boot.phase, arrived, took, resent, trouble: undefined }
    }
    case 'boot.aborted': {
      const changed = event.reason === 'changed' ? { hasChanged: true } : {}
      const arrived = arrivedIn(boot, event.from, event.arrived)
      return { ...boot, arrived, trouble: whyAborted(event), ...changed }
    }
    case 'boot.refused':
      return { ...boot, trouble: whyRefused(event) }
    default:
      return event satisfies never
  }
}

/** How much there is from the file's beginning on, with so many bytes more from there: what lies behind a gap adds nothing. */
function arrivedIn({ arrived = 0 }: Boot, from: number | undefined, bytes: number): number {
  const start = from ?? 0
  return start > arrived ? arrived : Math.max(arrived, start + bytes)
}

/** What comes after an image that was loaded is another try, but for the end of its own transfer. */
function isOver(before: Boot, { type }: OfTransfer): boolean {
  return hasReached(before, 'loaded') && (type === 'boot.probed' || type === 'boot.started')
}

/** Of a machine that nobody has heard ask: another server has told it where to go. */
function begun(before: Boot | undefined, { at, transfer }: OfTransfer): Boot {
  const mac = transfer.mac ?? before?.mac
  return {
    startedAt: at,
    lastAt: at,
    machine: mac ?? transfer.client,
    mac,
    uuid: before?.uuid,
    firmware: before?.firmware,
    architecture: before?.architecture,
    classId: before?.classId,
    kind: transfer.by === 'http' ? 'http' : (before?.kind ?? 'pxe'),
    asked: 0,
    phase: 'offered',
    why: 'its DHCP server says so',
  }
}

function whyAborted({ reason, text: said }: Extract<BootEvent, { readonly type: 'boot.aborted' }>): string {
  const detail = said === '' ? '' : ` (${said})`
  switch (reason) {
    case 'silent':
      return 'it stopped answering in the middle of the file'
    case 'hung-up':
      return `it broke off the transfer${detail}`
    case 'changed':
      return 'the image was replaced between its two requests; it tries again'
    case 'unreadable':
      return `the file could not be read${detail}`
    case 'slow':
      return 'it was too slow, or had too many transfers, while others had no room'
    case 'stopped':
      return 'Caretaker was stopped in the middle of the file'
    default:
      return reason satisfies never
  }
}

function whyRefused({ reason, transfer }: Extract<BootEvent, { readonly type: 'boot.refused' }>): string {
  const { file } = transfer
  switch (reason) {
    case 'not-found':
      return `it asked for ${file}, which is not on the share`
    case 'forbidden':
      return `it asked for ${file}, which is not served`
    case 'unreadable':
      return `${file} can't be read: check its mode and that of its folders`
    case 'busy':
      return 'there were too many transfers at once'
    case 'unsupported':
      return 'it asked for something that no boot server does: to write, or a mode other than octet'
    default:
      return reason satisfies never
  }
}
