import { html } from 'hono/html'
import { counted } from '../../../core/count.ts'
import type { MachineAnswer, MachineDetails } from '../../../core/provision/requests.ts'
import { copyable } from '../../../http/markup/copyable.ts'
import { ago, moment } from '../../../http/markup/moments.ts'
import {
  badge,
  card,
  empty,
  facts,
  type Markup,
  notice,
  pageTitle,
  prose,
  type Tone,
} from '../../../http/markup/parts.ts'
import { requestButtons } from '../../../http/markup/requests.ts'
import { table } from '../../../http/markup/table.ts'
import type { Viewing } from '../../../operations/pages.ts'
import { decisionForm } from './form.ts'
import { maintenanceRisk } from './words.ts'

/** What the page about machines shows. */
export interface MachinesData {
  readonly machines: readonly MachineAnswer[]
  /** The one that is looked at closely, or why there is none. */
  readonly chosen?: Chosen | { readonly missing: string }
}

interface Chosen {
  readonly details: MachineDetails
  /** What it shows on its screen in maintenance, the oldest line first. */
  readonly console: readonly string[]
}

const tones: Readonly<Record<MachineAnswer['state'], Tone>> = {
  seen: 'quiet',
  pending: 'warning',
  approved: 'busy',
  delivering: 'busy',
  delivered: 'busy',
  verified: 'fine',
  locked: 'fine',
  rejected: 'quiet',
}

export function machinesView({ machines, chosen }: MachinesData, viewing: Viewing): Markup {
  if (chosen && 'details' in chosen) return closeView(chosen, viewing)
  const waiting = machines.filter(({ next }) => next !== undefined).length
  return html`${pageTitle(
      'Machines',
      waiting === 0 ? 'Machines on their way into the cluster.' : `${counted(waiting, 'machine')} waiting for you.`,
    )}
    ${chosen === undefined ? '' : notice('warning', html`<p>${prose(chosen.missing)}.</p>`)}
    ${machines.length === 0 ? empty('No machine has asked for its configuration yet.') : ''}
    <div class="cards">${machines.map((machine) => machineCard(machine, viewing))}</div>`
}

function titleOf({ name, mac, id }: MachineAnswer): string {
  return name ?? mac ?? id
}

/** What leads to one machine alone: the code that its console shows, else what it is known by. */
function linkTo({ code, id }: MachineAnswer): string {
  return code === undefined
    ? `/machines?machine=${encodeURIComponent(id)}`
    : `/machines?code=${encodeURIComponent(code)}`
}

function machineCard(machine: MachineAnswer, viewing: Viewing): Markup {
  const { state, role, said, next } = machine
  return card(
    titleOf(machine),
    html`<p>${badge(tones[state], state)} ${role === undefined ? '' : badge('quiet', role)}</p>
      <p>${prose(said)}.</p>
      ${factsOf(machine, viewing)}
      <p>
        <a class="button${next === undefined ? '' : ' main'}" href="${linkTo(machine)}"
          >${next === undefined ? 'Look at it' : 'Look at it, and decide'}</a
        >
      </p>`,
    { id: `machine-${machine.id.replaceAll(/[^a-z0-9]+/gi, '-')}`, isNamed: true },
  )
}

function factsOf({ mac, maker, uuid, serial, address, way, code, lastAt }: MachineAnswer, viewing: Viewing): Markup {
  const mono = (text: string) => html`<span class="mono">${text}</span>`
  return facts([
    code === undefined ? undefined : ['code', html`<strong>${copyable(code, { what: 'the code' })}</strong>`],
    mac === undefined
      ? undefined
      : ['card', html`${copyable(mac, { what: 'the MAC address' })}${maker === undefined ? '' : ` (${maker})`}`],
    address === undefined ? undefined : ['address', mono(address)],
    serial === undefined ? undefined : ['serial', serial],
    uuid === undefined ? undefined : ['UUID', copyable(uuid, { what: 'the UUID' })],
    way === undefined ? undefined : ['asks', ways[way]],
    ['last seen', ago(lastAt, viewing)],
  ])
}

const ways = {
  plain: 'by HTTP alone',
  'device-flow': 'by the device flow',
  maintenance: 'and waits in maintenance',
} as const

/** One machine, with everything that a person should know before it is approved. */
function closeView({ details, console: lines }: Chosen, viewing: Viewing): Markup {
  const { state, said, next, way, evidence, claimants, maintenance } = details
  const isWaiting = way === 'maintenance' && state !== 'locked' && state !== 'verified'
  return html`${pageTitle(titleOf(details), html`<a href="/machines">All machines</a>`)}
    ${isWaiting ? notice('critical', html`<p>${maintenanceRisk}.</p>`) : ''}
    <div class="cards">
      ${card(
        'Where it stands',
        html`<p>${badge(tones[state], state)}</p>
          <p>${prose(said)}.</p>
          ${next === undefined ? '' : html`<p>${prose(next)}.</p>`} ${factsOf(details, viewing)}
          ${lifeOf(details, viewing)}
          ${requestButtons(
            state === 'seen'
              ? []
              : [
                  {
                    at: '/machines/do/reject',
                    label: 'Reject',
                    given: { machine: details.code ?? details.id },
                    isDangerous: true,
                  },
                  { at: '/machines/do/forget', label: 'Forget', given: { machine: details.id } },
                ],
            viewing,
          )}`,
      )}
      ${maintenance || isWaiting ? card('In maintenance', maintenanceFacts(maintenance, viewing)) : ''}
      ${evidence.length === 0 ? '' : card('What speaks for it', evidenceList(details))}
      ${claimants.length < 2 ? '' : card('Who claims to be it', claimantTable(details, viewing), { isWide: true })}
      ${state === 'seen' || state === 'approved' ? '' : card('Approve it', decisionForm(details, viewing), { isWide: true })}
      ${isWaiting || lines.length > 0 ? card('Console', consoleView(lines), { isWide: true }) : ''}
    </div>`
}

function lifeOf({ approval, delivery, order }: MachineDetails, viewing: Viewing): Markup {
  return facts([
    order === undefined ? undefined : ['becomes', `${order.role} ${order.name}`],
    approval === undefined
      ? undefined
      : ['approved', html`by ${approval.by}, until ${moment(approval.until, viewing)}`],
    delivery === undefined
      ? undefined
      : [
          'delivered',
          html`${ago(delivery.at, viewing)} to
            <span class="mono">${delivery.address}</span>${delivery.isWhole ? '' : ', the end was not seen'}`,
        ],
  ])
}

function maintenanceFacts(seen: MachineDetails['maintenance'], viewing: Viewing): Markup {
  if (!seen) return empty('Its API has not answered yet; Caretaker tries every 5 s.')
  const { at, fingerprint, version, product, disks } = seen
  return facts([
    [
      'fingerprint',
      html`<strong>${copyable(fingerprint, { what: 'the fingerprint' })}</strong> (compare it with its console)`,
    ],
    version === undefined ? undefined : ['Talos', version],
    product === undefined ? undefined : ['product', product],
    ...disks.map(
      ({ path, size, model }) =>
        ['disk', html`<span class="mono">${path}</span> ${size}${model === undefined ? '' : ` ${model}`}`] as const,
    ),
    ['looked at', ago(at, viewing)],
  ])
}

/** Drawn anew every other second, since no event tells of a line. */
function consoleView(lines: readonly string[]): Markup {
  if (lines.length === 0) return html`<div data-every="2000">${empty('It has sent nothing of its console.')}</div>`
  return html`<pre class="text console" tabindex="0" data-every="2000" aria-label="Console">${lines.join('\n')}</pre>`
}

const marks = { for: 'fine', missing: 'warning', odd: 'critical' } as const

function evidenceList({ evidence }: MachineDetails): Markup {
  return html`<ul class="plain">
    ${evidence.map(({ kind, text }) => html`<li>${badge(marks[kind], kind)} ${text}.</li>`)}
  </ul>`
}

function claimantTable({ claimants }: MachineDetails, viewing: Viewing): Markup {
  return table(
    'Who claims to be it',
    [
      { title: 'address', cell: ({ address }) => html`<span class="mono">${address}</span>` },
      {
        title: 'code',
        cell: ({ code }) => html`<a class="mono" href="${`/machines?code=${encodeURIComponent(code)}`}">${code}</a>`,
      },
      { title: 'card', cell: ({ mac }) => html`<span class="mono">${mac ?? 'none'}</span>` },
      { title: 'asked', cell: ({ asked }) => counted(asked, 'time') },
      { title: 'last', cell: ({ lastAt }) => ago(lastAt, viewing) },
    ],
    claimants,
  )
}
