/** What a person may request in Home Assistant, each a button. */
export const commands = {
  approve: { name: 'Approve release', icon: 'mdi:check-decagram' },
  pause: { name: 'Pause rollouts', icon: 'mdi:pause' },
  resume: { name: 'Resume rollouts', icon: 'mdi:play' },
  cancel_shutdown: { name: 'Cancel shutdown', icon: 'mdi:power-off' },
  wake: { name: 'Wake machines', icon: 'mdi:power' },
} as const

export type Command = keyof typeof commands

/**
 * The command that a message on one of our topics is; undefined where it is none. One that is retained is none: it would be
 * obeyed at every connection, for ever.
 */
export function commandIn(
  { topic, payload, isRetained }: { readonly topic: string; readonly payload: string; readonly isRetained: boolean },
  topicPrefix: string,
): Command | undefined {
  const start = `${topicPrefix}/command/`
  if (isRetained || payload !== 'PRESS' || !topic.startsWith(start)) return undefined
  const name = topic.slice(start.length)
  return Object.hasOwn(commands, name) ? (name as Command) : undefined
}
