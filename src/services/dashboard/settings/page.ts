import { html } from 'hono/html'
import { counted } from '../../../core/count.ts'
import type { ServiceStatus } from '../../../core/service.ts'
import type { SettingInForce } from '../../../core/setting.ts'
import { since } from '../../../http/markup/moments.ts'
import { badge, card, type Markup, notice, pageTitle, prose, type Tone } from '../../../http/markup/parts.ts'
import { table } from '../../../http/markup/table.ts'
import { definePage, type Viewing } from '../../../operations/pages.ts'

/** What the page about settings shows. */
export interface SettingsData {
  readonly settings: readonly SettingInForce[]
  readonly services: readonly ServiceStatus[]
  /** What is wrong with the file, or waits for a restart. */
  readonly configuration: string | undefined
  readonly file: string
}

export default definePage<SettingsData>({
  async read({ status, settings }) {
    const { services, configuration } = await status()
    return { ...settings(), services, configuration }
  },
  view: settingsView,
})

export function settingsView({ settings, services, configuration, file }: SettingsData, viewing: Viewing): Markup {
  const sections = Map.groupBy(settings, ({ path }) => path.split(/[.[]/)[0]!)
  const written = settings.filter(({ line }) => line !== undefined).length
  return html`${pageTitle(
    'Settings',
    html`As they are used: ${counted(written, 'setting')} of <code>${file}</code>, and defaults for the rest. An edit of
      the file counts at once, or says what takes a restart.`,
  )}
  ${configuration === undefined ? '' : notice('warning', html`<p>${prose(configuration)}.</p>`)}
  ${card('Services', serviceTable(services, viewing), { isWide: true })}
  ${[...sections].map(([name, own]) => card(name, settingTable(name, own), { id: `section-${name}`, isWide: true, isNamed: true }))}`
}

function settingTable(section: string, settings: readonly SettingInForce[]): Markup {
  return table(
    `Settings of ${section}`,
    [
      {
        title: 'setting',
        cell: ({ path, about }) =>
          html`<span class="mono" ${about === undefined ? '' : html` title="${about}"`}>${path}</span>`,
      },
      {
        title: 'value',
        cell: ({ value, line }) => html`<span class="${line === undefined ? 'soft' : ''}">${value}</span>`,
      },
      {
        title: 'from',
        cell: ({ line }) => (line === undefined ? html`<span class="soft">default</span>` : `line ${line}`),
      },
    ],
    settings,
  )
}

const states: Readonly<Record<ServiceStatus['state'], Tone>> = {
  starting: 'busy',
  running: 'fine',
  down: 'critical',
  stopped: 'quiet',
}

/** One that is not configured runs, and does nothing. */
function stateBadge({ state, text = '' }: ServiceStatus): Markup {
  const isOff = state === 'running' && /^off\b/.test(text)
  return isOff ? badge('quiet', 'off') : badge(states[state], state)
}

function serviceTable(services: readonly ServiceStatus[], viewing: Viewing): Markup {
  return table(
    'Services',
    [
      { title: 'service', cell: ({ name }) => name },
      { title: 'state', cell: stateBadge },
      { title: 'since', cell: ({ since: at }) => since(at, viewing) },
      { title: 'says', cell: ({ text }) => (text === undefined ? '' : prose(text)) },
    ],
    services,
  )
}
