import type { Sections } from '../config/config.ts'
import { sectionOf } from '../core/service.ts'
import { loadServices } from '../engine/catalogue.ts'
import type { AnyService } from '../operations/service.ts'

let loading: Promise<readonly AnyService[]> | undefined

/** Every service of src/services: the folder is the registry. */
export function loadRegistry(): Promise<readonly AnyService[]> {
  loading ??= loadServices<AnyService>(new URL('../services/', import.meta.url))
  return loading
}

/** Their sections of the configuration, by key. */
export function sectionsOf(services: readonly AnyService[]): Sections {
  return Object.fromEntries(
    services.flatMap((service) => (service.config ? [[sectionOf(service), service.config as Sections[string]]] : [])),
  )
}
