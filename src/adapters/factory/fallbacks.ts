import { AgentError, messageOf } from '../../core/errors.ts'
import type { ImageOrder } from '../../core/release/image.ts'
import type { Download, Factory, Resume } from '../../core/release/ports.ts'
import type { Schematic } from '../../core/release/schematic.ts'

export interface NamedFactory {
  /** As people know it: its URL. */
  readonly name: string
  readonly factory: Factory
}

export interface FallbackMeans {
  /** What the id of a schematic stands for: a Factory that does not know it yet is told. */
  readonly schematicOf: (id: string) => Schematic | undefined
  /** The releases that were offered last. What a mirror lacks has not vanished. */
  readonly known: () => readonly string[]
  /** Told which one answers while the first does not, and why; with undefined that the first does again. */
  readonly told?: (why: string | undefined) => void
  /** In ms, of a clock that never goes back. */
  readonly monotonic?: () => number
}

interface Failure {
  readonly one: NamedFactory
  readonly error: AgentError
}

/** In ms: so long the others are asked before one that did not answer. */
const avoidedFor = 5 * 60_000

/**
 * Several Factories as one: the first is asked, and each other one where those before it don't answer. Their registries
 * of installers are not exchanged: nodes pull from the first one's.
 */
export function withFallbacks(
  [first, ...others]: readonly [NamedFactory, ...NamedFactory[]],
  means: FallbackMeans,
): Factory {
  const { schematicOf, known, told = () => {}, monotonic = () => performance.now() } = means
  const all = [first, ...others]
  /** Until when one is asked after the others. */
  const avoided = new Map<NamedFactory, number>()

  function inOrder(): readonly NamedFactory[] {
    const isAvoided = (one: NamedFactory) => (avoided.get(one) ?? 0) > monotonic()
    return [...all.filter((one) => !isAvoided(one)), ...all.filter(isAvoided)]
  }

  /** Of the first that answers. `goesOn`: whether the next one is asked after such a failure. */
  async function ask<T>(
    question: (one: NamedFactory, failures: readonly Failure[]) => Promise<T>,
    signal: AbortSignal,
    goesOn: (error: AgentError) => boolean = ({ retryable }) => retryable,
    factories = inOrder(),
  ): Promise<T> {
    const failures: Failure[] = []
    for (const one of factories) {
      try {
        const answer = await question(one, failures)
        avoided.delete(one)
        tell(one, failures)
        return answer
      } catch (error) {
        if (!(error instanceof AgentError) || signal.aborted || !goesOn(error)) throw error
        if (error.retryable) avoided.set(one, monotonic() + avoidedFor)
        failures.push({ one, error })
      }
    }
    // What may pass by itself is tried again, whatever the others say.
    const { error } = failures.find((failure) => failure.error.retryable) ?? failures[0]!
    throw new AgentError(error.code, failures.map((failure) => messageOf(failure.error)).join('; '), error)
  }

  function tell(answering: NamedFactory, failures: readonly Failure[]) {
    if (answering === first) return told(undefined)
    const why = failures.find(({ one, error }) => one === first && error.retryable)
    if (why) told(`${first.name} does not answer, and ${answering.name} is asked instead: ${messageOf(why.error)}`)
  }

  /** The order as this Factory knows it: its id of the schematic may be another one. */
  async function orderAt({ factory, name }: NamedFactory, order: ImageOrder, signal: AbortSignal): Promise<ImageOrder> {
    if (factory === first.factory) return order
    const schematic = schematicOf(order.schematic)
    if (!schematic) throw new AgentError('rejected', `${name} is not asked for a schematic that nobody here knows`)
    return { ...order, schematic: (await factory.register(schematic, signal)).id }
  }

  /** A release, or an extension of it, that one lacks may be there at another. */
  const alsoRefused = ({ retryable, code }: AgentError) => retryable || code === 'rejected'

  return {
    registry: first.factory.registry,
    versions: (signal) =>
      ask(async (one) => {
        const offered = await one.factory.versions(signal)
        return one === first ? offered : [...new Set([...known(), ...offered])]
      }, signal),
    withdrawn: (offered, signal) => ask(({ factory }) => factory.withdrawn(offered, signal), signal),
    catalogue: (version, signal) => ask(({ factory }) => factory.catalogue(version, signal), signal, alsoRefused),
    // The first is asked even where it did not answer a moment ago: nodes pull from its registry, which must know of it.
    register: (schematic, signal) =>
      ask(
        async (one, failures) => {
          const { id } = await one.factory.register(schematic, signal)
          return one === first ? { id } : { id, untold: failures.map(({ error }) => messageOf(error)).join('; ') }
        },
        signal,
        undefined,
        all,
      ),
    warm: (order, signal) =>
      ask(async (one) => one.factory.warm(await orderAt(one, order, signal), signal), signal, alsoRefused),
    open: (order, resume, signal) =>
      ask(
        async (one) => {
          const own = resumeOf(one.name, resume)
          return marked(one.name, await one.factory.open(await orderAt(one, order, signal), own, signal))
        },
        signal,
        alsoRefused,
      ),
  }
}

/** An ETag is its server's own: one that is the same elsewhere says nothing. */
function marked(name: string, download: Download): Download {
  return { ...download, etag: download.etag === undefined ? undefined : `${name} ${download.etag}` }
}

function resumeOf(name: string, resume: Resume | undefined): Resume | undefined {
  return resume?.etag.startsWith(`${name} `) ? { ...resume, etag: resume.etag.slice(name.length + 1) } : undefined
}
