import { type Node, runningVersions } from '../cluster/cluster.ts'
import type { Facts } from '../known-facts.ts'
import { gates } from '../upgrade/gate.ts'
import { windowAt } from '../upgrade/window.ts'
import { compareVersions } from '../version.ts'
import { commands } from './command.ts'
import { type Component, entity, type Entity, onOff, type Settings, stateText, whole } from './entity.ts'

const topic = 'cluster'
/** The worst first. */
const states = ['outage', 'on battery', 'critical', 'warning', 'upgrading', 'waiting', 'fine'] as const
const rollouts = ['idle', 'upgrading', 'waiting', 'stuck'] as const
const stages = ['none', 'shedding', 'draining', 'stopping', 'stopped', 'waking'] as const
/** So many alerts are listed beside their number: Home Assistant drops attributes of more than 16 KiB. */
const mostAlerts = 10

const enumOf = (name: string, options: readonly string[], icon: string): Component => ({
  platform: 'sensor',
  name,
  device_class: 'enum',
  options,
  icon,
})

/** The homelab as a whole, and what a person may request. */
export function clusterEntities(facts: Facts, settings: Settings): readonly Entity[] {
  const { alerts, known, rollout, outage, shutdown } = facts
  const at = (field: string) => ({ id: field, topic, field })
  const worst = alerts.filter(({ severity }) => severity !== 'info')
  const waitsAt =
    rollout.waitsAt !== undefined && [...gates, 'stuck'].includes(rollout.waitsAt) ? rollout.waitsAt : 'none'
  return [
    entity(at('state'), enumOf('State', states, 'mdi:server-network'), stateOf(facts)),
    entity(
      at('problem'),
      { platform: 'binary_sensor', name: 'Problem', device_class: 'problem' },
      onOff(worst.length > 0),
      { alerts: alerts.slice(0, mostAlerts).map(({ severity, text }) => stateText(`${severity}: ${text}`)) },
    ),
    entity(
      at('alerts'),
      { platform: 'sensor', name: 'Alerts', icon: 'mdi:alert', state_class: 'measurement' },
      worst.length,
    ),
    entity(
      at('alert'),
      { platform: 'sensor', name: 'Worst alert', icon: 'mdi:alert' },
      worst[0] && stateText(worst[0].text),
    ),
    entity(at('rollout'), enumOf('Rollout', rollouts, 'mdi:progress-upload'), rolloutOf(facts)),
    entity(at('waits_for'), enumOf('Rollout waits for', ['none', 'stuck', ...gates], 'mdi:timer-sand'), waitsAt),
    entity(
      at('paused'),
      { platform: 'binary_sensor', name: 'Rollouts paused', icon: 'mdi:pause' },
      onOff(rollout.isPaused),
    ),
    entity(at('window_opens'), { platform: 'sensor', name: 'Next window', device_class: 'timestamp' }, windowOf(facts)),
    entity(at('outage'), enumOf('Outage', stages, 'mdi:power-plug-off'), stageOf(outage)),
    entity(at('shutdown_takes'), duration('Shutdown takes'), whole(shutdown && shutdown.needsMs / 1_000)),
    entity(
      at('battery_left'),
      duration('Battery left'),
      whole(shutdown?.leftMs == null ? undefined : shutdown.leftMs / 1_000),
    ),
    entity(
      at('nodes_seen'),
      {
        platform: 'sensor',
        name: 'Nodes seen',
        device_class: 'timestamp',
        entity_category: 'diagnostic',
        enabled_by_default: false,
      },
      known.cluster?.observedAt,
    ),
    updateOf(facts),
    ...(settings.buttons ? buttonsOf(settings) : []),
  ]
}

const duration = (name: string): Component => ({
  platform: 'sensor',
  name,
  device_class: 'duration',
  unit_of_measurement: 's',
  state_class: 'measurement',
})

function stateOf(facts: Facts): (typeof states)[number] {
  const { alerts, outage, power } = facts
  const isOpen = (severity: string) => alerts.some((alert) => alert.severity === severity)
  if (outage && outage.stage !== 'over') return 'outage'
  if (power.upses.some(({ state: { mode } }) => mode === 'on-battery' || mode === 'critical')) return 'on battery'
  if (isOpen('critical')) return 'critical'
  if (isOpen('warning')) return 'warning'
  const rollout = rolloutOf(facts)
  return rollout === 'upgrading' || rollout === 'waiting' ? rollout : 'fine'
}

function rolloutOf({ rollout: { waitsAt, newest } }: Facts): (typeof rollouts)[number] {
  if (waitsAt === 'stuck') return 'stuck'
  if (waitsAt !== undefined) return 'waiting'
  return newest !== undefined && newest.endedAt === undefined ? 'upgrading' : 'idle'
}

function stageOf(outage: Facts['outage']): (typeof stages)[number] {
  return outage === undefined || outage.stage === 'over' ? 'none' : outage.stage
}

/** When the next window opens; undefined while one is open, or where nodes may always be upgraded. */
function windowOf({ now, rollout: { windows, timeZone, openUntil } }: Facts): string | undefined {
  if (openUntil !== undefined && openUntil > now.getTime()) return undefined
  const window = windowAt(windows, timeZone, now)
  return window.open ? undefined : window.opensAt.toISOString()
}

/**
 * Talos as an update. Without a command: an upgrade is approved by its own button, so that nobody starts one by updating
 * everything at once. A field that is not known is left out, because one that is wrong drops the whole state.
 */
function updateOf({ known, releases, rollout }: Facts): Entity {
  const running = (known.cluster ? runningVersions(known.cluster) : []).toSorted(compareVersions)
  const [installed] = running
  const latest = releases.coming ?? releases.target ?? running.at(-1)
  const { newest, waitsAt } = rollout
  const isUnderWay = newest !== undefined && newest.endedAt === undefined && waitsAt === undefined
  const total = known.cluster?.nodes.length ?? 0
  const there = newest ? (known.cluster?.nodes ?? []).filter((node) => runs(node, newest.release)).length : 0
  return {
    id: 'talos',
    topic: 'talos',
    component: { platform: 'update', name: 'Talos', device_class: 'firmware', title: 'Talos Linux' },
    state: {
      ...(installed === undefined ? {} : { installed_version: installed }),
      ...(latest === undefined ? {} : { latest_version: latest, release_url: releaseUrl(latest) }),
      in_progress: isUnderWay,
      update_percentage: isUnderWay && total > 0 ? Math.floor((there * 100) / total) : null,
    },
  }
}

function runs({ talos }: Pick<Node, 'talos'>, release: string): boolean {
  return talos.ok && talos.value.version === release
}

function releaseUrl(version: string): string {
  return `https://github.com/siderolabs/talos/releases/tag/${encodeURIComponent(version)}`
}

function buttonsOf({ topicPrefix, answer }: Settings): readonly Entity[] {
  return [
    entity(
      { id: 'answer', topic: 'answer', field: 'said' },
      { platform: 'sensor', name: 'Last answer', icon: 'mdi:message-reply-text' },
      answer && stateText(answer),
    ),
    ...Object.entries(commands).map(([id, { name, icon }]): Entity => ({
      id,
      component: {
        platform: 'button',
        name,
        icon,
        command_topic: `${topicPrefix}/command/${id}`,
        payload_press: 'PRESS',
        retain: false,
      },
    })),
  ]
}
