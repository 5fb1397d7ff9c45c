/** Where the journal and the queue are kept unless another place is named. */
export const defaultState = '/var/lib/caretaker'

/** What a line `key: value` says, however broken the rest is. */
export function lineOf(text: string, key: RegExp): string | undefined {
  const pattern = new RegExp(`${key.source}:[ \\t]*(?:'([^'\\n]+)'|"([^"\\n]+)"|([^\\s#'"[{&*!|>][^\\n#]*))`, 'm')
  const found = pattern.exec(text)
  return (found?.[1] ?? found?.[2] ?? found?.[3])?.trim()
}
