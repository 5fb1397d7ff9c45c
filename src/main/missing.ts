import type { Settings } from './settings.ts'

/** What a daemon does without, and how to change that: for `caretaker status`, a sentence each. */
export function missingFor(
  { config, path }: Pick<Settings, 'config' | 'path'>,
  isThere: { readonly talosconfig: boolean; readonly kubeconfig: boolean },
): readonly string[] {
  const { nodes, cluster } = config
  const { talosconfig, kubeconfig } = cluster
  return [
    ...(nodes.length === 0 ? ['nodes: list them under nodes, and they are upgraded and shut down in order'] : []),
    ...(isThere.talosconfig
      ? []
      : talosconfig === undefined
        ? ['a talosconfig: name one in cluster.talosconfig, and nodes are watched and upgraded']
        : [`a usable talosconfig: put it at ${path(talosconfig)}, and nodes are watched and upgraded`]),
    ...(kubeconfig === undefined || isThere.kubeconfig
      ? []
      : [`a usable kubeconfig: put it at ${path(kubeconfig)}, and nodes are drained before they go down`]),
  ]
}
