/** What Home Assistant is told of us: https://www.home-assistant.io/integrations/mqtt, "Device discovery payload". */
export interface Settings {
  /** Of our topics, and by which the device is known: `caretaker`. */
  readonly topicPrefix: string
  /** What the homelab is called. */
  readonly homelab: string
  readonly version: string
  /** Where people reach Caretaker; undefined where they can't. */
  readonly url: string | undefined
  /** Whether there are buttons. */
  readonly buttons: boolean
  /** What the last press of one came to, since the start. */
  readonly answer?: string | undefined
}

/** One entity as it is announced. */
export interface Component {
  readonly platform: 'sensor' | 'binary_sensor' | 'update' | 'button'
  readonly [field: string]: unknown
}

/** An entity, and what it shows. */
export interface Entity {
  /** Unique among all of ours, and for ever: Home Assistant knows the entity by it. */
  readonly id: string
  readonly component: Component
  /** Below our prefix, where its state is; absent for a button. */
  readonly topic?: string
  /** What stands there by this entity; those of one topic are one object. Null: it is not known. */
  readonly state?: Readonly<Record<string, unknown>>
}

export interface Place {
  readonly id: string
  readonly topic: string
  /** Of the topic's JSON. */
  readonly field: string
}

/** An entity whose state is one field of its topic. `attributes` are shown beside it. */
export function entity(
  { id, topic, field }: Place,
  component: Component,
  value: unknown,
  attributes?: Readonly<Record<string, unknown>>,
): Entity {
  const template = { json_attributes_template: `{{ value_json.${field}_attributes | tojson }}` }
  return {
    id,
    topic,
    component: { value_template: `{{ value_json.${field} }}`, ...component, ...(attributes ? template : {}) },
    state: { [field]: value ?? null, ...(attributes ? { [`${field}_attributes`]: attributes } : {}) },
  }
}

/** Home Assistant keeps no more of a text state (homeassistant/const.py, MAX_LENGTH_STATE_STATE). */
const longestState = 255

/** A text as a state. */
export function stateText(text: string): string {
  const letters = Array.from(text)
  return letters.length <= longestState ? text : `${letters.slice(0, longestState - 1).join('')}…`
}

/** In whole numbers: nobody needs more, and Home Assistant keeps every change. Undefined stays so. */
export function whole(value: number | undefined): number | undefined {
  return value === undefined ? undefined : Math.round(value)
}

/** Whether, as a binary sensor says it; null: it is not known. */
export function onOff(whether: boolean | undefined): 'ON' | 'OFF' | null {
  return whether === undefined ? null : whether ? 'ON' : 'OFF'
}

/** A part of a topic or of an id: letters, digits, `_` and `-` are all that may stand in one. */
export function slugOf(name: string): string {
  return name.replaceAll(/[^a-zA-Z0-9-]/gu, (letter) =>
    letter === '.' ? '_' : `_${letter.codePointAt(0)!.toString(16)}_`,
  )
}
