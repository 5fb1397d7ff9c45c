import type { Settings } from './settings.ts'

/** What the daemon runs without, and how to add it: for `caretaker status`, a sentence each. */
export function missingFor(
  { config, path }: Pick<Settings, 'config' | 'path'>,
  isThere: { readonly talosconfig: boolean; readonly kubeconfig: boolean },
): readonly string[] {
  const { nodes, cluster } = config
  const { talosconfig, kubeconfig } = cluster
  return [
    ...(nodes.length === 0 ? ['nodes: list them under `nodes` to have them upgraded and shut down in order'] : []),
    ...(isThere.talosconfig
      ? []
      : talosconfig === undefined
        ? ['a talosconfig: set cluster.talosconfig to have nodes watched and upgraded']
        : [`a usable talosconfig: put it at ${path(talosconfig)} to have nodes watched and upgraded`]),
    ...(kubeconfig === undefined || isThere.kubeconfig
      ? []
      : [`a usable kubeconfig: put it at ${path(kubeconfig)} to have nodes drained before they shut down`]),
  ]
}
