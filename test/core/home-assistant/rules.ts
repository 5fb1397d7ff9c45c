/**
 * The rules of Home Assistant 2026.11 for what is announced to it by MQTT, where breaking one costs the whole device or an
 * entity with no more than a line in its log (homeassistant/components/mqtt: schemas.py, discovery.py, sensor.py,
 * binary_sensor.py, update.py, button.py). It needs a newer Python than there is here.
 */

const topLevel =
  'device components origin availability availability_mode availability_template availability_topic payload_available payload_not_available state_topic command_topic qos encoding child_devices message_expiry_interval'
const ofDevice =
  'identifiers connections name manufacturer model model_id hw_version sw_version serial_number suggested_area via_device configuration_url'
const ofOrigin = 'name sw_version support_url'
const ofEntity =
  'platform unique_id name availability availability_mode availability_template availability_topic payload_available payload_not_available entity_picture enabled_by_default entity_category icon json_attributes_topic json_attributes_template default_entity_id message_expiry_interval visible_by_default device_class qos encoding'
const ofPlatform: Readonly<Record<string, string>> = {
  sensor:
    'state_topic value_template expire_after force_update last_reset_value_template options state_class unit_of_measurement suggested_display_precision',
  binary_sensor: 'state_topic value_template expire_after force_update off_delay payload_off payload_on',
  update:
    'state_topic value_template command_topic display_precision latest_version_template latest_version_topic payload_install release_summary release_url retain title',
  button: 'command_topic command_template payload_press retain',
}
/** Units of device classes (homeassistant/components/sensor/const.py); undefined: none may be given. */
const units: Readonly<Record<string, readonly (string | undefined)[]>> = {
  battery: ['%'],
  duration: ['d', 'h', 'min', 's', 'ms', 'µs'],
  voltage: ['V', 'mV', 'µV', 'kV', 'MV'],
  frequency: ['Hz', 'kHz', 'MHz', 'GHz'],
  power: ['mW', 'W', 'kW', 'MW', 'GW', 'TW'],
  apparent_power: ['mVA', 'VA', 'kVA'],
  temperature: ['°C', '°F', 'K'],
  enum: [undefined],
  timestamp: [undefined],
}
const binaryClasses =
  'battery battery_charging carbon_monoxide cold connectivity door garage_door gas heat light lock moisture motion moving occupancy opening plug power presence problem running safety smoke sound tamper update vibration window'
const categories = ['diagnostic', undefined]

type Fields = Readonly<Record<string, unknown>>
const words = (list: string) => new Set(list.split(' '))

/** What Home Assistant would refuse of an announcement, as sentences. */
export function faultsOf(announcement: string): readonly string[] {
  const { device, origin, components, ...rest } = JSON.parse(announcement) as Readonly<Record<string, Fields>>
  const unknown = Object.keys(rest).filter((key) => !words(topLevel).has(key))
  return [
    ...unknown.map((key) => `the device is refused for ${key}`),
    ...(device?.['identifiers'] || device?.['connections']
      ? []
      : ['the device has neither identifiers nor connections']),
    ...strange('device', device ?? {}, ofDevice),
    ...(typeof origin?.['name'] === 'string' ? [] : ['the origin has no name']),
    ...strange('origin', origin ?? {}, ofOrigin),
    ...urlFault('device', device?.['configuration_url']),
    ...(Object.keys(components ?? {}).length === 0 ? ['there are no components'] : []),
    ...topicFault('the device', rest['availability_topic']),
    ...Object.entries(components ?? {}).flatMap(([id, component]) => componentFaults(id, component as Fields)),
    ...repeated(Object.values(components ?? {}).map((one) => (one as Fields)['unique_id'])),
  ]
}

function componentFaults(id: string, component: Fields): readonly string[] {
  const { platform } = component
  if (!/^[a-zA-Z0-9_-]+$/.test(id)) return [`${id} is no id`]
  const own = ofPlatform[String(platform)]
  if (own === undefined) return [`${id} has an unknown platform`]
  // With nothing else it is removed.
  if (Object.keys(component).length === 1) return []
  return [
    ...(typeof component['unique_id'] === 'string' ? [] : [`${id} has no unique_id`]),
    ...strange(id, component, `${ofEntity} ${own}`),
    ...['state_topic', 'command_topic', 'json_attributes_topic'].flatMap((key) => topicFault(id, component[key])),
    ...platformFaults(id, component),
  ]
}

function platformFaults(id: string, component: Fields): readonly string[] {
  const { platform, options, state_class: counted, unit_of_measurement: unit } = component
  const type = component['device_class'] as string | undefined
  const needsState = platform === 'sensor' || platform === 'binary_sensor'
  const found = needsState && component['state_topic'] === undefined ? [`${id} has no state_topic`] : []
  if (needsState && !categories.includes(component['entity_category'] as string | undefined))
    found.push(`${id} has an entity_category that it may not have`)
  if (platform === 'sensor') {
    if (options !== undefined && (!Array.isArray(options) || options.length === 0)) found.push(`${id} has no options`)
    if (options !== undefined && type !== 'enum') found.push(`${id} has options without being an enum`)
    if (options !== undefined && (counted !== undefined || unit !== undefined))
      found.push(`${id} has options and a unit`)
    if (type !== undefined && !units[type]?.includes(unit as string | undefined)) found.push(`${id} has the wrong unit`)
  }
  if (platform === 'binary_sensor' && type !== undefined && !words(binaryClasses).has(type))
    found.push(`${id} has an unknown class`)
  if (platform === 'update' && component['command_topic'] !== undefined && component['payload_install'] === undefined)
    found.push(`${id} fails when it is installed`)
  if (platform === 'update' && type !== undefined && type !== 'firmware') found.push(`${id} has an unknown class`)
  if (platform === 'button' && component['command_topic'] === undefined) found.push(`${id} has no command_topic`)
  if (component['retain'] === true) found.push(`${id} retains what is pressed`)
  return found
}

function strange(id: string, fields: Fields, known: string): readonly string[] {
  return Object.keys(fields).flatMap((key) => (words(known).has(key) ? [] : [`${id} is refused for ${key}`]))
}

function topicFault(id: string, topic: unknown): readonly string[] {
  if (topic === undefined) return []
  return typeof topic === 'string' && /^[^+#\0]+$/.test(topic) ? [] : [`${id} has a topic that is none`]
}

function urlFault(id: string, given: unknown): readonly string[] {
  const url = given as string | undefined
  if (url === undefined || /^(https?|homeassistant):\/\/[^/\s]+/.test(url)) return []
  return [`${id} is refused for its URL`]
}

function repeated(ids: readonly unknown[]): readonly string[] {
  const own = ids.filter((id) => id !== undefined)
  return new Set(own).size === own.length ? [] : ['a unique_id is there twice']
}

/** What Home Assistant would make nothing of in the state of a component. `payload`: what stands at its state_topic. */
export function stateFaults(id: string, component: Fields, payload: string): readonly string[] {
  const object = JSON.parse(payload) as Fields
  if (component['platform'] === 'update') return updateFaults(id, object)
  const [, field] = /^\{\{ value_json\.([a-z_]+) \}\}$/.exec(String(component['value_template'])) ?? []
  if (field === undefined || !(field in object)) return [`${id} shows a field that there is not`]
  const value = object[field] as string | number | null
  // What a template makes of it is `None`: not known.
  if (value === null) return []
  const { options, device_class: type } = component
  if (component['platform'] === 'binary_sensor')
    return value === 'ON' || value === 'OFF' ? [] : [`${id} is ${String(value)}`]
  if (Array.isArray(options) && !options.includes(value)) return [`${id} is ${value}, which is no option`]
  if (type === 'timestamp' && !/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(String(value))) return [`${id} is no moment`]
  if (component['unit_of_measurement'] !== undefined && typeof value !== 'number') return [`${id} is no number`]
  return Array.from(String(value)).length > 255 ? [`${id} is too long`] : []
}

function updateFaults(id: string, object: Fields): readonly string[] {
  const texts = ['installed_version', 'latest_version', 'title', 'release_summary', 'release_url', 'entity_picture']
  const percentage = object['update_percentage']
  return [
    ...strange(id, object, `${texts.join(' ')} in_progress update_percentage`),
    ...texts.flatMap((key) =>
      ['string', 'undefined'].includes(typeof object[key]) ? [] : [`${id} drops its state for ${key}`],
    ),
    ...urlFault(id, object['release_url']),
    ...urlFault(id, object['entity_picture']),
    ...(percentage === undefined || percentage === null || (Number(percentage) >= 0 && Number(percentage) <= 100)
      ? []
      : [`${id} drops its state for update_percentage`]),
  ]
}
