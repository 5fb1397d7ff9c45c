import { html } from 'hono/html'
import type { Alert } from '../../../core/alert.ts'
import { describeDuration } from '../../../core/duration.ts'
import { type BootPhase, hasReached } from '../../../core/netboot/boots.ts'
import type { BootTry, NetbootMachine, NetbootMachineDetails } from '../../../core/netboot/requests.ts'
import { inMegabytes } from '../../../core/netboot/size.ts'
import type { ServiceStatus } from '../../../core/service.ts'
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

/** What the page about machines that boot from the network shows. */
export interface BootsData {
  /** Those that asked last come first. */
  readonly machines: readonly NetbootMachine[]
  /** The one whose tries are shown; `missing`: there is none of this name. */
  readonly chosen: NetbootMachineDetails | { readonly missing: string } | undefined
  /** Those that answer machines, and that serve files to them. */
  readonly services: readonly ServiceStatus[]
  readonly alerts: readonly Alert[]
}

/** Strangers may be many. */
const shown = 60

export function bootsView({ machines, chosen, services, alerts }: BootsData, viewing: Viewing): Markup {
  return html`${pageTitle('Boots', 'Machines that boot from the network: what each did, and where it stopped.')}
  ${services.filter(({ state }) => state === 'down').map(downView)}
  ${alerts.map(({ severity, text, action }) =>
    notice(
      severity === 'info' ? 'quiet' : severity,
      html`<p>${prose(text)}.</p>
        ${action === undefined ? '' : html`<p class="small">${prose(action)}.</p>`}`,
    ),
  )}
  ${chosen === undefined ? '' : chosenView(chosen, viewing)}
  ${card('Machines', machineTable(machines, viewing), { isWide: true })}
  ${
    services.length === 0
      ? ''
      : card('Who answers them', facts(services.map(({ name, text = '' }) => [name, prose(text)] as const)), {
          isWide: true,
        })
  }`
}

function downView({ name, text = 'it is not known why' }: ServiceStatus): Markup {
  return notice('critical', html`<p><strong>${name}</strong> is down: ${prose(text)}.</p>`)
}

const none =
  'No machine has asked for a boot yet. `caretaker netboot check` asks the network as firmware does; `caretaker netboot recipe` has the settings for your router.'

function machineTable(machines: readonly NetbootMachine[], viewing: Viewing): Markup {
  if (machines.length === 0) return html`<p class="empty">${prose(none)}</p>`
  const left = machines.length - shown
  return html`${table(
    'Machines that boot from the network',
    [
      {
        title: 'machine',
        cell: ({ machine, mac, maker, isKnown }) =>
          html`<a href="/boots?${new URLSearchParams({ machine }).toString()}">${machine}</a>${
              isKnown ? '' : html` ${badge('quiet', 'stranger')}`
            }${cardText(machine, mac, maker)}`,
      },
      {
        title: 'asked',
        cell: ({ last }) =>
          html`<span class="nowrap">${last === undefined ? 'never' : ago(last.startedAt, viewing)}</span>`,
      },
      {
        title: 'last try',
        cell: ({ last }) => (last === undefined ? '' : tryView(last)),
      },
      {
        title: 'next time',
        cell: ({ boots, why, armedUntil }) =>
          html`${boots ? badge('busy', 'boots') : badge('quiet', 'left alone')}<br /><span class="small"
              >${why}${armedUntil === undefined ? '' : html`, until ${moment(armedUntil, viewing)}`}</span
            >`,
      },
      {
        title: 'request',
        isUntitled: true,
        cell: ({ machine, boots, armedUntil }) =>
          requestButtons(
            [
              // One that boots anyway needs no word.
              boots ? undefined : { at: '/boots/do/once', label: 'Boot once', given: { machine }, about: machine },
              armedUntil === undefined
                ? undefined
                : { at: '/boots/do/not', label: 'Take back', given: { machine }, about: machine },
            ],
            viewing,
          ),
      },
    ],
    machines.slice(0, shown),
  )}
  ${left > 0 ? html`<p class="small">${left} more: ${prose('`caretaker netboot status`')} lists them.</p>` : ''}`
}

function cardText(machine: string, mac: string | undefined, maker: string | undefined): Markup | string {
  const text = [...(mac === undefined || mac === machine ? [] : [mac]), ...(maker === undefined ? [] : [maker])]
  return text.length === 0 ? '' : html`<br /><span class="soft small plain-weight mono">${text.join(' · ')}</span>`
}

const words: Readonly<Record<BootPhase, readonly [Tone, string]>> = {
  asked: ['quiet', 'left alone'],
  offered: ['quiet', 'offered'],
  taken: ['busy', 'took the offer'],
  probed: ['busy', 'asked for the size'],
  loading: ['busy', 'loading'],
  loaded: ['fine', 'loaded'],
  started: ['fine', 'started'],
  configuring: ['busy', 'wants its configuration'],
  running: ['fine', 'runs Talos'],
}

function tryBadge({ phase, trouble, next }: BootTry): Markup {
  const [tone, word] = words[phase]
  const isTroubled = !hasReached({ phase }, 'loaded') && (trouble !== undefined || next !== undefined)
  return badge(isTroubled ? 'warning' : tone, word)
}

/** Where it stands, in the words of the diagnosis, with what to do. */
function tryView(boot: BootTry): Markup {
  const { phase, said, next, arrived = 0, bytes } = boot
  const figures = figuresOf(boot)
  return html`${tryBadge(boot)}
  ${said}${next === undefined ? '' : html`.<br /><span class="small">${prose(next)}</span>`}
  ${
    phase === 'loading' && bytes !== undefined
      ? html`<progress value="${arrived}" max="${bytes}" aria-label="${said}"></progress>`
      : ''
  }${figures === '' ? '' : html`<br /><span class="soft small">${figures}</span>`}`
}

function figuresOf({ arrived, bytes, took, rate, resent }: BootTry): string {
  return [
    ...(arrived === undefined
      ? []
      : [
          bytes === undefined || bytes === arrived
            ? inMegabytes(arrived)
            : `${inMegabytes(arrived)} of ${inMegabytes(bytes)}`,
        ]),
    ...(took === undefined ? [] : [describeDuration(took)]),
    ...(rate === undefined ? [] : [`${inMegabytes(rate)}/s`]),
    ...(resent ? [`${resent} sent again`] : []),
  ].join(' · ')
}

function chosenView(chosen: NonNullable<BootsData['chosen']>, viewing: Viewing): Markup {
  if ('missing' in chosen)
    return card(chosen.missing, empty('Nothing is known of this machine.'), {
      isWide: true,
      isNamed: true,
      id: 'chosen',
    })
  const { machine, mac, uuid, maker, tries } = chosen
  const [last] = tries
  return card(
    machine,
    html`${facts([
        mac === undefined ? undefined : ['card', html`${copyable(mac, { what: 'the MAC address' })} ${maker ?? ''}`],
        uuid === undefined ? undefined : ['UUID', copyable(uuid, { what: 'the UUID' })],
        last?.firmware === undefined
          ? undefined
          : ['firmware', last.kind === 'ipxe' ? `iPXE on ${last.firmware}` : last.firmware],
        last?.classId === undefined ? undefined : ['says of itself', html`<span class="mono">${last.classId}</span>`],
        last?.address === undefined ? undefined : ['address', html`<span class="mono">${last.address}</span>`],
      ])}
      ${table(
        `Tries of ${machine}`,
        [
          { title: 'began', cell: ({ startedAt }) => moment(startedAt, viewing) },
          { title: 'came to', cell: (one) => tryView(one) },
          {
            title: 'file',
            isSpare: true,
            cell: ({ file = '', blockSize, windowSize = 1 }) =>
              html`<span class="mono small">${file}</span>${
                  blockSize === undefined
                    ? ''
                    : html`<br /><span class="soft small">blocks of ${blockSize}, ${windowSize} at a time</span>`
                }`,
          },
        ],
        tries,
        'It has not tried yet.',
      )}
      <p class="small"><a href="/boots">All machines</a></p>`,
    { isWide: true, isNamed: true, id: 'chosen' },
  )
}
