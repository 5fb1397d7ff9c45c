import { type Node, whyUnhealthy } from '../cluster/cluster.ts'
import type { Facts } from '../known-facts.ts'
import { entity, type Entity, onOff, slugOf } from './entity.ts'

/** Each node: whether it is well, and what it runs. */
export function nodeEntities({ known: { cluster } }: Facts): readonly Entity[] {
  if (!cluster) return []
  return cluster.nodes.flatMap((node) => entitiesFor(node, cluster.observedAt))
}

function entitiesFor(node: Node, observedAt: string): readonly Entity[] {
  const { name, role, talos, kubernetes } = node
  const slug = slugOf(name)
  const at = (field: string) => ({ id: `node_${slug}_${field}`, topic: `node/${slug}`, field })
  const why = whyUnhealthy(node)
  return [
    entity(at('well'), { platform: 'binary_sensor', name, device_class: 'running' }, onOff(why === undefined), {
      role,
      ...(why === undefined ? {} : { why: `${name} ${why}` }),
      cordoned: kubernetes.ok ? kubernetes.value.unschedulable : null,
      observed_at: observedAt,
    }),
    entity(
      at('talos'),
      { platform: 'sensor', name: `${name} Talos`, icon: 'mdi:package-variant-closed', entity_category: 'diagnostic' },
      talos.ok ? talos.value.version : undefined,
    ),
  ]
}
