import { type Config, configSchema, parseConfig } from '../../src/config/config.ts'
import { loadRegistry, sectionsOf } from '../../src/main/registry.ts'

const sections = sectionsOf(await loadRegistry())

/** The configuration with the sections of all services, as a daemon reads it. */
export function parseWhole(text: string, file: string): Config & Readonly<Record<string, unknown>> {
  return parseConfig(text, file, sections)
}

export const wholeSchema = (): object => configSchema(sections)
