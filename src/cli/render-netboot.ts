import { describeDuration } from '../core/duration.ts'
import { hasReached } from '../core/netboot/boots.ts'
import type { BootFinding } from '../core/netboot/check.ts'
import type { SeenOffer } from '../core/netboot/dhcp/question.ts'
import type { Recipe } from '../core/netboot/recipes/recipe.ts'
import type { BootTry, NetbootCheck, NetbootMachine, NetbootMachineDetails } from '../core/netboot/requests.ts'
import { inMegabytes } from '../core/netboot/size.ts'
import { describeMoment } from '../core/time.ts'
import { dim, green, plain, red, yellow } from './colours.ts'
import { facts, hanging, indented, paragraphs, table } from './table.ts'

/** Machines that boot from the network, a line each. */
export function renderMachines(machines: readonly NetbootMachine[], zone: string): string {
  if (machines.length === 0) return 'no machine has asked for a boot yet'
  return table(
    ['MACHINE', 'ASKED', 'LAST TRY', 'NEXT TIME'],
    machines.map(({ machine, last, boots, why }) => [
      machine,
      last === undefined ? 'never' : describeMoment(last.startedAt, zone),
      last === undefined ? '' : colourOf(last)(last.said),
      `${boots ? green('boots') : 'left alone'}: ${why}`,
    ]),
  )
}

/** One machine with all its tries. */
export function renderMachine(details: NetbootMachineDetails, zone: string): string {
  const { machine, mac, uuid, maker, boots, why, armedUntil, tries } = details
  const [last] = tries
  const told: [string, string][] = [
    ['machine', machine],
    ...(mac === undefined
      ? []
      : [['card', maker === undefined ? mac : `${mac} (${maker})`] satisfies [string, string]]),
    ...(uuid === undefined ? [] : [['UUID', uuid] satisfies [string, string]]),
    ...(last?.firmware === undefined ? [] : [['firmware', describeFirmware(last)] satisfies [string, string]]),
    ...(last?.address === undefined ? [] : [['address', last.address] satisfies [string, string]]),
    ['next time', `${boots ? green('boots from the network') : 'is left alone'}: ${why}`],
    ...(armedUntil === undefined ? [] : [['until', describeMoment(armedUntil, zone)] satisfies [string, string]]),
  ]
  return [facts(told, 12), ...tries.map((one) => renderTry(one, zone))].join('\n')
}

function describeFirmware({ firmware = '', kind, classId }: BootTry): string {
  return [kind === 'ipxe' ? `iPXE on ${firmware}` : firmware, ...(classId === undefined ? [] : [classId])].join(', ')
}

function renderTry(one: BootTry, zone: string): string {
  const { startedAt, said, next, arrived, bytes, rate, took, blockSize, windowSize, resent } = one
  const size = bytes === undefined ? '' : ` of ${inMegabytes(bytes)}`
  const figures = [
    ...(arrived === undefined ? [] : [`${inMegabytes(arrived)}${size}`]),
    ...(took === undefined ? [] : [`in ${describeDuration(took)}`]),
    ...(rate === undefined ? [] : [`${inMegabytes(rate)}/s`]),
    ...(blockSize === undefined ? [] : [`blocks of ${blockSize}, ${windowSize ?? 1} at a time`]),
    ...(resent ? [`${resent} packets sent again`] : []),
  ]
  const text = [colourOf(one)(said), ...figures].join(', ')
  return hanging(`${describeMoment(startedAt, zone)}  `, withNext(text, next))
}

function colourOf({ phase, configuration, trouble, next }: BootTry): (text: string) => string {
  if (phase === 'configuring' && configuration !== 'delivered') return yellow
  if (hasReached({ phase }, 'loaded')) return green
  if (trouble !== undefined || next !== undefined) return yellow
  return phase === 'asked' ? dim : plain
}

const colours: Readonly<Record<BootFinding['verdict'], (text: string) => string>> = {
  ok: green,
  warning: yellow,
  failed: red,
}

/** Who offers what, and what comes of it. */
export function renderCheck({ offers, findings, architecture, loads, mac }: NetbootCheck): string {
  const asked = `asked as UEFI firmware of ${architecture} does that loads ${loads === 'http' ? 'by HTTP' : 'over TFTP'}, as ${mac}`
  const rows = offers.map(({ server, address, bootServer, file, classId }: SeenOffer) => [
    server,
    address ?? 'none',
    file ?? 'none',
    bootServer ?? '',
    classId ?? '',
  ])
  return [
    paragraphs([asked]),
    ...(rows.length === 0 ? [] : [table(['FROM', 'ADDRESS', 'FILE', 'AT', 'CLASS'], rows)]),
    ...findings.map(({ verdict, text, next }) =>
      hanging(`${colours[verdict](verdict.padEnd(7))}  `, withNext(text, next)),
    ),
  ].join('\n')
}

/** A sentence, and the next step behind it. */
function withNext(text: string, next: string | undefined): string {
  if (next === undefined) return text
  return `${text}${/[.?!]$/.test(text) ? '' : '.'} ${next}`
}

/** What to enter: its lines as they are to be copied, whatever the width, and the rest as comments. */
export function renderRecipe({ title, where, lines, notes }: Recipe): string {
  const comment = (text: string) => indented(text, '# ')
  return [comment(`${title}. ${where}.`), ...lines, ...notes.map((note) => comment(`${note}.`))].join('\n')
}
