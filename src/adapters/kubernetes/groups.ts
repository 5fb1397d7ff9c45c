import type { Api } from './api.ts'

/**
 * Which groups the API serves, as `longhorn.io`. What a cluster has is asked of this list, and not of a 404: that can
 * also come from what stands in front of the API.
 */
export async function groupsOf(api: Api, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const { groups = [] } = await api.send<{ groups?: readonly { readonly name: string }[] }>({
    method: 'GET',
    path: '/apis',
    signal,
  })
  return new Set(groups.map(({ name }) => name))
}
