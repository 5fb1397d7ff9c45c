import { setTimeout as sleep } from 'node:timers/promises'
import { AgentError, messageOf } from '../../core/errors.ts'
import type { ServiceContext } from '../../operations/service.ts'
import type { ApiSection } from './section.ts'
import { hashOfToken, type KnownToken, whyUnusableToken } from './tokens.ts'

/** Between two looks at the files, in ms. */
const looksEvery = 2_000

type Source = ApiSection['tokens'][number]

export interface TokenFiles {
  readonly all: readonly KnownToken[]
  /** Looks at them again until the signal aborts. Never rejects. */
  follow(signal: AbortSignal): Promise<void>
}

export type TokenFilesContext = Pick<ServiceContext<unknown>, 'files' | 'alerts' | 'log'>

/**
 * The tokens whose files or variables the configuration names. One that is gone or unusable at two looks in a row lets
 * nobody in any more; one whose disk is silent does as before.
 */
export async function openTokenFiles(
  sources: readonly Source[],
  { files, alerts, log }: TokenFilesContext,
  every = looksEvery,
): Promise<TokenFiles> {
  const known = new Map<string, KnownToken>()
  const faults = new Map<string, string>()

  async function look({ name, scope, token }: Source): Promise<void> {
    try {
      const text = await files.readSecret(token, `api.tokens: ${name}`)
      const why = whyUnusableToken(text)
      if (why !== undefined) throw new AgentError('misconfigured', `the token ${name} ${why}`)
      const hash = hashOfToken(text)
      if (known.has(name) && known.get(name)?.hash.equals(hash) !== true) log.info({ token: name }, 'token changed')
      known.set(name, { name, scope, hash, expiresAt: undefined })
      faults.delete(name)
    } catch (error) {
      const isSilent = error instanceof AgentError && error.code === 'unreachable'
      // Once may be the moment in which it is written.
      if (!isSilent && faults.has(name)) known.delete(name)
      faults.set(name, messageOf(error))
    }
  }

  async function lookAtAll(): Promise<void> {
    for (const source of sources) await look(source)
  }

  function report(): void {
    alerts.report(
      'api.tokens',
      faults.size === 0 ? undefined : { severity: 'warning', subject: 'api', text: [...faults.values()].join('; ') },
    )
  }

  await lookAtAll()
  report()
  return {
    get all() {
      return [...known.values()]
    },
    follow: async (signal) => {
      if (sources.length === 0) return
      while (!signal.aborted) {
        const before = new Map(faults)
        await sleep(every, undefined, { signal }).catch(() => {})
        if (signal.aborted) return
        await lookAtAll()
        // What is wrong for one look only is being written.
        if (faults.size === 0 || [...faults.keys()].every((name) => before.has(name))) report()
      }
    },
  }
}
