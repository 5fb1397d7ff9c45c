import type { Sections } from '../config/config.ts'
import { sectionOf } from '../core/service.ts'
import { loadJobs, loadServices } from '../engine/catalogue.ts'
import type { Job } from '../operations/job.ts'
import type { AnyService } from '../operations/service.ts'

let loading: Promise<readonly AnyService[]> | undefined

/** Every service of src/services: the folder is the registry. */
export function loadRegistry(): Promise<readonly AnyService[]> {
  loading ??= loadServices<AnyService>(new URL('../services/', import.meta.url))
  return loading
}

/** Every job of jobs/. */
export function loadOwnJobs(): Promise<readonly Job[]> {
  return loadJobs<Job>(new URL('../../jobs/', import.meta.url))
}

/** Their sections of the configuration, by key. */
export function sectionsOf(services: readonly AnyService[]): Sections {
  return Object.fromEntries(
    services.flatMap((service) => (service.config ? [[sectionOf(service), service.config as Sections[string]]] : [])),
  )
}
