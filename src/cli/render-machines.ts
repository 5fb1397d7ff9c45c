import { exportedNodes, type InventoryNode } from '../core/provision/inventory.ts'
import type { MachineAnswer, MachineDetails } from '../core/provision/requests.ts'
import { describeMoment, describeTime } from '../core/time.ts'
import { flowText } from '../yaml.ts'
import { dim, green, plain, red, yellow } from './colours.ts'
import { facts, hanging, paragraphs, table } from './table.ts'

type Paint = (text: string) => string

const colours: Readonly<Record<MachineAnswer['state'], Paint>> = {
  seen: dim,
  pending: yellow,
  approved: plain,
  delivering: plain,
  delivered: plain,
  verified: green,
  locked: green,
  rejected: dim,
}

/** Machines on their way into the cluster, a line each. */
export function renderMachines(machines: readonly MachineAnswer[], zone: string): string {
  if (machines.length === 0) return 'no machine has asked for its configuration yet'
  return table(
    [
      'MACHINE',
      'STATE',
      'ADDRESS',
      'CODE',
      { title: 'SEEN LAST', spare: true },
      { title: 'WHERE IT STANDS', flows: true },
    ],
    machines.map((machine) => [
      titleOf(machine),
      colourOf(machine)(machine.state),
      machine.address ?? '',
      machine.code ?? '',
      describeTime(machine.lastAt, zone),
      withNext(machine),
    ]),
  )
}

function titleOf({ name, mac, id }: Pick<MachineAnswer, 'name' | 'mac' | 'id'>): string {
  return name ?? mac ?? id
}

function colourOf({ state, next }: Pick<MachineAnswer, 'state' | 'next'>): Paint {
  return next === undefined ? colours[state] : yellow
}

function withNext({ said, next }: Pick<MachineAnswer, 'said' | 'next'>): string {
  return next === undefined ? said : `${said}. ${next}`
}

/** One machine, with everything that a person should know before it is approved. */
export function renderMachine(details: MachineDetails, zone: string): string {
  const { state, evidence, claimants, approval, delivery, order, said, next } = details
  const at = (moment: string) => describeMoment(moment, zone)
  return [
    facts(told(details), 13),
    facts(
      [
        ['state', `${colourOf(details)(state)} since ${at(details.since)}`],
        ...optional('approved', approval && `by ${approval.by}, until ${at(approval.until)}`),
        ...optional('becomes', order && describeOrder(order)),
        ...optional(
          'delivered',
          delivery &&
            `${at(delivery.at)} to ${delivery.address}, ${delivery.isWhole ? 'whole' : 'not seen to the end'}`,
        ),
      ],
      13,
    ),
    ...(details.maintenance ? [renderMaintenance(details.maintenance, zone)] : []),
    paragraphs([withNext({ said, next })]),
    ...(evidence.length === 0 ? [] : [evidence.map(({ kind, text }) => hanging(`${marks[kind]}  `, text)).join('\n')]),
    ...(claimants.length < 2 ? [] : [renderClaimants(details, zone)]),
  ].join('\n')
}

const marks = { for: green('for     '), missing: yellow('missing '), odd: red('odd     ') } as const

function told({ name, id, mac, maker, uuid, serial, address, way, code }: MachineDetails): [string, string][] {
  return [
    ['machine', name ?? mac ?? id],
    ...optional('card', mac && (maker === undefined ? mac : `${mac} (${maker})`)),
    ...optional('UUID', uuid),
    ...optional('serial', serial),
    ...optional('address', address),
    ...optional('asks', way && ways[way]),
    ...optional('code', code),
  ]
}

const ways = {
  plain: 'by HTTP alone',
  'device-flow': 'by the device flow',
  maintenance: 'and waits in maintenance: anybody on its network can read its kernel arguments and wipe its disks',
} as const

function optional(key: string, value: string | undefined): [string, string][] {
  return value === undefined ? [] : [[key, value]]
}

function describeOrder({ name, role, labels, patches }: NonNullable<MachineDetails['order']>): string {
  const named = Object.entries(labels).map(([key, value]) => `${key}=${value}`)
  return [`${role} ${name}`, ...named, ...patches].join(', ')
}

function renderClaimants({ claimants }: MachineDetails, zone: string): string {
  return table(
    ['CLAIMS TO BE IT', 'CODE', 'MAC', 'ASKED', 'LAST'],
    claimants.map(({ address, code, mac, asked, lastAt }) => [
      address,
      code,
      mac ?? 'none',
      String(asked),
      describeMoment(lastAt, zone),
    ]),
  )
}

/** What it tells of itself, and that nobody vouches for it. */
function renderMaintenance(
  { at, fingerprint, version, product, disks, risk }: NonNullable<MachineDetails['maintenance']>,
  zone: string,
): string {
  return [
    facts(
      [
        ['maintenance', `looked at ${describeMoment(at, zone)}`],
        ['key', fingerprint],
        ...optional('Talos', version),
        ...optional('product', product),
        ...disks.map(({ path, size, model }): [string, string] => [
          'disk',
          [path, size, model].filter((part) => part !== undefined && part !== '').join(', '),
        ]),
      ],
      13,
    ),
    paragraphs([risk]),
  ].join('\n')
}

/** The inventory, to be written into the configuration. */
export function renderInventory(nodes: readonly InventoryNode[]): string {
  if (nodes.length === 0) return '# no machine has joined by Caretaker'
  return ['nodes:', ...exportedNodes(nodes).map((node) => `  - ${flowText(node)}`)].join('\n')
}
