import { createActionPages } from '../../http/action-pages.ts'
import { createActions } from '../../operations/actions.ts'
import type { ServiceContext } from '../../operations/service.ts'
import type { Mount } from './front.ts'

type Context = Pick<
  ServiceContext<unknown>,
  'key' | 'operator' | 'alerts' | 'ports' | 'power' | 'config' | 'now' | 'log'
>

/** The pages that buttons of messages lead to: a link lets in whoever has it, once, and says so itself. */
export async function openActionPages({
  key,
  operator,
  alerts,
  ports,
  power,
  config,
  now,
  log,
}: Context): Promise<Mount> {
  const actions = createActions({
    key: await key('actions'),
    operator,
    alerts,
    journal: ports.journal,
    power,
    config,
    now,
  })
  const pages = createActionPages(() => config().cluster.name, actions, log)
  return { path: '/act/', answer: (request, wire, presser) => pages.fetch(request, { ...wire, presser }) }
}
