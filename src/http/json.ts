import { isLasting } from '../core/lasting.ts'

/** The texts of values that last. */
const texts = new WeakMap<object, string>()

/** The same as `JSON.stringify`; what an object holds that lasts, such as everything seen of a cluster, is written once. */
export function jsonOf(value: unknown): string | undefined {
  if (isLasting(value)) return textOf(value)
  if (!isPlain(value) || !Object.values(value).some(isLasting)) return JSON.stringify(value)
  const fields = Object.entries(value).flatMap(([name, field]) => {
    const text = isLasting(field) ? textOf(field) : JSON.stringify(field)
    return text === undefined ? [] : [`${JSON.stringify(name)}:${text}`]
  })
  return `{${fields.join(',')}}`
}

function textOf(value: object): string {
  const text = texts.get(value) ?? JSON.stringify(value)
  texts.set(value, text)
  return text
}

/** Written field by field, and in no way of its own. */
function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !('toJSON' in value)
}
