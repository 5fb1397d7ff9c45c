import { AgentError } from '../../../core/errors.ts'
import { type Asking, definePage, type Given, type PageRequest } from '../../../operations/pages.ts'
import { type BootsData, bootsView } from './view.ts'

/** Services whose state says whether machines are answered and served. */
const services: ReadonlySet<string> = new Set(['proxy-dhcp', 'boot-files'])

export default definePage<BootsData>({
  read: readBoots,
  view: bootsView,
  requests: { once: once(false), not: once(true) },
})

async function readBoots({ operator, query }: Asking): Promise<BootsData> {
  const known = await operator.known()
  const machine = query.get('machine') ?? undefined
  return {
    machines: operator.netboot.status(),
    chosen: machine === undefined ? undefined : findMachine(operator, machine),
    services: known.services.filter(({ name }) => services.has(name)),
    alerts: operator.alerts().filter(({ id }) => id.startsWith('netboot.')),
  }
}

/** One that was forgotten meanwhile has no tries, and the page is still there. */
function findMachine({ netboot }: Asking['operator'], machine: string): BootsData['chosen'] {
  try {
    return netboot.find({ machine })
  } catch (error) {
    if (error instanceof AgentError && error.code === 'not-found') return { missing: machine }
    throw error
  }
}

/** Has a machine boot from the network once more, or takes that back. */
function once(cancel: boolean): PageRequest {
  return {
    title: cancel ? 'Not boot from the network after all?' : 'Boot from the network once?',
    label: cancel ? 'Take it back' : 'Boot it once',
    scope: 'operate',
    ...(cancel ? {} : { isDangerous: true as const }),
    fields: [{ kind: 'given', name: 'machine' }],
    preview: (given, { operator }) => {
      const { machine, why, last } = operator.netboot.find({ machine: demandMachine(given) })
      if (cancel) return [`${machine} is treated as its rule says again`]
      return [
        `The next time ${machine} asks within a day, it is told to boot ${last?.file ?? 'the image on the share'}`,
        'What an image does to a disk is up to its configuration: a Talos image without one installs nothing',
        `Now: ${why}`,
      ]
    },
    perform: async (given, { operator }, asked) =>
      operator.netboot.once({ machine: demandMachine(given), cancel }, asked).said,
  }
}

/** @throws AgentError `misconfigured` */
function demandMachine({ machine }: Given): string {
  if (machine === undefined || machine === '') throw new AgentError('misconfigured', 'no machine was named')
  return machine
}
