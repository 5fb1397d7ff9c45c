import { type Node, whyUnhealthy } from '../cluster/cluster.ts'
import type { Facts } from '../known-facts.ts'
import { entity, type Entity, onOff, slugOf } from './entity.ts'

/** Each node: whether it is well, and what it runs. */
export function nodeEntities({ known: { cluster } }: Facts): readonly Entity[] {
  if (!cluster) return []
  return cluster.nodes.flatMap(entitiesFor)
}

/** Home Assistant keeps every change of an attribute: none of these changes with a look that found the same. */
function entitiesFor(node: Node): readonly Entity[] {
  const { name, role, talos, kubernetes } = node
  const slug = slugOf(name)
  const at = (field: string) => ({ id: `node_${slug}_${field}`, topic: `node/${slug}`, field })
  const why = whyUnhealthy(node)
  return [
    entity(at('well'), { platform: 'binary_sensor', name, device_class: 'running' }, onOff(why === undefined), {
      role,
      ...(why === undefined ? {} : { why: `${name} ${why}` }),
      cordoned: kubernetes.ok ? kubernetes.value.unschedulable : null,
    }),
    entity(
      at('talos'),
      { platform: 'sensor', name: `${name} Talos`, icon: 'mdi:package-variant-closed', entity_category: 'diagnostic' },
      talos.ok ? talos.value.version : undefined,
    ),
  ]
}
