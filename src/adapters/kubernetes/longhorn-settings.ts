import type { StorageSetting } from '../../core/cluster/workload.ts'
import { type Api, isMissing, listOf } from './api.ts'
import { asRecord } from './kubeconfig.ts'

/** longhorn/longhorn-manager k8s/pkg/apis/longhorn/v1beta2/setting.go: its value stands beside its metadata. */
interface SettingObject {
  readonly metadata: { readonly name: string; readonly namespace: string }
  readonly value?: string
}

export const settingsPath = '/apis/longhorn.io/v1beta2/settings'

/** So long Longhorn waits for a replica that is away before it makes a new one, in seconds; of itself it waits 600. */
const waitForReplicas = 3_600

/**
 * What each setting is to be meanwhile; undefined where we don't understand what it is now
 * (longhorn/longhorn-manager types/setting.go).
 */
const wanted: Readonly<Record<string, (value: string) => string | undefined>> = {
  // Of itself Longhorn keeps the engine with a volume's last replica from being evicted, and all nodes are to go.
  'node-drain-policy': () => 'always-allow',
  'replica-replenishment-wait-interval': (value) =>
    isWhole(value) ? String(Math.max(Number(value), waitForReplicas)) : undefined,
  // 0 has no replica rebuilt; a volume's first ones are made all the same.
  'concurrent-replica-rebuild-per-node-limit': (value) => (isWhole(value) ? '0' : undefined),
}

export async function observeSettings(api: Api, signal: AbortSignal): Promise<readonly StorageSetting[]> {
  return (await listOf<SettingObject>(api, settingsPath, signal)).flatMap(({ metadata, value: before = '' }) => {
    const { namespace, name } = metadata
    const during = Object.hasOwn(wanted, name) ? duringOf(before, wanted[name]!) : undefined
    return during === undefined ? [] : [{ system: 'longhorn' as const, namespace, name, before, during }]
  })
}

/** Safe to do twice; a setting that there is no longer is fine. */
export async function setSetting(
  api: Api,
  { namespace, name }: Pick<StorageSetting, 'namespace' | 'name'>,
  value: string,
  signal: AbortSignal,
): Promise<void> {
  const path = `/apis/longhorn.io/v1beta2/namespaces/${encodeURIComponent(namespace)}/settings/${encodeURIComponent(name)}`
  try {
    await api.send({ method: 'PATCH', path, body: { value }, signal })
  } catch (error) {
    if (!isMissing(error, 'settings')) throw error
  }
}

/**
 * Undefined where it is so already, or can't be. Longhorn 1.9 and later may keep a value for each data engine,
 * `{"v1":"5","v2":"5"}`: all of them are changed, or none.
 */
function duringOf(before: string, change: (value: string) => string | undefined): string | undefined {
  const engines = parseEngines(before)
  if (engines === undefined) {
    const during = change(before)
    return during === before ? undefined : during
  }
  const changed = engines.map(([engine, value]) => [engine, typeof value === 'string' ? change(value) : undefined])
  const isSame = engines.every(([, value], index) => value === changed[index]?.[1])
  if (isSame || changed.some(([, value]) => value === undefined)) return undefined
  return JSON.stringify(Object.fromEntries(changed))
}

function parseEngines(text: string): readonly [string, unknown][] | undefined {
  if (!text.trimStart().startsWith('{')) return undefined
  try {
    return Object.entries(asRecord(JSON.parse(text)))
  } catch {
    // Neither a plain value nor engines': one that nothing is made of.
    return [['', undefined]]
  }
}

function isWhole(value: string): boolean {
  return /^\d{1,9}$/.test(value)
}
