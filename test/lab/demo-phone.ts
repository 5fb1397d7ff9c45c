import type { NtfyMessage } from './notify/ntfy-publish.ts'

/** A message as a person reads it, with its buttons below: the lines of a frame. */
export function phoneScreen({ title, message, actions = [] }: NtfyMessage): readonly string[] {
  const width = 64
  const wrapped = (text: string) => text.match(new RegExp(`\\S.{0,${width - 1}}(?=\\s|$)`, 'g')) ?? []
  const edge = '─'.repeat(width + 2)
  const buttons = actions.map(({ label }) => `[ ${label} ]`).join('  ')
  const rows = [...wrapped(title ?? ''), ...message.split('\n').flatMap(wrapped), buttons]
  return [`┌${edge}┐`, ...rows.map((row) => `│ ${row.padEnd(width)} │`), `└${edge}┘`]
}
