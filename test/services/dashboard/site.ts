import type { Scope } from '../../../src/core/access/token.ts'
import type { Operator } from '../../../src/core/operator.ts'
import { loadRegistry } from '../../../src/main/registry.ts'
import type { PageSpec } from '../../../src/operations/pages.ts'
import type { WebCaller } from '../../../src/operations/web.ts'
import { openSite } from '../../../src/services/dashboard/site.ts'
import { open as openStory } from '../../operations/requesting.ts'
import { operatorOf } from '../../fakes/person.ts'

const folder = new URL('../../../src/services/dashboard/assets/', import.meta.url)

/** The pages of every service, in their order. */
export async function ownPages(): Promise<readonly PageSpec[]> {
  const services = await loadRegistry()
  return services.flatMap(({ pages = [] }) => pages).toSorted((one, other) => one.order - other.order)
}

export interface SiteOptions {
  readonly pages?: readonly PageSpec[]
  /** What of the Operator is other than on a fake homelab of one control plane and one worker. */
  readonly operator?: Partial<Operator>
}

export interface Ask {
  readonly method?: string
  /** Undefined: a stranger. */
  readonly scope?: Scope | undefined
  readonly headers?: Readonly<Record<string, string>>
  readonly form?: Readonly<Record<string, string>>
}

/** The dashboard of an agent on a fake homelab. */
export async function openDashboard(options: SiteOptions = {}) {
  const story = await openStory()
  const operator = { ...operatorOf(story.homelab, story), ...options.operator }
  const logged: unknown[] = []
  const log = { error: (fields: unknown) => void logged.push(fields) }
  const site = await openSite(
    {
      operator,
      config: () => story.config,
      settings: () => ({ file: 'caretaker.yaml', settings: [] }),
      pages: options.pages ?? (await ownPages()),
      log: log as never,
      now: () => new Date(),
    },
    folder,
  )
  async function ask(path: string, { method = 'GET', headers = {}, form, ...who }: Ask = {}) {
    const scope = 'scope' in who ? who.scope : 'operate'
    const body = form && new URLSearchParams(form)
    const request = new Request(`http://nas.lan:8420${path}`, { method, headers, ...(body ? { body } : {}) })
    const response = await site.answer({ request, caller: scope && callerOf(scope) })
    const text = await response.text()
    return { status: response.status, headers: response.headers, text }
  }
  return { ...story, operator, ask, logged, [Symbol.asyncDispose]: () => story[Symbol.asyncDispose]() }
}

function callerOf(scope: Scope): WebCaller {
  return { requester: { name: 'token desk', verified: true }, scope, via: 'session', isStill: () => true }
}
