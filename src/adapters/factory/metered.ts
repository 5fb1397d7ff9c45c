import type { Meter } from '../../core/metrics/meter.ts'
import type { Factory } from '../../core/release/ports.ts'

/** The same Factory, with how long it takes to answer. */
export function metered(meter: Meter | undefined, factory: Factory): Factory {
  async function timed<T>(request: string, work: Promise<T>): Promise<T> {
    const began = performance.now()
    const note = (outcome: string) =>
      meter?.observe(
        'caretaker_factory_request_duration_seconds',
        { request, outcome },
        (performance.now() - began) / 1_000,
      )
    try {
      const answer = await work
      note('ok')
      return answer
    } catch (error) {
      note('failed')
      throw error
    }
  }
  return {
    registry: factory.registry,
    versions: (signal) => timed('versions', factory.versions(signal)),
    withdrawn: (offered, signal) => timed('withdrawn', factory.withdrawn(offered, signal)),
    catalogue: (version, signal) => timed('catalogue', factory.catalogue(version, signal)),
    register: (schematic, signal) => timed('schematic', factory.register(schematic, signal)),
    warm: (image, signal) => timed('build', factory.warm(image, signal)),
    open: (image, resume, signal) => timed('image', factory.open(image, resume, signal)),
  }
}
