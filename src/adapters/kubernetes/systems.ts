import { setTimeout as sleep } from 'node:timers/promises'
import { AgentError } from '../../core/errors.ts'
import { demandReady, NotServed, testify } from './absence.ts'
import { type Api, ApiRefusal } from './api.ts'

/** A custom kind, by what its CustomResourceDefinition calls it. */
export interface CustomKind {
  readonly group: string
  readonly plural: string
}

export type StorageSystem = 'longhorn' | 'ceph'

export const cephClusters: CustomKind = { group: 'ceph.rook.io', plural: 'cephclusters' }
export const longhornSettings: CustomKind = { group: 'longhorn.io', plural: 'settings' }

/** By one kind of each it is known whether the cluster has the system. */
const kinds: Readonly<Record<StorageSystem, CustomKind>> = {
  longhorn: { group: 'longhorn.io', plural: 'volumes' },
  ceph: cephClusters,
}
const systems = ['longhorn', 'ceph'] as const

export interface Systems {
  /**
   * What the cluster has. In `unknown` is what it may have, with the error that keeps us from knowing, which passes.
   *
   * @throws AgentError where the API server does not answer at all
   */
  find(signal: AbortSignal): Promise<Presence>
  /**
   * The answer to a question about objects of this kind; undefined where the cluster has no such kind. A 404 alone does
   * not say so.
   *
   * @throws AgentError `unreachable` where the kind is there, or may be, and is not served
   */
  whereServed<T>(kind: CustomKind, ask: () => Promise<T>, signal: AbortSignal): Promise<T | undefined>
}

export interface Presence {
  readonly present: ReadonlySet<StorageSystem>
  readonly unknown: ReadonlyMap<StorageSystem, AgentError>
}

export interface SystemsOptions {
  /** How long a system must be missing before it counts as uninstalled, in ms. */
  readonly goneAfter?: number
}

/** How long a proof of absence is cached, in ms. */
const provenFor = 30_000

/**
 * Which storage systems the cluster has. Reading "not installed" from an API server that is just starting would drain a
 * node with the last replica; see `testify`.
 */
export function createSystems(api: Api, { goneAfter = 60_000 }: SystemsOptions = {}): Systems {
  /** By the name of its definition: when its absence was proven. */
  const proven = new Map<string, number>()
  /** Groups and definitions. */
  const seen = new Set<string>()
  /** Since when something that was seen is missing. */
  const missing = new Map<string, number>()

  function saw(what: string): void {
    seen.add(what)
    missing.delete(what)
  }

  /**
   * Returns where the kind is absent for certain. `what` is what of it was or was not seen before: its group, or its
   * definition.
   *
   * @throws AgentError where it is not, `unreachable`
   */
  async function prove(kind: CustomKind, what: string, signal: AbortSignal): Promise<void> {
    const name = definitionOf(kind)
    const now = performance.now()
    if (now - (proven.get(name) ?? -Infinity) < provenFor) return
    const collection = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
    const found = await testify(api, { resource: 'customresourcedefinitions', name, collection }, signal)
    if (found === 'there') {
      saw(what)
      throw new NotServed(name)
    }
    if (found === 'unknown') return await proveByDiscovery(kind, what, signal)
    if (seen.has(what)) {
      const since = missing.get(what) ?? now
      missing.set(what, since)
      if (now - since < goneAfter)
        throw new AgentError(
          'unreachable',
          `${name} has disappeared from the cluster: it counts as uninstalled if it does not come back`,
        )
      seen.delete(what)
      missing.delete(what)
    }
    proven.set(name, performance.now())
  }

  /** Without the right to see definitions discovery is all there is: asked again by a server that calls itself ready. */
  async function proveByDiscovery(kind: CustomKind, what: string, signal: AbortSignal): Promise<void> {
    const name = definitionOf(kind)
    await demandReady(api, signal)
    if ((await groupsOf(api, signal)).has(kind.group)) {
      saw(what)
      throw new NotServed(name)
    }
    if (seen.has(what))
      throw new AgentError(
        'unreachable',
        `${name} is no longer served, and our role does not let us check whether it was uninstalled: allow "get customresourcedefinitions", or restart Caretaker`,
      )
    proven.set(name, performance.now())
  }

  return {
    async find(signal) {
      const groups = await groupsOf(api, signal)
      const present = new Set<StorageSystem>()
      const unknown = new Map<StorageSystem, AgentError>()
      await Promise.all(
        systems.map(async (system) => {
          const kind = kinds[system]
          if (groups.has(kind.group)) {
            saw(kind.group)
            present.add(system)
            return
          }
          try {
            await prove(kind, kind.group, signal)
          } catch (error) {
            if (!(error instanceof AgentError)) throw error
            unknown.set(system, error)
          }
        }),
      )
      return { present, unknown }
    },
    async whereServed(kind, ask, signal) {
      const name = definitionOf(kind)
      try {
        const answer = await ask()
        saw(name)
        proven.delete(name)
        return answer
      } catch (error) {
        if (!(error instanceof ApiRefusal) || error.status !== 404) throw error
        await prove(kind, name, signal)
        return undefined
      }
    },
  }
}

/** The interval and the time limit of retries while an API server does not serve a kind yet, in ms. */
const askEvery = 500
const servedWithin = 3_000

/** Asks again for a while, within the signal, while the API server is still starting. */
export async function whileItStarts<T>(
  isStarting: (answer: T) => boolean,
  ask: () => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const beganAt = performance.now()
  while (true) {
    const answer = await ask()
    if (!isStarting(answer) || performance.now() - beganAt >= servedWithin) return answer
    await sleep(askEvery, undefined, { signal }).catch(() => {})
    if (signal.aborted) return answer
  }
}

function definitionOf({ group, plural }: CustomKind): string {
  return `${plural}.${group}`
}

/** Which groups the API serves, as `longhorn.io`. */
async function groupsOf(api: Api, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const { groups } = await api.send<{ groups?: readonly { readonly name: string }[] }>({
    method: 'GET',
    path: '/apis',
    signal,
  })
  // An API server has built-in groups: an answer without any is from another server.
  if (!Array.isArray(groups) || groups.length === 0)
    throw new AgentError(
      'malformed',
      'the Kubernetes API answers GET /apis with something that is not a list of groups',
    )
  return new Set(groups.map(({ name }) => name))
}
