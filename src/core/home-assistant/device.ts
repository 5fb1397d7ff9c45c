import type { Facts } from '../known-facts.ts'
import { printableDeep } from '../printable.ts'
import { clusterEntities } from './cluster-entities.ts'
import { type Entity, type Settings, slugOf } from './entity.ts'
import { nodeEntities } from './node-entities.ts'
import { upsEntities } from './ups-entities.ts'

/** Every entity of the homelab as it is known. */
export function entitiesOf(facts: Facts, settings: Settings): readonly Entity[] {
  return [...clusterEntities(facts, settings), ...upsEntities(facts), ...nodeEntities(facts)]
}

/** What each topic below our prefix says, as JSON. */
export function statesOf(entities: readonly Entity[]): ReadonlyMap<string, string> {
  const objects = new Map<string, Readonly<Record<string, unknown>>>()
  for (const { topic, state } of entities)
    if (topic !== undefined) objects.set(topic, { ...objects.get(topic), ...state })
  // What a UPS or a node says of itself is shown there.
  return new Map([...objects].map(([topic, object]) => [topic, JSON.stringify(printableDeep(object))]))
}

/**
 * The announcement of the device, for its discovery topic. `gone` are components by id, with their platform, that were
 * announced before and are no more: only where they are named with their platform alone are they removed.
 */
export function announcementOf(
  entities: readonly Entity[],
  { topicPrefix, homelab, version, url }: Settings,
  gone: ReadonlyMap<string, string> = new Map(),
): string {
  const id = slugOf(topicPrefix)
  const components = entities.map(({ id: own, component, topic }) => {
    const place = topic === undefined ? {} : { state_topic: `${topicPrefix}/${topic}` }
    const beside = 'json_attributes_template' in component ? { json_attributes_topic: `${topicPrefix}/${topic}` } : {}
    return [own, { unique_id: `${id}_${own}`, ...place, ...beside, ...component }]
  })
  const announcement = {
    device: {
      identifiers: [id],
      name: `Caretaker ${homelab}`,
      manufacturer: 'Caretaker',
      model: 'Talos homelab',
      sw_version: version,
      ...(url === undefined ? {} : { configuration_url: url }),
    },
    origin: { name: 'Caretaker', sw_version: version },
    availability_topic: availabilityTopic(topicPrefix),
    components: Object.fromEntries([...[...gone].map(([own, platform]) => [own, { platform }]), ...components]),
  }
  return JSON.stringify(printableDeep(announcement))
}

export function availabilityTopic(topicPrefix: string): string {
  return `${topicPrefix}/availability`
}

/** Where the device is announced: retained, so that Home Assistant finds it whenever it starts. */
export function discoveryTopic(discoveryPrefix: string, topicPrefix: string): string {
  return `${discoveryPrefix}/device/${slugOf(topicPrefix)}/config`
}

/** The components that an announcement names, by id with their platform; none where it can't be read. */
export function componentsIn(announcement: string): ReadonlyMap<string, string> {
  try {
    const { components } = JSON.parse(announcement) as { readonly components?: unknown }
    if (typeof components !== 'object' || components === null) return new Map()
    const all = Object.entries(components).map(([id, component]): [string, unknown] => [
      id,
      (component as { readonly platform?: unknown } | null)?.platform,
    ])
    return new Map(all.filter((one): one is [string, string] => typeof one[1] === 'string'))
  } catch {
    return new Map()
  }
}
