import type { MachineMeans } from '../../operations/provision/requests.ts'
import type { OperatorOptions } from '../../operations/operator.ts'
import { type DeskMeans, keepDesk } from './machine-desk.ts'
import { openRenderer, type RendererOptions } from './machine-renderer.ts'
import type { World } from '../wiring.ts'

export interface ProvisionOptions extends Omit<RendererOptions, 'agent' | 'world'>, Pick<DeskMeans, 'boots'> {
  readonly agent: RendererOptions['agent'] & DeskMeans['agent']
  readonly world: World
}

/** What decides about machines on their way into the cluster and makes their configurations, as the Operator takes it. */
export interface Provision extends Disposable, Pick<MachineMeans, 'desk' | 'renderer'> {
  readonly rendering: NonNullable<OperatorOptions['rendering']>
}

export async function openProvision(options: ProvisionOptions): Promise<Provision> {
  const { settings, ports } = options
  const rendering = await openRenderer(options)
  const { renderer } = rendering
  const desk = keepDesk({ ...options, journal: ports.journal, config: () => settings.config, renderer })
  return {
    desk,
    renderer,
    rendering,
    [Symbol.dispose]: () => {
      desk[Symbol.dispose]()
      rendering[Symbol.dispose]()
    },
  }
}
