import type { Kubernetes } from '../../core/cluster/ports.ts'
import type { StorageSetting } from '../../core/cluster/workload.ts'
import { isStarting } from './absence.ts'
import { type Api, ApiRefusal } from './api.ts'
import { cephNamespaces, observeFlags, setFlag } from './ceph-flags.ts'
import { observeSettings, setSetting } from './longhorn-settings.ts'
import {
  cephClusters,
  type CustomKind,
  longhornSettings,
  type StorageSystem,
  type Systems,
  whileItStarts,
} from './systems.ts'

const kinds: Readonly<Record<StorageSystem, CustomKind>> = {
  longhorn: longhornSettings,
  ceph: cephClusters,
}

interface Found {
  readonly settings: readonly StorageSetting[]
  /** Why a system could not be asked yet, by an API server that is starting. */
  readonly unknown: readonly unknown[]
}

/** Settings that keep Longhorn and Ceph from re-replicating data during a planned shutdown. */
export function createStorageSettings(api: Api, systems: Systems): Pick<Kubernetes, 'storageSettings' | 'setStorage'> {
  async function find(signal: AbortSignal): Promise<Found> {
    const { present, unknown } = await systems.find(signal)
    const errors: unknown[] = [...unknown.values()]
    const of = async (system: StorageSystem, read: () => Promise<readonly StorageSetting[]>) => {
      if (!present.has(system)) return []
      try {
        return (await systems.whereServed(kinds[system], read, signal)) ?? []
      } catch (error) {
        if (isForbidden(error)) return []
        if (!isStarting(error)) throw error
        errors.push(error)
        return []
      }
    }
    const [longhorn, ceph] = await Promise.all([
      of('longhorn', () => observeSettings(api, signal)),
      of('ceph', () => flagsOfAll(api, signal)),
    ])
    return { settings: [...longhorn, ...ceph], unknown: errors }
  }

  return {
    async storageSettings(signal) {
      // They are read once, when the power fails: an API server that is just starting gets a moment.
      const { settings, unknown } = await whileItStarts(
        (found) => found.unknown.some(isStarting),
        () => find(signal),
        signal,
      )
      // The settings of one system are useful without the other's.
      if (settings.length === 0) for (const error of unknown) throw error
      return settings
    },
    async setStorage(setting, value, signal) {
      const set = setting.system === 'ceph' ? setFlag : setSetting
      const attempt = async (): Promise<ApiRefusal | undefined> => {
        let refusal: ApiRefusal | undefined
        const act = () =>
          set(api, setting, value, signal).catch((error: unknown) => {
            if (error instanceof ApiRefusal && error.status === 404) refusal = error
            throw error
          })
        try {
          // Undefined, too, where the whole system was taken out of the cluster, its kinds with it.
          await systems.whereServed(kinds[setting.system], act, signal)
          return undefined
        } catch (error) {
          if (refusal !== undefined && isStarting(error)) return refusal
          throw error
        }
      }
      const refusal = await whileItStarts((one) => one !== undefined, attempt, signal)
      if (refusal) throw refusal
    },
  }
}

async function flagsOfAll(api: Api, signal: AbortSignal): Promise<readonly StorageSetting[]> {
  const namespaces = await cephNamespaces(api, signal)
  return (await Promise.all(namespaces.map((each) => observeFlags(api, each, signal).catch(withoutForbidden)))).flat()
}

/** Forbidden settings are skipped here and reported by `forbidden`. */
function withoutForbidden(error: unknown): readonly never[] {
  if (isForbidden(error)) return []
  throw error
}

function isForbidden(error: unknown): boolean {
  return error instanceof ApiRefusal && error.status === 403
}
