import type { Facts } from '../known-facts.ts'
import type { UpsAnswer } from '../power/answers.ts'
import { entity, type Entity, onOff, slugOf, whole } from './entity.ts'

const modes = ['on-mains', 'on-battery', 'critical', 'forced', 'latched', 'unknown'] as const

/** Each UPS, in the units and classes that Home Assistant's own integration of NUT has. */
export function upsEntities({ power }: Facts): readonly Entity[] {
  return power.upses.flatMap(entitiesFor)
}

function entitiesFor({ label, state, noReading, inputVolts }: UpsAnswer): readonly Entity[] {
  const slug = slugOf(label)
  const at = (field: string) => ({ id: `ups_${slug}_${field}`, topic: `ups/${slug}`, field })
  const { mode, reading } = state
  const percent = { platform: 'sensor', unit_of_measurement: '%', state_class: 'measurement' } as const
  return [
    entity(
      at('state'),
      { platform: 'sensor', name: `${label} state`, device_class: 'enum', options: modes, icon: 'mdi:battery-heart' },
      mode,
      { status: (reading?.status ?? []).join(' '), ...(noReading ? { why: noReading.why } : {}) },
    ),
    entity(at('charge'), { ...percent, name: `${label} charge`, device_class: 'battery' }, reading?.chargePercent),
    entity(
      at('runtime'),
      {
        platform: 'sensor',
        name: `${label} runtime`,
        device_class: 'duration',
        unit_of_measurement: 's',
        state_class: 'measurement',
      },
      whole(reading?.runtimeMs === undefined ? undefined : reading.runtimeMs / 1_000),
    ),
    entity(
      at('voltage'),
      {
        platform: 'sensor',
        name: `${label} input voltage`,
        device_class: 'voltage',
        unit_of_measurement: 'V',
        state_class: 'measurement',
      },
      inputVolts,
    ),
    entity(at('load'), { ...percent, name: `${label} load`, icon: 'mdi:gauge' }, reading?.loadPercent),
    entity(
      at('mains'),
      { platform: 'binary_sensor', name: `${label} mains power`, device_class: 'plug' },
      onOff(mode === 'unknown' ? undefined : mode === 'on-mains'),
    ),
    // Of this class ON means low.
    entity(
      at('low'),
      { platform: 'binary_sensor', name: `${label} battery low`, device_class: 'battery' },
      onOff(reading?.status.includes('LB')),
    ),
    entity(
      at('heard'),
      {
        platform: 'binary_sensor',
        name: `${label} answers`,
        device_class: 'connectivity',
        entity_category: 'diagnostic',
      },
      onOff(state.lastHeardAt === undefined ? undefined : noReading === undefined),
    ),
  ]
}
